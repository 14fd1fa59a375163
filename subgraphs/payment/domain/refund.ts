import type { Refusal } from '../../shared/errors/errors.ts';
import { moneyToJson } from '../../shared/values/money.ts';
import { type PaymentEvent, type PaymentFacts, refundableMinor } from './payment.ts';

export type RefundState = 'REQUESTED' | 'PENDING' | 'SUCCEEDED' | 'FAILED';

/** A refund as its rules see it. */
export type RefundFacts = {
  readonly state: RefundState;
  readonly amountMinor: bigint;
  /** Decided by the platform itself: the money is owed, so the refund is tried until it is done. */
  readonly automatic: boolean;
  /** Gives back a second capture, which the payment's own amounts don't count. */
  readonly surplus: boolean;
  /** It has succeeded once, and the payment counts it as gone. */
  readonly counted: boolean;
  /** Why the provider refused it last. */
  readonly failure: string | null;
};

export type RefundDecision = {
  readonly events: readonly PaymentEvent[];
  readonly state: RefundState;
  /** To be tried once more, as a new request: the provider keeps its answer to the old one. */
  readonly again: boolean;
};

/** A refund of `amountMinor`, or why not. */
export function decideRefund(
  payment: PaymentFacts,
  amountMinor: bigint,
): { events: readonly PaymentEvent[] } | { refusal: Refusal } {
  const refundable = refundableMinor(payment);
  if (amountMinor <= refundable) return { events: [{ type: 'RefundRequested', amountMinor }] };
  return {
    refusal: {
      __typename: 'RefundLimitError',
      code: 'REFUND_LIMIT',
      message: 'This is more than is left of the payment.',
      path: ['input', 'amount'],
      refundable: moneyToJson({ amount: refundable, currency: payment.currency }),
    },
  };
}

/**
 * A provider's answer to a refund. Money that is owed stays owed: what the platform decided on, and what the customer has
 * been told of, is tried again after a failure; only a refund that staff asked for ends as FAILED, its amount free again.
 */
export function decideRefundResult(
  refund: RefundFacts,
  result: 'succeeded' | 'failed' | 'pending',
  code = 'failed',
): RefundDecision {
  const { state, amountMinor, automatic, surplus, counted } = refund;
  const unchanged: RefundDecision = { events: [], state, again: false };
  if (result === 'pending' || state === 'FAILED') return unchanged;
  if (result === 'succeeded') {
    if (state === 'SUCCEEDED') return unchanged;
    const type = counted ? 'RefundRepeated' : surplus ? 'SurplusRefunded' : 'RefundSucceeded';
    return { events: [{ type, amountMinor }], state: 'SUCCEEDED', again: false };
  }
  // The customer's bank sent it back: it stays counted, and is made once more.
  if (state === 'SUCCEEDED') {
    return { events: [{ type: 'RefundReturned', amountMinor }], state: 'PENDING', again: true };
  }
  if (automatic || counted) {
    return { events: refund.failure === null ? [{ type: 'RefundRefused', code }] : [], state: 'PENDING', again: true };
  }
  return { events: [{ type: 'RefundFailed', amountMinor }], state: 'FAILED', again: false };
}

/** What makes a FAILED refund owed again, or why that can't be; nothing for one that is waiting to be tried. */
export function decideReopen(
  payment: PaymentFacts,
  refund: RefundFacts,
): { events: readonly PaymentEvent[] } | { refusal: Refusal } {
  return refund.state === 'FAILED' && !refund.surplus ? decideRefund(payment, refund.amountMinor) : { events: [] };
}
