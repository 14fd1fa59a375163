import { type ExpressionBuilder, type Updateable, sql as raw } from 'kysely';
import type { Sql } from '../shared/database/database.ts';
import { readerOf, writerOf } from '../shared/database/reader.ts';
import { byPrimaryKey, change, find, prepare } from '../shared/database/tables.ts';
import { appendOutbox } from '../shared/tables/outbox.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import { type Change, type Changed, applyEvents, placed } from './apply-events.ts';
import type { OrderEvent, OrderState } from './domain/order-model.ts';
import { toDomainEvents } from './events.ts';
import { saveFulfilment } from './fulfilment-store.ts';
import { findPartPayments, insertJournal } from './journal-store.ts';
import { saveGivenBack } from './given-back-store.ts';
import { insertLines } from './line-store.ts';
import { giveBack } from './open-orders-store.ts';
import { giveUsesBack } from './promotion-uses-store.ts';
import { saveReturn } from './return-store.ts';
import { OrderRecord, type OrderTables, insertInto, tables } from './records.ts';
import type { NewOrder, StoredOrder } from './stored-order.ts';

/** Another process changed the order between reading and writing. The caller reads again and decides again. */
export class StaleOrderError extends Error {
  override readonly name = 'StaleOrderError';
}

const read = readerOf(OrderRecord);
const write = writerOf(OrderRecord);
/** An order's row, without the column that the database makes. */
export function rowOf(order: StoredOrder) {
  const { reference_key: _, ...row } = write({ ...order, erasedAt: null, referenceKey: null });
  return row;
}
/** From a row of `orders`; the lines come separately. */
export const toOrder = (row: object): StoredOrder => ({ ...read(row), lines: [] });

const all = tables.selectFrom('orders').selectAll();
const byId = prepare<{ id: Buffer }>()((param) => all.where('id', '=', param.id));
const lockById = prepare<{ id: Buffer }>()((param) => all.where('id', '=', param.id).forUpdate());
const byReference = prepare<{ customer: Buffer; reference: string }>()((param) =>
  all.where('customer_id', '=', param.customer).where('held_reference', '=', param.reference),
);

/** One order without its lines; null when there is none. */
export async function findOrder(sql: Sql, orderId: string): Promise<StoredOrder | null> {
  const [row] = await find(sql, byId, { id: idToBytes(orderId) });
  return row ? toOrder(row) : null;
}

/** As `findOrder`, locked until the transaction's end. */
export async function lockOrder(tx: Sql, orderId: string): Promise<StoredOrder | null> {
  const [row] = await find(tx, lockById, { id: idToBytes(orderId) });
  return row ? toOrder(row) : null;
}

export async function findOrders(sql: Sql, orderIds: readonly string[]): Promise<StoredOrder[]> {
  return (await find(sql, all.where('id', 'in', orderIds.map(idToBytes)))).map(toOrder);
}

export async function findOrdersByNumber(sql: Sql, numbers: readonly string[]): Promise<StoredOrder[]> {
  return (await find(sql, all.where('number', 'in', numbers))).map(toOrder);
}

export async function findIdByNumber(sql: Sql, number: string): Promise<string | null> {
  const [row] = await find(sql, tables.selectFrom('orders').select('id').where('number', '=', number));
  return row ? idFromBytes(row.id) : null;
}

/** The customer's order that holds this reference. */
export async function findByReference(sql: Sql, customerId: string, reference: string): Promise<StoredOrder | null> {
  const [row] = await find(sql, byReference, { customer: idToBytes(customerId), reference });
  return row ? toOrder(row) : null;
}

/** Inserts order, lines and the first journal entry: three statements. Throws error 1062 for a number or reference in use. */
export async function insertOrder(tx: Sql, newOrder: NewOrder, by: Change): Promise<StoredOrder> {
  const { order, entries } = placed(newOrder, by);
  await insertInto(tx, 'orders', [rowOf({ ...order, updatedAt: by.at })]);
  await insertLines(tx, order.id, newOrder.lines);
  await insertJournal(tx, [{ order, entries }]);
  return order;
}

/** What events change. `is_paying` is no event's: `markPaying` sets it beside them. */
const changed = [
  'state',
  'payment_status',
  'fulfilment_status',
  'version',
  'seq',
  'last_hash',
  'paid_minor',
  'refunded_minor',
  'refund_pending_minor',
  'refunded_tax_minor',
  'shipping_refunded_minor',
  'authorized_minor',
  'expires_at',
  'pay_by',
  'held_reference',
  'remark',
  'failure',
  'cancel_reason',
  'paid_at',
  'completed_at',
  'closed_at',
  'archived_at',
  'updated_at',
  'advance_at',
  'advance_attempts',
] as const satisfies readonly (keyof OrderTables['orders'])[];

const updateChanged = prepare<ChangedRow>()((param) =>
  tables
    .updateTable('orders')
    .set(Object.fromEntries(changed.map((column) => [column, param[column]])) as Updateable<OrderTables['orders']>)
    .where('id', '=', param.id)
    .where('state', '=', param.beforeState)
    .where('version', '=', param.beforeVersion),
);

/**
 * Saves what `events` make of `before`: one UPDATE guarded by state and version, the journal, what else the events say,
 * and the outbox. Throws StaleOrderError when the guard finds another version.
 */
export async function saveOrder(
  tx: Sql,
  before: StoredOrder,
  events: readonly OrderEvent[],
  by: Change,
): Promise<StoredOrder> {
  return saveApplied(tx, before, events, by, async (row) => {
    if ((await change(tx, updateChanged, row, 1)) !== 1)
      throw new StaleOrderError(`order ${before.id} is not at version ${before.version} any more`);
  });
}

/**
 * As `saveOrder`, of an order that this transaction has locked: nobody else can have changed it, so the count of rows needs no
 * look, and the commit goes with the writes.
 */
export const saveLocked = (
  tx: Sql,
  before: StoredOrder,
  events: readonly OrderEvent[],
  by: Change,
): Promise<StoredOrder> =>
  saveApplied(tx, before, events, by, async (row) => {
    await change(tx, updateChanged, row, 'any');
  });

type ChangedRow = ReturnType<typeof rowOf> & { beforeState: OrderState; beforeVersion: number };

async function saveApplied(
  tx: Sql,
  before: StoredOrder,
  events: readonly OrderEvent[],
  by: Change,
  update: (row: ChangedRow) => Promise<void>,
): Promise<StoredOrder> {
  const { order, entries } = applyEvents(before, events, by);
  await update({ ...rowOf(order), beforeState: before.state, beforeVersion: before.version });
  await giveUsesBack(tx, [before], [order]);
  await giveBack(tx, [before], [order]);
  await insertJournal(tx, [{ order, entries }]);
  for (const event of events) await saveFulfilment(tx, order.id, event, by.at);
  for (const event of events) await saveGivenBack(tx, order.id, event);
  for (const event of events) await saveReturn(tx, order.id, event, by.at);
  await appendOutbox(tx, toDomainEvents(order, events, by));
  return order;
}

const markAsPaying = prepare<{ id: Buffer }>()((param) =>
  tables
    .updateTable('orders')
    .set({ is_paying: true })
    .where('id', '=', param.id)
    .where('state', '=', 'PENDING_PAYMENT'),
);

/** A payment at a provider has been begun. Beside the journal: it only says that payment is asked before the order closes. */
export async function markPaying(tx: Sql, orderId: string): Promise<void> {
  await change(tx, markAsPaying, { id: idToBytes(orderId) }, 'any');
}

/** Those of which the delivery, or the lapse, is due; the earliest first. */
export async function findIdsToAdvance(sql: Sql, at: Date, limit: number): Promise<string[]> {
  const due = tables.selectFrom('orders').select('id').where('advance_at', '<=', at);
  return (await find(sql, due.orderBy('advance_at').limit(limit))).map(({ id }) => idFromBytes(id));
}

/** An unpaid order whose deadline has passed. */
export type DueOrder = Pick<StoredOrder, 'id' | 'expiresAt' | 'isPaying'>;

type OrderExpressions = ExpressionBuilder<OrderTables, 'orders'>;
const isDue = (eb: OrderExpressions, at: Date) => eb.and([eb('state', '=', 'PENDING_PAYMENT'), eb('expires_at', '<=', at)]); // prettier-ignore

/** Reads, without a lock, unpaid orders whose deadline has passed: the earliest that come after `after`. */
export async function findDue(sql: Sql, at: Date, after: DueOrder | null, limit: number): Promise<DueOrder[]> {
  let due = tables
    .selectFrom('orders')
    .select(['id', 'expires_at', 'is_paying'])
    .where((eb) => isDue(eb, at));
  if (after) {
    const { id, expiresAt } = after;
    due = due.where((eb) =>
      eb.or([
        eb('expires_at', '>', expiresAt),
        eb.and([eb('expires_at', '=', expiresAt), eb('id', '>', idToBytes(id))]),
      ]),
    );
  }
  return (await find(sql, due.orderBy('expires_at').orderBy('id').limit(limit))).map((row) => read(row));
}

/** Locks those of the orders that are due, one after another by id as everybody does. */
export async function lockDue(tx: Sql, orderIds: readonly string[], at: Date): Promise<StoredOrder[]> {
  const due = all.where('id', 'in', orderIds.map(idToBytes)).where((eb) => isDue(eb, at)).orderBy('id').forUpdate(); // prettier-ignore
  return (await find(tx, byPrimaryKey(due, 'orders'))).map(toOrder);
}

/** Closes many orders whose deadline has passed, in five statements. They must be locked by this transaction. */
export async function saveExpired(tx: Sql, orders: readonly StoredOrder[], by: Change): Promise<readonly Changed[]> {
  if (orders.length === 0) return [];
  const parts = await findPartPayments(tx, orders);
  const saved = orders.map((before) => {
    const own = parts.get(before.id);
    const events: readonly OrderEvent[] = [{ type: 'OrderExpired', ...(own ? { parts: own } : {}) }];
    return { ...applyEvents(before, events, by), events };
  });
  // The locked rows can't change, so one UPDATE serves all; only the hashes differ by row.
  const hashes = saved.map(({ order }) => raw`when ${idToBytes(order.id)} then ${order.lastHash}`);
  const update = tables
    .updateTable('orders')
    .set((eb) => ({
      state: 'EXPIRED',
      payment_status: eb.case().when('paid_minor', '=', 0).then('VOIDED' as const).else(eb.ref('payment_status')).end(),
      authorized_minor: 0,
      refund_pending_minor: 0,
      version: eb('version', '+', 1),
      seq: eb('seq', '+', 1),
      last_hash: raw<Buffer>`case ${eb.ref('id')} ${raw.join(hashes, raw` `)} end`,
      cancel_reason: 'PAYMENT_TIMEOUT',
      closed_at: by.at,
      updated_at: by.at,
    }))
    .where('state', '=', 'PENDING_PAYMENT')
    .where('id', 'in', orders.map(({ id }) => idToBytes(id))); // prettier-ignore
  if ((await change(tx, byPrimaryKey(update, 'orders'), orders.length)) !== orders.length)
    throw new StaleOrderError('an order changed although its row was locked');
  await giveUsesBack(tx, orders, saved.map(({ order }) => order)); // prettier-ignore
  await giveBack(tx, orders, saved.map(({ order }) => order)); // prettier-ignore
  await insertJournal(tx, saved);
  await appendOutbox(tx, saved.flatMap(({ order, events }) => toDomainEvents(order, events, by))); // prettier-ignore
  return saved;
}
