import { expect, test } from '@jest/globals';
import { sparingly } from '../../../../subgraphs/shared/process/readiness.ts';

test('a check is made for each who asks now and then, and has the newest outcome', async () => {
  let clockMs = 0;
  let made = 0;
  const check = sparingly(() => Promise.resolve((made += 1)), () => clockMs); // prettier-ignore
  for (let second = 1; second <= 40; second += 1) {
    expect(await check()).toBe(second);
    clockMs += 100;
  }
});

test('a flood costs twenty checks a second, and is told the last outcome', async () => {
  let clockMs = 0;
  let made = 0;
  let isAway = false;
  const check = sparingly(
    async () => {
      made += 1;
      if (isAway) throw new Error('away');
    },
    () => clockMs,
  );
  for (let asked = 0; asked < 1_000; asked += 1) await check();
  expect(made).toBe(20);
  isAway = true;
  clockMs += 1_000;
  for (let asked = 0; asked < 1_000; asked += 1) await expect(check()).rejects.toThrow('away');
  expect(made).toBe(40);
  isAway = false;
  clockMs += 50;
  await check();
});

test('those who ask at once share one check', async () => {
  let made = 0;
  let answer = (): void => undefined;
  const check = sparingly(() => {
    made += 1;
    return new Promise<void>((resolve) => (answer = resolve));
  });
  const all = [check(), check(), check()];
  answer();
  await Promise.all(all);
  expect(made).toBe(1);
  void check();
  expect(made).toBe(2);
  answer();
});
