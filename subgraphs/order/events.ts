import type { DomainEvent } from '../shared/tables/outbox.ts';
import { newId } from '../shared/values/ids.ts';
import type { LineQuantity, OrderEvent, PartPayment } from './domain/order-model.ts';
import { lineOf } from './domain/shares.ts';
import type { StoredLine, StoredOrder } from './stored-order.ts';

/** What other services get to know of an order's events; most events concern nobody else. */
export function toDomainEvents(
  order: StoredOrder,
  events: readonly OrderEvent[],
  context: { at: Date; traceId: string },
): DomainEvent[] {
  const { traceId } = context;
  const at = context.at.toISOString();
  return events.flatMap((event, index) => {
    const seq = order.seq - events.length + 1 + index;
    return describe(order, event).map(({ type, data }) => ({
      id: newId(), type, aggregateId: order.id, traceId, at, data: { ...data, order: snapshotOf(order, seq) },
    })); // prettier-ignore
  });
}

/** The order as a change has left it, with the place of the event in its journal: other systems are told, and can't ask. */
const snapshotOf = (order: StoredOrder, seq: number) => ({
  seq,
  number: order.number,
  type: order.type,
  state: order.state,
  currency: order.currency,
  totalMinor: Number(order.totalMinor),
  paidMinor: Number(order.paidMinor),
  refundedMinor: Number(order.refundedMinor),
});

/** True when other services get to know of the event. */
export const isTold = (order: StoredOrder, event: OrderEvent): boolean => describe(order, event).length > 0;

type Told = Pick<DomainEvent, 'type' | 'data'>;

function describe(order: StoredOrder, event: OrderEvent): Told[] {
  const base = { orderId: order.id, customerId: order.customerId, number: order.number };
  const goesBack = (payment: PartPayment, reason: string): Told => ({
    type: 'order.payment_refused',
    data: {
      ...base,
      paymentId: payment.paymentId,
      amountMinor: Number(payment.amountMinor),
      currency: order.currency,
      reason,
    },
  });
  const completed: Told = { type: 'order.completed', data: base };
  switch (event.type) {
    case 'StockReserved': {
      const { number, type, currency } = order;
      const expiresAt = order.expiresAt.toISOString();
      const total = { totalMinor: Number(order.totalMinor), currency };
      const data = { ...base, number, type, ...total, expiresAt, sellerId: sellerOf(order) };
      return [{ type: 'order.placed', data }];
    }
    case 'OrderPaid':
      return [{ type: 'order.paid', data: { ...base, paymentId: event.paymentId, type: order.type, redeemable: order.confirmationCode !== null } }]; // prettier-ignore
    case 'PaymentRefused':
      return [goesBack(event, event.reason ?? 'ORDER_STATE')];
    case 'OrderExpired':
      return [closed(order), ...(event.parts ?? []).map((part) => goesBack(part, 'ORDER_EXPIRED'))];
    case 'OrderCancelled':
    case 'OrderRefunded':
    case 'PlacingFailed':
      return [closed(order)];
    case 'LinesFulfilled': {
      const { fulfilmentId, carrier, trackingNumber, trackingUrl } = event;
      const { number } = order;
      return [{ type: 'order.shipped', data: { ...base, number, fulfilmentId, carrier, trackingNumber, trackingUrl } }];
    }
    case 'FulfilmentDelivered':
      return [{ type: 'order.delivered', data: { ...base, number: order.number, fulfilmentId: event.fulfilmentId } }];
    case 'LinesCancelled':
      return [{ type: 'order.lines_cancelled', data: { ...base, lines: piecesOf(order, event.lines) } }];
    case 'RefundRequested':
      return [
        ...(event.amountMinor > 0n ? [refundRequested(order, event)] : []),
        ...(event.restock.length > 0
          ? [{ type: 'order.stock_returned', data: { ...base, lines: piecesOf(order, event.restock) } }]
          : []),
      ];
    case 'ReturnRequested':
      return [
        {
          type: 'order.return_requested',
          data: { ...base, returnId: event.returnId, number: event.number, lines: event.lines },
        },
      ];
    case 'ReturnDecided': {
      const { returnId, number, approved, reason } = event;
      const data = { ...base, orderNumber: order.number, returnId, number, approved, reason };
      return [{ type: 'order.return_decided', data }];
    }
    case 'ReturnReceived':
      return returnReceived(order, event);
    case 'ReturnCancelled':
      return [{ type: 'order.return_cancelled', data: { ...base, returnId: event.returnId, number: event.number } }];
    case 'OrderCompleted':
    case 'OrderRedeemed':
      return [completed];
    case 'AttentionResolved':
      return event.to === 'COMPLETED' ? [completed] : [];
    default:
      return [];
  }
}

/** Who sells all lines of an order; null where that is the platform, or several. */
function sellerOf({ lines }: StoredOrder): string | null {
  const sellers = new Set((lines as readonly StoredLine[]).map(({ sellerId }) => sellerId));
  const [seller = null] = sellers;
  return sellers.size === 1 ? seller : null;
}

/** Pieces as product knows them: by product, and of stays by their nights. */
const piecesOf = (order: StoredOrder, pieces: readonly LineQuantity[]) =>
  pieces.map(({ lineId, quantity }) => {
    const { productId, stay } = lineOf(order.lines as readonly StoredLine[], lineId);
    return { productId, quantity, ...(stay ? { stayFrom: stay.from, stayTo: stay.to } : {}) };
  });

/** Goods are back; those that are as new are in the stock again. */
function returnReceived(order: StoredOrder, event: Extract<OrderEvent, { type: 'ReturnReceived' }>): Told[] {
  const base = { orderId: order.id, customerId: order.customerId };
  const { returnId, number, lines, requestId } = event;
  const restock = lines.filter((line) => line.restock > 0).map((line) => ({ lineId: line.lineId, quantity: line.restock })); // prettier-ignore
  const received: Told = { type: 'order.return_received', data: { ...base, returnId, number, lines, requestId } };
  if (restock.length === 0) return [received];
  return [received, { type: 'order.stock_returned', data: { ...base, lines: piecesOf(order, restock) } }];
}

const refundRequested = (order: StoredOrder, event: Extract<OrderEvent, { type: 'RefundRequested' }>): Told => ({
  type: 'order.refund_requested',
  data: {
    orderId: order.id,
    customerId: order.customerId,
    requestId: event.requestId,
    amountMinor: Number(event.amountMinor),
    currency: order.currency,
    reason: event.reason,
    requestedBy: event.requestedBy,
  },
});

const closed = ({ id, customerId, number, state, cancelReason }: StoredOrder): Told => ({
  type: 'order.closed',
  data: { orderId: id, customerId, number, state, reason: cancelReason },
});
