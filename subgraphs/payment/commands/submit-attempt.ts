import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../shared/database/database.ts';
import { RefusedError } from '../../shared/errors/errors.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import { idToBytes } from '../../shared/values/ids.ts';
import { transact } from '../unit.ts';
import { type PaymentDeps, providerNamed } from '../deps.ts';
import { type ProviderFact, isUnpaid } from '../domain/payment.ts';
import { type Intent, ProviderRefused, ProviderUnreachable } from '../providers/provider.ts';
import { providerError } from '../domain/refusals.ts';
import type { AttemptRow, PaymentRow, Source } from '../records.ts';
import { findAttempt, findPayment, knownAttempt, lockPayment, savePayment } from '../store.ts';
import { applyFact, hurryAttempt } from './apply-fact.ts';
import { awaitPayment } from './await-payment.ts';

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
    capture: payment.manualCapture ? 'manual' : 'automatic',
  });

/**
 * Takes an attempt to its provider and stores where the customer pays. Returns the payment as it is then; an attempt that
 * the provider knows already is left alone. Rejects with ProviderUnreachable, after which the job asks again.
 */
export async function submitAttempt(
  deps: PaymentDeps,
  ids: { paymentId: string; attemptId: string },
  source: Source,
): Promise<PaymentRow> {
  const payment = await findPayment(deps.db.em(), ids.paymentId);
  const attempt = await findAttempt(deps.db.em(), ids.attemptId);
  if (!payment || !attempt) throw new Error('an attempt that was stored is gone');
  if (attempt.state !== 'CREATED' || attempt.live === null) return payment;
  let intent: Intent;
  try {
    intent = await askIntent(deps, payment, attempt);
  } catch (error) {
    if (!(error instanceof ProviderRefused)) throw error;
    return refuseAttempt(deps, payment, attempt, error, source);
  }
  failPoint('payment.submitted');
  return storeIntent(deps, payment, attempt, intent, source);
}

function storeIntent(
  deps: PaymentDeps,
  before: PaymentRow,
  { id, provider }: AttemptRow,
  intent: Intent,
  source: Source,
): Promise<PaymentRow> {
  return transact(deps, async (unit) => {
    const payment = await lockPayment(unit.sql, before.id);
    const attempt = await findAttempt(unit.sql, id);
    if (!payment || !attempt) throw new Error('an attempt that was stored is gone');
    const cause = { source, at: deps.now(), data: { attemptId: id } };
    await run(
      unit.sql,
      `update attempt set provider_intent_id = ?, trade_type = ?, redirect_url = ?, client_params = ?,
         provider_state = if(state = 'CREATED', ?, provider_state), next_check_at = if(live is null, null, utc_timestamp(3) + interval ${firstPollSeconds} second), checks = 0,
         state = if(state = 'CREATED', 'REQUIRES_ACTION', state)
       where id = ?`,
      [
        intent.id,
        intent.tradeType,
        intent.redirectUrl,
        JSON.stringify(intent.clientParams),
        intent.status,
        idToBytes(id),
      ],
    );
    let after = payment;
    // A webhook may have been faster than the answer: then the attempt has gone on already.
    if (attempt.state === 'CREATED') {
      after = await savePayment(unit, payment, [{ type: 'AttemptReady' }], cause);
      await awaitPayment(unit, deps, after);
    }
    if (!isUnpaid(after.state)) await hurryAttempt(unit, payment.id);
    if (intent.fact) {
      await applyFact(unit, deps, { provider, attemptId: id, intentId: intent.id, fact: intent.fact }, cause);
      after = (await findPayment(unit.sql, payment.id)) ?? after;
    }
    return after;
  });
}

function refuseAttempt(
  deps: PaymentDeps,
  payment: PaymentRow,
  attempt: AttemptRow,
  error: ProviderRefused,
  source: Source,
): Promise<PaymentRow> {
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
    return (await findPayment(unit.sql, payment.id)) ?? payment;
  });
}

/** As `submitAttempt`, for a mutation: a provider that does not answer or says no is a refusal. */
export async function submitOrRefuse(
  deps: PaymentDeps,
  ids: { paymentId: string; attemptId: string },
): Promise<PaymentRow> {
  const provider = (await findAttempt(deps.db.em(), ids.attemptId))?.provider ?? '';
  const payment = await asRefusal(provider, submitAttempt(deps, ids, 'api'));
  const attempt = await findAttempt(deps.db.em(), ids.attemptId);
  if (attempt?.state === 'FAILED' && attempt.providerIntentId === null) {
    throw new RefusedError(
      providerError(attempt.provider, false, `The provider refuses the payment: ${attempt.failureMessage}`),
    );
  }
  return payment;
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
