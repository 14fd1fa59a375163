import { orderChannel, ordersChannel } from './channels.ts';
import type { OrderDeps } from './deps.ts';
import type { OrderEvent } from './domain/order-model.ts';
import { isTold } from './events.ts';
import type { StoredOrder } from './stored-order.ts';

const outcomes: Partial<Record<OrderEvent['type'], string>> = {
  StockReserved: 'placed',
  PlacingFailed: 'failed',
  OrderPaid: 'paid',
  OrderExpired: 'expired',
  OrderCancelled: 'cancelled',
  OrderRefunded: 'refunded_in_full',
  OrderCompleted: 'completed',
  OrderRedeemed: 'completed',
  OrderLapsed: 'lapsed',
  PaymentRefused: 'payment_refused',
  RefundRecorded: 'refunded',
  DisputeRecorded: 'disputed',
  AttentionNeeded: 'needs_attention',
};

/**
 * After the commit of a change: tells whoever watches the order or the feed of all, wakes the outbox relay and counts. Only hints: the journal holds the truth.
 */
export function announce(deps: OrderDeps, order: StoredOrder, events: readonly OrderEvent[], isAct = false): void {
  if (events.length === 0) return;
  deps.live.publish(orderChannel(order.id), String(order.seq));
  deps.live.publish(ordersChannel, order.id);
  // The relay is asked only where there is something for it. Of a placed order nothing waits to hear.
  const told = events.filter((event) => isTold(order, event));
  if (isAct || told.some(({ type }) => type !== 'StockReserved')) deps.kickRelay();
  else if (told.length > 0) deps.kickRelay('soon');
  // Due with this change: a delivery, or a hook.
  if (order.advanceAt?.getTime() === order.updatedAt.getTime()) deps.kickAdvance();
  for (const event of events) {
    const outcome =
      event.type === 'AttentionResolved' && order.state === 'COMPLETED' ? 'completed' : outcomes[event.type];
    if (outcome) deps.metrics.orders.inc({ type: order.type, outcome });
  }
}
