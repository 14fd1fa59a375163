import { firstOf } from '../../shared/values/text.ts';
import type { Unit } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { refundableMinor } from '../domain/payment.ts';
import { appendEvent, paymentDisputed } from '../events.ts';
import type { ProviderDispute } from '../providers/provider.ts';
import type { DisputeRow, PaymentRow } from '../records.ts';
import { findDispute, insertDispute, updateDispute } from '../dispute-store.ts';
import { lockPayment } from '../payment-store.ts';
import { findRefund, storeDisputed } from '../refund-store.ts';
import type { Applied } from './apply-fact.ts';
import { applyRefund, refundKey } from './apply-refund.ts';
import { type About, type Meant, bookTaken, findRefused, lockMeant, unknown } from './book-taken.ts';
import { type Cause, savePayment } from './save-payment.ts';

type Told = { readonly provider: string; readonly dispute: ProviderDispute };

const maxReasonLength = 64;

/**
 * Applies what a provider says of a dispute, by which a customer's bank takes money back. While it is open the money counts
 * as on its way back, so that nobody refunds it as well; lost it has gone back, won it is ours again. One that is won after
 * it was lost (an appeal) gives the house its money; the order stays refunded.
 */
export async function applyDispute(
  unit: Unit,
  deps: PaymentDeps,
  { provider, dispute, ...about }: About<'dispute'> & { readonly provider: string },
  cause: Cause,
): Promise<Applied> {
  const meant = await lockMeant(unit, { provider, intentId: about.intentId, attemptId: about.attemptId });
  if (!meant) return unknown('a dispute of a payment whose money is not known here');
  const paymentId = meant.payment.id;
  const told = { provider, dispute };
  const earlier = await findDispute(unit.sql, provider, dispute.id);
  const row = earlier ?? (await openDispute(unit, deps, meant, told, cause));
  const { state } = row;
  const goesOn = dispute.state !== 'OPEN' && (state === 'OPEN' || (state === 'LOST' && dispute.state === 'WON'));
  if (!goesOn) return { outcome: earlier ? 'STALE' : 'APPLIED', paymentId };

  await updateDispute(unit.sql, { ...row, state: dispute.state, closedAt: cause.at });
  const type = dispute.state === 'LOST' ? 'DisputeLost' : 'DisputeWon';
  const payment = await journal(unit, deps, { meant: await lockedAgain(unit, meant), told, row }, type, cause);
  const refundId = row.refundId ?? null;
  if (dispute.state === 'LOST') await lose(unit, deps, { meant: { ...meant, payment }, told, row, refundId }, cause);
  else if (state === 'OPEN' && refundId !== null) await settle(unit, deps, { told, refundId }, cause);
  else if (state === 'LOST')
    deps.log.warn({ paymentId, disputeId: dispute.id }, 'a dispute that was lost is won: its money came back to us, the order stays refunded'); // prettier-ignore
  return { outcome: 'APPLIED', paymentId };
}

const lockedAgain = async (unit: Unit, meant: Meant): Promise<Meant> => {
  const payment = await lockPayment(unit.sql, meant.payment.id);
  if (!payment) throw new Error('a payment that was locked is gone');
  return { ...meant, payment };
};

async function openDispute(unit: Unit, deps: PaymentDeps, meant: Meant, told: Told, cause: Cause): Promise<DisputeRow> {
  const { provider, dispute } = told;
  const id = deps.newId(meant.payment.id);
  const reason = dispute.reason === null ? null : firstOf(dispute.reason, maxReasonLength);
  const row: DisputeRow = {
    id,
    provider,
    providerDisputeId: dispute.id,
    paymentId: meant.payment.id,
    refundId: null,
    currency: dispute.currency,
    amountMinor: dispute.amountMinor,
    state: 'OPEN',
    reason,
    evidenceDueBy: dispute.evidenceDueBy,
    openedAt: dispute.openedAt ?? cause.at,
    closedAt: null,
  };
  await insertDispute(unit.sql, row);
  const payment = await journal(unit, deps, { meant, told, row }, 'DisputeOpened', cause);
  // What has gone back already can't go back once more in our books.
  const amountMinor = takenOf({ ...meant, payment }, dispute, dispute.amountMinor);
  if (amountMinor === 0n) return row;
  const refundId = await bookTaken(unit, deps, { ...meant, payment, amountMinor, providerId: dispute.id, origin: 'DISPUTE', reason: reasonOf(reason) }, cause); // prettier-ignore
  const booked = { ...row, refundId };
  await updateDispute(unit.sql, booked);
  return booked;
}

const reasonOf = (reason: string | null): string => `Disputed at the bank: ${reason ?? 'no reason given'}`;

/** How much of what a bank takes is the payment's: of another currency all that is left, as nobody told its worth in ours. */
function takenOf({ payment, surplus }: Meant, { currency }: ProviderDispute, amountMinor: bigint): bigint {
  const left = surplus ? 0n : refundableMinor(payment);
  return currency === payment.currency && amountMinor < left ? amountMinor : left;
}

/** Notes it in the payment's journal, in its own currency, and tells the order. */
async function journal(
  unit: Unit,
  deps: PaymentDeps,
  { meant: { payment }, told: { dispute }, row }: { meant: Meant; told: Told; row: DisputeRow },
  type: 'DisputeOpened' | 'DisputeLost' | 'DisputeWon',
  cause: Cause,
): Promise<PaymentRow> {
  const amountMinor = dispute.currency === payment.currency ? dispute.amountMinor : payment.capturedMinor;
  const disputeId = row.id;
  const data = { ...cause.data, disputeId, providerDisputeId: dispute.id };
  const after = await savePayment(unit, payment, [{ type, amountMinor }], { ...cause, data });
  const state = type === 'DisputeOpened' ? 'OPEN' : type === 'DisputeLost' ? 'LOST' : 'WON';
  await appendEvent(unit, deps, after, paymentDisputed(after, { disputeId, state, amountMinor, reason: row.reason ?? null })); // prettier-ignore
  return after;
}

/** The refund that stands for the disputed money has ended with the dispute. */
async function settle(
  unit: Unit,
  deps: PaymentDeps,
  { told: { provider, dispute }, refundId }: { told: Told; refundId: string },
  cause: Cause,
): Promise<void> {
  const refund = await findRefund(unit.sql, refundId);
  if (!refund) throw new Error('the refund of a dispute is gone');
  const result =
    dispute.state === 'LOST'
      ? ({ id: dispute.id, result: 'succeeded' } as const)
      : ({ id: dispute.id, result: 'failed', code: 'dispute_won', failure: 'The dispute was won.' } as const);
  await applyRefund(unit, deps, { provider, key: refundKey(refund), result }, cause);
}

/**
 * The money is gone: what was held for it, and of the rest, which refunds of ours were to give back when it was opened, what
 * the provider refused to refund meanwhile. So nobody pays it a second time.
 */
async function lose(
  unit: Unit,
  deps: PaymentDeps,
  given: { meant: Meant; told: Told; row: DisputeRow; refundId: string | null },
  cause: Cause,
): Promise<void> {
  const { told, refundId } = given;
  const { provider, dispute } = told;
  const held = refundId === null ? null : await findRefund(unit.sql, refundId);
  let restMinor = dispute.amountMinor - (held?.amountMinor ?? 0n);
  if (held) await settle(unit, deps, { told, refundId: held.id }, cause);
  if (restMinor <= 0n || dispute.currency !== given.meant.payment.currency) return;
  for (const refund of await findRefused(unit, given.meant)) {
    if (refund.amountMinor > restMinor) continue;
    restMinor -= refund.amountMinor;
    await storeDisputed(unit.sql, refund.id);
    const result = { id: dispute.id, result: 'succeeded' } as const;
    await applyRefund(unit, deps, { provider, key: refundKey(refund), result }, cause);
  }
  const meant = await lockedAgain(unit, given.meant);
  const amountMinor = takenOf(meant, dispute, restMinor);
  if (amountMinor <= 0n) return;
  const booked = await bookTaken(unit, deps, { ...meant, amountMinor, providerId: dispute.id, origin: 'DISPUTE', reason: reasonOf(given.row.reason ?? null) }, cause); // prettier-ignore
  if (refundId === null)
    await updateDispute(unit.sql, { ...given.row, state: dispute.state, closedAt: cause.at, refundId: booked });
  await settle(unit, deps, { told, refundId: booked }, cause);
}
