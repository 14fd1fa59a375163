import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from '../../shared/database/statements.ts';
import { RefusedError } from '../../shared/errors/errors.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import { type Unit, transact } from '../unit.ts';
import { type PaymentDeps, providerNamed } from '../deps.ts';
import { type ProviderFact, decideClose, isUnpaid } from '../domain/payment.ts';
import { type Intent, type KnownAttempt, ProviderRefused, ProviderUnreachable } from '../providers/provider.ts';
import { providerError } from '../domain/refusals.ts';
import type { AttemptRow, PaymentRow, Source } from '../records.ts';
import { findAttempt, updateIntent } from '../attempt-store.ts';
import { isOrderClosed } from '../closed-order-store.ts';
import { findPayment, lockPayment } from '../payment-store.ts';
import { applyFact, hurryAttempt } from './apply-fact.ts';
import { awaitPayment } from './await-payment.ts';
import { changePayment } from './change-payment.ts';
import { type Cause, savePayment, saveUnchanged } from './save-payment.ts';

/** Seconds until the provider is first asked about an attempt of which no webhook came. */
const firstPollSeconds = 15;
/** How long a client waits for a provider: it is to be told within 3 s. */
const providerPatienceMs = 2_500;

/** Creates an attempt's intent at the provider, or finds it: repeating this can't make a second one. */
const askIntent = (deps: PaymentDeps, payment: PaymentRow, attempt: AttemptRow): Promise<Intent> =>
  providerNamed(deps, attempt.provider).createIntent({
    id: attempt.id,
    number: attempt.number,
    amount: { amount: payment.amountMinor, currency: payment.currency },
    orderId: payment.orderId,
    paymentId: payment.id,
    returnUrl: payment.returnUrl ?? null,
    payer: payment.payer ?? null,
    capture: payment.manualCapture ? 'manual' : 'automatic',
  });

/** An attempt as its provider is asked about it. */
export const knownAttempt = (payment: PaymentRow, attempt: AttemptRow, intentId: string): KnownAttempt => ({
  id: attempt.id,
  intentId,
  orderId: payment.orderId,
  amount: { amount: payment.amountMinor, currency: payment.currency },
});

/** A payment and one of its attempts. */
export type Attempted = { readonly payment: PaymentRow; readonly attempt: AttemptRow };

/**
 * Reads them. The payment comes first: an attempt that changes after it was read changes the payment's version as well, so
 * that what is stored of the two is guarded by that. Throws when they are gone.
 */
export async function findAttempted(
  sql: Sql,
  ids: { readonly paymentId: string; readonly attemptId: string },
): Promise<Attempted> {
  const payment = await findPayment(sql, ids.paymentId);
  const attempt = await findAttempt(sql, ids.attemptId);
  if (!payment || !attempt) throw new Error('an attempt that was stored is gone');
  return { payment, attempt };
}

/**
 * Takes an attempt, as it was stored or read, to its provider and stores where the customer pays. Returns both as they are
 * then; an attempt that the provider knows already is left alone. Rejects with ProviderUnreachable, after which the job asks
 * again.
 */
export async function submitAttempt(deps: PaymentDeps, attempted: Attempted, source: Source): Promise<Attempted> {
  const { payment, attempt } = attempted;
  if (attempt.state !== 'CREATED' || attempt.live === null) return attempted;
  let intent: Intent;
  try {
    intent = await askIntent(deps, payment, attempt);
  } catch (error) {
    if (!(error instanceof ProviderRefused)) throw error;
    return refuseAttempt(deps, attempted, error, source);
  }
  failPoint('payment.submitted');
  return storeIntent(deps, attempted, intent, source);
}

function storeIntent(deps: PaymentDeps, before: Attempted, intent: Intent, source: Source): Promise<Attempted> {
  return transact(deps, async (unit) => {
    const { id, provider } = before.attempt;
    const ids = { paymentId: before.payment.id, attemptId: id };
    const cause = { source, at: deps.now(), data: { attemptId: id } };
    const { payment, isReady } = await readyPayment(unit, deps, before, cause);
    await updateIntent(unit.sql, id, intent, firstPollSeconds);
    if (isReady) await awaitPayment(unit, deps, payment);
    if (!isUnpaid(payment.state)) await hurryAttempt(unit, payment.id);
    const { fact } = intent;
    if (fact) await applyFact(unit, deps, { provider, attemptId: id, intentId: intent.id, fact }, cause);
    if (fact || !isReady) return findAttempted(unit.sql, ids);
    const { tradeType, redirectUrl, clientParams, status } = intent;
    const known = { providerIntentId: intent.id, tradeType, redirectUrl, clientParams, providerState: status };
    return { payment, attempt: { ...before.attempt, ...known, state: 'REQUIRES_ACTION' as const } };
  });
}

/**
 * The payment, locked, whose attempt the provider knows now. It is stored as it was read before the provider was asked, unless
 * it has changed meanwhile; not at all where a webhook was faster than the answer, and the attempt has gone on already. Where its order
 * was closed meanwhile it ends before its customer can pay.
 */
async function readyPayment(
  unit: Unit,
  deps: PaymentDeps,
  { payment, attempt }: Attempted,
  cause: Cause,
): Promise<{ readonly payment: PaymentRow; readonly isReady: boolean }> {
  const ready = await saveUnchanged(unit, payment, [{ type: 'AttemptReady' }], cause, 'open');
  if (ready) return { payment: ready, isReady: true };
  const locked = await lockPayment(unit.sql, payment.id);
  const current = await findAttempt(unit.sql, attempt.id);
  if (!locked || !current) throw new Error('an attempt that was stored is gone');
  if (isUnpaid(locked.state) && (await isOrderClosed(unit.sql, locked.orderId))) {
    const events = decideClose(locked, 'CANCELLED') ?? [];
    return { payment: await changePayment(unit, deps, locked, events, cause), isReady: false };
  }
  const isReady = current.state === 'CREATED';
  return { payment: isReady ? await savePayment(unit, locked, [{ type: 'AttemptReady' }], cause) : locked, isReady };
}

function refuseAttempt(
  deps: PaymentDeps,
  { payment, attempt }: Attempted,
  error: ProviderRefused,
  source: Source,
): Promise<Attempted> {
  return transact(deps, async (unit) => {
    const cause = { source, at: deps.now() };
    const about = { provider: attempt.provider, attemptId: attempt.id, intentId: null };
    await applyFact(
      unit,
      deps,
      { ...about, fact: { type: 'failed', code: error.code, message: error.message } },
      cause,
    );
    // There is no intent, so nothing can be paid by this attempt.
    await applyFact(unit, deps, { ...about, fact: { type: 'canceled' } }, cause);
    return findAttempted(unit.sql, { paymentId: payment.id, attemptId: attempt.id });
  });
}

/** As `submitAttempt`, for a mutation: a provider that does not answer or says no is a refusal. */
export async function submitOrRefuse(deps: PaymentDeps, attempted: Attempted): Promise<Attempted> {
  const { provider } = attempted.attempt;
  const submitted = await asRefusal(provider, submitAttempt(deps, attempted, 'api'));
  const { attempt } = submitted;
  if (attempt.state === 'FAILED' && attempt.providerIntentId === null) {
    throw new RefusedError(
      providerError(provider, false, `The provider refuses the payment: ${attempt.failureMessage}`),
    );
  }
  return submitted;
}

/**
 * A provider that says no, or is out of reach, as the refusal that asks to try again; so is one that takes longer than a
 * client is to wait: the work goes on, and what it brings is stored for the same request, or for the job.
 */
export async function asRefusal<T>(provider: string, work: Promise<T>): Promise<T> {
  const waiting = new AbortController();
  const late = sleep(providerPatienceMs, undefined, { signal: waiting.signal }).then(() => {
    throw new ProviderUnreachable(`${provider} takes longer than ${providerPatienceMs} ms`);
  });
  late.catch(() => undefined); // aborted, or told by the race
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    if (error instanceof ProviderRefused) {
      throw new RefusedError(providerError(provider, false, `The provider refuses: ${error.message}`));
    }
    if (!(error instanceof ProviderUnreachable)) throw error;
    throw new RefusedError(
      providerError(provider, true, 'The payment provider does not answer; send the same request again in a moment.'),
    );
  } finally {
    waiting.abort();
  }
}

export type EndedIntent = { readonly intentId: string | null; readonly fact: ProviderFact };

/**
 * Makes sure that nothing can be paid by a live attempt any more, and says how it ended: `succeeded` when the customer was
 * faster. Where it is not known whether the provider has an intent, one is made with the attempt's key and called off, so
 * that a request still on its way can't make one afterwards. Rejects with ProviderUnreachable.
 */
export async function endIntent(deps: PaymentDeps, payment: PaymentRow, attempt: AttemptRow): Promise<EndedIntent> {
  let intentId = attempt.providerIntentId ?? null;
  try {
    intentId ??= (await askIntent(deps, payment, attempt)).id;
  } catch (error) {
    if (!(error instanceof ProviderRefused)) throw error;
    return { intentId: null, fact: { type: 'canceled' } };
  }
  const intent = await providerNamed(deps, attempt.provider).cancelIntent(knownAttempt(payment, attempt, intentId));
  if (intent.fact?.type !== 'succeeded' && intent.fact?.type !== 'canceled') {
    throw new ProviderUnreachable(`${attempt.provider} left an intent ${intent.status} that was called off`);
  }
  return { intentId, fact: intent.fact };
}
