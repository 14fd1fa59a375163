import { select } from '../../shared/database.ts';
import { announce } from '../announce.ts';
import type { OrderDeps } from '../deps.ts';
import { toOrder } from '../rows.ts';
import { saveExpired } from '../store.ts';
import { newTraceId } from '../trace.ts';

const batchSize = 200;
/** Bounds one run; the next one goes on. */
const maxBatches = 500;

/**
 * Expires every unpaid order whose deadline has passed, in batches of four statements each. Rows are locked in the order
 * of their deadlines, so two workers at once wait for each other instead of doing the work twice. Returns how many.
 */
export async function expireOrders(deps: OrderDeps): Promise<number> {
  let expired = 0;
  for (let batch = 0; batch < maxBatches; batch += 1) {
    const at = deps.now();
    const traceId = newTraceId();
    const orders = await deps.db.transaction(async (tx) => {
      const rows = await select(
        tx,
        `select * from orders where state = 'PENDING_PAYMENT' and expires_at <= ? order by expires_at limit ${batchSize} for update`,
        [at],
      );
      const due = rows.map(toOrder);
      await saveExpired(tx, due, { actor: { type: 'SYSTEM', id: null }, at, traceId });
      return due;
    });
    for (const order of orders) {
      announce(deps, { ...order, seq: order.seq + 1 }, [{ type: 'OrderExpired' }]);
      deps.metrics.expiryLateness.observe((at.getTime() - order.expiresAt.getTime()) / 1000);
    }
    expired += orders.length;
    if (orders.length < batchSize) break;
  }
  return expired;
}
