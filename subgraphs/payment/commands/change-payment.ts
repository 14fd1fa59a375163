import type { Sql } from '../../shared/database/statements.ts';
import type { Unit } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { type PaymentEvent, isClosed } from '../domain/payment.ts';
import { appendEvent, paymentSucceeded } from '../events.ts';
import type { PaymentRow } from '../records.ts';
import { endHeldAttempt } from '../attempt-store.ts';
import { findExternalPart, lockWalletPart } from '../payment-store.ts';
import { type Cause, savePayment } from './save-payment.ts';

/** As `savePayment`, and in the same transaction for the wallet part of a mixed payment, which follows its external part. */
export async function changePayment(
  unit: Unit,
  deps: PaymentDeps,
  before: PaymentRow,
  events: readonly PaymentEvent[],
  cause: Cause,
): Promise<PaymentRow> {
  const after = await savePayment(unit, before, events, cause);
  await followExternalPart(unit, deps, { before, after }, cause);
  return after;
}

/**
 * Has a mixed payment's wallet part follow its external part, in the transaction that changes that: what it holds is taken when
 * that is paid, and let go when that is given up. So an order is paid by both or by neither. The external part has the lower id
 * and is locked first, as payments of an order are always locked in the order of their ids.
 */
export async function followExternalPart(
  unit: Unit,
  deps: PaymentDeps,
  { before, after: external }: { readonly before: PaymentRow; readonly after: PaymentRow },
  cause: Cause,
): Promise<void> {
  const ended = external.state !== before.state && (external.state === 'SETTLED' || isClosed(external.state));
  if (!ended || before.slot !== 0 || !before.liveOrderId) return;
  const part = await lockWalletPart(unit.sql, external.orderId);
  if (part?.state !== 'AUTHORIZED') return;
  const { amountMinor } = part;
  const events: Partial<Record<PaymentRow['state'], PaymentEvent>> = {
    SETTLED: { type: 'PaymentSettled', amountMinor },
    CANCELLED: { type: 'PaymentCancelled' },
    EXPIRED: { type: 'PaymentExpired' },
  };
  const event = events[external.state];
  if (!event) throw new Error(`a wallet part can't follow ${external.state}`);
  const state = external.state === 'SETTLED' ? 'SUCCEEDED' : external.state === 'EXPIRED' ? 'EXPIRED' : 'CANCELLED';
  await endHeldAttempt(unit.sql, part.id, { state, finishedAt: cause.at });
  const after = await savePayment(unit, part, [event], {
    ...cause,
    data: { ...cause.data, externalPaymentId: external.id },
  });
  if (after.state === 'SETTLED') await appendEvent(unit, deps, after, paymentSucceeded(after));
}

/** The external part of the mixed payment to which this payment belongs, which decides over both; else the payment itself. */
export async function leadingPart(sql: Sql, payment: PaymentRow): Promise<PaymentRow> {
  if (payment.slot === 0) return payment;
  const external = await findExternalPart(sql, payment);
  if (!external) throw new Error(`wallet part ${payment.number} has no external part`);
  return external;
}
