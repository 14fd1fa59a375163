import { type Sql, run, select } from '../../shared/database/database.ts';
import { idToBytes } from '../../shared/values/ids.ts';
import type { Unit } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { type PaymentEvent, isClosed } from '../domain/payment.ts';
import { announce, paymentSucceeded } from '../events.ts';
import type { PaymentRow } from '../records.ts';
import { type Cause, findWalletPart, paymentFrom, savePayment } from '../store.ts';

/**
 * As `savePayment`, and in the same transaction for the wallet part of a mixed payment, which follows its external part: what
 * it holds is taken when that is paid, and let go when that is given up. So an order is paid by both or by neither. The
 * external part has the lower id and is locked first, as everybody locks payments of an order in the order of their ids.
 */
export async function changePayment(
  unit: Unit,
  deps: PaymentDeps,
  before: PaymentRow,
  events: readonly PaymentEvent[],
  cause: Cause,
): Promise<PaymentRow> {
  const after = await savePayment(unit, before, events, cause);
  const ended = after.state !== before.state && (after.state === 'SETTLED' || isClosed(after.state));
  if (ended && before.slot === 0 && before.liveOrderId) await endWalletPart(unit, deps, after, cause);
  return after;
}

async function endWalletPart(unit: Unit, deps: PaymentDeps, external: PaymentRow, cause: Cause): Promise<void> {
  const part = await findWalletPart(unit.sql, external.orderId);
  if (part?.state !== 'AUTHORIZED') return;
  const { amountMinor } = part;
  const events: Partial<Record<PaymentRow['state'], PaymentEvent>> = {
    SETTLED: { type: 'PaymentSettled', amountMinor },
    CANCELLED: { type: 'PaymentCancelled' },
    EXPIRED: { type: 'PaymentExpired' },
  };
  const event = events[external.state];
  if (!event) throw new Error(`a wallet part can't follow ${external.state}`);
  const attemptState = external.state === 'SETTLED' ? 'SUCCEEDED' : external.state;
  await run(unit.sql, "update attempt set state = ?, finished_at = ? where payment_id = ? and state = 'AUTHORIZED'", [
    attemptState,
    cause.at,
    idToBytes(part.id),
  ]);
  const after = await savePayment(unit, part, [event], {
    ...cause,
    data: { ...cause.data, externalPaymentId: external.id },
  });
  if (after.state === 'SETTLED') await announce(unit, deps, after, paymentSucceeded(after));
}

/** The external part of the mixed payment to which this payment belongs, which decides over both; else the payment itself. */
export async function leadingPart(sql: Sql, payment: PaymentRow): Promise<PaymentRow> {
  if (payment.slot === 0) return payment;
  // Its parts were made together, the external one with the id just below.
  const [row] = await select(
    sql,
    'select * from payment where order_id = ? and slot = 0 and id < ? order by id desc limit 1',
    [idToBytes(payment.orderId), idToBytes(payment.id)],
  );
  if (!row) throw new Error(`wallet part ${payment.number} has no external part`);
  return paymentFrom(row);
}
