import type { Sql } from '../../shared/database/statements.ts';
import { takenTopUpTransfer, topUpReference, topUpTransfer, walletId, walletTransfer } from '../domain/ledger.ts';
import type { PaymentEvent } from '../domain/payment.ts';
import type { PaymentRow } from '../records.ts';
import { findRefund } from '../refund-store.ts';
import { isPosted, lockBalance, lossesOf } from './ledger-store.ts';
import { postTransfer } from './transfer.ts';

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
  const refund = await findRefund(sql, refundId);
  return refund !== null && refund.origin !== 'PLATFORM';
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
    const lossMinor = await lossesOf(sql, payment.id, `topup-refund:${refundId}:`);
    return { walletMinor: amountMinor - lossMinor, lossMinor };
  }
  const balanceMinor = await lockBalance(sql, walletId(payment.customerId, payment.currency));
  const walletMinor = balanceMinor < amountMinor ? balanceMinor : amountMinor;
  return { walletMinor, lossMinor: amountMinor - walletMinor };
}
