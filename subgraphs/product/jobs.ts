import { purgeShared } from '../shared/tables/retention.ts';
import type { Runtime } from '../shared/process/runtime.ts';
import { indexAllMissing } from './search-store.ts';
import type { ProductDeps } from './deps.ts';
import { tellLowStock } from './tell-low-stock.ts';

const purgeEveryMs = 60 * 60 * 1000;

const indexEveryMs = 10 * 60 * 1000;
const lowStockEveryMs = 5 * 60 * 1000;

/** Lets the search know products that something else than this release wrote. */
const indexJob = 'product.index';
/** Tells of products that are running out. */
const lowStockJob = 'product.low-stock';
/** Deletes what the outbox, the inbox, the barrier and the idempotency keys no longer need. */
export const purgeJob = 'product.purge';

export function defineJobs(
  runtime: Pick<Runtime, 'jobs' | 'log'>,
  deps: Pick<ProductDeps, 'db' | 'now' | 'newId' | 'kickRelay'>,
): void {
  runtime.jobs.define(purgeJob, async () => {
    const deleted = await purgeShared(deps.db.em(), { outbox: true, inbox: true, barrier: true, idempotency: true });
    runtime.log.debug({ deleted }, 'product: purged what is past its retention');
  });
  runtime.jobs.recurring(purgeJob, purgeEveryMs);
  runtime.jobs.define(indexJob, async () => {
    const indexed = await indexAllMissing((work) => deps.db.transaction(work));
    if (indexed > 0) runtime.log.info({ indexed }, 'product: indexed what the search did not know');
  });
  runtime.jobs.recurring(indexJob, indexEveryMs);
  runtime.jobs.define(lowStockJob, async () => {
    if ((await tellLowStock(deps)) > 0) deps.kickRelay();
  });
  runtime.jobs.recurring(lowStockJob, lowStockEveryMs);
}
