import type { Sql } from '../../shared/database/database.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import { announce } from '../announce.ts';
import type { Change, Changed } from '../apply-events.ts';
import type { OrderDeps } from '../deps.ts';
import { decide } from '../domain/order.ts';
import type { OrderCommand } from '../domain/order-model.ts';
import { refundableMinor } from '../domain/paying.ts';
import { type PaymentOutlook, askPaymentOutlook } from '../payment-outlook.ts';
import { type DueOrder, findDue, lockDue, saveExpired, saveLocked } from '../order-store.ts';
import type { StoredOrder } from '../stored-order.ts';
import { currentTraceId, traced } from '../../shared/tracing/tracing.ts';

const batchSize = 200;
/** Bounds one run; the next one goes on. */
const maxBatches = 500;

/** A paid order whose event is not here yet is waited for no longer than this after its deadline: then the money goes back. */
const paidPatienceMs = 600_000;

/**
 * Closes every unpaid order whose deadline has passed, in batches of six statements each. Payment is asked first, once a
 * batch, whether money is on its way: such an order is not closed, and waits as long as payment says. Found without a lock,
 * then locked by id in id order as everybody does: a lock taken through the index of deadlines would meet a payment, which
 * changes that index while it holds the row. Two workers at once wait for each other instead of doing the work twice.
 * Returns how many were closed.
 */
export async function expireOrders(deps: OrderDeps): Promise<number> {
  let expired = 0;
  let after: DueOrder | null = null;
  for (let batch = 0; batch < maxBatches; batch += 1) {
    const at = deps.now();
    const { tracing } = deps.metrics;
    const traceId = currentTraceId(tracing);
    const found: DueOrder[] = await findDue(deps.db.em(), at, after, batchSize);
    if (found.length === 0) break;
    const span = { service: 'order', name: 'expire orders', traceId, attributes: { orders: found.length } };
    expired += await traced(tracing, span, () => closeBatch(deps, found, { at, traceId }));
    if (found.length < batchSize) break;
    after = found.at(-1) ?? null;
  }
  return expired;
}

async function closeBatch(
  deps: OrderDeps,
  found: readonly DueOrder[],
  { at, traceId }: { at: Date; traceId: string },
): Promise<number> {
  const { outlooks, unknown } = await askPaymentOutlook(deps, found, { at, traceId });
  failPoint('order.outlook_known');
  const ids = found.filter(({ id }) => !unknown.has(id)).map(({ id }) => id);
  if (ids.length === 0) return 0;
  const change = { actor: { type: 'SYSTEM', id: null }, at, traceId } as const;
  const { closed, kept } = await deps.db.transaction(async (tx) => {
    const locked = await lockDue(tx, ids, at);
    const due = locked.filter((order) => !isPaidLately(outlooks.get(order.id), order, at));
    const waiting = due.filter((order) => awaiting(outlooks.get(order.id), at) !== null);
    const over = due.filter((order) => !waiting.includes(order));
    const closed = await saveExpired(tx, over, change);
    return { closed, kept: await saveAwaited(tx, waiting, outlooks, change) };
  });
  for (const { order, events } of closed) {
    announce(deps, order, events);
    deps.metrics.expiryLateness.observe((at.getTime() - order.expiresAt.getTime()) / 1000);
  }
  for (const { order, events } of kept) {
    announce(deps, order, events);
    deps.wakeExpiry(order.expiresAt);
  }
  return closed.length;
}

/** Money that was paid in time is here, and the order has not heard of it: the event is on its way. */
function isPaidLately(outlook: PaymentOutlook | undefined, order: StoredOrder, at: Date): boolean {
  if (!outlook || outlook.paidAt === null || BigInt(outlook.settledMinor) <= refundableMinor(order)) return false;
  const inTime = new Date(outlook.paidAt) < order.expiresAt;
  return inTime && at.getTime() - order.expiresAt.getTime() < paidPatienceMs;
}

/** The command that has the order wait on; null where nothing is waited for. */
function awaiting(
  outlook: PaymentOutlook | undefined,
  at: Date,
): Extract<OrderCommand, { type: 'AwaitPayment' }> | null {
  if (!outlook || outlook.until === null || outlook.paymentId === null) return null;
  const until = new Date(outlook.until);
  const authorizedMinor = BigInt(outlook.authorizedMinor);
  return until > at ? { type: 'AwaitPayment', paymentId: outlook.paymentId, until, authorizedMinor } : null;
}

/** The few of which payment says what the event has not yet said. */
async function saveAwaited(
  tx: Sql,
  orders: readonly StoredOrder[],
  outlooks: ReadonlyMap<string, PaymentOutlook>,
  change: Change,
): Promise<readonly Changed[]> {
  const kept: Changed[] = [];
  for (const order of orders) {
    const command = awaiting(outlooks.get(order.id), change.at);
    const decision = command && decide(order, command, change.at);
    if (!decision || !('events' in decision) || decision.events.length === 0) continue;
    const { events } = decision;
    kept.push({ order: await saveLocked(tx, order, events, change), events });
  }
  return kept;
}
