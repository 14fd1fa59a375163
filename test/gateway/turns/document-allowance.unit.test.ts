import { describe, expect, test } from '@jest/globals';
import { openDocumentAllowance } from '../../../gateway/turns/document-allowance.ts';

const maxWaitMs = 5_000;

/** A clock that goes on by a tenth of a second each time somebody looks whether the process is busy. */
function world(options: { busyUntilMs?: number } = {}) {
  const clock = { nowMs: 0 };
  const { busyUntilMs = Infinity } = options;
  const allowance = openDocumentAllowance({
    maxWaitMs,
    nowMs: () => clock.nowMs,
    isBusy: () => {
      clock.nowMs += 100;
      return clock.nowMs < busyUntilMs;
    },
  });
  const take = async (client: string, isGone?: () => boolean) => {
    const startedMs = clock.nowMs;
    const taken = await allowance.take({ client, isGone });
    return { taken, waitedMs: clock.nowMs - startedMs };
  };
  const spend = async (client: string): Promise<void> => {
    for (let number = 0; number < 300; number++) expect(await take(client)).toEqual({ taken: true, waitedMs: 0 });
  };
  return { clock, take, spend };
}

describe('new documents of a client', () => {
  test('are taken at once up to three hundred, though the process is busy', async () => {
    const { spend } = world();
    await spend('a');
    await spend('b');
  });

  test('come one a second after that while it is, and nobody else waits for it', async () => {
    const { take, spend } = world();
    await spend('a');
    expect(await take('a')).toEqual({ taken: true, waitedMs: 1_000 });
    expect(await take('b')).toEqual({ taken: true, waitedMs: 0 });
    expect(await take('a')).toEqual({ taken: true, waitedMs: 1_000 });
  });

  test('are taken at once again after a pause', async () => {
    const { take, spend, clock } = world();
    await spend('a');
    clock.nowMs += 10_000;
    for (let number = 0; number < 10; number++) expect((await take('a')).waitedMs).toBe(0);
    expect((await take('a')).waitedMs).toBe(1_000);
  });

  test('wait no longer than the process is busy', async () => {
    const { take, spend } = world({ busyUntilMs: 300 });
    await spend('a');
    expect(await take('a')).toEqual({ taken: true, waitedMs: 300 });
    expect(await take('a')).toEqual({ taken: true, waitedMs: 100 });
  });

  test('are refused after five seconds when too many of the client wait already, at no cost to it', async () => {
    const { take, spend, clock } = world();
    await spend('a');
    const waiting = await Promise.all(Array.from({ length: 12 }, () => take('a')));
    expect(waiting.filter(({ taken }) => taken)).toHaveLength(5);
    expect(Math.max(...waiting.map(({ waitedMs }) => waitedMs))).toBeLessThanOrEqual(maxWaitMs + 1_200);
    clock.nowMs += 1_000;
    expect((await take('a')).taken).toBe(true);
  });

  test('that nobody waits for any more are given up', async () => {
    const { take, spend } = world();
    await spend('a');
    let looks = 0;
    expect(await take('a', () => (looks += 1) > 3)).toMatchObject({ taken: false });
    expect((await take('a')).waitedMs).toBeLessThanOrEqual(1_000);
  });
});
