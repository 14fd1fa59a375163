import type { DomainEvent } from '../shared/events.ts';
import { newId } from '../shared/ids.ts';
import type { OrderEvent } from './domain/order.ts';
import type { StoredOrder } from './rows.ts';

/** What other services get to know of an order's events; most events concern nobody else. */
export function toDomainEvents(
  order: StoredOrder,
  events: readonly OrderEvent[],
  context: { at: Date; traceId: string },
): DomainEvent[] {
  return events.flatMap((event) => {
    const described = describe(order, event);
    return described
      ? [{ id: newId(), aggregateId: order.id, traceId: context.traceId, at: context.at.toISOString(), ...described }]
      : [];
  });
}

function describe(order: StoredOrder, event: OrderEvent): Pick<DomainEvent, 'type' | 'data'> | null {
  const base = { orderId: order.id, customerId: order.customerId };
  switch (event.type) {
    case 'StockReserved':
      return {
        type: 'order.placed',
        data: {
          ...base,
          number: order.number,
          type: order.type,
          totalMinor: Number(order.totalMinor),
          currency: order.currency,
          expiresAt: order.expiresAt.toISOString(),
        },
      };
    case 'OrderPaid':
      return { type: 'order.paid', data: { ...base, paymentId: event.paymentId, type: order.type } };
    case 'PaymentRefused':
      return {
        type: 'order.payment_refused',
        data: {
          ...base,
          paymentId: event.paymentId,
          amountMinor: Number(event.amountMinor),
          currency: order.currency,
          reason: event.reason ?? 'ORDER_STATE',
        },
      };
    case 'OrderExpired':
    case 'OrderCancelled':
    case 'PlacingFailed':
      return { type: 'order.closed', data: { ...base, state: order.state, reason: order.cancelReason } };
    case 'OrderCompleted':
      return { type: 'order.completed', data: base };
    default:
      return null;
  }
}
