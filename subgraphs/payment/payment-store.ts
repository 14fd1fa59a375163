import { type Compilable, sql as expression } from 'kysely';
import { byId as orderById, findOfEach } from '../shared/database/find-of-each.ts';
import { readerOf } from '../shared/database/reader.ts';
import type { Sql } from '../shared/database/statements.ts';
import { byIndex, change, find, prepare } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import { closedBranch } from './closed-order-store.ts';
import type { PaymentState } from './domain/payment.ts';
import { PaymentEventRecord, type PaymentEventRow, PaymentRecord, type PaymentRow } from './records.ts';
import { bytesOrNull, firstOf, insert, secondsFromNow, tables } from './tables.ts';

const paymentOf = readerOf(PaymentRecord);
const eventOf = readerOf(PaymentEventRecord);

const all = () => tables.selectFrom('payment').selectAll();
const byId = prepare<{ id: Buffer }>()((param) => all().where('id', '=', param.id));
const byIdLocked = prepare<{ id: Buffer }>()((param) => all().where('id', '=', param.id).forUpdate());
const holderOf = prepare<{ order: Buffer }>()((param) =>
  all().where('live_order_id', '=', param.order).orderBy('slot').limit(1),
);
const walletPartOf = prepare<{ order: Buffer }>()((param) =>
  all().where('live_order_id', '=', param.order).where('slot', '=', 1).forUpdate(),
);
const ofOrder = prepare<{ order: Buffer }>()((param) => all().where('order_id', '=', param.order).orderBy('id'));
const ofOrderLocked = prepare<{ order: Buffer }>()((param) =>
  all().where('order_id', '=', param.order).orderBy('id').forUpdate(),
);

export const findPayment = (sql: Sql, paymentId: string): Promise<PaymentRow | null> =>
  firstOf(find(sql, byId, { id: idToBytes(paymentId) }), paymentOf);

/** The payment, locked until the transaction ends. All changes of a payment, its attempts and refunds happen under this lock. */
export const lockPayment = (sql: Sql, paymentId: string): Promise<PaymentRow | null> =>
  firstOf(find(sql, byIdLocked, { id: idToBytes(paymentId) }), paymentOf);

export const findPaymentByNumber = (sql: Sql, number: string): Promise<PaymentRow | null> =>
  firstOf(find(sql, all().where('number', '=', number)), paymentOf);

/** The payment that holds the order, so that no other can be made for it in its slot. */
export const findHolder = (sql: Sql, orderId: string): Promise<PaymentRow | null> =>
  firstOf(find(sql, holderOf, { order: idToBytes(orderId) }), paymentOf);

/** The live wallet part of the order's mixed payment, locked; null where there is none. */
export const lockWalletPart = (sql: Sql, orderId: string): Promise<PaymentRow | null> =>
  firstOf(find(sql, walletPartOf, { order: idToBytes(orderId) }), paymentOf);

/** The external part that was made together with this wallet part, with the id just below. */
export const findExternalPart = (sql: Sql, part: Pick<PaymentRow, 'id' | 'orderId'>): Promise<PaymentRow | null> =>
  firstOf(
    find(
      sql,
      all()
        .where('order_id', '=', idToBytes(part.orderId))
        .where('slot', '=', 0)
        .where('id', '<', idToBytes(part.id))
        .orderBy('id', 'desc')
        .limit(1),
    ),
    paymentOf,
  );

/** What the order's mixed payment has set aside in the wallet, in minor units. */
export async function heldForOrder(sql: Sql, orderId: string): Promise<bigint> {
  const held = tables
    .selectFrom('payment')
    .select('amount_minor')
    .where('live_order_id', '=', idToBytes(orderId))
    .where('slot', '=', 1)
    .where('state', '=', 'AUTHORIZED');
  const [row] = await find(sql, held);
  return row ? BigInt(row.amount_minor) : 0n;
}

/** The payment by wallet alone with which a saga has charged the order. */
export const findWalletPayment = (sql: Sql, orderId: string): Promise<PaymentRow | null> =>
  firstOf(
    find(
      sql,
      all()
        .where('order_id', '=', idToBytes(orderId))
        .where('method', '=', 'WALLET')
        .where('slot', '=', 0)
        .orderBy('id')
        .limit(1),
    ),
    paymentOf,
  );

/** The payments of an order, oldest first. */
export const findPaymentsOfOrder = async (sql: Sql, orderId: string): Promise<PaymentRow[]> =>
  (await find(sql, ofOrder, { order: idToBytes(orderId) })).map(paymentOf);

/** As `findPaymentsOfOrder`, each locked, in this order. */
export const lockPaymentsOfOrder = async (sql: Sql, orderId: string): Promise<PaymentRow[]> =>
  (await find(sql, ofOrderLocked, { order: idToBytes(orderId) })).map(paymentOf);

/** Payments with one of these values in the column, oldest first. */
export const findPaymentsBy = async (
  sql: Sql,
  column: 'id' | 'order_id',
  ids: readonly string[],
): Promise<PaymentRow[]> =>
  (await find(sql, all().where(column, 'in', ids.map(idToBytes)).orderBy('id'))).map(paymentOf);

const newestFirst = orderById(true);
/** A customer's payments are few, and found by the customer. */
const ofState = <Row>(statement: Compilable<Row>, isAll: boolean): Compilable<Row> =>
  isAll ? byIndex(statement, { table: 'payment', index: 'payment_state' }) : statement;

/** Newest first: those before `beforeId`, at most `limit`. */
export async function listPayments(
  sql: Sql,
  page: { beforeId: string | null; limit: number; states?: readonly PaymentState[]; customerId?: string },
): Promise<PaymentRow[]> {
  let query = tables.selectFrom('payment').selectAll('payment').orderBy('id', 'desc').limit(page.limit);
  if (page.customerId !== undefined) query = query.where('customer_id', '=', idToBytes(page.customerId));
  if (page.beforeId !== null) query = query.where('id', '<', idToBytes(page.beforeId));
  const lists = page.states?.length
    ? [...new Set(page.states)].map((state) => ofState(query.where('state', '=', state), page.customerId === undefined))
    : [query];
  return (await findOfEach(sql, lists, { compare: newestFirst, limit: page.limit })).map(paymentOf);
}

/** States of a payment that has a deadline. */
export const unpaidStates = ['OPEN', 'PROCESSING', 'AUTHORIZED', 'FAILED'] as const;

/** Ids of unpaid payments whose deadline has passed for so long; wallet parts follow their external part and are left out. */
export async function findOverdue(sql: Sql, overdue: { bySeconds: number; limit: number }): Promise<string[]> {
  const rows = await find(
    sql,
    tables
      .selectFrom('payment')
      .select('id')
      .where('state', 'in', unpaidStates)
      .where('slot', '=', 0)
      .where('expires_at', '<', secondsFromNow(-overdue.bySeconds))
      .limit(overdue.limit),
  );
  return rows.map(({ id }) => idFromBytes(id));
}

/** A second payment that holds the order fails with a duplicate of `payment_live_slot`. */
export const insertPayment = (sql: Sql, payment: PaymentRow): Promise<void> =>
  insert(sql, 'payment', [
    {
      id: idToBytes(payment.id),
      number: payment.number,
      order_id: idToBytes(payment.orderId),
      customer_id: idToBytes(payment.customerId),
      method: payment.method,
      state: payment.state,
      currency: payment.currency,
      amount_minor: payment.amountMinor,
      captured_minor: payment.capturedMinor,
      refunding_minor: payment.refundingMinor,
      refunded_minor: payment.refundedMinor,
      live_order_id: bytesOrNull(payment.liveOrderId),
      slot: payment.slot,
      manual_capture: payment.manualCapture,
      capturing_minor: payment.capturingMinor,
      return_url: payment.returnUrl ?? null,
      payer: payment.payer ?? null,
      trace_id: payment.traceId,
      expires_at: payment.expiresAt ?? null,
      paid_at: payment.paidAt ?? null,
      created_at: payment.createdAt,
      updated_at: payment.updatedAt,
      version: payment.version,
    },
  ]);

type Update = {
  id: Buffer;
  readVersion: number;
  state: PaymentState;
  captured: bigint;
  capturing: bigint;
  refunding: bigint;
  refunded: bigint;
  liveOrder: Buffer | null;
  paidAt: Date | null;
  updatedAt: Date;
  version: number;
};
const updateOf = (param: Update) =>
  tables
    .updateTable('payment')
    .set({
      state: param.state,
      captured_minor: param.captured,
      capturing_minor: param.capturing,
      refunding_minor: param.refunding,
      refunded_minor: param.refunded,
      live_order_id: param.liveOrder,
      paid_at: param.paidAt,
      updated_at: param.updatedAt,
      version: param.version,
    })
    .where('id', '=', param.id)
    .where('version', '=', param.readVersion);
const update = prepare<Update>()(updateOf);
const updateBegun = prepare<Update>()((param) =>
  updateOf(param).where(
    expression<boolean>`not exists (select 1 from barrier where barrier.saga_id = payment.order_id and barrier.branch = ${closedBranch})`,
  ),
);

/** Whether payments are stored whatever has become of their order, or only while that is not closed. */
export type WhileOrder = 'any' | 'open';

/**
 * Stores a payment that was read in the version before; false when it has changed since, or its order is closed and was to be open, and
 * nothing is stored.
 */
export async function updatePayment(
  sql: Sql,
  payment: PaymentRow,
  readVersion: number,
  order: WhileOrder,
): Promise<boolean> {
  const found = await change(
    sql,
    order === 'open' ? updateBegun : update,
    {
      id: idToBytes(payment.id),
      readVersion,
      state: payment.state,
      captured: payment.capturedMinor,
      capturing: payment.capturingMinor,
      refunding: payment.refundingMinor,
      refunded: payment.refundedMinor,
      liveOrder: bytesOrNull(payment.liveOrderId),
      paidAt: payment.paidAt ?? null,
      updatedAt: payment.updatedAt,
      version: payment.version,
    },
    1,
  );
  return found === 1;
}

/** Until when it is waited for. */
export const updateDeadline = async (sql: Sql, paymentId: string, expiresAt: Date): Promise<void> => {
  await change(
    sql,
    tables.updateTable('payment').set({ expires_at: expiresAt }).where('id', '=', idToBytes(paymentId)),
    'any',
  );
};

/** Adds to a payment's journal. */
export const insertEvents = (sql: Sql, events: readonly PaymentEventRow[]): Promise<void> =>
  insert(
    sql,
    'payment_event',
    events.map((event) => ({
      payment_id: idToBytes(event.paymentId),
      seq: event.seq,
      type: event.type,
      from_state: event.fromState ?? null,
      to_state: event.toState,
      amount_minor: event.amountMinor ?? null,
      source: event.source,
      provider_event_id: event.providerEventId ?? null,
      data: event.data === null || event.data === undefined ? null : JSON.stringify(event.data),
      at: event.at,
    })),
  );

/** A payment's journal after `afterSeq`, oldest first. */
export const listEvents = async (
  sql: Sql,
  paymentId: string,
  page: { afterSeq: number; limit: number },
): Promise<PaymentEventRow[]> => {
  const query = tables
    .selectFrom('payment_event')
    .selectAll()
    .where('payment_id', '=', idToBytes(paymentId))
    .where('seq', '>', page.afterSeq)
    .orderBy('seq')
    .limit(page.limit);
  return (await find(sql, query)).map(eventOf);
};

/** True when the provider has said of this refund that it failed; it is tried again by then, under another name there. */
export async function hasRefundFailed(sql: Sql, paymentId: string, providerRefundId: string): Promise<boolean> {
  const failed = tables
    .selectFrom('payment_event')
    .select('seq')
    .where('payment_id', '=', idToBytes(paymentId))
    .where('type', 'in', ['RefundFailed', 'RefundReturned', 'RefundRefused'])
    .where(expression<boolean>`json_unquote(json_extract(data, '$.providerRefundId')) = ${providerRefundId}`)
    .limit(1);
  return (await find(sql, failed)).length > 0;
}
