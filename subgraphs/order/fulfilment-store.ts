import type { Sql } from '../shared/database/database.ts';
import { readerOf, writerOf } from '../shared/database/reader.ts';
import { change, find } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import type { LineQuantity, OrderEvent } from './domain/order-model.ts';
import { FulfilmentRecord, tables } from './records.ts';
import type { StoredFulfilment } from './stored-order.ts';

const read = readerOf(FulfilmentRecord);
const rowOf = writerOf(FulfilmentRecord);

/** What an event of an order says of its deliveries; nothing for most. */
export async function saveFulfilment(tx: Sql, orderId: string, event: OrderEvent, at: Date): Promise<void> {
  switch (event.type) {
    case 'LinesFulfilled': {
      const { fulfilmentId: id, lines, carrier, trackingNumber, trackingUrl } = event;
      const row = rowOf({ id, orderId, lines, carrier, trackingNumber, trackingUrl, createdAt: at, deliveredAt: null, cancelledAt: null }); // prettier-ignore
      await change(tx, tables.insertInto('fulfilment').values(row), 'any');
      await count(tx, orderId, lines, 1);
      break;
    }
    case 'FulfilmentDelivered':
      await mark(tx, event.fulfilmentId, { delivered_at: at });
      break;
    case 'FulfilmentCancelled':
      await mark(tx, event.fulfilmentId, { cancelled_at: at });
      await count(tx, orderId, event.lines, -1);
      break;
    default:
  }
}

async function mark(tx: Sql, id: string, set: { delivered_at: Date } | { cancelled_at: Date }): Promise<void> {
  await change(tx, tables.updateTable('fulfilment').set(set).where('id', '=', idToBytes(id)), 1);
}

async function count(tx: Sql, orderId: string, lines: readonly LineQuantity[], sign: 1 | -1): Promise<void> {
  for (const { lineId, quantity } of lines) {
    const line = tables
      .updateTable('order_line')
      .set((eb) => ({ fulfilled_quantity: eb('fulfilled_quantity', '+', sign * quantity) }))
      .where('order_id', '=', idToBytes(orderId))
      .where('id', '=', idToBytes(lineId));
    await change(tx, line, 'any');
  }
}

/** One delivery; null when there is none. Within a transaction that has locked its order it can't change. */
export async function findFulfilment(sql: Sql, id: string): Promise<StoredFulfilment | null> {
  const [row] = await find(sql, tables.selectFrom('fulfilment').selectAll().where('id', '=', idToBytes(id)));
  return row ? read(row) : null;
}

/** What was delivered of these orders, in its sequence. */
export async function findFulfilments(sql: Sql, orderIds: readonly string[]): Promise<StoredFulfilment[]> {
  const own = tables.selectFrom('fulfilment').selectAll().where('order_id', 'in', orderIds.map(idToBytes));
  return (await find(sql, own.orderBy('id'))).map((row) => read(row));
}
