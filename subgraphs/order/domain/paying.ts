import { type Decision, type Order, type OrderCommand, type OrderEvent, closedStates } from './order-model.ts';

/** Money that is with us: what came in and did not go back. */
export const netMinor = (order: Pick<Order, 'paidMinor' | 'refundedMinor'>): bigint =>
  order.paidMinor - order.refundedMinor;

type Money = Pick<Order, 'paidMinor' | 'refundedMinor' | 'refundPendingMinor'>;

/** What is here and not on its way back, in minor units: it pays for the order, and can still be given back. */
export const refundableMinor = (order: Money): bigint => netMinor(order) - order.refundPendingMinor;

/** All the money that came in has gone back. */
export const isRefunded = ({ paidMinor, refundedMinor }: Pick<Order, 'paidMinor' | 'refundedMinor'>): boolean =>
  paidMinor > 0n && refundedMinor >= paidMinor;

/** All the money that came in has gone back, or is on its way: nothing is given for it any more. */
export const isGivenBack = (order: Money): boolean => order.paidMinor > 0n && refundableMinor(order) <= 0n;

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

/** Money that the order does not take is on its way back from the start. Of a closed order all is, see `refundPendingMinor`. */
export function refusedMoney(
  order: Order,
  event: Parameters<typeof received>[1],
): Pick<Order, 'paidMinor' | 'refundPendingMinor'> {
  const { paidMinor } = received(order, event);
  const cameMinor = closedStates.includes(order.state) ? 0n : paidMinor - order.paidMinor;
  return { paidMinor, refundPendingMinor: order.refundPendingMinor + cameMinor };
}

/**
 * What is still on its way after a refund, never more than is left; and the tax in one that nobody has asked for here. Money that
 * was never the order's has none in it.
 */
function pendingAfter(
  order: Order,
  { amountMinor, requestId, early, ofRefused }: Extract<OrderEvent, { type: 'RefundRecorded' }>,
  leftMinor: bigint,
): Pick<Order, 'refundPendingMinor' | 'refundedTaxMinor'> {
  const wasPendingMinor = order.refundPendingMinor;
  const isExpected = requestId !== undefined || ofRefused === true;
  const pendingMinor = isExpected ? larger(wasPendingMinor - amountMinor, 0n) : wasPendingMinor;
  const refundPendingMinor = pendingMinor > leftMinor ? leftMinor : pendingMinor;
  const isTaxed = !isExpected && !early && order.paidAt !== null && !closedStates.includes(order.state);
  const taxMinor = isTaxed ? taxInMinor(order, amountMinor) : 0n;
  return { refundPendingMinor, refundedTaxMinor: order.refundedTaxMinor + taxMinor };
}

/** The tax in so much money that is told by its amount alone: in proportion, and with the last money all that is left of it. */
export function taxInMinor(order: Order, amountMinor: bigint): bigint {
  const leftMinor = refundableMinor(order);
  const leftTaxMinor = order.taxMinor - order.refundedTaxMinor;
  return amountMinor >= leftMinor ? leftTaxMinor : (leftTaxMinor * amountMinor) / leftMinor;
}

/** The order's money after a refund; of an early one it counts what came in, too. */
export function refunded(order: Order, event: Extract<OrderEvent, { type: 'RefundRecorded' }>): Partial<Order> {
  const refundedMinor = order.refundedMinor + event.amountMinor;
  const paidMinor = larger(event.early ? order.paidMinor + event.amountMinor : order.paidMinor, refundedMinor);
  const money = { refundedMinor, paidMinor, ...pendingAfter(order, event, paidMinor - refundedMinor) };
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
    type: refundableMinor(order) + amountMinor >= order.totalMinor ? 'OrderPaid' : 'PartPaymentReceived',
    ...payment,
  });
}
