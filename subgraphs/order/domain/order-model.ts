import type { Refusal } from '../../shared/errors/errors.ts';
import type { ReturnCommand, ReturnEvent } from './return-model.ts';

/* What the rules of an order are written in: its states, its facts, what may be asked of it and what happens to it. */

export type JsonObject = Readonly<Record<string, unknown>>;

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
  'REFUNDED',
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
  PAID: ['PROCESSING', 'COMPLETED', 'LAPSED', 'NEEDS_ATTENTION', 'CANCELLED', 'REFUNDED'],
  PROCESSING: ['COMPLETED', 'NEEDS_ATTENTION', 'CANCELLED', 'REFUNDED'],
  NEEDS_ATTENTION: ['PROCESSING', 'COMPLETED', 'CANCELLED', 'REFUNDED'],
  COMPLETED: [],
  LAPSED: [],
  CANCELLED: [],
  EXPIRED: [],
  FAILED: [],
  REFUNDED: [],
};

/** States in which the order is over and its stock is not held any more. */
export const closedStates: readonly OrderState[] = ['CANCELLED', 'EXPIRED', 'FAILED', 'REFUNDED'];
export const terminalStates: readonly OrderState[] = [...closedStates, 'COMPLETED', 'LAPSED'];

export type Line = {
  readonly id: string;
  readonly quantity: number;
  readonly fulfilledQuantity: number;
  readonly needsFulfilment: boolean;
  /** Pieces taken off before they were delivered; they are refunded, too. */
  readonly cancelledQuantity: number;
  /** Pieces whose money went back, or is on its way. */
  readonly refundedQuantity: number;
  /** Delivered pieces that came back. */
  readonly returnedQuantity: number;
  /** Of those that came back by a return, the ones whose money has not gone back. */
  readonly unrefundedReturnQuantity: number;
  /** Delivered pieces that a refund put back into the stock: they came back without a return. */
  readonly restockedQuantity: number;
  /** What all pieces cost, and the tax in it. */
  readonly totalMinor: bigint;
  readonly taxMinor: bigint;
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
  /** Of lines, shipping and amounts that were decided on, and of money that was refused, what has not gone back yet. A closed order gives back all that is left. */
  readonly refundPendingMinor: bigint;
  /** All taxes in the total; and those in what went back or is on its way. */
  readonly taxMinor: bigint;
  readonly refundedTaxMinor: bigint;
  /** What of the price of shipping went back, or is on its way. */
  readonly shippingRefundedMinor: bigint;
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
  /** Its type does something of its own when it is completed, or needs attention. */
  readonly hasHooks: boolean;
  /** When the delivery looks at it again, or such a hook is called; null when nothing is due. */
  readonly advanceAt: Date | null;
  readonly advanceAttempts: number;
  /** When a paid order that is to be redeemed counts as never used; null for the others. */
  readonly lapsesAt: Date | null;
  /** Only loaded where a command needs them. */
  readonly lines: readonly Line[];
};

export type LineQuantity = { readonly lineId: string; readonly quantity: number };

/** How a delivery can be followed. */
export type Tracking = {
  readonly carrier: string | null;
  readonly trackingNumber: string | null;
  /** The carrier's page of it; https. */
  readonly trackingUrl: string | null;
};

/** What the rules need to know of one delivery. */
export type FulfilmentFacts = {
  readonly id: string;
  readonly lines: readonly LineQuantity[];
  readonly deliveredAt: Date | null;
  readonly cancelledAt: Date | null;
};

/** What the journal knows of one payment: events may come twice, and a refund before its payment. */
export type PaymentHistory = {
  /** Its money was counted, or refused. */
  readonly received: boolean;
  /** The order did not take it, so all of it goes back. */
  readonly refused: boolean;
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
  /** Stock is held, and nothing is to be paid. */
  | { readonly type: 'ConfirmFree'; readonly advances: boolean }
  | { readonly type: 'FailPlacing'; readonly reason: CancelReason; readonly detail: JsonObject | null }
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
      /** The `RefundRequested` that it does, or a part of it. */
      readonly requestId?: string | undefined;
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
  | {
      readonly type: 'Cancel';
      readonly reason: CancelReason;
      readonly note: string | null;
      /** Its delivery fills the customer's wallet: what was begun of it can't be told from what was done. */
      readonly isTopUp?: boolean;
    }
  | {
      readonly type: 'CancelLines';
      readonly requestId: string;
      readonly lines: readonly LineQuantity[];
      readonly reason: CancelReason;
      readonly note: string | null;
      /** A customer asks, and a stay of the order has begun: its money stays where it is. */
      readonly stayBegun?: boolean;
      readonly isTopUp?: boolean;
    }
  | {
      readonly type: 'Refund';
      readonly requestId: string;
      readonly lines: readonly LineQuantity[];
      readonly withShipping: boolean;
      /** Instead of what lines and shipping come to; null for that. */
      readonly amountMinor: bigint | null;
      readonly currency: string;
      /** Delivered pieces go back into the stock. */
      readonly restock: boolean;
      /** Pieces that open returns wait for; needed where something is restocked. */
      readonly returning?: readonly LineQuantity[];
      readonly reason: string;
      /** Who of the staff. */
      readonly requestedBy: string;
      readonly isTopUp?: boolean;
    }
  | ReturnCommand
  | { readonly type: 'Redeem' }
  | { readonly type: 'Lapse' }
  | { readonly type: 'StartProcessing' }
  | { readonly type: 'Complete' }
  | ({
      readonly type: 'Fulfil';
      readonly fulfilmentId: string;
      readonly lines: readonly LineQuantity[] | null;
    } & Tracking)
  | { readonly type: 'MarkDelivered'; readonly fulfilment: FulfilmentFacts }
  | { readonly type: 'CancelFulfilment'; readonly fulfilment: FulfilmentFacts; readonly reason: string }
  | { readonly type: 'PostponeAdvance'; readonly error: string; readonly nextAt: Date }
  | { readonly type: 'NeedAttention'; readonly error: string }
  | { readonly type: 'ResolveAttention'; readonly to: OrderState; readonly note: string; readonly isTopUp?: boolean }
  | { readonly type: 'ChangeRemark'; readonly remark: string }
  | { readonly type: 'AddNote'; readonly note: string; readonly public: boolean }
  | { readonly type: 'Archive' }
  | { readonly type: 'Unarchive' };

/** Past tense; `data` is what the journal keeps beside the states. */
export type OrderEvent =
  | { readonly type: 'OrderPlaced'; readonly data: JsonObject }
  | { readonly type: 'StockReserved' }
  | { readonly type: 'PlacingFailed'; readonly reason: CancelReason; readonly detail: JsonObject | null }
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
  /** Of an order that costs nothing: there is no payment. */
  | {
      readonly type: 'OrderPaid';
      readonly paymentId: null;
      readonly amountMinor: 0n;
      readonly method: 'NONE';
      readonly paidAt: Date;
      readonly advances: boolean;
      readonly reason?: undefined;
      readonly countedMinor?: undefined;
    }
  | {
      readonly type: 'RefundRecorded';
      readonly paymentId: string;
      readonly refundId: string;
      readonly amountMinor: bigint;
      readonly requestId?: string | undefined;
      /** The payment itself was not heard of yet, so its money is counted as come and gone. */
      readonly early: boolean;
      /** Of money that the order did not take. */
      readonly ofRefused?: boolean;
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
  /** `refundMinor`: what had come in and goes back. */
  | {
      readonly type: 'OrderCancelled';
      readonly reason: CancelReason;
      readonly note: string | null;
      readonly refundMinor?: bigint;
    }
  /** All its money has gone back, or is on its way where `refundMinor` says so, and nothing of it was delivered. */
  | {
      readonly type: 'OrderRefunded';
      readonly note?: string;
      readonly refundMinor?: bigint;
      /** Where staff gave the rest back: which request of theirs, and how much that was. */
      readonly requestId?: string;
      readonly amountMinor?: bigint;
    }
  /** Pieces are taken off before they are delivered. */
  | {
      readonly type: 'LinesCancelled';
      readonly lines: readonly LineQuantity[];
      readonly reason: CancelReason;
      readonly note: string | null;
    }
  /** Payment is to give so much back. */
  | {
      readonly type: 'RefundRequested';
      readonly requestId: string;
      readonly amountMinor: bigint;
      readonly taxMinor: bigint;
      /** Delivered pieces that it is for; those that were taken off are told before. */
      readonly lines: readonly LineQuantity[];
      readonly shippingMinor: bigint;
      /** Delivered pieces that are back in the stock. */
      readonly restock: readonly LineQuantity[];
      readonly reason: string;
      /** Who of the staff; null where the customer cancelled. */
      readonly requestedBy: string | null;
    }
  | ReturnEvent
  | { readonly type: 'ProcessingStarted' }
  | ({
      readonly type: 'LinesFulfilled';
      readonly fulfilmentId: string;
      readonly lines: readonly LineQuantity[];
    } & Tracking)
  | { readonly type: 'FulfilmentDelivered'; readonly fulfilmentId: string }
  /** It never arrives: its pieces are to be delivered again. */
  | {
      readonly type: 'FulfilmentCancelled';
      readonly fulfilmentId: string;
      readonly lines: readonly LineQuantity[];
      readonly reason: string;
    }
  | { readonly type: 'OrderCompleted' }
  | { readonly type: 'OrderRedeemed' }
  | { readonly type: 'OrderLapsed' }
  | { readonly type: 'AdvancePostponed'; readonly error: string; readonly nextAt: Date }
  | { readonly type: 'AttentionNeeded'; readonly error: string }
  | { readonly type: 'AttentionResolved'; readonly to: OrderState; readonly note: string }
  | { readonly type: 'RemarkChanged'; readonly remark: string }
  | { readonly type: 'NoteAdded'; readonly note: string; readonly public: boolean }
  /** What told of a person is gone. `formerHash`: the last of the journal as it was, where old entries had to be hashed again. */
  | { readonly type: 'PersonalDataErased'; readonly rehashedFrom?: number; readonly formerHash?: string }
  | { readonly type: 'OrderArchived' }
  | { readonly type: 'OrderUnarchived' };

/** Money of a payment that did not pay all of its order. */
export type PartPayment = { readonly paymentId: string; readonly amountMinor: bigint };

export type Decision = { readonly events: readonly OrderEvent[] } | { readonly refusal: Refusal };
