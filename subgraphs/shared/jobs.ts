import { setTimeout as sleep } from 'node:timers/promises';
import { MongoBackend } from '@agendajs/mongo-backend';
import { RedisBackend } from '@agendajs/redis-backend';
import { Agenda } from 'agenda';
import { LRUCache } from 'lru-cache';
import { type Loop, startLoop } from './loop.ts';
import type { Logger, Metrics } from './telemetry.ts';

/**
 * Agenda wakes code that looks for due rows in MySQL; a lost or doubled job changes nothing. Names are
 * `<service>.<what>`, e.g. `order.expire`.
 */
export type Jobs = {
  readonly agenda: Agenda;
  /** Says what a job does. It must be safe to run twice, at the same time or later. */
  define(name: string, handler: () => Promise<void>): void;
  /** Runs a defined job every so often, in one process at a time. Made again by itself if the job store loses it. */
  recurring(name: string, everyMs: number): void;
  /** Wakes a job at the full second after `at`; one job a second and name however often it is asked for. */
  wakeAt(name: string, at: Date): Promise<void>;
  /** Starts to process in this process; without it, jobs are only scheduled from here. Once, however often it is called. */
  start(): Promise<void>;
  /** Waits for running jobs, hands back the others, disconnects. Once, however often it is called. */
  stop(): Promise<void>;
};

const processEveryMs = 500;
const lockLifetimeMs = 30_000;
const drainTimeoutMs = 15_000;
const ensureEveryMs = 10_000;
const rememberedWakes = 10_000;

/** Jobs in MongoDB when `mongoUrl` is set, else in Redis. Connect to Redis first: Agenda's backend throws out of reach if it is down. */
export async function openJobs(options: {
  mongoUrl: string | undefined;
  redisUrl: string;
  name: string;
  prefix: string;
  log: Logger;
  metrics: Metrics;
}): Promise<Jobs> {
  const backend = options.mongoUrl
    ? new MongoBackend({ address: options.mongoUrl, collection: `${options.prefix}_jobs` })
    : new RedisBackend({
        connectionString: options.redisUrl,
        keyPrefix: `${options.prefix}:agenda:`,
        channelName: `${options.prefix}:agenda:notices`,
      });
  const agenda = new Agenda({
    backend,
    name: options.name,
    processEvery: processEveryMs,
    defaultConcurrency: 1,
    defaultLockLimit: 1,
    defaultLockLifetime: lockLifetimeMs,
    removeOnComplete: true,
  });
  agenda.on('error', (error: Error) => options.log.warn({ err: error.message }, 'job store'));
  await agenda.ready;

  const wakes = new LRUCache<string, true>({ max: rememberedWakes });
  const recurring = new Map<string, number>();
  let running = 0;
  let keeper: Loop | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  async function ensureRecurring(): Promise<void> {
    for (const [name, everyMs] of recurring) {
      const { jobs } = await agenda.queryJobs({ name });
      if (!jobs.some((job) => job.repeatInterval)) await agenda.every(everyMs, name);
    }
  }

  async function start(): Promise<void> {
    await agenda.start();
    keeper = startLoop({ name: 'recurring jobs', everyMs: ensureEveryMs, log: options.log, turn: ensureRecurring });
  }

  async function stop(): Promise<void> {
    await starting?.catch(() => undefined); // said to whoever started it
    await keeper?.stop();
    // stop() hands back what is locked but not started; drain() would leave that locked until its lease ends.
    await agenda.stop(false);
    const deadline = Date.now() + drainTimeoutMs;
    while (running > 0 && Date.now() < deadline) await sleep(20);
    if (running > 0)
      options.log.warn({ running }, 'jobs still running after the drain; another process takes them over');
    await backend.disconnect();
  }

  return {
    agenda,
    define(name, handler) {
      // Agenda takes an async processor; its types describe only the one with a callback.
      // oxlint-disable-next-line typescript/no-misused-promises
      agenda.define(name, async () => {
        const end = options.metrics.jobDuration.startTimer({ job: name });
        running += 1;
        try {
          await handler();
          end({ outcome: 'done' });
        } catch (error) {
          end({ outcome: 'failed' });
          options.log.warn({ err: (error as Error).message, job: name }, 'job failed; its next run looks again');
          throw error;
        } finally {
          running -= 1;
        }
      });
    },
    recurring(name, everyMs) {
      recurring.set(name, everyMs);
      keeper?.kick(); // a service that comes after another one's start
    },
    async wakeAt(name, at) {
      const second = new Date(Math.ceil(at.getTime() / 1000) * 1000);
      const key = `${name} ${second.getTime()}`;
      if (wakes.has(key)) return;
      wakes.set(key, true);
      try {
        await agenda.schedule(second, name, { at: second.toISOString() });
      } catch (error) {
        wakes.delete(key);
        throw error;
      }
    },
    // Services of one process share this, so each may start and stop it.
    start: () => (starting ??= start()),
    stop: () => (stopping ??= stop()),
  };
}
