import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { type Jobs, openJobs } from '../../../../subgraphs/shared/jobs/jobs.ts';
import type { Live } from '../../../../subgraphs/shared/process/live.ts';
import { createMetrics } from '../../../../subgraphs/shared/process/telemetry.ts';
import { log } from '../events-world.ts';
import { until } from '../../../support/until.ts';
import { type TcpProxy, startTcpProxy } from '../../../faults/tcp-proxy.ts';

/** Where jobs are kept, and how a test makes that store lose everything. */
export type JobStore = { mongoUrl: string | undefined; redisUrl: string; loseEverything(): Promise<void> };

const newPrefix = () => `t${randomBytes(4).toString('hex')}`;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Live notices within this process. */
function liveHere(): Live {
  const told = new EventEmitter();
  return {
    publish: (channel, message) => void told.emit(channel, message),
    listen(channel, onNotice) {
      told.on(channel, onNotice);
      return () => void told.off(channel, onNotice);
    },
    close: async () => void told.removeAllListeners(),
  };
}

/** What jobs do, whichever store keeps them. Called inside a `describe`. */
export function testJobs(store: () => JobStore): void {
  const opened: Jobs[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((jobs) => jobs.stop()));
  });

  const open = async (prefix: string, live = liveHere()): Promise<Jobs> => {
    const { mongoUrl, redisUrl } = store();
    const jobs = await openJobs({
      mongoUrl,
      redisUrl,
      name: `test-${opened.length}`,
      prefix,
      log,
      metrics: createMetrics(),
      live,
    });
    opened.push(jobs);
    return jobs;
  };

  test('wake at the full second after the time asked for, once however often it was asked for', async () => {
    const jobs = await open(newPrefix());
    const runs: number[] = [];
    jobs.define('test.wake', async () => {
      runs.push(Date.now());
    });
    jobs.start();
    const at = new Date(Date.now() + 1_200);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => jobs.wakeAt('test.wake', new Date(at.getTime() - (index % 2)))),
    );
    const second = Math.ceil(at.getTime() / 1000) * 1000;
    await until(() => runs.length > 0);
    expect(runs[0]).toBeGreaterThanOrEqual(second - 5);
    expect(runs[0]).toBeLessThan(second + 1_500);
    await pause(1_200);
    expect(runs.length).toBeLessThanOrEqual(new Date(at.getTime() - 1).getSeconds() === at.getSeconds() ? 1 : 2);
  }, 15_000);

  test('are only scheduled by a process that was not started, and run by one that was', async () => {
    const prefix = newPrefix();
    const [scheduler, worker] = [await open(prefix), await open(prefix)];
    let runs = 0;
    worker.define('test.elsewhere', async () => {
      runs += 1;
    });
    worker.start();
    await scheduler.wakeAt('test.elsewhere', new Date());
    await until(() => runs === 1);
  }, 15_000);

  test('end nothing in the other processes, which are told of how each of them ends', async () => {
    const [prefix, live] = [newPrefix(), liveHere()];
    const [one, other] = [await open(prefix, live), await open(prefix, live)];
    let runs = 0;
    let ended = 0;
    live.listen('jobs', (message) => (ended += (message ?? '').includes('"complete"') ? 1 : 0));
    one.define('test.good', async () => void (runs += 1));
    one.define('test.bad', async () => {
      runs += 1;
      throw new Error('for once');
    });
    one.start();
    // It has no such jobs to run, and hears of them: what it throws then, Jest fails the test for.
    other.start();
    await other.wakeAt('test.good', new Date());
    await other.wakeAt('test.bad', new Date());
    await until(() => runs === 2 && ended === 2);
    await pause(50);
  }, 15_000);

  test('that recur are made again when the store has lost everything', async () => {
    const jobs = await open(newPrefix());
    let runs = 0;
    jobs.define('test.often', async () => {
      runs += 1;
    });
    jobs.recurring('test.often', 500);
    jobs.start();
    await until(() => runs >= 2);
    await store().loseEverything();
    await pause(1_000);
    const before = runs;
    await until(() => runs >= before + 2, { timeoutMs: 20_000 });
  }, 30_000);

  test('that an earlier version made to recur, and this one does not, leave the store', async () => {
    const prefix = newPrefix();
    const earlier = await open(prefix);
    earlier.define('test.retired', async () => undefined);
    earlier.recurring('test.retired', 60_000);
    earlier.start();
    const stored = async (jobs: Jobs) => (await jobs.agenda().queryJobs({ name: 'test.retired' })).total;
    await until(async () => (await stored(earlier)) === 1);
    await earlier.stop();
    const jobs = await open(prefix);
    expect(await stored(jobs)).toBe(1);
    jobs.retire('test.retired');
    jobs.start();
    await until(async () => (await stored(jobs)) === 0);
  }, 15_000);

  test('that fail are run again at their next time', async () => {
    const jobs = await open(newPrefix());
    let runs = 0;
    jobs.define('test.failing', async () => {
      runs += 1;
      throw new Error('no');
    });
    jobs.recurring('test.failing', 500);
    jobs.start();
    await until(() => runs >= 3);
  }, 15_000);

  test('that fail and have no next time do not stay in the store', async () => {
    const jobs = await open(newPrefix());
    let runs = 0;
    jobs.define('test.once', async () => {
      runs += 1;
      throw new Error('no');
    });
    jobs.start();
    await jobs.wakeAt('test.once', new Date());
    await until(() => runs === 1);
    await until(async () => (await jobs.agenda().queryJobs({ name: 'test.once' })).total === 0);
  }, 20_000);

  test('that run are waited for when the process stops', async () => {
    const jobs = await open(newPrefix());
    let state = 'waiting';
    jobs.define('test.slow', async () => {
      state = 'running';
      await pause(700);
      state = 'done';
    });
    jobs.start();
    await jobs.wakeAt('test.slow', new Date());
    await until(() => state === 'running');
    await jobs.stop();
    expect(state).toBe('done');
  }, 15_000);

  const absences: Record<string, { begin(gate: TcpProxy): unknown; end(gate: TcpProxy): unknown }> = {
    hangs: { begin: (gate) => gate.stall(), end: (gate) => gate.mend() },
    'has forgotten its connections': { begin: (gate) => gate.forget(), end: () => undefined },
    'refuses connections': { begin: (gate) => gate.refuse(), end: (gate) => gate.accept() },
  };
  test.each(Object.entries(absences))(
    'say once that a store is away that %s, though no job is due, and once that it is back',
    async (_, { begin, end }) => {
      const { mongoUrl, redisUrl } = store();
      const url = new URL(mongoUrl ?? redisUrl);
      const gate = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
      [url.hostname, url.port] = ['127.0.0.1', String(gate.port)];
      const said: string[] = [];
      const lines = { write: (line: string) => void said.push((JSON.parse(line) as { msg: string }).msg) };
      const jobs = await openJobs({
        mongoUrl: mongoUrl && url.href,
        redisUrl: mongoUrl ? redisUrl : url.href,
        name: 'test-absence',
        prefix: newPrefix(),
        log: pino({ level: 'warn' }, lines),
        metrics: createMetrics(),
      });
      try {
        jobs.start();
        await pause(1_000);
        await begin(gate);
        const begunMs = performance.now();
        await until(() => said.length > 0, { what: 'a line' });
        // 2 s by its limits; the machine may be busy.
        expect(performance.now() - begunMs).toBeLessThan(4_000);
        await pause(3_000);
        await end(gate);
        await until(() => said.length > 1, { timeoutMs: 10_000, what: 'another line' });
        await pause(2_500);
        expect(said).toEqual(['a dependency is away', 'a dependency is back']);
      } finally {
        await gate.accept();
        await jobs.stop();
        await gate.close();
      }
    },
    30_000,
  );
}
