import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { openProbing } from '../../../../subgraphs/shared/calls/probing.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function away(options: { backAfter: number; fails?: boolean }) {
  let asked = 0;
  const probing = openProbing({
    delayMs: () => 100,
    async probe() {
      asked += 1;
      if (options.fails) throw new Error('away');
    },
    isOver: () => asked >= options.backAfter,
  });
  return { probing, asked: () => asked, pass: (ms: number) => jest.advanceTimersByTimeAsync(ms) };
}

test.each([false, true])('what is away is asked again until it is back, and again when it has gone again (fails: %s)', async (fails) => {
  const { probing, asked, pass } = away({ backAfter: 3, fails });
  await pass(1_000);
  expect(asked()).toBe(0);
  probing.begin();
  probing.begin();
  await pass(250);
  expect(asked()).toBe(2);
  await pass(1_000);
  expect(asked()).toBe(3);
  probing.begin();
  await pass(1_000);
  expect(asked()).toBe(4);
}); // prettier-ignore

test('closed, nothing is asked any more', async () => {
  const { probing, asked, pass } = away({ backAfter: 100 });
  probing.begin();
  await pass(250);
  probing.close();
  probing.begin();
  await pass(1_000);
  expect(asked()).toBe(2);
});
