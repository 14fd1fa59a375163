import type { Decision, Order, OrderCommand, OrderEvent } from './order.ts';

/** Money that is with us: what came in and did not go back. */
export const netMinor = (order: Pick<Order, 'paidMinor' | 'refundedMinor'>): bigint =>
  order.paidMinor - order.refundedMinor;

/** The larger of two amounts. */
export const larger = (one: bigint, other: bigint): bigint => (one > other ? one : other);

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
