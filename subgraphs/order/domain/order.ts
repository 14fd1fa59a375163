import type { Refusal } from '../../shared/errors/errors.ts';
import { validationError } from '../../shared/errors/errors.ts';
import { change } from './change.ts';
import { decideFulfilment } from './fulfilment.ts';
import { decideAwaiting, decidePayment, isAwaiting, larger, netMinor } from './paying.ts';
import { decideLapse, decideRedemption } from './redemption.ts';

/*
 * The life of an order as data and two pure functions: `decide` says which events a command leads to, or why not;
 * `evolve` applies one event. Nothing here knows of databases, clocks or services.
 */

export const orderStates = [
  'PLACING',
  'PENDING_PAYMENT',
  'PAID',
  'PROCESSING',
  'COMPLETED',
  'LAPSED',
  'CANCELLED',
  'EXPIRED',
  'FAILED',
  'NEEDS_ATTENTION',
] as const;
export type OrderState = (typeof orderStates)[number];
export type PaymentStatus =
  | 'NOT_REQUIRED'
  | 'UNPAID'
  | 'AUTHORIZED'
  | 'PARTIALLY_PAID'
  | 'PAID'
  | 'OVERPAID'
  | 'PARTIALLY_REFUNDED'
  | 'REFUNDED'
  | 'VOIDED';
export type FulfilmentStatus =
  'NOT_REQUIRED' | 'UNFULFILLED' | 'PARTIALLY_FULFILLED' | 'FULFILLED' | 'PARTIALLY_RETURNED' | 'RETURNED';
export type CancelReason =
  | 'CUSTOMER' | 'MERCHANT' | 'PAYMENT_TIMEOUT' | 'PAYMENT_FAILED' | 'OUT_OF_STOCK' | 'BUSINESS_REJECTED' | 'INSUFFICIENT_BALANCE' | 'FRAUD' | 'SAGA_ROLLBACK'; // prettier-ignore
export type ActorType = 'CUSTOMER' | 'STAFF' | 'SERVICE' | 'SYSTEM' | 'PROVIDER';
export type Actor = { readonly type: ActorType; readonly id: string | null };

/** Which states each state may go to. Everything else is refused, by `decide` and by the guarded UPDATE. */
export const transitions: Readonly<Record<OrderState, readonly OrderState[]>> = {
  PLACING: ['PENDING_PAYMENT', 'FAILED'],
  PENDING_PAYMENT: ['PAID', 'CANCELLED', 'EXPIRED'],
  PAID: ['PROCESSING', 'COMPLETED', 'LAPSED', 'NEEDS_ATTENTION'],
  PROCESSING: ['COMPLETED', 'NEEDS_ATTENTION'],
  NEEDS_ATTENTION: ['PROCESSING', 'COMPLETED'],
  COMPLETED: [],
  LAPSED: [],
  CANCELLED: [],
  EXPIRED: [],
  FAILED: [],
};

/** States in which the order is over and its stock is not held any more. */
export const closedStates: readonly OrderState[] = ['CANCELLED', 'EXPIRED', 'FAILED'];
export const terminalStates: readonly OrderState[] = [...closedStates, 'COMPLETED', 'LAPSED'];

export type Line = {
  readonly id: string;
  readonly quantity: number;
  readonly fulfilledQuantity: number;
  readonly needsFulfilment: boolean;
};

/** What the rules need to know of an order. Amounts in minor units of the order's currency. */
export type Order = {
  readonly id: string;
  readonly state: OrderState;
  readonly paymentStatus: PaymentStatus;
  readonly fulfilmentStatus: FulfilmentStatus;
  readonly totalMinor: bigint;
  readonly paidMinor: bigint;
  readonly refundedMinor: bigint;
  /** Held for the order at a provider, and neither captured nor let go yet. */
  readonly authorizedMinor: bigint;
  /** When it closes by itself unless it is paid. */
  readonly expiresAt: Date;
  /** A payment at a provider has been begun, so it is asked about before the order closes. */
  readonly isPaying: boolean;
  /** The deadline that the order was placed with, while `expiresAt` is later because a payment is on its way; else null. */
  readonly payBy: Date | null;
  readonly paidAt: Date | null;
  readonly completedAt: Date | null;
  readonly closedAt: Date | null;
  readonly cancelReason: CancelReason | null;
  readonly archivedAt: Date | null;
  readonly remark: string | null;
  /** When the delivery looks at it again; null when nothing is due. */
  readonly advanceAt: Date | null;
  readonly advanceAttempts: number;
  /** When a paid order that is to be redeemed counts as never used; null for the others. */
  readonly lapsesAt: Date | null;
  /** Only loaded where a command needs them. */
  readonly lines: readonly Line[];
};

export type LineQuantity = { readonly lineId: string; readonly quantity: number };

/** What the journal knows of one payment: events may come twice, and a refund before its payment. */
export type PaymentHistory = {
  /** Its money was counted, or refused. */
  readonly received: boolean;
  readonly refundIds: readonly string[];
  /** Sum of its refunds. */
  readonly refundedMinor: bigint;
};

/** A dispute of one payment; the amount is what the bank wants. */
type Dispute = {
  readonly paymentId: string;
  readonly disputeId: string;
  readonly state: 'OPEN' | 'WON' | 'LOST';
  readonly amountMinor: bigint;
  /** The bank's, in the provider's words. */
  readonly reason: string | null;
};

export type OrderCommand =
  | { readonly type: 'ConfirmStock' }
  /** Stock is held and the wallet has paid, in one step. */
  | { readonly type: 'ConfirmPrepaid'; readonly paymentId: string; readonly paidAt: Date; readonly advances: boolean }
  | { readonly type: 'FailPlacing'; readonly reason: CancelReason; readonly detail: unknown }
  | {
      readonly type: 'MarkPaid';
      readonly paymentId: string;
      readonly amountMinor: bigint;
      readonly method: string;
      readonly paidAt: Date;
      readonly advances: boolean;
      /** Needed where the order has had money before. */
      readonly known?: PaymentHistory;
    }
  | {
      readonly type: 'RecordRefund';
      readonly paymentId: string;
      readonly refundId: string;
      readonly amountMinor: bigint;
      readonly known?: PaymentHistory;
    }
  /** A customer's bank disputes a payment, or has decided. What goes back by it is told by a refund of its own. */
  | ({ readonly type: 'RecordDispute' } & Dispute)
  /** A payment has come so far that the order waits for it past its deadline, up to `until`; it may hold money meanwhile. */
  | {
      readonly type: 'AwaitPayment';
      readonly paymentId: string;
      readonly until: Date;
      readonly authorizedMinor: bigint;
    }
  /** That payment comes to nothing: the order's own deadline counts again. */
  | { readonly type: 'StopAwaiting'; readonly paymentId: string }
  | { readonly type: 'Expire' }
  | { readonly type: 'Cancel'; readonly reason: CancelReason; readonly note: string | null }
  | { readonly type: 'Redeem' }
  | { readonly type: 'Lapse' }
  | { readonly type: 'StartProcessing' }
  | { readonly type: 'Complete' }
  | {
      readonly type: 'Fulfil';
      readonly fulfilmentId: string;
      readonly lines: readonly LineQuantity[] | null;
      readonly trackingNumber: string | null;
    }
  | { readonly type: 'PostponeAdvance'; readonly error: string; readonly nextAt: Date }
  | { readonly type: 'NeedAttention'; readonly error: string }
  | { readonly type: 'ResolveAttention'; readonly to: OrderState; readonly note: string }
  | { readonly type: 'ChangeRemark'; readonly remark: string }
  | { readonly type: 'AddNote'; readonly note: string; readonly public: boolean }
  | { readonly type: 'Archive' };

/** Past tense; `data` is what the journal keeps beside the states. */
export type OrderEvent =
  | { readonly type: 'OrderPlaced'; readonly data: Readonly<Record<string, unknown>> }
  | { readonly type: 'StockReserved' }
  | { readonly type: 'PlacingFailed'; readonly reason: CancelReason; readonly detail: unknown }
  | {
      readonly type: 'OrderPaid' | 'PartPaymentReceived' | 'PaymentRefused';
      readonly paymentId: string;
      readonly amountMinor: bigint;
      readonly method: string;
      readonly paidAt: Date;
      readonly advances: boolean;
      readonly reason?: string;
      /** What early refunds have counted of it already. */
      readonly countedMinor?: bigint;
    }
  | {
      readonly type: 'RefundRecorded';
      readonly paymentId: string;
      readonly refundId: string;
      readonly amountMinor: bigint;
      /** The payment itself was not heard of yet, so its money is counted as come and gone. */
      readonly early: boolean;
    }
  | ({ readonly type: 'DisputeRecorded' } & Dispute)
  | {
      readonly type: 'PaymentAwaited';
      readonly paymentId: string;
      readonly until: Date;
      readonly authorizedMinor: bigint;
    }
  | { readonly type: 'AwaitingEnded'; readonly paymentId: string }
  /** `parts`: money that had come in and has to go back. */
  | { readonly type: 'OrderExpired'; readonly parts?: readonly PartPayment[] }
  | { readonly type: 'OrderCancelled'; readonly reason: CancelReason; readonly note: string | null }
  | { readonly type: 'ProcessingStarted' }
  | {
      readonly type: 'LinesFulfilled';
      readonly fulfilmentId: string;
      readonly lines: readonly LineQuantity[];
      readonly trackingNumber: string | null;
    }
  | { readonly type: 'OrderCompleted' }
  | { readonly type: 'OrderRedeemed' }
  | { readonly type: 'OrderLapsed' }
  | { readonly type: 'AdvancePostponed'; readonly error: string; readonly nextAt: Date }
  | { readonly type: 'AttentionNeeded'; readonly error: string }
  | { readonly type: 'AttentionResolved'; readonly to: OrderState; readonly note: string }
  | { readonly type: 'RemarkChanged'; readonly remark: string }
  | { readonly type: 'NoteAdded'; readonly note: string; readonly public: boolean }
  | { readonly type: 'OrderArchived' };

/** Money of a payment that did not pay all of its order. */
export type PartPayment = { readonly paymentId: string; readonly amountMinor: bigint };

export type Decision = { readonly events: readonly OrderEvent[] } | { readonly refusal: Refusal };

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

const paidByWallet = (
  { totalMinor }: Order,
  { paymentId, paidAt, advances }: Extract<OrderCommand, { type: 'ConfirmPrepaid' }>,
): OrderEvent => ({ type: 'OrderPaid', paymentId, paidAt, advances, amountMinor: totalMinor, method: 'WALLET' });

/** The events that a command leads to at `at`, none when it is already done, or the refusal. */
export function decide(order: Order, command: OrderCommand, at: Date): Decision {
  const refuse = (...allowed: OrderState[]): Decision => ({ refusal: stateError(order, at, allowed) });
  const state = effectiveState(order, at);
  switch (command.type) {
    case 'ConfirmStock':
      if (order.state === 'PENDING_PAYMENT') return accept();
      return order.state === 'PLACING' ? accept({ type: 'StockReserved' }) : refuse('PLACING');
    case 'ConfirmPrepaid':
      if (order.paidAt !== null) return accept();
      return order.state === 'PLACING'
        ? accept({ type: 'StockReserved' }, paidByWallet(order, command))
        : refuse('PLACING');
    case 'FailPlacing':
      if (order.state === 'FAILED') return accept();
      return order.state === 'PLACING'
        ? accept({ type: 'PlacingFailed', reason: command.reason, detail: command.detail })
        : refuse('PLACING');
    case 'MarkPaid':
      return decidePayment(order, command);
    case 'RecordRefund':
      if (command.known?.refundIds.includes(command.refundId)) return accept();
      return accept({
        type: 'RefundRecorded',
        paymentId: command.paymentId,
        refundId: command.refundId,
        amountMinor: command.amountMinor,
        early: command.known?.received === false,
      });
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
      if (state === 'CANCELLED') return accept();
      if (state === 'PENDING_PAYMENT' && netMinor(order) === 0n)
        return accept({ type: 'OrderCancelled', reason: command.reason, note: command.note });
      return refuse('PENDING_PAYMENT');
    case 'Redeem':
      return decideRedemption(order, refuse('PAID'));
    case 'Lapse':
      return decideLapse(order, at, refuse('PAID'));
    case 'StartProcessing':
      if (state === 'PROCESSING' || state === 'COMPLETED') return accept();
      return state === 'PAID' ? accept({ type: 'ProcessingStarted' }) : refuse('PAID');
    case 'Complete':
      if (state === 'COMPLETED') return accept();
      if (state === 'PAID') return accept({ type: 'ProcessingStarted' }, { type: 'OrderCompleted' });
      return state === 'PROCESSING' ? accept({ type: 'OrderCompleted' }) : refuse('PAID', 'PROCESSING');
    case 'Fulfil':
      return state === 'PAID' || state === 'PROCESSING'
        ? decideFulfilment(order, command)
        : refuse('PAID', 'PROCESSING');
    case 'PostponeAdvance':
      return state === 'PAID' || state === 'PROCESSING'
        ? accept({ type: 'AdvancePostponed', error: command.error, nextAt: command.nextAt })
        : refuse('PAID', 'PROCESSING');
    case 'NeedAttention':
      if (state === 'NEEDS_ATTENTION') return accept();
      return state === 'PAID' || state === 'PROCESSING'
        ? accept({ type: 'AttentionNeeded', error: command.error })
        : refuse('PAID', 'PROCESSING');
    case 'ResolveAttention':
      if (!transitions.NEEDS_ATTENTION.includes(command.to)) {
        return { refusal: validationError(`to: is ${transitions.NEEDS_ATTENTION.join(' or ')}.`, ['to']) };
      }
      return state === 'NEEDS_ATTENTION'
        ? accept({ type: 'AttentionResolved', to: command.to, note: command.note })
        : refuse('NEEDS_ATTENTION');
    case 'ChangeRemark':
      if (order.remark === command.remark) return accept();
      return terminalStates.includes(state)
        ? refuse('PLACING', 'PENDING_PAYMENT', 'PAID', 'PROCESSING', 'NEEDS_ATTENTION')
        : accept({ type: 'RemarkChanged', remark: command.remark });
    case 'AddNote':
      return accept({ type: 'NoteAdded', note: command.note, public: command.public });
    case 'Archive':
      if (order.archivedAt) return accept();
      return terminalStates.includes(state) ? accept({ type: 'OrderArchived' }) : refuse(...terminalStates);
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
  return state === 'PLACING' || state === 'PENDING_PAYMENT' ? larger(order.totalMinor - netMinor(order), 0n) : 0n;
};
