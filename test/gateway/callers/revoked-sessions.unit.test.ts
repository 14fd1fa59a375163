import { expect, test } from '@jest/globals';
import pino from 'pino';
import { openRevokedSessions } from '../../../gateway/callers/revoked-sessions.ts';
import { type Time, realTime } from '../../../subgraphs/shared/time/time.ts';

const minuteMs = 60_000;

/** A gateway's view of the set in Redis, by a clock that the test moves; no notice comes unless the test gives it. */
async function world() {
  const set = new Map<string, number>();
  const reads: number[] = [];
  const clock = { ms: Date.parse('2026-12-01T12:00:00Z') };
  let timer: { atMs: number; work: () => void } | undefined;
  let notify: (sessionId: string | null) => void = () => undefined;
  const redis = {
    zRangeByScoreWithScores: async (_: string, from: number) => {
      const found = [...set].filter(([, score]) => score >= from).map(([value, score]) => ({ value, score }));
      reads.push(found.length);
      return found;
    },
  };
  const time: Time = {
    ...realTime,
    after(ms, work) {
      const mine = { atMs: clock.ms + ms, work };
      timer = mine;
      return () => void (timer = timer === mine ? undefined : timer);
    },
  };
  const revoked = await openRevokedSessions({
    redis: redis as never,
    live: { listen: (_: string, listener: typeof notify) => ((notify = listener), () => undefined) } as never,
    log: pino({ level: 'silent' }),
    now: () => new Date(clock.ms),
    time,
  });
  const settle = () => new Promise((settled) => setImmediate(settled));
  await settle();
  return {
    set, reads, revoked, clock,
    notify: (sessionId: string | null) => notify(sessionId),
    /** Lets so much time pass, and whatever is due in it happen. */
    async pass(ms: number) {
      const endMs = clock.ms + ms;
      await settle();
      while (timer && timer.atMs <= endMs) {
        const { atMs, work } = timer;
        timer = undefined;
        clock.ms = atMs;
        work();
        await settle();
      }
      clock.ms = endMs;
    },
  }; // prettier-ignore
}

test('[PM-1] a session whose notice is lost ends within five seconds all the same', async () => {
  const { set, revoked, clock, pass } = await world();
  for (let round = 0; round < 30; round += 1) {
    const sessionId = `s${round}`;
    set.set(sessionId, clock.ms + 12 * minuteMs);
    await pass(4_999);
    expect(revoked.has(sessionId)).toBe(true);
  }
  await revoked.close();
});

test('what is known is not read at each look, and one that was put in late is found within half a minute', async () => {
  const { set, reads, revoked, clock, pass } = await world();
  for (let index = 0; index < 1_000; index += 1) set.set(`old${index}`, clock.ms + 5 * minuteMs + index);
  set.set('new', clock.ms + 12 * minuteMs);
  await pass(30_000);
  reads.length = 0;
  await pass(30_000);
  expect(reads.filter((count) => count > 100).length).toBe(1);
  set.set('late', clock.ms + 6 * minuteMs);
  await pass(30_000);
  expect(revoked.has('late')).toBe(true);
  await revoked.close();
});

test('after a reconnect all are read at once, and what has ended is forgotten', async () => {
  const { set, revoked, clock, notify, pass } = await world();
  set.set('new', clock.ms + 12 * minuteMs);
  await pass(3_000);
  set.set('late', clock.ms + minuteMs);
  notify(null);
  await pass(1);
  expect(revoked.has('late')).toBe(true);
  await pass(2 * minuteMs);
  expect([revoked.has('late'), revoked.has('new')]).toEqual([false, true]);
  await revoked.close();
});
