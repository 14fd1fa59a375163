import type { Sql } from '../shared/database/database.ts';
import { readerOf, writerOf } from '../shared/database/reader.ts';
import { find, prepare } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import type { JournalEntry } from './domain/journal.ts';
import type { PartPayment, PaymentHistory } from './domain/order-model.ts';
import { OrderEventRecord, insertInto, tables } from './records.ts';
import type { StoredOrder } from './stored-order.ts';

const read = readerOf(OrderEventRecord);
const rowOf = writerOf(OrderEventRecord);

/** From a row of `order_event`. */
export function toJournalEntry(row: object): JournalEntry {
  const { actorType, actorId, customerId: _, feedSeq: __, ...entry } = read(row);
  return { ...entry, actor: { type: actorType, id: actorId } };
}

/** Entries of one or several orders' journals, in one statement. */
export const insertJournal = (
  tx: Sql,
  journals: readonly { order: Pick<StoredOrder, 'customerId'>; entries: readonly JournalEntry[] }[],
): Promise<void> =>
  insertInto(
    tx,
    'order_event',
    journals.flatMap(({ order: { customerId }, entries }) =>
      entries.map(({ actor, ...entry }) =>
        rowOf({ ...entry, actorType: actor.type, actorId: actor.id, customerId, feedSeq: null }),
      ),
    ),
  );

const after = prepare<{ orderId: Buffer; afterSeq: number; limit: number }>()((param) =>
  tables
    .selectFrom('order_event')
    .selectAll()
    .where('order_id', '=', param.orderId)
    .where('seq', '>', param.afterSeq)
    .orderBy('seq')
    .limit(param.limit),
);

/** Journal entries with a higher `seq`, oldest first. */
export async function readJournal(sql: Sql, orderId: string, afterSeq: number, limit: number): Promise<JournalEntry[]> {
  return (await find(sql, after, { orderId: idToBytes(orderId), afterSeq, limit })).map(toJournalEntry);
}

/** As `readJournal` for several orders in one statement. */
export async function readJournals(
  sql: Sql,
  wanted: readonly { orderId: string; afterSeq: number }[],
  limit: number,
): Promise<JournalEntry[]> {
  const text = wanted.map(() => `(${after.text})`).join(' union all ');
  const parameters = wanted.flatMap(({ orderId, afterSeq }) =>
    after.bind({ orderId: idToBytes(orderId), afterSeq, limit }),
  );
  return (await sql.rows(text, parameters)).map(toJournalEntry);
}

/** What the journal keeps of an event that tells of a payment's money. */
type MoneyData = { readonly paymentId: string; readonly refundId?: string; readonly amountMinor: number };
const moneyOf = (row: object): MoneyData => read(row).data as MoneyData;

const moneyEvents = prepare<{ orderId: Buffer }>()((param) =>
  tables
    .selectFrom('order_event')
    .select(['type', 'data'])
    .where('order_id', '=', param.orderId)
    .where('type', 'in', ['OrderPaid', 'PartPaymentReceived', 'PaymentRefused', 'RefundRecorded']),
);

/** What the order's journal knows of a payment. */
export async function findPaymentHistory(tx: Sql, orderId: string, paymentId: string): Promise<PaymentHistory> {
  const own = (await find(tx, moneyEvents, { orderId: idToBytes(orderId) }))
    .map((row) => ({ type: row.type, ...moneyOf(row) }))
    .filter((entry) => entry.paymentId === paymentId);
  const refunds = own.filter(({ type }) => type === 'RefundRecorded');
  return {
    received: own.length > refunds.length,
    refused: own.some(({ type }) => type === 'PaymentRefused'),
    refundIds: refunds.map(({ refundId }) => String(refundId)),
    refundedMinor: refunds.reduce((sum, { amountMinor }) => sum + BigInt(amountMinor), 0n),
  };
}

/** What came in for these orders without paying them, by order. */
export async function findPartPayments(
  tx: Sql,
  orders: readonly StoredOrder[],
): Promise<ReadonlyMap<string, readonly PartPayment[]>> {
  const ids = orders.filter((order) => order.paidMinor > order.refundedMinor).map(({ id }) => idToBytes(id));
  if (ids.length === 0) return new Map();
  const rows = await find(
    tx,
    tables
      .selectFrom('order_event')
      .select(['order_id', 'data'])
      .where('order_id', 'in', ids)
      .where('type', '=', 'PartPaymentReceived')
      .orderBy('order_id')
      .orderBy('seq'),
  );
  const parts = new Map<string, PartPayment[]>();
  for (const row of rows) {
    const { orderId } = read(row);
    const { paymentId, amountMinor } = moneyOf(row);
    parts.set(orderId, [...(parts.get(orderId) ?? []), { paymentId, amountMinor: BigInt(amountMinor) }]);
  }
  return parts;
}
