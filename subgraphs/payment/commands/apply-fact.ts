import { newNumber } from '../../shared/values/ids.ts';
import { firstOf } from '../../shared/values/text.ts';
import type { Unit } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import {
  type FactDecision,
  type FactOutcome,
  type ProviderFact,
  decideFact,
  refundableMinor,
} from '../domain/payment.ts';
import { appendEvent, paymentFailed, paymentSucceeded } from '../events.ts';
import type { PaymentRow } from '../records.ts';
import {
  type AttemptOfPayment,
  capturedAttemptId,
  findAttemptWithPayment,
  hurryLiveAttempt,
  updateAttempt,
} from '../attempt-store.ts';
import { lockPayment } from '../payment-store.ts';
import { insertRefund } from '../refund-store.ts';
import { awaitPayment } from './await-payment.ts';
import { followExternalPart } from './change-payment.ts';
import { type Cause, savePayment, saveUnchanged } from './save-payment.ts';

export type Applied = {
  readonly outcome: FactOutcome | 'UNKNOWN_PAYMENT';
  readonly paymentId: string | null;
  readonly error?: string;
};

/** What a provider says about an attempt, which is named by its own id, which the provider was given, or by the provider's. */
export type AttemptFact = {
  readonly provider: string;
  readonly attemptId: string | null;
  readonly intentId: string | null;
  readonly fact: ProviderFact;
};

/** What a fact will do to its payment as it was read. Null where it does nothing. */
export type Foreseen = {
  readonly applied: Applied;
  readonly found: AttemptOfPayment | null;
  readonly change: FactDecision | null;
};

const maxReasonLength = 255;
export const maxInstrumentLength = 64;
const followUpSeconds = 60;

/** Reads the attempt and its payment, and decides. Locks nothing: `applyFact` applies it where nothing has changed since. */
export const foresee = async ({ sql }: Unit, about: AttemptFact): Promise<Foreseen> =>
  decide(about, await findAttemptWithPayment(sql, about));

function decide(about: AttemptFact, found: AttemptOfPayment | null): Foreseen {
  const nothing = (applied: Applied): Foreseen => ({ applied, found, change: null });
  if (!found) return nothing({ outcome: 'UNKNOWN_PAYMENT', paymentId: null, error: 'no such attempt' });
  const { payment, attempt } = found;
  const paymentId = payment.id;
  const { provider, providerIntentId: intentId, state, live } = attempt;
  const isOfAnother = about.intentId !== null && intentId !== null && intentId !== about.intentId;
  if (provider !== about.provider || isOfAnother)
    return nothing({
      outcome: 'UNKNOWN_PAYMENT',
      paymentId,
      error: 'the attempt belongs to another intent of the provider',
    });
  const asked = { amount: payment.amountMinor, currency: payment.currency };
  const change = decideFact(payment, { state, live: live !== null }, asked, about.fact);
  if (change.outcome === 'REJECTED_AMOUNT')
    return nothing({
      outcome: 'REJECTED_AMOUNT',
      paymentId,
      error: 'the amount or currency is not what was asked for',
    });
  const applied = { outcome: change.outcome, paymentId };
  return change.outcome === 'STALE' ? nothing(applied) : { applied, found, change };
}

/**
 * Applies what a provider says about an attempt, heard by webhook, by asking or as an answer: the one place where money
 * comes in. What was foreseen is applied where its payment is still in the version that was read, else it is decided once more
 * under the payment's lock; so is that it does nothing.
 */
export async function applyFact(
  unit: Unit,
  deps: PaymentDeps,
  about: AttemptFact,
  cause: Cause,
  foreseen: Foreseen | null = null,
): Promise<Applied> {
  const first = foreseen ?? (await foresee(unit, about));
  if (!first.found || (await apply(unit, deps, about, first, cause))) return first.applied;
  await lockPayment(unit.sql, first.found.payment.id);
  const second = await foresee(unit, about);
  if (second.change && !(await apply(unit, deps, about, second, cause)))
    throw new Error('a payment changed under its lock');
  return second.applied;
}

/** False when there is nothing to apply, or the payment has changed since it was read. */
async function apply(
  unit: Unit,
  deps: PaymentDeps,
  about: AttemptFact,
  { found, change }: Foreseen,
  given: Cause,
): Promise<boolean> {
  if (!found || !change) return false;
  const { payment, attempt } = found;
  const { fact } = about;
  const paidAt = fact.type === 'succeeded' ? within(payment.createdAt, fact.at, given.at) : undefined;
  const cause = { ...given, paidAt, data: { attemptId: attempt.id, ...given.data } };
  const after = await saveUnchanged(unit, payment, change.events, cause);
  if (!after) return false;
  await updateAttempt(unit.sql, attempt, changeOf(found, about, change, given.at), followUpSeconds);
  if (found.hasWalletPart) await followExternalPart(unit, deps, { before: payment, after }, cause);
  if (attempt.live === null && change.attempt.state === 'SUCCEEDED') await hurryAttempt(unit, payment.id);
  for (const event of change.events) {
    if (event.type === 'PaymentSettled') await appendEvent(unit, deps, after, paymentSucceeded(after));
    if (event.type === 'PaymentAuthorized' || event.type === 'PaymentProcessing') await awaitPayment(unit, deps, after);
    if (event.type === 'PaymentFailed') await appendEvent(unit, deps, after, paymentFailed(event.code));
    if (event.type === 'PaymentExpired') await appendEvent(unit, deps, after, paymentFailed('authorization_expired'));
  }
  if (change.refund) {
    const reason = change.refund.surplus
      ? 'The payment was made twice.'
      : `The payment came after it was ${payment.state}.`;
    await requestAutomaticRefund(unit, deps, after, { ...change.refund, reason, attemptId: attempt.id });
  }
  return true;
}

/** A provider's clock is not ours: nobody has paid before the payment was made, nor in the future. */
const within = (earliest: Date, told: Date | undefined, latest: Date): Date | undefined =>
  told && new Date(Math.min(Math.max(told.getTime(), earliest.getTime()), latest.getTime()));

function changeOf(
  { attempt: before }: AttemptOfPayment,
  { intentId, fact }: AttemptFact,
  { attempt }: FactDecision,
  at: Date,
): Parameters<typeof updateAttempt>[2] {
  const waits = ['REQUIRES_ACTION', 'PENDING', 'AUTHORIZED'].includes(attempt.state);
  // A decline stays told when the intent is called off.
  const failure = {
    failed: fact.type === 'failed' ? { code: fact.code.slice(0, 64), message: fact.message.slice(0, 500) } : null,
    canceled: { code: before.failureCode ?? null, message: before.failureMessage ?? null },
  };
  const told = fact.type === 'failed' || fact.type === 'canceled' ? failure[fact.type] : null;
  return {
    state: attempt.state,
    isLive: attempt.live,
    intentId,
    providerPaymentId: fact.type === 'succeeded' ? (fact.providerPaymentId ?? null) : null,
    providerState: fact.type,
    failureCode: told?.code ?? null,
    failureMessage: told?.message ?? null,
    instrument:
      (fact.type === 'succeeded' || fact.type === 'authorized') && fact.instrument
        ? firstOf(fact.instrument, maxInstrumentLength)
        : null,
    // One that was declined first has ended when its money came.
    finishedAt: waits ? null : attempt.state === 'SUCCEEDED' ? at : (before.finishedAt ?? at),
  };
}

/** Has the provider asked at once about the payment's live attempt, e.g. because its intent must be called off now. */
export async function hurryAttempt(unit: Unit, paymentId: string): Promise<void> {
  await hurryLiveAttempt(unit.sql, paymentId);
  unit.wake('attempts');
}

/** Stores a refund that the platform decides on by itself; the payment has been charged with it before, unless it is surplus. */
export async function requestAutomaticRefund(
  unit: Unit,
  deps: PaymentDeps,
  payment: PaymentRow,
  refund: {
    amountMinor: bigint;
    surplus: boolean;
    reason: string;
    attemptId?: string;
    /** What the order has asked for, and for whom of the staff. */
    requestId?: string | null;
    requestedBy?: string | null | undefined;
  },
): Promise<void> {
  const at = deps.now();
  const attemptId = refund.attemptId ?? (await capturedAttemptId(unit.sql, payment.id));
  await insertRefund(
    unit.sql,
    {
      id: deps.newId(payment.id),
      number: newNumber('RF', at),
      attemptId,
      amountMinor: refund.amountMinor,
      reason: firstOf(refund.reason, maxReasonLength),
      automatic: true,
      surplus: refund.surplus,
      requestedBy: refund.requestedBy ?? null,
      requestId: refund.requestId ?? null,
      createdAt: at,
    },
    payment,
    0,
  );
  unit.changed(payment.orderId);
  unit.wake('refunds');
}

/** Has all that is left of a payment go back by itself; does nothing where nothing is left. */
export async function refundRest(unit: Unit, deps: PaymentDeps, payment: PaymentRow, reason: string): Promise<void> {
  const amountMinor = refundableMinor(payment);
  if (amountMinor <= 0n) return;
  const cause = { source: 'event', at: deps.now() } as const;
  const after = await savePayment(unit, payment, [{ type: 'RefundRequested', amountMinor }], cause);
  await requestAutomaticRefund(unit, deps, after, { amountMinor, surplus: false, reason });
}
