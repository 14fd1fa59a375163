import type { Jobs } from '../shared/jobs/jobs.ts';
import { purgeShared } from '../shared/tables/retention.ts';
import { expireOrders } from './commands/expire-orders.ts';
import type { OrderDeps } from './deps.ts';
import { numberFeed } from './feed-store.ts';
import { purgeCounters } from './open-orders-store.ts';
import { catchUpSales } from './sales-report.ts';

/** Wakes at each deadline second. */
export const expireJob = 'order.expire';
const purgeEveryMs = 3_600_000;
/** Keeps short what the first subscription after a quiet time has to number. */
const feedSweepMs = 60_000;
/** Keeps short what a report has to catch up with. */
const salesEveryMs = 60_000;
const maxJobs = 100;

/** Defines the order service's jobs; they run once `jobs.start()` was called in this process. */
export function defineJobs(deps: OrderDeps, jobs: Jobs): void {
  jobs.define(expireJob, async () => {
    await expireOrders(deps);
  });
  jobs.define('order.feed', async () => {
    await numberFeed(deps.db);
  });
  jobs.define('order.sales', async () => {
    await catchUpSales(deps);
  });
  jobs.define('order.purge', async () => {
    await purgeShared(deps.db.em(), { outbox: true, inbox: true, idempotency: true });
    await purgeCounters(deps.db.em());
  });
  jobs.retire('order.expire-sweep', 'order.sagas', 'order.advance');
  jobs.recurring('order.feed', feedSweepMs);
  jobs.recurring('order.sales', salesEveryMs);
  jobs.recurring('order.purge', purgeEveryMs);
}

/** A job as the API shows it. */
export type DelayedJob = {
  readonly id: string;
  readonly name: string;
  readonly orderId: string | null;
  readonly dueAt: Date;
  readonly state: 'waiting' | 'running' | 'failed' | 'overdue';
  readonly attempts: number;
  readonly lagSeconds: number | null;
  readonly lastError: string | null;
};

/** The next jobs of the whole platform's job store, at most 100, soonest first. */
export async function listDelayedJobs(jobs: Jobs, now: Date): Promise<readonly DelayedJob[]> {
  const { jobs: stored } = await jobs.agenda().queryJobs({ sort: { nextRunAt: 'asc' }, limit: maxJobs });
  return stored.flatMap((job) => {
    if (!job.nextRunAt || !job._id) return [];
    const dueAt = new Date(job.nextRunAt);
    const lagSeconds = Math.floor((now.getTime() - dueAt.getTime()) / 1000);
    const state = job.lockedAt
      ? 'running'
      : job.failedAt && job.failCount
        ? 'failed'
        : lagSeconds > 0
          ? 'overdue'
          : 'waiting';
    return [
      {
        id: String(job._id),
        name: job.name,
        orderId: null,
        dueAt,
        state,
        attempts: job.failCount ?? 0,
        lagSeconds: lagSeconds > 0 ? lagSeconds : null,
        lastError: job.failReason ?? null,
      },
    ];
  });
}
