import { run } from '../../shared/database/database.ts';
import { idToBytes, isId } from '../../shared/values/ids.ts';
import type { Unit } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { type RefundFacts, decideRefundResult } from '../domain/refund.ts';
import { announce, paymentRefunded } from '../events.ts';
import type { ProviderRefund } from '../providers/provider.ts';
import type { RefundRow } from '../records.ts';
import { type Cause, findAttempt, findRefund, lockPayment, savePayment } from '../store.ts';
import type { Applied } from './apply-fact.ts';

const firstAgainSeconds = 60;
const maxAgainSeconds = 6 * 3_600;

/** A refund as the rules see it. */
export const refundFacts = (refund: RefundRow): RefundFacts => ({
  ...refund,
  counted: refund.settledAt !== null && refund.state !== 'FAILED',
  failure: refund.failure ?? null,
});

/** The key of a refund's current try at the provider: a try that was refused is followed by one of another key. */
export const refundKey = ({ id, refusals }: Pick<RefundRow, 'id' | 'refusals'>): string =>
  refusals === 0 ? id : `${id}:${refusals}`;

/** Seconds to the next try of a refund that was refused so often: from a minute up to six hours. */
const againSeconds = (refusals: number): number =>
  Math.min(maxAgainSeconds, firstAgainSeconds * 2 ** Math.min(refusals, 10));

/** Applies what the provider of its payment says about a refund. `key` is ours, which that provider was given. */
export async function applyRefund(
  unit: Unit,
  deps: PaymentDeps,
  { provider, key, result }: { provider: string; key: string | null; result: ProviderRefund },
  cause: Cause,
): Promise<Applied> {
  const refundId = key?.split(':')[0];
  const found = isId(refundId) ? await findRefund(unit.sql, refundId) : null;
  const payment = found ? await lockPayment(unit.sql, found.paymentId) : null;
  const refund = found ? await findRefund(unit.sql, found.id) : null;
  if (!payment || !refund) {
    return { outcome: 'UNKNOWN_PAYMENT', paymentId: null, error: 'a refund that was not made here' };
  }
  // Whoever knows the secret of one provider's webhooks has no say about another's money.
  if ((await findAttempt(unit.sql, refund.attemptId))?.provider !== provider) {
    return { outcome: 'UNKNOWN_PAYMENT', paymentId: payment.id, error: 'the refund belongs to another provider' };
  }
  if (refundKey(refund) !== key) {
    return { outcome: 'STALE', paymentId: payment.id, error: 'an earlier try of the refund' };
  }
  const decision = decideRefundResult(refundFacts(refund), result.result, result.code);
  if (decision.state === refund.state && !decision.again) {
    const id = result.id || null;
    await run(
      unit.sql,
      'update refund set provider_refund_id = coalesce(provider_refund_id, ?), tried_at = null where id = ?',
      [id, idToBytes(refund.id)],
    );
    return { outcome: 'STALE', paymentId: payment.id };
  }
  const failure = result.result === 'failed' ? (result.failure ?? result.code ?? 'failed').slice(0, 500) : null;
  if (decision.again) await storeAgain(unit, refund, failure);
  else {
    await run(
      unit.sql,
      'update refund set state = ?, provider_refund_id = coalesce(provider_refund_id, ?), failure = ?, settled_at = coalesce(settled_at, ?), next_try_at = null, tried_at = null where id = ?',
      [decision.state, result.id || null, failure, cause.at, idToBytes(refund.id)],
    );
  }
  if (decision.again) warn(deps, refund, failure);
  const data = { refundId: refund.id, ...(failure === null ? {} : { failure, providerRefundId: result.id }) };
  const after = await savePayment(unit, payment, decision.events, { ...cause, data: { ...data, ...cause.data } });
  // A second capture was never counted, here or there; nor does a repetition count again.
  if (decision.events.some(({ type }) => type === 'RefundSucceeded')) {
    await announce(unit, deps, after, paymentRefunded(after, refund));
  }
  unit.changed(payment.orderId);
  return { outcome: 'APPLIED', paymentId: payment.id };
}

async function storeAgain(unit: Unit, refund: RefundRow, failure: string | null): Promise<void> {
  await run(
    unit.sql,
    `update refund set state = 'PENDING', provider_refund_id = null, failure = ?, refusals = refusals + 1, tries = 0, tried_at = null,
       next_try_at = utc_timestamp(3) + interval ? second where id = ?`,
    [failure, againSeconds(refund.refusals), idToBytes(refund.id)],
  );
}

const warn = ({ log }: PaymentDeps, { id, number, refusals }: RefundRow, failure: string | null): void =>
  log.error(
    { refundId: id, number, failure, refusals: refusals + 1 },
    'a refund that is owed was refused; it is tried again, or staff confirm it by hand',
  );
