import { delivered, fulfilmentStatusOf, undelivered } from './fulfilment.ts';
import type { Line, Order, OrderEvent } from './order-model.ts';
import { extended, received, refunded, refusedMoney } from './paying.ts';
import { returned } from './returning.ts';
import { counted } from './shares.ts';

/** An order that ends undelivered: its delivery is off, and all its money, with the tax in it, goes back. */
const givenBackWhole = (order: Order): Partial<Order> => ({
  advanceAt: null,
  refundPendingMinor: 0n,
  refundedTaxMinor: order.paidAt === null ? 0n : order.taxMinor,
});

/** The hook of the order's type is due now, where it has one. */
const callingHook = ({ hasHooks }: Order, at: Date): Partial<Order> =>
  hasHooks ? { advanceAt: at, advanceAttempts: 0 } : { advanceAt: null };

/** The lines after delivered pieces of them were refunded: what a return brought back before is refunded first. */
const refundedLines = (
  before: readonly Line[],
  { lines, restock }: Extract<OrderEvent, { type: 'RefundRequested' }>,
): readonly Line[] =>
  counted(counted(before, lines, 'refundedQuantity'), restock, 'restockedQuantity').map((line) => {
    const refundedNow = lines.find(({ lineId }) => lineId === line.id)?.quantity ?? 0;
    return { ...line, unrefundedReturnQuantity: Math.max(line.unrefundedReturnQuantity - refundedNow, 0) };
  });

/** What an event changes beside the state and the status of the money. */
export function change(order: Order, event: OrderEvent, at: Date): Partial<Order> {
  switch (event.type) {
    case 'PlacingFailed':
      return { closedAt: at, cancelReason: event.reason, refundPendingMinor: 0n };
    case 'OrderExpired':
      return { closedAt: at, cancelReason: 'PAYMENT_TIMEOUT', authorizedMinor: 0n, refundPendingMinor: 0n };
    case 'OrderCancelled':
      return { closedAt: at, cancelReason: event.reason, authorizedMinor: 0n, ...givenBackWhole(order) };
    case 'OrderRefunded':
      return { closedAt: at, ...givenBackWhole(order) };
    case 'LinesCancelled': {
      // Their money goes back, or has gone.
      const taken = counted(order.lines, event.lines, 'cancelledQuantity');
      const lines = counted(taken, event.lines, 'refundedQuantity');
      const fulfilmentStatus = fulfilmentStatusOf(lines);
      // What is left needs nobody: it goes on by itself.
      const goesOn = fulfilmentStatus === 'NOT_REQUIRED' && order.fulfilmentStatus !== 'NOT_REQUIRED';
      return { lines, fulfilmentStatus, ...(goesOn ? { advanceAt: at } : {}) };
    }
    case 'RefundRequested':
      return {
        lines: refundedLines(order.lines, event),
        refundPendingMinor: order.refundPendingMinor + event.amountMinor,
        refundedTaxMinor: order.refundedTaxMinor + event.taxMinor,
        shippingRefundedMinor: order.shippingRefundedMinor + event.shippingMinor,
      };
    case 'ReturnReceived':
      return returned(order, event.lines);
    case 'PaymentAwaited':
      return { ...extended(order, event.until), authorizedMinor: event.authorizedMinor };
    case 'AwaitingEnded':
      return { expiresAt: order.payBy ?? order.expiresAt, payBy: null, authorizedMinor: 0n };
    case 'OrderPaid':
      return {
        paidMinor: order.paidMinor + event.amountMinor,
        paidAt: event.paidAt,
        authorizedMinor: 0n,
        advanceAt: event.advances ? at : order.lapsesAt,
      };
    case 'PartPaymentReceived':
      return { ...received(order, event), authorizedMinor: 0n };
    case 'PaymentRefused':
      return refusedMoney(order, event);
    case 'RefundRecorded':
      return refunded(order, event);
    case 'LinesFulfilled':
      return delivered(order, event.lines);
    case 'FulfilmentCancelled':
      return undelivered(order, event.lines);
    case 'OrderCompleted':
    case 'OrderRedeemed':
      return { completedAt: at, ...callingHook(order, at) };
    case 'OrderLapsed':
      return { closedAt: at, advanceAt: null };
    case 'AdvancePostponed':
      return { advanceAt: event.nextAt, advanceAttempts: order.advanceAttempts + 1 };
    case 'AttentionNeeded':
      return callingHook(order, at);
    case 'AttentionResolved':
      return event.to === 'COMPLETED'
        ? { completedAt: at, ...callingHook(order, at) }
        : { advanceAt: at, advanceAttempts: 0 };
    case 'RemarkChanged':
      return { remark: event.remark };
    case 'OrderArchived':
      return { archivedAt: at };
    case 'OrderUnarchived':
      return { archivedAt: null };
    default:
      return {};
  }
}
