import { isId } from '../../shared/values/ids.ts';
import type { Unit } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { type RefundFacts, decideRefundResult } from '../domain/refund.ts';
import { appendEvent, paymentRefunded } from '../events.ts';
import type { ProviderRefund } from '../providers/provider.ts';
import type { RefundRow } from '../records.ts';
import { findAttempt } from '../attempt-store.ts';
import { lockPayment } from '../payment-store.ts';
import { findRefund, storeHeard, storeRefused, storeResult } from '../refund-store.ts';
import type { Applied } from './apply-fact.ts';
import { giveOwed } from './give-back.ts';
import { type Cause, savePayment } from './save-payment.ts';

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
    await storeHeard(unit.sql, refund.id, result.id || null);
    return { outcome: 'STALE', paymentId: payment.id };
  }
  const failure = result.result === 'failed' ? (result.failure ?? result.code ?? 'failed').slice(0, 500) : null;
  if (decision.again) {
    await storeRefused(unit.sql, refund.id, { failure, againInSeconds: againSeconds(refund.refusals) });
    warn(deps, refund, failure);
  } else {
    const { state } = decision;
    await storeResult(unit.sql, refund.id, { state, providerRefundId: result.id || null, failure, at: cause.at });
  }
  const data = { refundId: refund.id, ...(failure === null ? {} : { failure, providerRefundId: result.id }) };
  const after = await savePayment(unit, payment, decision.events, { ...cause, data: { ...data, ...cause.data } });
  // A second capture was never counted, here or there; nor does a repetition count again.
  if (decision.events.some(({ type }) => type === 'RefundSucceeded')) {
    await appendEvent(unit, deps, after, paymentRefunded(after, refund));
  }
  // What it held is free again, and may be owed.
  if (decision.events.some(({ type }) => type === 'RefundFailed')) await giveOwed(unit, deps, [after]);
  unit.changed(payment.orderId);
  return { outcome: 'APPLIED', paymentId: payment.id };
}

const warn = ({ log }: PaymentDeps, { id, number, refusals }: RefundRow, failure: string | null): void =>
  log.error(
    { refundId: id, number, failure, refusals: refusals + 1 },
    'a refund that is owed was refused; it is tried again, or staff confirm it by hand',
  );
