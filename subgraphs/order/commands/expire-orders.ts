import { placeholders, select } from '../../shared/database.ts';
import { announce } from '../announce.ts';
import type { OrderDeps } from '../deps.ts';
import { toOrder } from '../rows.ts';
import { saveExpired } from '../store.ts';
import { newTraceId } from '../../shared/telemetry.ts';

const batchSize = 200;
/** Bounds one run; the next one goes on. */
const maxBatches = 500;

/**
 * Expires every unpaid order whose deadline has passed, in batches of five statements each. Found without a lock, then
 * locked by id in id order as everybody does: a lock taken through the index of deadlines would meet a payment, which
 * changes that index while it holds the row. Two workers at once wait for each other instead of doing the work twice.
 * Returns how many.
 */
export async function expireOrders(deps: OrderDeps): Promise<number> {
  let expired = 0;
  for (let batch = 0; batch < maxBatches; batch += 1) {
    const at = deps.now();
    const traceId = newTraceId();
    const found = await select(
      deps.db.em(),
      `select id from orders where state = 'PENDING_PAYMENT' and expires_at <= ? order by expires_at limit ${batchSize}`,
      [at],
    );
    if (found.length === 0) break;
    const ids = found.map((row) => row['id'] as Buffer);
    const orders = await deps.db.transaction(async (tx) => {
      const rows = await select(
        tx,
        `select * from orders force index (primary) where id in (${placeholders(ids)}) and state = 'PENDING_PAYMENT' order by id for update`,
        ids,
      );
      const due = rows.map(toOrder);
      await saveExpired(tx, due, { actor: { type: 'SYSTEM', id: null }, at, traceId });
      return due;
    });
    for (const order of orders) {
      announce(deps, { ...order, state: 'EXPIRED', seq: order.seq + 1 }, [{ type: 'OrderExpired' }]);
      deps.metrics.expiryLateness.observe((at.getTime() - order.expiresAt.getTime()) / 1000);
    }
    expired += orders.length;
    if (found.length < batchSize) break;
  }
  return expired;
}
