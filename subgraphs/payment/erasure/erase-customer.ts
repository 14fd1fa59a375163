import { forgetKeys, forgetLettersOf } from '../../shared/events/forget-events.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import type { PaymentDeps } from '../deps.ts';
import { erasePayments, eraseTransfers, findOpenMoney, findPaymentIds, readMoney } from './erasure-store.ts';

const batchSize = 200;
const shownObstacles = 20;
const maxExported = 500;

/** What of a customer's money stands in the way of erasing the customer, at most 20 of each kind. */
export const obstaclesOf = ({ db }: Pick<PaymentDeps, 'db'>, customerId: string) =>
  findOpenMoney(db.em(), customerId, shownObstacles);

/**
 * Takes a person out of the customer's payments, one transaction for many, and forgets the keys and events that tell of one. May be
 * repeated. False while money is under way or here, or an event not handled: to be tried again.
 */
export async function eraseCustomer(deps: Pick<PaymentDeps, 'db' | 'forget'>, customerId: string): Promise<boolean> {
  if ((await obstaclesOf(deps, customerId)).length > 0) return false;
  await deps.db.transaction((tx) => eraseTransfers(tx, customerId));
  await forgetKeys(deps.db.em(), customerId);
  // Of orders that nothing was paid for, too.
  if (!(await forgetLettersOf(deps.db.em(), customerId))) return false;
  for (let after: string | null = null; ;) {
    const payments = await findPaymentIds(deps.db.em(), customerId, { after, limit: batchSize });
    if (payments.length === 0) return true;
    await deps.db.transaction((tx) => erasePayments(tx, payments));
    failPoint('payment.person_erased');
    if (!(await deps.forget([...new Set(payments.map(({ orderId }) => orderId))]))) return false;
    after = payments.at(-1)?.id ?? null;
  }
}

/** What this service keeps of a customer: the newest 500 payments with their refunds, and wallet entries; `isComplete` says of each whether that is all. */
export async function personalData({ db }: Pick<PaymentDeps, 'db'>, customerId: string): Promise<object> {
  const { payments, attempts, refunds, requests, wallets, entries } = await readMoney(
    db.em(),
    customerId,
    maxExported + 1,
  );
  const own = <Row extends { id: Buffer; order_id?: Buffer }>({ id: _, order_id: __, ...rest }: Row) => rest;
  return {
    isComplete: { payments: payments.length <= maxExported, wallets: entries.length <= maxExported },
    payments: payments.slice(0, maxExported).map((payment) => ({
      ...own(payment),
      attempts: attempts
        .filter(({ payment_id }) => payment_id.equals(payment.id))
        .map(({ payment_id: _, ...attempt }) => attempt),
      refunds: refunds
        .filter(({ payment_id }) => payment_id.equals(payment.id))
        .map(({ payment_id: _, ...refund }) => refund),
      refundRequests: requests
        .filter(({ order_id }) => order_id.equals(payment.order_id))
        .map(({ order_id: _, ...request }) => request),
    })),
    wallets: wallets.map((wallet) => ({
      ...own(wallet),
      entries: entries
        .slice(0, maxExported)
        .filter(({ account_id }) => account_id.equals(wallet.id))
        .map(({ account_id: _, ...entry }) => entry),
    })),
  };
}
