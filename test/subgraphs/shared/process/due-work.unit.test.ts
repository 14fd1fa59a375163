import { afterEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { type DueIn, startDueWork } from '../../../../subgraphs/shared/process/due-work.ts';
import type { Time } from '../../../../subgraphs/shared/time/time.ts';

const log = pino({ level: 'silent' });
const everyMs = 5_000;

/** A clock that only `pass` moves; what is due meanwhile runs in its order. */
function openTime() {
  let nowMs = 0;
  let waiting: { atMs: number; work: () => void }[] = [];
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const time: Time = {
    monotonicMs: () => nowMs,
    sleep: (ms) => new Promise((resolve) => void time.after(ms, resolve)),
    after(ms, work) {
      const one = { atMs: nowMs + ms, work };
      waiting.push(one);
      return () => (waiting = waiting.filter((other) => other !== one));
    },
    caughtUp: async () => undefined,
    random: () => 0.5,
  };
  return {
    time,
    settle,
    async pass(ms: number): Promise<void> {
      const untilMs = nowMs + ms;
      await settle();
      for (;;) {
        const next = waiting.toSorted((a, b) => a.atMs - b.atMs)[0];
        if (!next || next.atMs > untilMs) break;
        waiting = waiting.filter((one) => one !== next);
        nowMs = Math.max(nowMs, next.atMs);
        next.work();
        await settle();
      }
      nowMs = untilMs;
    },
  };
}

let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
});

/** Work of one kind over rows that are due at these times; a turn takes all that are due, unless they are stuck. */
function open(options: { dueAtMs?: number[]; stuck?: boolean; failures?: number } = {}) {
  const clock = openTime();
  const nowMs = () => clock.time.monotonicMs();
  const rows = options.dueAtMs ?? [];
  let failures = options.failures ?? 0;
  const ran: number[] = [];
  const looked: number[] = [];
  const work = startDueWork({
    name: 'test',
    everyMs,
    log,
    time: clock.time,
    async look(): Promise<DueIn<'rows'>> {
      looked.push(nowMs());
      return { rows: rows.length === 0 ? null : Math.min(...rows) - nowMs() };
    },
    works: {
      async rows() {
        ran.push(nowMs());
        if (failures > 0) {
          failures -= 1;
          throw new Error('this turn fails');
        }
        if (!options.stuck) rows.splice(0, rows.length, ...rows.filter((at) => at > nowMs()));
      },
    },
  });
  stop = work.stop;
  return { ...clock, work, rows, ran, looked };
}

test('each kind runs once at the start, and then not while nothing is due', async () => {
  const { pass, ran, looked } = open();
  await pass(60_000);
  expect(ran).toEqual([0]);
  expect(looked.length).toBeLessThanOrEqual(2 + 60_000 / everyMs);
});

test('a row that a look has seen is taken when it is due, to the millisecond', async () => {
  const { pass, ran } = open({ dueAtMs: [12_345] });
  await pass(60_000);
  expect(ran).toEqual([0, 12_345]);
});

test('a row that was written since, and that no command has told of, is taken after one interval at most', async () => {
  const { pass, ran, rows } = open();
  await pass(10_100);
  rows.push(10_100);
  await pass(everyMs);
  expect(ran).toHaveLength(2);
});

test('a kick runs the work at once, and what the turn has put off is taken when it is due', async () => {
  const { pass, settle, ran, rows, work } = open();
  await pass(10_100);
  rows.push(11_000);
  work.rows.kick();
  await settle();
  await pass(everyMs);
  expect(ran).toEqual([0, 10_100, 11_000]);
});

test('rows that stay due are tried again once an interval, not over and over', async () => {
  const { pass, ran } = open({ dueAtMs: [0], stuck: true });
  await pass(60_000);
  expect(ran.length).toBeGreaterThanOrEqual(60_000 / everyMs);
  expect(ran.length).toBeLessThanOrEqual(2 + 60_000 / everyMs);
});

test('a turn that fails is tried again by itself', async () => {
  const { pass, ran } = open({ dueAtMs: [20_000], failures: 2 });
  await pass(60_000);
  expect(ran.length).toBe(4);
  expect(Math.floor(ran.at(-1) ?? 0)).toBe(20_000);
});

test('once stopped it neither looks nor works', async () => {
  const { pass, ran, looked, work } = open({ dueAtMs: [12_000] });
  await pass(10_100);
  await work.stop();
  const before = [ran.length, looked.length];
  await pass(60_000);
  expect([ran.length, looked.length]).toEqual(before);
});
