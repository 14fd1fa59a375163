import type { Sql } from '../shared/database/database.ts';
import { readerOf, writerOf } from '../shared/database/reader.ts';
import { find } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import { OrderLineRecord, insertInto, tables } from './records.ts';
import type { NewLine, StoredLine } from './stored-order.ts';

const read = readerOf(OrderLineRecord);
const rowOf = writerOf(OrderLineRecord);

/** A line of its row. */
export function toLine(row: object): StoredLine {
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
