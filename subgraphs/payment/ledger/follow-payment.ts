import { type Sql, select } from '../../shared/database/database.ts';
import { idToBytes } from '../../shared/values/ids.ts';
import { takenTopUpTransfer, topUpReference, topUpTransfer, walletId, walletTransfer } from '../domain/ledger.ts';
import type { PaymentEvent } from '../domain/payment.ts';
import type { PaymentRow } from '../records.ts';
import { isPosted, postTransfer } from './transfer.ts';

/** An entry of a payment's journal and the state that it led to. */
type Step = { readonly event: PaymentEvent; readonly state: PaymentRow['state'] };

/**
 * Posts what a payment's events mean for wallets, in the transaction that stores them: what a payment by wallet moves, and
 * what a refund takes back of a top-up that was credited. Throws RefusedError where the wallet has too little.
 *
 * @param cause.data names the refund that the events are about as `refundId`, where staff asked for it
 */
export async function followPayment(
  sql: Sql,
  before: PaymentRow,
  steps: readonly Step[],
  cause: { readonly at: Date; readonly data?: Readonly<Record<string, unknown>> | undefined },
): Promise<void> {
  const named = cause.data?.['refundId'];
  const refundId = typeof named === 'string' ? named : null;
  let { state, version } = before;
  for (const step of steps) {
    const payment = { ...before, state, version };
    const transfer =
      before.method === 'WALLET'
        ? walletTransfer(payment, step.event, refundId)
        : refundId !== null && (await isTaken(sql, refundId, cause))
          ? takenTopUpTransfer(payment, step.event, refundId, await takenFrom(sql, payment, step.event, refundId))
          : topUpTransfer(payment, step.event, refundId);
    if (transfer && (before.method === 'WALLET' || (await isPosted(sql, topUpReference(before.orderId)))))
      await postTransfer(sql, transfer, cause.at);
    ({ state } = step);
    version += 1;
  }
}

/** True for a refund that was made without us: then the money is gone, whatever the wallet has. */
async function isTaken(
  sql: Sql,
  refundId: string,
  cause: { readonly data?: Readonly<Record<string, unknown>> | undefined },
): Promise<boolean> {
  if (cause.data?.['origin'] !== undefined) return true;
  const [row] = await select(sql, 'select origin from refund where id = ?', [idToBytes(refundId)]);
  return row !== undefined && row['origin'] !== 'PLATFORM';
}

/** How much of it the wallet pays and how much is the house's loss: now, or as it was when it was taken last. */
async function takenFrom(
  sql: Sql,
  payment: PaymentRow,
  event: PaymentEvent,
  refundId: string,
): Promise<{ walletMinor: bigint; lossMinor: bigint }> {
  const amountMinor = 'amountMinor' in event ? event.amountMinor : 0n;
  if (event.type === 'RefundFailed') {
    // What was taken and given back before sums to zero.
    const [loss] = await select(
      sql,
      `select coalesce(sum(e.amount_minor), 0) lost from ledger_transfer t join ledger_entry e on e.transfer_id = t.id join ledger_account a on a.id = e.account_id
       where t.payment_id = ? and t.reference like ? and a.kind = 'LOSSES'`,
      [idToBytes(payment.id), `topup-refund:${refundId}:%`],
    );
    const lossMinor = -BigInt(loss?.['lost'] as string);
    return { walletMinor: amountMinor - lossMinor, lossMinor };
  }
  const id = walletId(payment.customerId, payment.currency);
  const [row] = await select(sql, 'select balance_minor from ledger_account where id = ? for update', [idToBytes(id)]);
  const balanceMinor = row ? BigInt(row['balance_minor'] as string) : 0n;
  const walletMinor = balanceMinor < amountMinor ? balanceMinor : amountMinor;
  return { walletMinor, lossMinor: amountMinor - walletMinor };
}
