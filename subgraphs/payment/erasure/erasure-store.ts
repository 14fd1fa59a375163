import type { Sql } from '../../shared/database/database.ts';
import { change, find } from '../../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';
import { paymentStates, isUnpaid } from '../domain/payment.ts';
import { tables } from '../tables.ts';

/** In place of words that a person may be told by, where a column may not be empty. */
export const erasedText = 'erased';
const unpaidStates = paymentStates.filter(isUnpaid);

type Found = { readonly kind: string; readonly reference: string };

/** What of a customer's money is under way or here, at most `limit` of each kind. */
export async function findOpenMoney(sql: Sql, customerId: string, limit: number): Promise<Found[]> {
  const customer = idToBytes(customerId);
  const payments = await find(
    sql,
    tables.selectFrom('payment').select('number').where('customer_id', '=', customer).where('state', 'in', unpaidStates).limit(limit), // prettier-ignore
  );
  const refunds = await find(
    sql,
    tables
      .selectFrom('payment as p')
      .innerJoin('refund as r', 'r.payment_id', 'p.id')
      .select('r.number')
      .where('p.customer_id', '=', customer)
      .where('r.state', 'in', ['REQUESTED', 'PENDING'])
      .limit(limit),
  );
  const disputes = await find(
    sql,
    tables
      .selectFrom('payment as p')
      .innerJoin('dispute as d', 'd.payment_id', 'p.id')
      .select('p.number')
      .where('p.customer_id', '=', customer)
      .where('d.state', '=', 'OPEN')
      .limit(limit),
  );
  const wallets = await find(
    sql,
    tables
      .selectFrom('ledger_account')
      .select('currency')
      .distinct()
      .where('owner_id', '=', customer)
      .where('kind', 'in', ['AVAILABLE', 'HELD'])
      .where('balance_minor', '>', '0' as never),
  );
  return [
    ...payments.map(({ number }) => ({ kind: 'OPEN_PAYMENT', reference: number })),
    ...refunds.map(({ number }) => ({ kind: 'OPEN_REFUND', reference: number })),
    ...disputes.map(({ number }) => ({ kind: 'OPEN_DISPUTE', reference: number })),
    ...wallets.map(({ currency }) => ({ kind: 'WALLET_BALANCE', reference: currency })),
  ];
}

/** Ids of a customer's payments and of their orders, by id. */
export async function findPaymentIds(
  sql: Sql,
  customerId: string,
  { after, limit }: { after: string | null; limit: number },
): Promise<{ readonly id: string; readonly orderId: string }[]> {
  let payments = tables
    .selectFrom('payment')
    .select(['id', 'order_id'])
    .where('customer_id', '=', idToBytes(customerId));
  if (after !== null) payments = payments.where('id', '>', idToBytes(after));
  const rows = await find(sql, payments.orderBy('id').limit(limit));
  return rows.map(({ id, order_id }) => ({ id: idFromBytes(id), orderId: idFromBytes(order_id) }));
}

/** Takes out of payments, attempts, refunds and webhooks what tells of a person. Amounts, states and the provider's ids stay. */
export async function erasePayments(
  tx: Sql,
  payments: readonly { readonly id: string; readonly orderId: string }[],
): Promise<void> {
  const ids = payments.map(({ id }) => idToBytes(id));
  const orders = payments.map(({ orderId }) => idToBytes(orderId));
  await change(tx, tables.updateTable('payment').set({ return_url: null, payer: null }).where('id', 'in', ids), 'any');
  const attempts = tables
    .updateTable('attempt')
    .set({ redirect_url: null, client_params: null, failure_message: null, instrument: null })
    .where('payment_id', 'in', ids);
  await change(tx, attempts, 'any');
  const refunds = tables.updateTable('refund').where('payment_id', 'in', ids);
  await change(tx, refunds.set({ failure: null }), 'any');
  await change(
    tx,
    refunds
      .set({ reason: erasedText })
      .where((eb) => eb.or([eb('automatic', '=', false), eb('request_id', 'is not', null)])),
    'any',
  );
  const requests = tables.updateTable('refund_request').set({ reason: erasedText }).where('order_id', 'in', orders);
  await change(tx, requests.where('requested_by', 'is not', null), 'any');
  const webhooks = tables.updateTable('webhook_inbox').set({ body: '', signature: null, error: null });
  await change(tx, webhooks.where('payment_id', 'in', ids), 'any');
}

/** Takes what staff wrote out of the transfers of a person's wallets. */
export async function eraseTransfers(tx: Sql, ownerId: string): Promise<void> {
  const own = tables
    .selectFrom('ledger_entry as e')
    .innerJoin('ledger_account as a', 'a.id', 'e.account_id')
    .select('e.transfer_id')
    .where('a.owner_id', '=', idToBytes(ownerId));
  const ids = [...new Set((await find(tx, own)).map(({ transfer_id }) => idFromBytes(transfer_id)))].map(idToBytes);
  if (ids.length === 0) return;
  const transfers = tables.updateTable('ledger_transfer').set({ reason: erasedText }).where('id', 'in', ids);
  await change(tx, transfers.where('reference', 'like', 'credit:%'), 'any');
}

/** A customer's payments, refunds and wallets as they are exported, the newest first. */
export async function readMoney(sql: Sql, customerId: string, limit: number) {
  const customer = idToBytes(customerId);
  const payments = await find(
    sql,
    tables
      .selectFrom('payment')
      .select(['id', 'order_id', 'number', 'method', 'state', 'currency', 'amount_minor', 'captured_minor', 'refunded_minor', 'paid_at', 'created_at', 'return_url', 'payer'])
      .where('customer_id', '=', customer)
      .orderBy('id', 'desc')
      .limit(limit),
  ); // prettier-ignore
  const ids = payments.map(({ id }) => id);
  const refunds =
    ids.length === 0
      ? []
      : await find(
          sql,
          tables.selectFrom('refund').select(['payment_id', 'number', 'state', 'amount_minor', 'reason', 'failure', 'created_at']).where('payment_id', 'in', ids), // prettier-ignore
        );
  const orders = payments.map(({ order_id }) => order_id);
  const requests =
    orders.length === 0
      ? []
      : await find(
          sql,
          tables.selectFrom('refund_request').select(['order_id', 'amount_minor', 'reason', 'created_at']).where('order_id', 'in', orders), // prettier-ignore
        );
  const attempts =
    ids.length === 0
      ? []
      : await find(
          sql,
          tables.selectFrom('attempt').select(['payment_id', 'state', 'instrument', 'redirect_url', 'failure_message', 'created_at']).where('payment_id', 'in', ids), // prettier-ignore
        );
  const wallets = await find(
    sql,
    tables.selectFrom('ledger_account').select(['id', 'kind', 'currency', 'balance_minor']).where('owner_id', '=', customer).limit(limit), // prettier-ignore
  );
  const accounts = wallets.map(({ id }) => id);
  const entries =
    accounts.length === 0
      ? []
      : await find(
          sql,
          tables
            .selectFrom('ledger_entry as e')
            .innerJoin('ledger_transfer as t', 't.id', 'e.transfer_id')
            .select(['e.account_id', 'e.amount_minor', 'e.at', 't.reason'])
            .where('e.account_id', 'in', accounts)
            .orderBy('e.at', 'desc')
            .limit(limit),
        );
  return { payments, attempts, refunds, requests, wallets, entries };
}
