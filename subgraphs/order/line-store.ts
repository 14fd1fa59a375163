import type { Sql } from '../shared/database/database.ts';
import { readerOf, writerOf } from '../shared/database/reader.ts';
import { change, find } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import type { OrderEvent } from './domain/order-model.ts';
import { FulfilmentRecord, OrderLineRecord, insertInto, tables } from './records.ts';
import type { NewLine, StoredFulfilment, StoredLine } from './stored-order.ts';

const read = readerOf(OrderLineRecord);
const rowOf = writerOf(OrderLineRecord);

function toLine(row: object): StoredLine {
  const { position: _, stayFrom, stayTo, guests, ...line } = read(row);
  const isStay = stayFrom !== null && stayTo !== null && guests !== null;
  const totalMinor = line.totalMinor ?? line.subtotalMinor;
  return { ...line, totalMinor, stay: isStay ? { from: stayFrom, to: stayTo, guests } : null };
}

/** The lines of an order, in their sequence. One statement. */
export const insertLines = (tx: Sql, orderId: string, lines: readonly NewLine[]): Promise<void> =>
  insertInto(
    tx,
    'order_line',
    lines.map((line, position) => {
      const { from = null, to = null, guests = null } = line.stay ?? {};
      return rowOf({ ...line, orderId, position, stayFrom: from, stayTo: to, guests });
    }),
  );

/** The lines of these orders, in the orders' own sequence. */
export async function findLines(sql: Sql, orderIds: readonly string[]): Promise<StoredLine[]> {
  if (orderIds.length === 0) return [];
  const own = tables.selectFrom('order_line').selectAll().where('order_id', 'in', orderIds.map(idToBytes));
  return (await find(sql, own.orderBy('order_id').orderBy('position'))).map(toLine);
}

const readFulfilment = readerOf(FulfilmentRecord);
const rowOfFulfilment = writerOf(FulfilmentRecord);

/** What of an order was delivered: the record of it, and the count of each line. */
export async function saveFulfilment(
  tx: Sql,
  orderId: string,
  event: Extract<OrderEvent, { type: 'LinesFulfilled' }>,
  at: Date,
): Promise<void> {
  const { fulfilmentId: id, lines, trackingNumber } = event;
  const row = rowOfFulfilment({ id, orderId, lines, trackingNumber, createdAt: at });
  await change(tx, tables.insertInto('fulfilment').values(row), 'any');
  for (const { lineId, quantity } of lines) {
    const line = tables
      .updateTable('order_line')
      .set((eb) => ({ fulfilled_quantity: eb('fulfilled_quantity', '+', quantity) }))
      .where('order_id', '=', idToBytes(orderId))
      .where('id', '=', idToBytes(lineId));
    await change(tx, line, 'any');
  }
}

/** What was delivered of these orders, in its sequence. */
export async function findFulfilments(sql: Sql, orderIds: readonly string[]): Promise<StoredFulfilment[]> {
  const own = tables.selectFrom('fulfilment').selectAll().where('order_id', 'in', orderIds.map(idToBytes));
  return (await find(sql, own.orderBy('id'))).map((row) => readFulfilment(row));
}
