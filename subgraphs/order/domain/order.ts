import type { Refusal } from '../../shared/errors/errors.ts';
import { validationError } from '../../shared/errors/errors.ts';
import { change } from './change.ts';
import { cancellable, decideCancel, decideResolution, decideUndelivered, recordRefund } from './giving-back.ts';
import { decideArrival, decideFulfilment, decideFulfilmentCancel } from './fulfilment.ts';
import {
  type Decision,
  type Order,
  type OrderCommand,
  type OrderEvent,
  type OrderState,
  type PaymentStatus,
  closedStates,
  terminalStates,
  transitions,
} from './order-model.ts';
import { decideAwaiting, decidePayment, isAwaiting, larger, refundableMinor } from './paying.ts';
import { decideCancelLines, decideRefund, reducible, refundable } from './refunding.ts';
import { decideReturning, isReturning } from './returning.ts';
import { decideLapse, decideRedemption } from './redemption.ts';

/*
 * The life of an order as data and two pure functions: `decide` says which events a command leads to, or why not;
 * `evolve` applies one event. Nothing here knows of databases, clocks or services.
 */

const accept = (...events: OrderEvent[]): Decision => ({ events });

/** How long after its deadline an order that is being paid may be open: so long its provider may be asked. */
export const closingGraceMs = 10_000;

/**
 * An order whose deadline has passed reads EXPIRED at once, whether or not the row was already changed. One that is being
 * paid is not over before its provider was asked: it never reads EXPIRED and PAID afterwards.
 */
export const effectiveState = (order: Pick<Order, 'state' | 'expiresAt' | 'isPaying'>, at: Date): OrderState =>
  order.state === 'PENDING_PAYMENT' && at.getTime() >= order.expiresAt.getTime() + (order.isPaying ? closingGraceMs : 0)
    ? 'EXPIRED'
    : order.state;

/** Refusal of a command in this state; `ORDER_EXPIRED` where the deadline is the reason. */
export function stateError(
  order: Pick<Order, 'state' | 'expiresAt' | 'isPaying'>,
  at: Date,
  allowed: readonly OrderState[],
) {
  const state = effectiveState(order, at);
  const code = state === 'EXPIRED' ? 'ORDER_EXPIRED' : 'ORDER_STATE';
  return {
    __typename: 'OrderStateError',
    code,
    message: `The order is ${state}; this needs ${allowed.join(' or ')}.`,
    state,
    allowed,
  } satisfies Refusal;
}

const notOver = ({ state }: Order): Decision => ({
  refusal: {
    __typename: 'OrderStateError',
    code: 'ORDER_STATE',
    message: `The order is not over yet, or is being closed right now; this needs ${terminalStates.join(' or ')}.`,
    state,
    allowed: terminalStates,
  } satisfies Refusal,
});

const decideProcessing = ({ state }: Order, refused: Decision): Decision =>
  state === 'PROCESSING' || state === 'COMPLETED'
    ? accept()
    : state === 'PAID'
      ? accept({ type: 'ProcessingStarted' })
      : refused;

const paidByWallet = (
  { totalMinor }: Order,
  { paymentId, paidAt, advances }: Extract<OrderCommand, { type: 'ConfirmPrepaid' }>,
): OrderEvent => ({ type: 'OrderPaid', paymentId, paidAt, advances, amountMinor: totalMinor, method: 'WALLET' });

const paidByNothing = (advances: boolean, paidAt: Date): OrderEvent => ({
  type: 'OrderPaid',
  paymentId: null,
  amountMinor: 0n,
  method: 'NONE',
  paidAt,
  advances,
});

/** The events that a command leads to at `at`, none when it is already done, or the refusal. */
export function decide(order: Order, command: OrderCommand, at: Date): Decision {
  const refuse = (...allowed: OrderState[]): Decision => ({ refusal: stateError(order, at, allowed) });
  const state = effectiveState(order, at);
  if (isReturning(command)) return decideReturning(order, command, at, refuse('COMPLETED'));
  switch (command.type) {
    case 'ConfirmStock':
      if (order.state === 'PENDING_PAYMENT') return accept();
      return order.state === 'PLACING' ? accept({ type: 'StockReserved' }) : refuse('PLACING');
    case 'ConfirmPrepaid':
      if (order.paidAt !== null) return accept();
      return order.state === 'PLACING'
        ? accept({ type: 'StockReserved' }, paidByWallet(order, command))
        : refuse('PLACING');
    case 'ConfirmFree':
      if (order.paidAt !== null) return accept();
      return order.state === 'PLACING' && order.totalMinor === 0n
        ? accept({ type: 'StockReserved' }, paidByNothing(command.advances, at))
        : refuse('PLACING');
    case 'FailPlacing':
      if (order.state === 'FAILED') return accept();
      return order.state === 'PLACING'
        ? accept({ type: 'PlacingFailed', reason: command.reason, detail: command.detail })
        : refuse('PLACING');
    case 'MarkPaid':
      return decidePayment(order, command);
    case 'RecordRefund':
      return recordRefund(order, command);
    case 'RecordDispute':
      return accept({ ...command, type: 'DisputeRecorded' });
    case 'AwaitPayment':
      return decideAwaiting(order, command);
    case 'StopAwaiting':
      return order.state === 'PENDING_PAYMENT' && isAwaiting(order)
        ? accept({ type: 'AwaitingEnded', paymentId: command.paymentId })
        : accept();
    case 'Expire':
      if (order.state === 'EXPIRED') return accept();
      return order.state === 'PENDING_PAYMENT' && at.getTime() >= order.expiresAt.getTime()
        ? accept({ type: 'OrderExpired' })
        : refuse('PENDING_PAYMENT');
    case 'Cancel':
      return decideCancel(order, state, command, refuse(...cancellable));
    case 'CancelLines':
      return decideCancelLines(order, state, command, {
        refused: refuse(...reducible),
        whole: (given) => decideCancel(order, state, { ...given, type: 'Cancel' }, refuse(...cancellable)),
      });
    case 'Refund':
      return decideRefund(order, state, command, refuse(...refundable));
    case 'Redeem':
      return decideRedemption(order, refuse('PAID'));
    case 'Lapse':
      return decideLapse(order, at, refuse('PAID'));
    case 'StartProcessing':
      return decideUndelivered(order) ?? decideProcessing(order, refuse('PAID'));
    case 'Complete':
      if (state === 'COMPLETED') return accept();
      if (state === 'PAID') return accept({ type: 'ProcessingStarted' }, { type: 'OrderCompleted' });
      return state === 'PROCESSING' ? accept({ type: 'OrderCompleted' }) : refuse('PAID', 'PROCESSING');
    case 'Fulfil':
      return state === 'PAID' || state === 'PROCESSING'
        ? decideFulfilment(order, command)
        : refuse('PAID', 'PROCESSING');
    case 'MarkDelivered':
      return decideArrival(command);
    case 'CancelFulfilment':
      return decideFulfilmentCancel(order, command, refuse('PROCESSING'));
    case 'PostponeAdvance':
      return state === 'PAID' || state === 'PROCESSING'
        ? (decideUndelivered(order) ??
            accept({ type: 'AdvancePostponed', error: command.error, nextAt: command.nextAt }))
        : refuse('PAID', 'PROCESSING');
    case 'NeedAttention':
      if (state === 'NEEDS_ATTENTION') return accept();
      return state === 'PAID' || state === 'PROCESSING'
        ? (decideUndelivered(order) ?? accept({ type: 'AttentionNeeded', error: command.error }))
        : refuse('PAID', 'PROCESSING');
    case 'ResolveAttention':
      if (!transitions.NEEDS_ATTENTION.includes(command.to)) {
        return { refusal: validationError(`to: is ${transitions.NEEDS_ATTENTION.join(' or ')}.`, ['to']) };
      }
      return state === 'NEEDS_ATTENTION' ? decideResolution(order, command) : refuse('NEEDS_ATTENTION');
    case 'ChangeRemark':
      if (order.remark === command.remark) return accept();
      return terminalStates.includes(state)
        ? refuse('PLACING', 'PENDING_PAYMENT', 'PAID', 'PROCESSING', 'NEEDS_ATTENTION')
        : accept({ type: 'RemarkChanged', remark: command.remark });
    case 'AddNote':
      return accept({ type: 'NoteAdded', note: command.note, public: command.public });
    case 'Archive':
      if (order.archivedAt) return accept();
      // One that reads EXPIRED may still turn out to have been paid in time: it is over once it is closed.
      return terminalStates.includes(order.state) ? accept({ type: 'OrderArchived' }) : notOver(order);
    case 'Unarchive':
      return order.archivedAt ? accept({ type: 'OrderUnarchived' }) : accept();
    default:
      return command satisfies never;
  }
}

/** The state that an event leads to; null where it leaves the state alone. */
export function stateAfter(event: OrderEvent): OrderState | null {
  switch (event.type) {
    case 'OrderPlaced': return 'PLACING';
    case 'StockReserved': return 'PENDING_PAYMENT';
    case 'PlacingFailed': return 'FAILED';
    case 'OrderPaid': return 'PAID';
    case 'OrderExpired': return 'EXPIRED';
    case 'OrderCancelled': return 'CANCELLED';
    case 'OrderRefunded': return 'REFUNDED';
    case 'ProcessingStarted': return 'PROCESSING';
    case 'OrderCompleted':
    case 'OrderRedeemed': return 'COMPLETED';
    case 'OrderLapsed': return 'LAPSED';
    case 'AttentionNeeded': return 'NEEDS_ATTENTION';
    case 'AttentionResolved': return event.to;
    default: return null;
  }
} // prettier-ignore

/** The order after one event at `at`. Throws where the event breaks the transition table: `decide` never lets that happen. */
export function evolve(order: Order, event: OrderEvent, at: Date): Order {
  const to = stateAfter(event);
  if (to !== null && !transitions[order.state].includes(to))
    throw new Error(`${event.type} can't follow ${order.state}`);
  const next = { ...order, ...change(order, event, at), ...(to === null ? {} : { state: to }) };
  return { ...next, paymentStatus: paymentStatusOf(next) };
}

/** The money's status follows from the amounts and the state alone. */
export function paymentStatusOf(
  order: Pick<Order, 'state' | 'totalMinor' | 'paidMinor' | 'refundedMinor' | 'authorizedMinor'>,
): PaymentStatus {
  const { totalMinor, paidMinor, refundedMinor, authorizedMinor } = order;
  if (refundedMinor > 0n) return refundedMinor >= paidMinor ? 'REFUNDED' : 'PARTIALLY_REFUNDED';
  if (paidMinor === 0n && authorizedMinor > 0n) return 'AUTHORIZED';
  if (paidMinor === 0n)
    return totalMinor === 0n ? 'NOT_REQUIRED' : closedStates.includes(order.state) ? 'VOIDED' : 'UNPAID';
  if (paidMinor < totalMinor) return 'PARTIALLY_PAID';
  return paidMinor === totalMinor ? 'PAID' : 'OVERPAID';
}

/** What is still to be paid, in minor units: nothing once the order is paid or closed. */
export const balanceDueMinor = (order: Order, at: Date): bigint => {
  const state = effectiveState(order, at);
  return state === 'PLACING' || state === 'PENDING_PAYMENT'
    ? larger(order.totalMinor - refundableMinor(order), 0n)
    : 0n;
};
