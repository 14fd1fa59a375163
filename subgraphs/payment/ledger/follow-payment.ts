import type { Sql } from '../../shared/database.ts';
import { topUpReference, topUpTransfer, walletTransfer } from '../domain/ledger.ts';
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
        : topUpTransfer(payment, step.event, refundId);
    if (transfer && (before.method === 'WALLET' || (await isPosted(sql, topUpReference(before.orderId)))))
      await postTransfer(sql, transfer, cause.at);
    ({ state } = step);
    version += 1;
  }
}
