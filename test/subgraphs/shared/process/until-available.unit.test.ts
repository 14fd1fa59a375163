import { describe, expect, test } from '@jest/globals';
import { openRevokedSessions } from '../../../../gateway/callers/revoked-sessions.ts';
import { openClock } from '../../../../subgraphs/shared/process/clock.ts';
import type { Logger } from '../../../../subgraphs/shared/process/telemetry.ts';
import { untilAvailable } from '../../../../subgraphs/shared/process/until-available.ts';

const reset = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
const log = { debug: () => undefined, warn: () => undefined } as unknown as Logger;

/** Fails so many times with what a cut connection says. */
function cut<Result>(times: number, result: Result): { work: () => Promise<Result>; tries: () => number } {
  let tries = 0;
  return {
    tries: () => tries,
    async work() {
      tries += 1;
      if (tries <= times) throw reset();
      return result;
    },
  };
}

describe('a step of a start', () => {
  test('is done again when its connection was cut in the midst of it', async () => {
    const { work, tries } = cut(2, 'done');
    expect(await untilAvailable(work)).toBe('done');
    expect(tries()).toBe(3);
  });

  test('is not done again after another error', async () => {
    let tries = 0;
    const work = async (): Promise<never> => {
      tries += 1;
      throw new TypeError('no');
    };
    await expect(untilAvailable(work)).rejects.toThrow(TypeError);
    expect(tries).toBe(1);
  });

  test('fails with what was away when that stays away for a minute', async () => {
    let nowMs = 0;
    const time = {
      monotonicMs: () => nowMs,
      random: () => 1,
      sleep: async (ms: number) => void (nowMs += ms),
    } as Parameters<typeof untilAvailable>[1];
    await expect(untilAvailable(cut(1_000_000, null).work, time)).rejects.toThrow('ECONNRESET');
    expect(nowMs).toBeGreaterThan(60_000);
    expect(nowMs).toBeLessThan(61_000);
  });

  test('may be the first look at the clock of Redis', async () => {
    const { work, tries } = cut(1, Date.now());
    await (await openClock({ readSharedMs: work, log })).close();
    expect(tries()).toBeGreaterThanOrEqual(2);
  });

  test("may be a gateway's first look at the sessions that were revoked", async () => {
    const { work } = cut(1, [{ value: 'session-1', score: Date.now() + 60_000 }]);
    const revoked = await openRevokedSessions({
      redis: { zRangeByScoreWithScores: work } as never,
      live: { listen: () => () => undefined } as never,
      log,
      now: () => new Date(),
    });
    expect(revoked.has('session-1')).toBe(true);
    await revoked.close();
  });
});
