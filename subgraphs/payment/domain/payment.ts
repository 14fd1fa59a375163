import { type Refusal, validationError } from '../../shared/errors/errors.ts';
import type { Money } from '../../shared/values/money.ts';
import { amountMismatch } from './refusals.ts';

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
  /** What came in: nothing, or `amountMinor`, or a part of it where staff captured less. */
  readonly capturedMinor: bigint;
  /** What went back or is about to: refunds that are not FAILED. */
  readonly refundingMinor: bigint;
  /** What went back. */
  readonly refundedMinor: bigint;
  /** What staff have decided to capture and the provider has not yet confirmed. */
  readonly capturingMinor: bigint;
  /** Its money is held first, and may be captured in part, also in the provider's own pages. */
  readonly manualCapture?: boolean;
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
  | { readonly type: 'DisputeOpened' | 'DisputeWon' | 'DisputeLost'; readonly amountMinor: bigint }
  | { readonly type: 'SurplusRefunded' | 'RefundReturned' | 'RefundRepeated'; readonly amountMinor: bigint }
  | { readonly type: 'PaymentRetried' | 'PaymentCancelled' | 'PaymentExpired' }
  | { readonly type: 'PaymentProcessing' }
  | { readonly type: 'AttemptReady' | 'AttemptPending' | 'AttemptEnded' }
  | { readonly type: 'CaptureRequested'; readonly amountMinor: bigint }
  | { readonly type: 'PaymentFailed' | 'AttemptFailed' | 'RefundRefused' | 'CaptureRefused'; readonly code: string };

/** What a provider says about an attempt, however it was heard. `instrument`: what the customer pays with, as people know it. */
export type ProviderFact =
  /** `at`: when the customer paid, by the provider's clock, where it says so. `providerPaymentId`: its name for what is behind a checkout. */
  | {
      readonly type: 'succeeded';
      readonly amountMinor: bigint;
      readonly currency: string;
      readonly at?: Date | undefined;
      readonly providerPaymentId?: string | undefined;
      readonly instrument?: string | undefined;
    }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  /** The provider holds the money until we capture it, for a time. */
  | {
      readonly type: 'authorized';
      readonly amountMinor: bigint;
      readonly currency: string;
      readonly instrument?: string | undefined;
    }
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

/** Attempts that have the money, or hold it: an earlier decline is told too late. */
const settling: ReadonlySet<AttemptState> = new Set(['AUTHORIZED', 'SUCCEEDED']);
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
      return { state: 'SETTLED', capturedMinor: event.amountMinor, capturingMinor: 0n };
    case 'CaptureRequested':
      return { capturingMinor: event.amountMinor };
    case 'CaptureRefused':
      return { capturingMinor: 0n };
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
    case 'DisputeOpened':
    case 'DisputeWon':
    case 'DisputeLost':
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
      // Where money is held first, a part may be told before the holding is: events come in any order.
      if (!isAsked(fact, asked, { part: payment.manualCapture === true || attempt.state === 'AUTHORIZED' }))
        return { ...stale, outcome: 'REJECTED_AMOUNT' };
      return decideCaptured(payment, fact.amountMinor);
    case 'authorized': {
      if (!attempt.live || settling.has(attempt.state)) return stale;
      if (!isAsked(fact, asked, { part: false })) return { ...stale, outcome: 'REJECTED_AMOUNT' };
      const { amountMinor } = fact;
      const event: PaymentEvent = isUnpaid(payment.state)
        ? { type: 'PaymentAuthorized', amountMinor }
        : { type: 'AttemptPending' };
      return { outcome: 'APPLIED', events: [event], attempt: { state: 'AUTHORIZED', live: true } };
    }
    case 'failed': {
      if (!attempt.live || settling.has(attempt.state) || attempt.state === 'FAILED') return stale;
      const waits = unpaid.has(payment.state) && payment.state !== 'FAILED';
      // The intent can be paid with another card, so the attempt stays live.
      return {
        outcome: 'APPLIED',
        events: [{ type: waits ? 'PaymentFailed' : 'AttemptFailed', code: fact.code }],
        attempt: { state: 'FAILED', live: true },
      };
    }
    case 'processing': {
      if (!attempt.live || settling.has(attempt.state) || attempt.state === 'PENDING') return stale;
      const type = isUnpaid(payment.state) && payment.state !== 'PROCESSING' ? 'PaymentProcessing' : 'AttemptPending';
      return { outcome: 'APPLIED', events: [{ type }], attempt: { state: 'PENDING', live: true } };
    }
    case 'canceled': {
      if (!attempt.live) return stale;
      // Money that was held too long goes back to the customer; nobody was charged.
      if (payment.state === 'AUTHORIZED') {
        return { outcome: 'APPLIED', events: [{ type: 'PaymentExpired' }], attempt: { state: 'EXPIRED', live: false } };
      }
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

/** The whole amount, or where the money is held before, as much of it as was captured. */
const isAsked = (fact: { amountMinor: bigint; currency: string }, asked: Money, { part }: { part: boolean }): boolean =>
  fact.currency === asked.currency &&
  (part ? fact.amountMinor > 0n && fact.amountMinor <= asked.amount : fact.amountMinor === asked.amount);

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

/** Money that staff say has come, by a way on which nobody else tells: the whole amount, or why not. */
export function decideArrival(
  payment: PaymentFacts,
  wanted: Money | null,
): { events: readonly PaymentEvent[] } | { refusal: Refusal } {
  const due = { amount: payment.amountMinor, currency: payment.currency };
  const { amount: amountMinor, currency } = wanted ?? due;
  if (payment.state !== 'OPEN') {
    const message = `The payment is ${payment.state} and waits for no transfer; send the money back.`;
    return { refusal: validationError(message, ['paymentId']) };
  }
  if (currency !== due.currency || amountMinor !== due.amount) {
    return { refusal: amountMismatch(due, { amount: amountMinor, currency }, ['amount']) };
  }
  return { events: payment.capturingMinor === amountMinor ? [] : [{ type: 'CaptureRequested', amountMinor }] };
}

/** A capture of `wanted`, or of all that is held, or why not; nothing where the same was decided before. */
export function decideCapture(
  payment: PaymentFacts,
  wanted: Money | null,
): { events: readonly PaymentEvent[] } | { refusal: Refusal } {
  const held = { amount: payment.amountMinor, currency: payment.currency };
  const { amount: amountMinor, currency } = wanted ?? held;
  if (payment.state !== 'AUTHORIZED') {
    const message = `The payment is ${payment.state}; only what a provider holds (AUTHORIZED) can be captured.`;
    return { refusal: validationError(message, ['paymentId']) };
  }
  if (currency !== held.currency || amountMinor <= 0n || amountMinor > held.amount) {
    return { refusal: amountMismatch(held, { amount: amountMinor, currency }, ['amount']) };
  }
  if (payment.capturingMinor === amountMinor) return { events: [] };
  if (payment.capturingMinor === 0n) return { events: [{ type: 'CaptureRequested', amountMinor }] };
  return { refusal: validationError('Another amount is being captured right now.', ['amount']) };
}
