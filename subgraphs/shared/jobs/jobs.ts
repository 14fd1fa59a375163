import { setTimeout as sleep } from 'node:timers/promises';
import type { Agenda, Job } from 'agenda';
import { LRUCache } from 'lru-cache';
import { type DependencyPart, openDependency } from '../process/dependency.ts';
import { isUnavailable, unavailable } from '../errors/errors.ts';
import { inTime } from '../time/in-time.ts';
import { type JobStore, connectJobStore } from './job-store.ts';
import { type Loop, startLoop } from '../process/loop.ts';
import { JobNotices } from './job-notices.ts';
import type { BacklogSample } from '../process/backlog.ts';
import type { Live } from '../process/live.ts';
import { type Logger, type Metrics, type OperationLog, newTraceId } from '../process/telemetry.ts';
import { exemplarOf } from '../tracing/exemplars.ts';
import { traced } from '../tracing/tracing.ts';

/**
 * Agenda wakes code that looks for due rows in MySQL; a lost or doubled job changes nothing. Names are
 * `<service>.<what>`, e.g. `order.expire`.
 */
export type Jobs = {
  /** Agenda itself, for those who look at jobs. Throws SERVICE_UNAVAILABLE while the store has not been reached yet. */
  agenda(): Agenda;
  /** Says what a job does. It must be safe to run twice, at the same time or later. */
  define(name: string, handler: () => Promise<void>): void;
  /** Runs a defined job every so often, in one process at a time. Made again by itself if the job store loses it. */
  recurring(name: string, everyMs: number): void;
  /** Takes the recurring jobs of these names out of the store, where a version before this one has left them. */
  retire(...names: readonly string[]): void;
  /**
   * Wakes a job at the full second after `at`; one job a second and name however often it is asked for. Rejects while the
   * store is away: whoever asks has a sweep as the net under it.
   */
  wakeAt(name: string, at: Date): Promise<void>;
  /** Starts to process in this process, as soon as the store is there; without it, jobs are only scheduled from here. Once, however often it is called. */
  start(): void;
  /** Rejects with the reason when the store does not answer. */
  ready(): Promise<void>;
  /** Waits for running jobs, hands back the others, disconnects. Once, however often it is called. */
  stop(): Promise<void>;
};

/** Jobs that are due before the next time are run at theirs: they are known a time before, or told of by a notice. */
const processEveryMs = 2_000;
/** Where no notices are. */
const processOftenMs = 500;
const lockLifetimeMs = 30_000;
const drainTimeoutMs = 15_000;
const ensureEveryMs = 2_000;
const lookEveryMs = 500;
/** A store that says nothing for this long is away: told within 3 s, also when no job is due meanwhile. */
const answerTimeoutMs = 1_500;
const rememberedWakes = 10_000;
const countedJobs = 100;
const overdueAfterMs = 5_000;
/** A recurring job that should have run so long ago never will: a process that died with it would have been followed by another. */
const maxOverdueMs = 2 * lockLifetimeMs;

export type JobsOptions = {
  readonly mongoUrl: string | undefined;
  readonly redisUrl: string;
  readonly name: string;
  readonly prefix: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly operationLog?: OperationLog | undefined;
  /** By which processes tell each other what becomes of jobs; without it the page of jobs is not live, and the store is asked more often. */
  readonly live?: Live;
};

type Handlers = ReadonlyMap<string, () => Promise<void>>;
type OpenedJobs = {
  readonly store: JobStore;
  readonly agenda: Agenda;
  define(name: string, handler: () => Promise<void>): void;
  /** How many jobs run in this process. */
  running(): number;
};

/**
 * Jobs in MongoDB when `mongoUrl` is set, else in Redis. A store that is away is said in the log, and connected to when it
 * comes: everything else goes on meanwhile.
 */
export async function openJobs(options: JobsOptions): Promise<Jobs> {
  const { log } = options;
  const dependency = openDependency({
    name: 'job store',
    log,
    setting: options.mongoUrl === undefined ? 'REDIS_URL' : 'MONGODB_URL',
  });
  const part = dependency.part();
  const handlers = new Map<string, () => Promise<void>>();
  const recurring = new Map<string, number>();
  const retired = new Set<string>();
  const wakes = new LRUCache<string, true>({ max: rememberedWakes });
  let opened: OpenedJobs | undefined;
  let toStart = false;
  let unwatch: (() => void) | undefined;
  let stopping: Promise<void> | undefined;

  async function look(): Promise<void> {
    try {
      opened ??= await connectAgenda(options, { part, handlers });
      await inTime(opened.store.ping(), answerTimeoutMs);
      if (toStart) {
        await opened.agenda.start();
        // A store that has lost these has lost what was asked for, too.
        if (await ensureRecurring(opened.agenda, recurring)) wakes.clear();
        await removeRetired(opened.agenda, retired);
      }
      part.back();
    } catch (error) {
      part.away(error as Error);
      throw unavailable((error as Error).message);
    }
  }

  await look().catch(() => undefined); // said by `dependency`; the keeper goes on
  const keeper: Loop = startLoop({ name: 'job store', everyMs: ensureEveryMs, log, turn: look });
  // Says only that it went: back it is when it takes what the keeper wants of it.
  const watch: Loop = startLoop({
    name: 'job store watch',
    everyMs: lookEveryMs,
    log,
    async turn() {
      if (opened && dependency.reason() === null)
        await inTime(opened.store.ping(), answerTimeoutMs).catch((error: Error) => part.away(error));
    },
  });

  async function stop(): Promise<void> {
    unwatch?.();
    await Promise.all([keeper.stop(), watch.stop()]);
    if (!opened) return;
    const { agenda, store, running } = opened;
    // stop() hands back what is locked but not started; drain() would leave that locked until its lease ends.
    await agenda
      .stop(false)
      .catch((error: Error) => log.warn({ err: error.message }, 'jobs not handed back: their locks end by themselves'));
    const deadline = performance.now() + drainTimeoutMs;
    while (running() > 0 && performance.now() < deadline) await sleep(20);
    if (running() > 0)
      log.warn({ running: running() }, 'jobs still running after the drain; another process takes them over');
    await store.close();
  }

  function agenda(): Agenda {
    if (!opened) throw unavailable('The job store does not answer.');
    return opened.agenda;
  }

  return {
    agenda,
    define(name, handler) {
      handlers.set(name, handler);
      opened?.define(name, handler);
    },
    recurring(name, everyMs) {
      recurring.set(name, everyMs);
      if (toStart) keeper.kick(); // a service that comes after another one's start
    },
    retire(...names) {
      for (const name of names) retired.add(name);
    },
    async wakeAt(name, at) {
      const second = new Date(Math.ceil(at.getTime() / 1000) * 1000);
      const key = `${name} ${second.getTime()}`;
      if (wakes.has(key)) return;
      wakes.set(key, true);
      try {
        await agenda().schedule(second, name, { at: second.toISOString() });
      } catch (error) {
        wakes.delete(key);
        throw unavailable(`The job store does not take a job (${(error as Error).message}).`);
      }
    },
    // Services of one process share this, so each may start and stop it.
    start() {
      if (!toStart) unwatch = options.metrics.backlog.watch(() => readSchedule(agenda()));
      toStart = true;
      keeper.kick();
    },
    async ready() {
      if (!opened) throw unavailable(dependency.reason() ?? 'the job store has not been reached yet');
      await opened.store.ping();
    },
    stop: () => (stopping ??= stop()),
  };
}

/** The next jobs by what is up with them. */
async function readSchedule(agenda: Agenda): Promise<readonly BacklogSample[]> {
  const { jobs } = await agenda.queryJobs({ sort: { nextRunAt: 'asc' }, limit: countedJobs });
  const counts = { waiting: 0, overdue: 0, failed: 0 };
  let oldestMs = 0;
  for (const { nextRunAt, lockedAt, failedAt, lastFinishedAt } of jobs) {
    const overdueMs = nextRunAt && !lockedAt ? Date.now() - new Date(nextRunAt).getTime() : 0;
    oldestMs = Math.max(oldestMs, overdueMs);
    if (overdueMs > overdueAfterMs) counts.overdue += 1;
    else counts.waiting += 1;
    if (failedAt && (!lastFinishedAt || new Date(failedAt) >= new Date(lastFinishedAt))) counts.failed += 1;
  }
  return [
    ...Object.entries(counts).map(([state, value]): BacklogSample => ({ name: 'jobs_scheduled', labels: { state }, value })), // prettier-ignore
    { name: 'jobs_oldest_overdue_seconds', labels: {}, value: oldestMs / 1_000 },
  ];
}

/** Makes the recurring jobs that the store has not, or will never run; true when there were such. */
async function ensureRecurring(agenda: Agenda, recurring: ReadonlyMap<string, number>): Promise<boolean> {
  let isLost = false;
  for (const [name, everyMs] of recurring) {
    const { jobs } = await agenda.queryJobs({ name });
    const job = jobs.find(({ repeatInterval }) => repeatInterval);
    if (job && !isOverdue(job)) continue;
    isLost = true;
    await agenda.every(everyMs, name);
  }
  return isLost;
}

async function removeRetired(agenda: Agenda, retired: Set<string>): Promise<void> {
  const names = [...retired];
  if (names.length > 0) await agenda.cancel({ names });
  for (const name of names) retired.delete(name);
}

/**
 * The Redis store writes a job in several commands, of which it keeps the first ones when it is cut off or restarted
 * without its last second: such a job is there and never found when it is due.
 */
const isOverdue = ({ nextRunAt, disabled }: { nextRunAt?: Date | null; disabled?: boolean }): boolean =>
  disabled !== true && (!nextRunAt || Date.now() - new Date(nextRunAt).getTime() > maxOverdueMs);

/** Agenda on a store that is there now; it outlives the store's absences from then on. */
async function connectAgenda(
  options: JobsOptions,
  { part, handlers }: { part: DependencyPart; handlers: Handlers },
): Promise<OpenedJobs> {
  const { log, metrics, operationLog } = options;
  const store = await connectJobStore({
    ...options,
    onError: part.away,
    onLeft: (error) => log.debug({ err: error.message }, 'a job was not handed back'),
  });
  const { Agenda } = await import('agenda');
  const agenda = new Agenda({
    backend: store.backend,
    ...(options.live && { notificationChannel: new JobNotices(options.live) }),
    name: options.name,
    processEvery: options.live ? processEveryMs : processOftenMs,
    defaultConcurrency: 1,
    defaultLockLimit: 1,
    defaultLockLifetime: lockLifetimeMs,
    removeOnComplete: true,
  });
  agenda.on('error', (error: Error) => log.debug({ err: error.message }, 'job store'));
  // Agenda keeps one that failed and has no next time, and looks at it at every turn, for ever: `removeOnComplete` is for those
  // that succeeded (https://github.com/agenda/agenda/pull/1657).
  agenda.on('complete', (job: Job, isElsewhere?: boolean) => {
    // Of a job of another process it gives the notice in the job's place.
    if (isElsewhere || !job.attrs.failedAt || job.attrs.nextRunAt) return;
    job.remove().catch((error: Error) => log.debug({ err: error.message }, 'a failed job was not removed'));
  });
  await agenda.ready;

  let running = 0;
  function define(name: string, handler: () => Promise<void>): void {
    // Agenda takes an async processor; its types describe only the one with a callback.
    // oxlint-disable-next-line typescript/no-misused-promises
    agenda.define(name, async () => {
      const end = metrics.jobDuration.startTimer({ job: name }, exemplarOf(undefined));
      const traceId = newTraceId();
      const say = (outcome: string, seconds: number): void =>
        operationLog?.({ job: name, outcome, durationMs: Math.round(seconds * 10_000) / 10, traceId }, 'job');
      let exemplar = exemplarOf(undefined);
      running += 1;
      try {
        const service = name.split('.')[0] ?? name;
        await traced(metrics.tracing, { service, name: `job ${name}`, traceId }, (span) => {
          exemplar = exemplarOf(span);
          return handler();
        });
        say('done', end({ outcome: 'done' }, exemplar));
      } catch (error) {
        say('failed', end({ outcome: 'failed' }, exemplar));
        const line = { err: (error as Error).message, job: name };
        if (isUnavailable(error)) log.debug(line, 'job waits for a dependency; its next run looks again');
        else log.warn(line, 'job failed; its next run looks again');
        throw error;
      } finally {
        running -= 1;
      }
    });
  }
  for (const [name, handler] of handlers) define(name, handler);
  return { store, agenda, define, running: () => running };
}
