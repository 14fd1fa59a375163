import { failPoint } from '../shared/process/fail-point.ts';
import { type DomainEvent, appendOutbox } from '../shared/tables/outbox.ts';
import type { ProductDeps } from './deps.ts';
import { type LowProduct, findNewlyLow, noteRecovered, noteTold } from './low-stock-store.ts';

/** One turn tells of so many; the next goes on. */
const maxToldAtOnce = 100;

/**
 * Tells other services of products that are running out (`product.low_stock`): when they do, and again when they do so after
 * they had enough, at most once a day for each. Looked for by a job, so that no sale has to: the reservation of stock is the
 * busiest statement here. Returns how many were told.
 */
export async function tellLowStock(deps: Pick<ProductDeps, 'db' | 'now' | 'newId'>): Promise<number> {
  await noteRecovered(deps.db.em());
  let told = 0;
  for (const product of await findNewlyLow(deps.db.em(), maxToldAtOnce)) {
    const isNews = await deps.db.transaction(async (tx) => {
      if (!(await noteTold(tx, product.productId))) return false;
      await appendOutbox(tx, [eventOf(deps, product)]);
      return true;
    });
    if (isNews) told += 1;
  }
  if (told > 0) failPoint('product.low_stock_told');
  return told;
}

const eventOf = ({ now, newId }: Pick<ProductDeps, 'now' | 'newId'>, product: LowProduct): DomainEvent => ({
  id: newId(),
  type: 'product.low_stock',
  aggregateId: product.productId,
  traceId: product.productId.replaceAll('-', ''),
  at: now().toISOString(),
  data: product,
});
