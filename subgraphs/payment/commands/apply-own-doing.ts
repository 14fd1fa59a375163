import { type Row, insertRows, select, write } from '../../shared/database.ts';
import { idFromBytes, idToBytes, isId, newNumber } from '../../shared/ids.ts';
import type { PaymentDeps, Unit } from '../context.ts';
import { type PaymentEvent, refundableMinor } from '../domain/payment.ts';
import type { ProviderEvent } from '../providers/provider.ts';
import type { PaymentRow, RefundOrigin } from '../records.ts';
import { type Cause, findRefund, insertRefund, lockPayment, refundFrom, savePayment } from '../store.ts';
import { type Applied, capturedAttemptId } from './apply-fact.ts';
import { applyRefund, refundKey } from './apply-refund.ts';

type About<Kind> = Extract<NonNullable<ProviderEvent['about']>, { kind: Kind }>;
type Where = { readonly provider: string; readonly intentId: string | null; readonly attemptId?: string | null };

const unknown = (error: string, paymentId: string | null = null): Applied => ({
  outcome: 'UNKNOWN_PAYMENT',
  paymentId,
  error,
});
/** After so long an unfinished refund of somebody else's is asked about. */
const askInSeconds = 60;

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
  const [known] = await select(
    unit.sql,
    'select r.* from refund r join attempt a on a.id = r.attempt_id where r.provider_refund_id = ? and a.provider = ?',
    [result.id, provider],
  );
  if (known) return applyRefund(unit, deps, { provider, key: refundKey(refundFrom(known)), result }, cause);
  const payment = await lockPaymentOf(unit, { provider, intentId: about.intentId ?? null });
  if (!payment) return unknown('a refund of a payment that is not known here');
  if (result.result === 'failed') return { outcome: 'STALE', paymentId: payment.id };
  const amountMinor =
    about.totalMinor === undefined ? (about.amountMinor ?? 0n) : about.totalMinor - payment.refundedMinor;
  if (amountMinor <= 0n) return { outcome: 'STALE', paymentId: payment.id };
  const owed = await findRefusedRefund(unit, payment.id, amountMinor);
  if (owed) return applyRefund(unit, deps, { provider, key: refundKey(owed), result }, cause);
  if (amountMinor > refundableMinor(payment)) return unknown('more was refunded than is left here', payment.id);
  const refundId = await book(unit, deps, { payment, amountMinor, providerId: result.id, origin: 'PROVIDER', reason: 'Refunded at the provider' }, cause); // prettier-ignore
  return applyRefund(unit, deps, { provider, key: refundId, result }, cause).then(() => ({
    outcome: 'APPLIED',
    paymentId: payment.id,
  }));
}

/**
 * Applies what a provider says of a dispute, by which a customer's bank takes money back. While it is open the money counts
 * as on its way back, so that nobody refunds it as well; lost it has gone back, won it is ours again.
 */
export async function applyDispute(
  unit: Unit,
  deps: PaymentDeps,
  { provider, dispute, ...about }: About<'dispute'> & { readonly provider: string },
  cause: Cause,
): Promise<Applied> {
  const payment = await lockPaymentOf(unit, { provider, intentId: about.intentId, attemptId: about.attemptId });
  if (!payment) return unknown('a dispute of a payment that is not known here');
  if (payment.capturedMinor === 0n) return unknown('a dispute before its payment', payment.id);
  const earlier = await findDispute(unit, provider, dispute.id);
  const row = earlier ?? (await openDispute(unit, deps, { payment, provider, dispute }, cause));
  const state = String(row['state']);
  if (dispute.state === 'OPEN' || state !== 'OPEN')
    return { outcome: earlier ? 'STALE' : 'APPLIED', paymentId: payment.id };
  await write(unit.sql, 'update dispute set state = ?, closed_at = ? where id = ?', [
    dispute.state,
    cause.at,
    row['id'] as Buffer,
  ]);
  const locked = (await lockPayment(unit.sql, payment.id)) ?? payment;
  const type = dispute.state === 'LOST' ? 'DisputeLost' : 'DisputeWon';
  await savePayment(unit, locked, [{ type, amountMinor: dispute.amountMinor }], disputeCause(cause, dispute.id));
  if (row['refund_id'] !== null) {
    const refund = await findRefund(unit.sql, idFromBytes(row['refund_id'] as Buffer));
    const result = dispute.state === 'LOST' ? ({ id: dispute.id, result: 'succeeded' } as const) : ({ id: dispute.id, result: 'failed', code: 'dispute_won', failure: 'The dispute was won.' } as const); // prettier-ignore
    if (refund) await applyRefund(unit, deps, { provider, key: refundKey(refund), result }, cause);
  }
  return { outcome: 'APPLIED', paymentId: payment.id };
}

const disputeCause = (cause: Cause, providerDisputeId: string): Cause => ({
  ...cause,
  data: { ...cause.data, providerDisputeId },
});

async function openDispute(
  unit: Unit,
  deps: PaymentDeps,
  { payment, provider, dispute }: { payment: PaymentRow; provider: string; dispute: About<'dispute'>['dispute'] },
  cause: Cause,
): Promise<Row> {
  const { amountMinor } = dispute;
  const opened = await savePayment(unit, payment, [{ type: 'DisputeOpened', amountMinor }], disputeCause(cause, dispute.id)); // prettier-ignore
  // What has gone back already can't go back once more in our books.
  const left = refundableMinor(opened);
  const taken = amountMinor < left ? amountMinor : left;
  const reason = `Disputed at the bank: ${dispute.reason ?? 'no reason given'}`;
  const refundId = taken > 0n ? await book(unit, deps, { payment: opened, amountMinor: taken, providerId: dispute.id, origin: 'DISPUTE', reason }, cause) : null; // prettier-ignore
  await insertRows(unit.sql, 'dispute', [
    {
      id: idToBytes(deps.newId()),
      provider,
      provider_dispute_id: dispute.id,
      payment_id: idToBytes(payment.id),
      refund_id: refundId === null ? null : idToBytes(refundId),
      currency: payment.currency,
      amount_minor: amountMinor,
      state: 'OPEN',
      reason: dispute.reason?.slice(0, 64) ?? null,
      evidence_due_by: dispute.evidenceDueBy ?? null,
      opened_at: dispute.openedAt ?? cause.at,
    },
  ]);
  return (await findDispute(unit, provider, dispute.id)) as Row;
}

const findDispute = async (unit: Unit, provider: string, id: string): Promise<Row | undefined> =>
  (await select(unit.sql, 'select * from dispute where provider = ? and provider_dispute_id = ?', [provider, id]))[0];

/** Books money that is going back without our doing; returns the refund's id. */
async function book(
  unit: Unit,
  deps: PaymentDeps,
  refund: { payment: PaymentRow; amountMinor: bigint; providerId: string; origin: RefundOrigin; reason: string },
  cause: Cause,
): Promise<string> {
  const { payment, amountMinor, origin } = refund;
  const id = deps.newId();
  const attemptId = await capturedAttemptId(unit, payment.id);
  const row = { id, number: newNumber('RF', cause.at), attemptId, amountMinor, reason: refund.reason.slice(0, 255), automatic: false, surplus: false, requestedBy: null, createdAt: cause.at }; // prettier-ignore
  await insertRefund(unit, row, payment, askInSeconds);
  // Nobody is asked about a dispute, and nobody is told to make what is being made.
  await write(
    unit.sql,
    `update refund set state = 'PENDING', origin = ?, provider_refund_id = ?, next_try_at = if(? = 'DISPUTE', null, next_try_at) where id = ?`,
    [origin, refund.providerId, origin, idToBytes(id)],
  );
  const events: PaymentEvent[] = [{ type: 'RefundRequested', amountMinor }];
  await savePayment(unit, payment, events, { ...cause, data: { ...cause.data, refundId: id, origin } });
  return id;
}

/** A refund of ours that the provider refuses, and that somebody has made there by hand instead. */
async function findRefusedRefund(unit: Unit, paymentId: string, amountMinor: bigint) {
  const [row] = await select(
    unit.sql,
    "select * from refund where payment_id = ? and amount_minor = ? and state = 'PENDING' and origin = 'PLATFORM' and refusals > 0 and provider_refund_id is null and surplus = 0 order by id limit 1",
    [idToBytes(paymentId), amountMinor],
  );
  return row ? refundFrom(row) : null;
}

/** The payment that the provider means, locked: by our attempt, its intent, or what it calls the payment behind a checkout. */
async function lockPaymentOf(unit: Unit, { provider, intentId, attemptId }: Where): Promise<PaymentRow | null> {
  const [row] = isId(attemptId)
    ? await select(unit.sql, 'select payment_id from attempt where id = ? and provider = ?', [idToBytes(attemptId), provider]) // prettier-ignore
    : await select(
        unit.sql,
        'select payment_id from attempt where provider = ? and (provider_intent_id = ? or provider_payment_id = ?) limit 1',
        [provider, intentId ?? '', intentId ?? ''],
      );
  return row ? lockPayment(unit.sql, idFromBytes(row['payment_id'] as Buffer)) : null;
}
