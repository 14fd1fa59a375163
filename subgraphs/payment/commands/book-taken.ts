import { newNumber } from '../../shared/values/ids.ts';
import { firstOf } from '../../shared/values/text.ts';
import type { Unit } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import type { ProviderEvent } from '../providers/provider.ts';
import type { PaymentRow, RefundOrigin, RefundRow } from '../records.ts';
import { capturedAttemptId, findAttempt, findMeantAttempt } from '../attempt-store.ts';
import { lockPayment } from '../payment-store.ts';
import { insertTaken, lockRefused } from '../refund-store.ts';
import type { Applied } from './apply-fact.ts';
import { type Cause, savePayment } from './save-payment.ts';

/** What a provider's event tells, by its kind. */
export type About<Kind> = Extract<NonNullable<ProviderEvent['about']>, { kind: Kind }>;

/** It can't be booked yet, or is nobody's: it is tried again for a day. */
export const unknown = (error: string, paymentId: string | null = null): Applied => ({
  outcome: 'UNKNOWN_PAYMENT',
  paymentId,
  error,
});

/** The payment that a provider means, locked, and the attempt by which its money came. */
export type Meant = {
  readonly payment: PaymentRow;
  readonly attemptId: string;
  /** The money came twice, and this is the second time: it is owed as a surplus refund, beside the payment's own amounts. */
  readonly surplus: boolean;
};

/** By our attempt, its intent, or what the provider calls the payment behind a checkout. Null until the money is known to have come. */
export async function lockMeant(
  unit: Unit,
  where: { readonly provider: string; readonly intentId: string | null; readonly attemptId?: string | null },
): Promise<Meant | null> {
  const found = await findMeantAttempt(unit.sql, where);
  const payment = found ? await lockPayment(unit.sql, found.paymentId) : null;
  if (!found || !payment || payment.capturedMinor === 0n) return null;
  // Read again under the payment's lock: only now it can't change any more.
  const { id } = found;
  if ((await findAttempt(unit.sql, id))?.state !== 'SUCCEEDED') return null;
  return { payment, attemptId: id, surplus: (await capturedAttemptId(unit.sql, payment.id)) !== id };
}

/** After so long an unfinished refund of somebody else's is asked about. */
const askInSeconds = 60;
const maxReasonLength = 255;

/** Books money that is going back without our doing; returns the refund's id. */
export async function bookTaken(
  unit: Unit,
  deps: PaymentDeps,
  taken: Meant & { amountMinor: bigint; providerId: string; origin: RefundOrigin; reason: string },
  cause: Cause,
): Promise<string> {
  const { payment, attemptId, amountMinor, origin } = taken;
  const refundId = deps.newId(payment.id);
  const reason = firstOf(taken.reason, maxReasonLength);
  const row = { id: refundId, number: newNumber('RF', cause.at), attemptId, amountMinor, reason, automatic: false, surplus: false, requestedBy: null, createdAt: cause.at }; // prettier-ignore
  // Nobody is asked about a dispute, and nobody is told to make what is being made.
  await insertTaken(unit.sql, row, payment, { origin, providerId: taken.providerId, askInSeconds });
  const data = { ...cause.data, refundId, origin };
  await savePayment(unit, payment, [{ type: 'RefundRequested', amountMinor }], { ...cause, data });
  return refundId;
}

/**
 * Refunds by this attempt that are ours to make and that the provider refuses, or that a bank has sent back, oldest first: what
 * has gone back in another way may be one of them. One that is being tried right now is none yet: the provider may be making it after all.
 */
export const findRefused = (unit: Unit, { payment, attemptId, surplus }: Meant): Promise<readonly RefundRow[]> =>
  lockRefused(unit.sql, { paymentId: payment.id, attemptId, surplus });
