import { run, select } from '../../shared/database/database.ts';
import { idFromBytes, idToBytes, isId, newNumber } from '../../shared/values/ids.ts';
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
import { announce, paymentFailed, paymentSucceeded } from '../events.ts';
import type { AttemptRow, PaymentRow } from '../records.ts';
import { type Cause, attemptFrom, insertRefund, lockPayment, savePayment } from '../store.ts';
import { awaitPayment } from './await-payment.ts';
import { changePayment } from './change-payment.ts';

export type Applied = {
  readonly outcome: FactOutcome | 'UNKNOWN_PAYMENT';
  readonly paymentId: string | null;
  readonly error?: string;
};

const maxReasonLength = 255;

/**
 * Applies what a provider says about an attempt, heard by webhook, by asking or as an answer: the one place where money
 * comes in. The attempt is found by its own id, which the provider was given, or by the provider's.
 */
export async function applyFact(
  unit: Unit,
  deps: PaymentDeps,
  about: { provider: string; attemptId: string | null; intentId: string | null; fact: ProviderFact },
  cause: Cause,
): Promise<Applied> {
  const attempt = await findAttemptLocked(unit, about);
  if (!attempt) return { outcome: 'UNKNOWN_PAYMENT', paymentId: null, error: 'no such attempt' };
  const { payment, row } = attempt;
  if (
    row.provider !== about.provider ||
    (about.intentId !== null && row.providerIntentId !== null && row.providerIntentId !== about.intentId)
  ) {
    return {
      outcome: 'UNKNOWN_PAYMENT',
      paymentId: payment.id,
      error: 'the attempt belongs to another intent of the provider',
    };
  }
  const asked = { amount: payment.amountMinor, currency: payment.currency };
  const decision = decideFact(payment, { state: row.state, live: row.live !== null }, asked, about.fact);
  if (decision.outcome === 'REJECTED_AMOUNT') {
    return {
      outcome: 'REJECTED_AMOUNT',
      paymentId: payment.id,
      error: 'the amount or currency is not what was asked for',
    };
  }
  if (decision.outcome === 'STALE') return { outcome: 'STALE', paymentId: payment.id };

  await saveAttempt(unit, row, decision, about, cause);
  const data = { attemptId: row.id, ...cause.data };
  const paidAt = about.fact.type === 'succeeded' ? within(payment.createdAt, about.fact.at, cause.at) : undefined;
  const after = await changePayment(unit, deps, payment, decision.events, { ...cause, paidAt, data });
  if (row.live === null && decision.attempt.state === 'SUCCEEDED') await hurryAttempt(unit, payment.id);
  for (const event of decision.events) {
    if (event.type === 'PaymentSettled') await announce(unit, deps, after, paymentSucceeded(after));
    if (event.type === 'PaymentAuthorized' || event.type === 'PaymentProcessing') await awaitPayment(unit, deps, after);
    if (event.type === 'PaymentFailed') await announce(unit, deps, after, paymentFailed(event.code));
    if (event.type === 'PaymentExpired') await announce(unit, deps, after, paymentFailed('authorization_expired'));
  }
  if (decision.refund) {
    const reason = decision.refund.surplus
      ? 'The payment was made twice.'
      : `The payment came after it was ${payment.state}.`;
    await requestAutomaticRefund(unit, deps, after, { ...decision.refund, reason, attemptId: row.id });
  }
  return { outcome: decision.outcome, paymentId: payment.id };
}

/** A provider's clock is not ours: nobody has paid before the payment was made, nor in the future. */
const within = (earliest: Date, told: Date | undefined, latest: Date): Date | undefined =>
  told && new Date(Math.min(Math.max(told.getTime(), earliest.getTime()), latest.getTime()));

async function findAttemptLocked(
  unit: Unit,
  about: { provider: string; attemptId: string | null; intentId: string | null },
): Promise<{ payment: PaymentRow; row: AttemptRow } | null> {
  const [by, value] = isId(about.attemptId)
    ? ['id = ?', [idToBytes(about.attemptId)]]
    : ['provider = ? and provider_intent_id = ?', [about.provider, about.intentId ?? '']];
  const [found] = await select(unit.sql, `select id, payment_id from attempt where ${by}`, value);
  const payment = found ? await lockPayment(unit.sql, idFromBytes(found['payment_id'] as Buffer)) : null;
  if (!found || !payment) return null;
  // Read again under the payment's lock: only now it can't change any more.
  const [row] = await select(unit.sql, 'select * from attempt where id = ?', [found['id'] as Buffer]);
  return row ? { payment, row: attemptFrom(row) } : null;
}

const followUpSeconds = 60;

async function saveAttempt(
  unit: Unit,
  row: AttemptRow,
  { attempt }: FactDecision,
  about: { intentId: string | null; fact: ProviderFact },
  cause: Cause,
): Promise<void> {
  const { fact } = about;
  const waits = ['REQUIRES_ACTION', 'PENDING', 'AUTHORIZED'].includes(attempt.state);
  // One that was declined first has ended when its money came.
  const finishedAt = waits ? null : attempt.state === 'SUCCEEDED' ? cause.at : (row.finishedAt ?? cause.at);
  await run(
    unit.sql,
    `update attempt set state = ?, live = ?, provider_intent_id = coalesce(provider_intent_id, ?), provider_payment_id = coalesce(provider_payment_id, ?), provider_state = ?, failure_code = ?, failure_message = ?,
       finished_at = ?, checks = 0, next_check_at = if(?, utc_timestamp(3) + interval ${followUpSeconds} second, null)
     where id = ?`,
    [
      attempt.state,
      attempt.live ? idToBytes(row.paymentId) : null,
      about.intentId,
      fact.type === 'succeeded' ? (fact.providerPaymentId ?? null) : null,
      fact.type,
      fact.type === 'failed' ? fact.code.slice(0, 64) : fact.type === 'canceled' ? (row.failureCode ?? null) : null,
      fact.type === 'failed'
        ? fact.message.slice(0, 500)
        : fact.type === 'canceled'
          ? (row.failureMessage ?? null)
          : null,
      finishedAt,
      attempt.live,
      idToBytes(row.id),
    ],
  );
}

/** Has the provider asked at once about the payment's live attempt, e.g. because its intent must be called off now. */
export async function hurryAttempt(unit: Unit, paymentId: string): Promise<void> {
  await run(unit.sql, 'update attempt set next_check_at = utc_timestamp(3), checks = 0 where live = ?', [
    idToBytes(paymentId),
  ]);
  unit.wake('attempts');
}

/** Stores a refund that the platform decides on by itself; the payment has been charged with it before, unless it is surplus. */
export async function requestAutomaticRefund(
  unit: Unit,
  deps: PaymentDeps,
  payment: PaymentRow,
  refund: { amountMinor: bigint; surplus: boolean; reason: string; attemptId?: string },
): Promise<void> {
  const at = deps.now();
  const attemptId = refund.attemptId ?? (await capturedAttemptId(unit, payment.id));
  await insertRefund(
    unit,
    {
      id: deps.newId(),
      number: newNumber('RF', at),
      attemptId,
      amountMinor: refund.amountMinor,
      reason: firstOf(refund.reason, maxReasonLength),
      automatic: true,
      surplus: refund.surplus,
      requestedBy: null,
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

/** The attempt by which the payment's money came in. */
export async function capturedAttemptId(unit: Unit, paymentId: string): Promise<string> {
  const [row] = await select(
    unit.sql,
    "select id from attempt where payment_id = ? and state = 'SUCCEEDED' order by finished_at, id limit 1",
    [idToBytes(paymentId)],
  );
  if (!row) throw new Error('a captured payment has an attempt that succeeded');
  return idFromBytes(row['id'] as Buffer);
}
