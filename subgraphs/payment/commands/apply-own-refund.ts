import type { Unit } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { refundableMinor } from '../domain/payment.ts';
import { hasRefundFailed } from '../payment-store.ts';
import { findRefundNamed, refundedBy } from '../refund-store.ts';
import type { Applied } from './apply-fact.ts';
import { applyRefund, refundKey } from './apply-refund.ts';
import { type About, type Meant, bookTaken, findRefused, lockMeant, unknown } from './book-taken.ts';
import type { Cause } from './save-payment.ts';

/**
 * Applies a refund that the provider tells of and that was not asked for here, e.g. one made in its dashboard: it is booked
 * as if staff had made it here. What can't be booked yet (the payment's own success is not known, or a refund of ours is in
 * the way) is UNKNOWN_PAYMENT and tried again for a day.
 */
export async function applyOwnRefund(
  unit: Unit,
  deps: PaymentDeps,
  { provider, ...about }: About<'refund'> & { readonly provider: string },
  cause: Cause,
): Promise<Applied> {
  const { refund: result } = about;
  const meant = await lockMeant(unit, { provider, intentId: about.intentId ?? null });
  if (!meant) return unknown('a refund of a payment whose money is not known here');
  const { payment, attemptId } = meant;
  // Under the payment's lock, as several events tell of one refund and come at once.
  const known = await findRefundNamed(unit.sql, { paymentId: payment.id, attemptId }, result.id);
  if (known) return applyRefund(unit, deps, { provider, key: refundKey(known), result }, cause);
  if (about.currency !== undefined && about.currency !== payment.currency)
    return { outcome: 'REJECTED_AMOUNT', paymentId: payment.id, error: 'the refund is in another currency' };
  // Its end was told before this: events come in any order.
  if (await hasRefundFailed(unit.sql, payment.id, result.id)) return { outcome: 'STALE', paymentId: payment.id };
  const amountMinor = await newlyRefunded(unit, meant, about);
  if (amountMinor === null) return unknown('a refund of ours is under way', payment.id);
  if (amountMinor <= 0n) return { outcome: 'STALE', paymentId: payment.id };
  if (result.result !== 'failed') {
    const owed = (await findRefused(unit, meant)).find((refund) => refund.amountMinor === amountMinor);
    if (owed) return applyRefund(unit, deps, { provider, key: refundKey(owed), result }, cause);
  }
  if (meant.surplus || amountMinor > refundableMinor(payment))
    return result.result === 'failed'
      ? { outcome: 'STALE', paymentId: payment.id }
      : unknown('more was refunded than is left here', payment.id);
  // One that has failed is booked, too: a telling of its beginning that comes late finds it there.
  const refundId = await bookTaken(unit, deps, { ...meant, amountMinor, providerId: result.id, origin: 'PROVIDER', reason: 'Refunded at the provider' }, cause); // prettier-ignore
  await applyRefund(unit, deps, { provider, key: refundId, result }, cause);
  return { outcome: 'APPLIED', paymentId: payment.id };
}

/**
 * How much went back that is not booked. Of a provider that tells all that has gone back by now, ours are taken off, and
 * null is the answer while one of ours is under way: whether that is among it nobody can tell.
 */
async function newlyRefunded(
  unit: Unit,
  { payment, attemptId }: Meant,
  about: About<'refund'>,
): Promise<bigint | null> {
  if (about.totalMinor === undefined) return about.amountMinor ?? 0n;
  const { doneMinor, isUnderWay } = await refundedBy(unit.sql, { paymentId: payment.id, attemptId });
  return isUnderWay ? null : about.totalMinor - doneMinor;
}
