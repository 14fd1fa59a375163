import type { Sql } from '../../shared/database/database.ts';
import { readerOf } from '../../shared/database/reader.ts';
import { change, find } from '../../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';
import type { JournalEntry } from '../domain/journal.ts';
import type { OrderState } from '../domain/order-model.ts';
import { OrderRecord, tables } from '../records.ts';
import { FulfilmentRecord } from '../records.ts';
import { OrderReturnRecord } from '../return-records.ts';

const openStates: readonly OrderState[] = ['PLACING', 'PENDING_PAYMENT', 'PAID', 'PROCESSING', 'NEEDS_ATTENTION'];

/** Numbers of a customer's orders that are not over, or whose money is still to go back. */
export async function findOpenOrders(sql: Sql, customerId: string, limit: number): Promise<string[]> {
  const rows = await find(
    sql,
    tables
      .selectFrom('orders')
      .select('number')
      .where('customer_id', '=', idToBytes(customerId))
      .where((eb) => eb.or([eb('state', 'in', openStates), eb('refund_pending_minor', '>', '0' as never)]))
      .limit(limit),
  );
  return rows.map(({ number }) => number);
}

/** Numbers of a customer's returns that are under way. */
export async function findOpenReturns(sql: Sql, customerId: string, limit: number): Promise<string[]> {
  const rows = await find(
    sql,
    tables
      .selectFrom('orders as o')
      .innerJoin('order_return as r', 'r.order_id', 'o.id')
      .select('r.number')
      .where('o.customer_id', '=', idToBytes(customerId))
      .where('r.state', 'in', ['REQUESTED', 'APPROVED'])
      .limit(limit),
  );
  return rows.map(({ number }) => number);
}

/** Ids of a customer's orders; with `withPerson` those that still have one, or may have one again since they were erased. */
export async function findOrderIds(
  sql: Sql,
  customerId: string,
  { withPerson, after, limit }: { withPerson: boolean; after?: string | null; limit: number },
): Promise<string[]> {
  let orders = tables
    .selectFrom('orders')
    .select('id')
    .where('customer_id', '=', idToBytes(customerId))
    .orderBy('id')
    .limit(limit);
  if (withPerson)
    orders = orders.where((eb) => eb.or([eb('erased_at', 'is', null), eb('updated_at', '>', eb.ref('erased_at'))]));
  if (after) orders = orders.where('id', '>', idToBytes(after));
  return (await find(sql, orders)).map(({ id }) => idFromBytes(id));
}

/** Writes journal entries again whose texts went out of their content, with the hashes that follow. */
export async function rewriteEntries(tx: Sql, entries: readonly JournalEntry[]): Promise<void> {
  for (const { orderId, seq, reason, data, textsHash, hash } of entries)
    await change(
      tx,
      tables
        .updateTable('order_event')
        .set({ reason, data: data === null ? null : JSON.stringify(data), texts_hash: textsHash, hash })
        .where('order_id', '=', idToBytes(orderId))
        .where('seq', '=', seq),
      1,
    );
}

/** Takes out of an order, its journal, deliveries and returns what tells of a person. */
export async function eraseOrder(tx: Sql, orderId: string, at: Date): Promise<void> {
  const id = idToBytes(orderId);
  const own = tables.updateTable('order_event').set({ texts: null }).where('order_id', '=', id);
  await change(tx, own.where('texts', 'is not', null), 'any');
  await change(
    tx,
    tables
      .updateTable('orders')
      .set({
        shipping_address: null,
        billing_address: null,
        remark: null,
        extension: null,
        client_reference: null,
        held_reference: null,
        placed_from: null,
        input_hash: Buffer.alloc(32),
        erased_at: at,
      })
      .where('id', '=', id),
    'any',
  );
  const deliveries = tables.updateTable('fulfilment').set({ tracking_number: null, tracking_url: null });
  await change(tx, deliveries.where('order_id', '=', id), 'any');
  const returns = tables.updateTable('order_return').set({ reason: '', decided_reason: null });
  await change(tx, returns.where('order_id', '=', id), 'any');
}

const readOrder = readerOf(OrderRecord);
const readReturn = readerOf(OrderReturnRecord);
const readFulfilment = readerOf(FulfilmentRecord);

/** A customer's orders as their rows have them, the newest first. */
export async function readOrderRows(sql: Sql, customerId: string, limit: number) {
  const orders = tables.selectFrom('orders').selectAll().where('customer_id', '=', idToBytes(customerId));
  return (await find(sql, orders.orderBy('placed_at', 'desc').orderBy('id', 'desc').limit(limit))).map(readOrder);
}

export async function readReturnRows(sql: Sql, orderIds: readonly string[]) {
  if (orderIds.length === 0) return [];
  const returns = tables.selectFrom('order_return').selectAll().where('order_id', 'in', orderIds.map(idToBytes));
  return (await find(sql, returns)).map(readReturn);
}

export async function readFulfilmentRows(sql: Sql, orderIds: readonly string[]) {
  if (orderIds.length === 0) return [];
  const deliveries = tables.selectFrom('fulfilment').selectAll().where('order_id', 'in', orderIds.map(idToBytes));
  return (await find(sql, deliveries)).map(readFulfilment);
}
