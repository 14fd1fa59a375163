import type { Money } from '../../shared/money.ts';

export const paymentStates = [
  'OPEN', 'PROCESSING', 'AUTHORIZED', 'SETTLED', 'FAILED', 'CANCELLED', 'EXPIRED', 'PARTIALLY_REFUNDED', 'REFUNDED',
] as const; // prettier-ignore
export type PaymentState = (typeof paymentStates)[number];
export type AttemptState =
  'CREATED' | 'REQUIRES_ACTION' | 'PENDING' | 'AUTHORIZED' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'EXPIRED';

/** A payment as its rules see it; amounts in minor units of `currency`. */
export type PaymentFacts = {
  readonly state: PaymentState;
  readonly currency: string;
  readonly amountMinor: bigint;
  /** What came in: nothing or `amountMinor`. */
  readonly capturedMinor: bigint;
  /** What went back or is about to: refunds that are not FAILED. */
  readonly refundingMinor: bigint;
  /** What went back. */
  readonly refundedMinor: bigint;
  /** Equals the number of entries in the journal. */
  readonly version: number;
};

/** An attempt as the rules see it. `live`: the provider's intent may exist and can still be paid. */
export type AttemptFacts = { readonly state: AttemptState; readonly live: boolean };

/** An entry of the journal: what happened, told so that `evolve` finds the state after it. */
export type PaymentEvent =
  | {
      readonly type: 'PaymentCreated' | 'PaymentAuthorized' | 'PaymentSettled' | 'CapturedLate';
      readonly amountMinor: bigint;
    }
  | { readonly type: 'CapturedTwice'; readonly amountMinor: bigint }
  | { readonly type: 'RefundRequested' | 'RefundSucceeded' | 'RefundFailed'; readonly amountMinor: bigint }
  | { readonly type: 'SurplusRefunded' | 'RefundReturned' | 'RefundRepeated'; readonly amountMinor: bigint }
  | { readonly type: 'PaymentRetried' | 'PaymentCancelled' | 'PaymentExpired' }
  | { readonly type: 'PaymentProcessing' }
  | { readonly type: 'AttemptReady' | 'AttemptPending' | 'AttemptEnded' }
  | { readonly type: 'PaymentFailed' | 'AttemptFailed' | 'RefundRefused'; readonly code: string };

/** What a provider says about an attempt, however it was heard. */
export type ProviderFact =
  | { readonly type: 'succeeded'; readonly amountMinor: bigint; readonly currency: string }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  /** The money is on its way: it can still fail. */
  | { readonly type: 'processing' }
  | { readonly type: 'canceled' };

export type FactOutcome = 'APPLIED' | 'STALE' | 'REJECTED_AMOUNT' | 'LATE_AUTO_REFUNDED';
export type FactDecision = {
  readonly outcome: FactOutcome;
  readonly events: readonly PaymentEvent[];
  /** The attempt afterwards. */
  readonly attempt: AttemptFacts;
  /** Money that has to go back by itself. `surplus`: on top of the payment's own amount. */
  readonly refund?: { readonly amountMinor: bigint; readonly surplus: boolean };
};

const unpaid: ReadonlySet<PaymentState> = new Set(['OPEN', 'PROCESSING', 'AUTHORIZED', 'FAILED']);
const closed: ReadonlySet<PaymentState> = new Set(['CANCELLED', 'EXPIRED']);

/** True while the customer may still pay it, be it by a new attempt. */
export const isUnpaid = (state: PaymentState): boolean => unpaid.has(state);
/** True when it was given up: an intent that is still open at the provider has to be called off. */
export const isClosed = (state: PaymentState): boolean => closed.has(state);
/** True while no other payment of its order may be made. */
export const holdsOrder = (state: PaymentState): boolean =>
  unpaid.has(state) || state === 'SETTLED' || state === 'PARTIALLY_REFUNDED';
/** True when it was paid in time. */
export const isPaid = (state: PaymentState): boolean => !unpaid.has(state) && !closed.has(state);

export const refundableMinor = (payment: PaymentFacts): bigint => payment.capturedMinor - payment.refundingMinor;

/** The state after `event`. Throws a RangeError when that would break an invariant: then the caller has a bug. */
export function evolve(payment: PaymentFacts, event: PaymentEvent): PaymentFacts {
  return checked({ ...payment, ...changed(payment, event), version: payment.version + 1 });
}

function changed(payment: PaymentFacts, event: PaymentEvent): Partial<PaymentFacts> {
  switch (event.type) {
    case 'PaymentAuthorized':
      return { state: 'AUTHORIZED' };
    case 'PaymentSettled':
      return { state: 'SETTLED', capturedMinor: event.amountMinor };
    case 'CapturedLate':
      return { capturedMinor: event.amountMinor };
    case 'PaymentFailed':
      return { state: 'FAILED' };
    case 'PaymentRetried':
      return { state: 'OPEN' };
    case 'PaymentProcessing':
      return { state: 'PROCESSING' };
    case 'PaymentCancelled':
      return { state: 'CANCELLED' };
    case 'PaymentExpired':
      return { state: 'EXPIRED' };
    case 'RefundRequested':
      return { refundingMinor: payment.refundingMinor + event.amountMinor };
    case 'RefundFailed':
      return { refundingMinor: payment.refundingMinor - event.amountMinor };
    case 'RefundSucceeded': {
      const refundedMinor = payment.refundedMinor + event.amountMinor;
      return { refundedMinor, state: refundedMinor === payment.capturedMinor ? 'REFUNDED' : 'PARTIALLY_REFUNDED' };
    }
    case 'PaymentCreated':
    case 'AttemptReady':
    case 'AttemptPending':
    case 'AttemptEnded':
    case 'AttemptFailed':
    case 'CapturedTwice':
    case 'SurplusRefunded':
    case 'RefundRefused':
    case 'RefundReturned':
    case 'RefundRepeated':
      return {};
  }
}

function checked(payment: PaymentFacts): PaymentFacts {
  const { amountMinor, capturedMinor, refundingMinor, refundedMinor } = payment;
  if (capturedMinor < 0n || capturedMinor > amountMinor)
    throw new RangeError('captured must be within 0 and the amount');
  if (refundingMinor < 0n || refundingMinor > capturedMinor)
    throw new RangeError('refunds must be within 0 and what was captured');
  if (refundedMinor < 0n || refundedMinor > refundingMinor)
    throw new RangeError('refunded must be within 0 and what was requested');
  return payment;
}

/**
 * What a provider's word changes. Facts come doubled, late and in any order, so this only ever moves forward: money that
 * came in stays in whatever is said afterwards, and a fact about an attempt that has ended is stale.
 */
export function decideFact(
  payment: PaymentFacts,
  attempt: AttemptFacts,
  asked: Money,
  fact: ProviderFact,
): FactDecision {
  const stale: FactDecision = { outcome: 'STALE', events: [], attempt };
  switch (fact.type) {
    case 'succeeded':
      if (attempt.state === 'SUCCEEDED') return stale;
      if (fact.amountMinor !== asked.amount || fact.currency !== asked.currency)
        return { ...stale, outcome: 'REJECTED_AMOUNT' };
      return decideCaptured(payment, fact.amountMinor);
    case 'failed': {
      if (!attempt.live || attempt.state === 'SUCCEEDED' || attempt.state === 'FAILED') return stale;
      const waits = unpaid.has(payment.state) && payment.state !== 'FAILED';
      // The intent can be paid with another card, so the attempt stays live.
      return {
        outcome: 'APPLIED',
        events: [{ type: waits ? 'PaymentFailed' : 'AttemptFailed', code: fact.code }],
        attempt: { state: 'FAILED', live: true },
      };
    }
    case 'processing': {
      if (!attempt.live || attempt.state === 'SUCCEEDED' || attempt.state === 'PENDING') return stale;
      const type = isUnpaid(payment.state) && payment.state !== 'PROCESSING' ? 'PaymentProcessing' : 'AttemptPending';
      return { outcome: 'APPLIED', events: [{ type }], attempt: { state: 'PENDING', live: true } };
    }
    case 'canceled': {
      if (!attempt.live) return stale;
      const state = attempt.state === 'FAILED' ? 'FAILED' : payment.state === 'EXPIRED' ? 'EXPIRED' : 'CANCELLED';
      const waits = unpaid.has(payment.state) && payment.state !== 'FAILED';
      return {
        outcome: 'APPLIED',
        events: [waits ? { type: 'PaymentFailed', code: 'canceled' } : { type: 'AttemptEnded' }],
        attempt: { state, live: false },
      };
    }
  }
}

function decideCaptured(payment: PaymentFacts, amountMinor: bigint): FactDecision {
  const attempt: AttemptFacts = { state: 'SUCCEEDED', live: false };
  if (payment.capturedMinor > 0n) {
    return {
      outcome: 'LATE_AUTO_REFUNDED',
      events: [{ type: 'CapturedTwice', amountMinor }],
      attempt,
      refund: { amountMinor, surplus: true },
    };
  }
  if (isUnpaid(payment.state))
    return { outcome: 'APPLIED', events: [{ type: 'PaymentSettled', amountMinor }], attempt };
  return {
    outcome: 'LATE_AUTO_REFUNDED',
    events: [
      { type: 'CapturedLate', amountMinor },
      { type: 'RefundRequested', amountMinor },
    ],
    attempt,
    refund: { amountMinor, surplus: false },
  };
}

/** Gives an unpaid payment up; nothing for one that was given up before; null when it can't be any more. */
export function decideClose(payment: PaymentFacts, as: 'CANCELLED' | 'EXPIRED'): readonly PaymentEvent[] | null {
  if (isClosed(payment.state)) return [];
  if (!isUnpaid(payment.state)) return null;
  return [{ type: as === 'EXPIRED' ? 'PaymentExpired' : 'PaymentCancelled' }];
}
