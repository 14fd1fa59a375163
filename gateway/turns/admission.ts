import { performance } from 'node:perf_hooks';
import { GraphQLError } from 'graphql';
import { Counter, Gauge } from 'prom-client';
import type { Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import { type Placed, openBag } from '../../subgraphs/shared/queues/bag.ts';
import { eventLoopBusy } from './event-loop.ts';
import { createFairQueue } from '../../subgraphs/shared/queues/fair-queue.ts';

export type AdmissionLimits = {
  /** Operations in execution at once, however idle the processor is. */
  readonly maxRunning: number;
  /** Of those, how many may be of one client. */
  readonly maxRunningPerClient: number;
  /** Operations that may wait for their turn, of all clients together. */
  readonly maxQueued: number;
  /** How long one may wait. */
  readonly maxWaitMs: number;
};

/** Who asks: a user, or a network address without a sign-in. */
export type Applicant = {
  readonly client: string;
  /** True once nobody waits for the answer any more: then the work isn't begun. */
  readonly isGone?: (() => boolean) | undefined;
};

export type Admission = {
  /**
   * Runs the work now or when its turn comes. Answers what `refused` makes of OVERLOADED, or rejects with it, when too
   * many wait, when it waited too long, or when its client is gone; the work has not begun then.
   */
  run<T>(applicant: Applicant, work: () => Promise<T>, refused?: (error: GraphQLError) => T): Promise<T>;
  /** Counts work that is refused for another reason; what to say of it. */
  refuse(reason: ShedReason): GraphQLError;
  /** How many run and wait now. */
  counts(): { readonly running: number; readonly queued: number };
  close(): void;
};

/** So many run at once although the processor is busy: more cost memory and garbage, and make nothing faster. */
const runningWhenBusy = 24;
const tickMs = 20;
/** Whoever has run for so long while the processor had time to spare waits for another service, not for us. */
const slowAfterMs = 100;
/** The same though the processor is busy: nothing here computes for that long. */
const surelySlowAfterMs = 1_000;
/** Share of its time that the event loop works, from which on the processor counts as busy. */
const busyFrom = 0.9;
const retryAfterSeconds = 1;
/** Beside those that run: entries at zero are left until there are so many, as a Map whose entries come and go costs more. */
const rememberedClients = 1_000;

/** More is asked for than this gateway can do now; the operation has not begun, and may be sent again. */
export const overloaded = (): GraphQLError =>
  new GraphQLError('The server is busy; try again in a second.', {
    extensions: {
      code: 'OVERLOADED',
      http: { status: 503, headers: new Map([['retry-after', String(retryAfterSeconds)]]) },
    },
  });

const shedReasons = [
  'queue full',
  'waited too long',
  'client gone',
  'too many new documents',
  'answers too large',
] as const;
type ShedReason = (typeof shedReasons)[number];
type Waiting = {
  readonly applicant: Applicant;
  readonly sinceMs: number;
  readonly begin: () => void;
  readonly refuse: (error: GraphQLError) => void;
};
type Run = { readonly sinceMs: number; isSlow: boolean } & Placed;

/**
 * Lets operations in. While the event loop is busy, 24 run at once and the others wait: more of them would only share
 * the same processor. While it has time to spare, operations wait for services, and more are let in, up to
 * `maxRunning`; those that a slow service holds no longer count among the 24.
 *
 * Whoever waits is taken client by client. When the queue is full, the newest of the client with the most in it is
 * refused, so nobody can keep others out by filling it.
 */
export function openAdmission(
  limits: AdmissionLimits,
  deps: {
    metrics: Metrics;
    /** What is let in, for the names of the metrics. */
    what?: 'operations' | 'newcomers' | 'suspect_webhooks' | 'overdrawn_operations';
    nowMs?: () => number;
    isBusy?: () => boolean;
  },
): Admission {
  const { nowMs = () => performance.now(), isBusy = eventLoopBusy(busyFrom) } = deps;
  const least = Math.min(runningWhenBusy, limits.maxRunning);
  const runs = openBag<Run>();
  const clients = countClients(limits.maxRunning);
  const queue = createFairQueue<Waiting>();
  let slow = 0;
  let allowed = least;
  let timer: NodeJS.Timeout | undefined;
  const shown = showAdmission(deps.metrics, deps.what ?? 'operations', () => ({
    running: runs.all.length,
    queued: queue.size,
  }));

  const hasRoom = (): boolean => runs.all.length < limits.maxRunning && runs.all.length - slow < allowed;
  const hasRoomFor = (client: string): boolean => clients.running(client) < limits.maxRunningPerClient;
  const shed = ({ refuse }: Waiting, reason: ShedReason): void => {
    shown.countShed(reason);
    refuse(overloaded());
  };

  function run<T>(client: string, work: () => Promise<T>): Promise<T> {
    const mine: Run = { sinceMs: nowMs(), isSlow: false, place: -1 };
    runs.add(mine);
    if (runs.all.length > least) watch();
    clients.add(client, 1);
    const end = (): void => {
      runs.remove(mine);
      if (mine.isSlow) slow -= 1;
      clients.add(client, -1);
      if (queue.size > 0) admitWaiting();
    };
    return endedBy(work, end);
  }
  function admitWaiting(): void {
    while (hasRoom()) {
      const next = queue.take(hasRoomFor);
      if (!next) break;
      if (next.applicant.isGone?.()) shed(next, 'client gone');
      else next.begin();
    }
  }
  function watch(): void {
    if (timer) return;
    // What the loop did until now says nothing about the next moments.
    isBusy();
    timer = setInterval(tick, tickMs).unref();
  }
  function tick(): void {
    const busy = isBusy();
    const slowBefore = nowMs() - (busy ? surelySlowAfterMs : slowAfterMs);
    for (const one of runs.all) {
      if (one.isSlow || one.sinceMs > slowBefore) continue;
      one.isSlow = true;
      slow += 1;
    }
    if (busy) allowed -= Math.ceil((allowed - least) / 4);
    else if (queue.size > 0) allowed = Math.min(allowed + runningWhenBusy, limits.maxRunning);
    const expired = nowMs() - limits.maxWaitMs;
    for (const waiting of queue.takeOldest(({ sinceMs }) => sinceMs <= expired)) shed(waiting, 'waited too long');
    admitWaiting();
    if (queue.size > 0 || runs.all.length > least) return;
    clearInterval(timer);
    timer = undefined;
  }
  function enqueue(waiting: Waiting): void {
    queue.push(waiting.applicant.client, waiting);
    watch();
    // Its own client may have room although those before it have none.
    admitWaiting();
    const excess = queue.size > limits.maxQueued ? queue.takeFromLongest() : undefined;
    if (excess) shed(excess, 'queue full');
  }

  return {
    run(applicant, work, refused) {
      const { client } = applicant;
      if (queue.size === 0 && hasRoom() && hasRoomFor(client)) return run(client, work);
      return new Promise((resolve, reject) => {
        const refuse = refused ? (error: GraphQLError) => resolve(refused(error)) : reject;
        enqueue({ applicant, sinceMs: nowMs(), begin: () => resolve(run(client, work)), refuse });
      });
    },
    refuse(reason) {
      shown.countShed(reason);
      return overloaded();
    },
    counts: () => ({ running: runs.all.length, queued: queue.size }),
    close() {
      clearInterval(timer);
      shown.close();
    },
  };
}

/** How many operations of each client run. Clients of whom none does are forgotten when there are many of them. */
function countClients(maxRunning: number) {
  const counts = new Map<string, number>();
  const running = (client: string): number => counts.get(client) ?? 0;
  return {
    running,
    add(client: string, change: 1 | -1): void {
      counts.set(client, running(client) + change);
      if (counts.size <= rememberedClients + 2 * maxRunning) return;
      for (const [other, count] of counts) if (count === 0) counts.delete(other);
    },
  };
}

/** What the work gives, after `end` was called; also for work that throws before there is a promise. */
function endedBy<T>(work: () => Promise<T>, end: () => void): Promise<T> {
  const failed = (error: unknown): never => {
    end();
    throw error;
  };
  const succeeded = (value: T): T => {
    end();
    return value;
  };
  try {
    return work().then(succeeded, failed);
  } catch (error) {
    end();
    return Promise.reject(error);
  }
}

function showAdmission(
  { registry }: Metrics,
  what: string,
  counts: () => { running: number; queued: number },
): { countShed(reason: ShedReason): void; close(): void } {
  const operations = new Gauge({
    name: `gateway_${what}`,
    help: `How many ${what} run or wait for their turn`,
    registers: [],
    labelNames: ['state'],
    collect() {
      for (const [state, count] of Object.entries(counts())) this.set({ state }, count);
    },
  });
  const shed = new Counter({
    name: `gateway_${what}_shed_total`,
    help: `How many ${what} were refused as OVERLOADED, by reason`,
    registers: [],
    labelNames: ['reason'],
  });
  registry.registerMetric(operations);
  registry.registerMetric(shed);
  // From the first scrape on, so that the first of them is seen to happen.
  for (const reason of shedReasons) shed.inc({ reason }, 0);
  return {
    countShed: (reason) => shed.inc({ reason }),
    close() {
      registry.removeSingleMetric(`gateway_${what}`);
      registry.removeSingleMetric(`gateway_${what}_shed_total`);
    },
  };
}
