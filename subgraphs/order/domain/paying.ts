import type { Decision, Order, OrderCommand, OrderEvent } from './order-model.ts';
import { isRefunded } from './redemption.ts';

/** Money that is with us: what came in and did not go back. */
export const netMinor = (order: Pick<Order, 'paidMinor' | 'refundedMinor'>): bigint =>
  order.paidMinor - order.refundedMinor;

/** The larger of two amounts. */
export const larger = (one: bigint, other: bigint): bigint => (one > other ? one : other);

/** True while the order is kept open past its own deadline, or money is held for it. */
export const isAwaiting = (order: Pick<Order, 'payBy' | 'authorizedMinor'>): boolean =>
  order.payBy !== null || order.authorizedMinor > 0n;

/** The order's deadlines when it waits until `until`: never earlier than it would have closed. */
export const extended = (order: Order, until: Date): Pick<Order, 'expiresAt' | 'payBy'> =>
  until.getTime() <= order.expiresAt.getTime()
    ? { expiresAt: order.expiresAt, payBy: order.payBy }
    : { expiresAt: until, payBy: order.payBy ?? order.expiresAt };

/** What came in with an event, but for what an earlier refund has counted of it. */
export const received = (
  order: Order,
  event: { readonly amountMinor: bigint; readonly countedMinor?: bigint },
): Pick<Order, 'paidMinor'> => ({
  paidMinor: order.paidMinor + larger(event.amountMinor - (event.countedMinor ?? 0n), 0n),
});

/** The order's money after a refund; of an early one it counts what came in, too. */
export function refunded(order: Order, event: Extract<OrderEvent, { type: 'RefundRecorded' }>): Partial<Order> {
  const refundedMinor = order.refundedMinor + event.amountMinor;
  const paidMinor = event.early ? order.paidMinor + event.amountMinor : order.paidMinor;
  const money = { refundedMinor, paidMinor: larger(paidMinor, refundedMinor) };
  // An order whose money is gone is not waited for any more.
  return order.lapsesAt !== null && order.state === 'PAID' && isRefunded(money) ? { ...money, advanceAt: null } : money;
}

/** Only an order that still waits for its money waits longer; one that waits so long already has nothing to note. */
export function decideAwaiting(order: Order, command: Extract<OrderCommand, { type: 'AwaitPayment' }>): Decision {
  const { paymentId, until, authorizedMinor } = command;
  if (order.state !== 'PENDING_PAYMENT') return { events: [] };
  const longer = until.getTime() > order.expiresAt.getTime();
  return longer || authorizedMinor !== order.authorizedMinor
    ? one({ type: 'PaymentAwaited', paymentId, until, authorizedMinor })
    : { events: [] };
}

/** A decision for one event. */
const one = (event: OrderEvent): Decision => ({ events: [event] });

/**
 * Money that arrived counts when it was paid in time and the order still waits for it; otherwise it has to go back. A
 * payment that is told again counts once, and one of which something went back already pays nothing.
 */
export function decidePayment(order: Order, command: Extract<OrderCommand, { type: 'MarkPaid' }>): Decision {
  const { paymentId, amountMinor, method, paidAt, advances, known } = command;
  const payment = { paymentId, amountMinor, method, paidAt, advances };
  if (known?.received) return { events: [] };
  if (known && known.refundedMinor > 0n)
    return one({
      type: 'PaymentRefused',
      ...payment,
      reason: 'PAYMENT_REFUNDED',
      countedMinor: known.refundedMinor,
    });
  if (order.state !== 'PENDING_PAYMENT')
    return one({ type: 'PaymentRefused', ...payment, reason: `ORDER_${order.state}` });
  if (paidAt.getTime() >= order.expiresAt.getTime())
    return one({ type: 'PaymentRefused', ...payment, reason: 'ORDER_EXPIRED' });
  return one({
    type: netMinor(order) + amountMinor >= order.totalMinor ? 'OrderPaid' : 'PartPaymentReceived',
    ...payment,
  });
}
