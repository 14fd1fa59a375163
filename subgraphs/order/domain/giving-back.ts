import { type Refusal, validationError } from '../../shared/errors/errors.ts';
import {
  type Decision,
  type Order,
  type OrderCommand,
  type OrderEvent,
  type OrderState,
  closedStates,
} from './order-model.ts';
import { isGivenBack, larger, netMinor, refunded } from './paying.ts';
import { refundedError } from './redemption.ts';
import { openPieces } from './shares.ts';

/*
 * How an order that has money ends without being delivered: it is cancelled and its money goes back, or all its money has
 * gone back. The row lock decides between that and a delivery, and each refuses after the other.
 */

/** States in which an order can be cancelled, as long as nothing of it was delivered. */
export const cancellable = ['PENDING_PAYMENT', 'PAID', 'PROCESSING', 'NEEDS_ATTENTION'] as const satisfies readonly OrderState[]; // prettier-ignore

/** A rule of the business says no. */
export const rejected = (cause: string, message: string): Decision => ({
  refusal: { __typename: 'BusinessRejectedError', code: 'BUSINESS_REJECTED', message, cause } satisfies Refusal,
});

/** The days of a stay have begun, and its customer asks for the money back. */
export const stayBegunError = {
  __typename: 'BusinessRejectedError',
  code: 'BUSINESS_REJECTED',
  message: 'The stay has begun; ask the shop.',
  cause: 'STAY_BEGUN',
} satisfies Refusal;

/** True once a part of it was sent. */
const isPartlyDelivered = ({ fulfilmentStatus }: Order): boolean =>
  fulfilmentStatus !== 'UNFULFILLED' && fulfilmentStatus !== 'NOT_REQUIRED';

/** Its delivery runs by itself, perhaps right now: it may be delivered before it could be told that it is not to be. */
export const isBeingDelivered = ({ state, fulfilmentStatus }: Pick<Order, 'state' | 'fulfilmentStatus'>): boolean =>
  state === 'PROCESSING' && fulfilmentStatus === 'NOT_REQUIRED';

/** Whether the order can be cancelled as a whole, `state` being what it reads now. */
export const mayCancel = (order: Order, state: OrderState): boolean =>
  cancellable.some((one) => one === state) &&
  (state === 'PENDING_PAYMENT' || !(isGivenBack(order) || isPartlyDelivered(order) || isBeingDelivered(order)));

/** Who cancels, and why. */
export type OrderCancellation = Omit<Extract<OrderCommand, { type: 'Cancel' }>, 'type'>;

/** Cancels the order as a whole; what has come in goes back. `refused` where its state does not allow it. */
export function decideCancel(
  order: Order,
  state: OrderState,
  command: Extract<OrderCommand, { type: 'Cancel' }>,
  refused: Decision,
): Decision {
  if (state === 'CANCELLED') return { events: [] };
  if (!cancellable.some((one) => one === state)) return refused;
  const obstacle = obstacleTo(order, command.isTopUp);
  if (obstacle) return obstacle;
  const { reason, note } = command;
  return { events: [{ type: 'OrderCancelled', reason, note, ...goingBack(order) }] };
}

/** What keeps the order from ending undelivered; null for nothing. */
function obstacleTo(order: Order, isTopUp = false): Decision | null {
  if (isPartlyDelivered(order))
    return rejected('ALREADY_DELIVERED', 'A part of the order was delivered; cancel the lines that were not.');
  if (isBeingDelivered(order))
    return rejected('DELIVERY_UNDER_WAY', 'The order is being delivered right now; it can not be stopped.');
  if (isTopUp && order.state === 'NEEDS_ATTENTION')
    return rejected('WALLET_TOP_UP', 'The wallet may have been filled already; give the money back by refundPayment.');
  return null;
}

/** What is with us and has to go back, as the journal tells it. */
export const goingBack = (order: Order): { refundMinor?: bigint } =>
  netMinor(order) > 0n ? { refundMinor: netMinor(order) } : {};

/** What an event gives back, in minor units: of an order that ends, all that is with us, on its way or not. */
export function givenMinor(event: OrderEvent): bigint {
  switch (event.type) {
    case 'RefundRequested':
      return event.amountMinor;
    case 'OrderRefunded':
      return event.amountMinor ?? event.refundMinor ?? 0n;
    case 'OrderCancelled':
      return event.refundMinor ?? 0n;
    default:
      return 0n;
  }
}

/** What is on its way back, in minor units: of an order that is closed, all that is left. */
export const refundPendingMinor = (order: Order): bigint =>
  closedStates.includes(order.state) ? larger(netMinor(order), 0n) : order.refundPendingMinor;

/** What staff decide of an order that NEEDS_ATTENTION: it goes on, or it ends and its money goes back. */
export function decideResolution(
  order: Order,
  { to, note, isTopUp }: Extract<OrderCommand, { type: 'ResolveAttention' }>,
): Decision {
  if (to !== 'CANCELLED' && to !== 'REFUNDED') return { events: [{ type: 'AttentionResolved', to, note }] };
  const obstacle = obstacleTo(order, isTopUp);
  if (obstacle) return obstacle;
  if (to === 'CANCELLED')
    return { events: [{ type: 'OrderCancelled', reason: 'MERCHANT', note, ...goingBack(order) }] };
  if (order.paidMinor === 0n)
    return { refusal: validationError('to: no money has come in that could go back.', ['to']) };
  return { events: [{ type: 'OrderRefunded', note, ...goingBack(order) }] };
}

/** Money that went back; a refund that is told again counts once. An order of which nothing was delivered ends with its last money. */
export function recordRefund(order: Order, command: Extract<OrderCommand, { type: 'RecordRefund' }>): Decision {
  const { paymentId, refundId, amountMinor, requestId, known } = command;
  if (known?.refundIds.includes(refundId)) return { events: [] };
  const recorded = { type: 'RefundRecorded', paymentId, refundId, amountMinor, requestId, early: known?.received === false, ...(known?.refused && { ofRefused: true }) } as const; // prettier-ignore
  return { events: [recorded, ...followsFullRefund({ ...order, ...refunded(order, recorded) })] };
}

const endsRefunded: readonly OrderState[] = ['PAID', 'PROCESSING', 'NEEDS_ATTENTION'];

/** An order whose delivery runs right now goes on: what comes of the delivery decides, see `decideUndelivered`. */
function followsFullRefund(order: Order): readonly OrderEvent[] {
  if (!isGivenBack(order) || !endsRefunded.includes(order.state)) return [];
  if (isBeingDelivered(order)) return [];
  if (!isPartlyDelivered(order)) return [{ type: 'OrderRefunded', ...goingBack(order) }];
  // What was delivered stays with the customer; the rest is not delivered any more.
  return [
    {
      type: 'LinesCancelled',
      lines: openPieces(order.lines),
      reason: 'MERCHANT',
      note: 'All money of the order has gone back.',
    },
    ...(order.state === 'NEEDS_ATTENTION' ? [] : [{ type: 'OrderCompleted' } as const]),
  ];
}

/** The end of an order that was given back while its delivery was under way, once that has failed or is to begin again; else null. */
export const decideUndelivered = (order: Order): Decision | null =>
  isGivenBack(order) && endsRefunded.includes(order.state) && order.fulfilmentStatus === 'NOT_REQUIRED'
    ? { events: [{ type: 'OrderRefunded', ...goingBack(order) }] }
    : null;

/** Nothing is delivered of an order whose money has gone back, or is on its way; null where it is still here. */
export const deliveryRefusal = (order: Order): Decision | null =>
  isGivenBack(order) ? { refusal: refundedError } : null;
