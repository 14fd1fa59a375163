import { type RawBuilder, sql as raw } from 'kysely';
import type { Sql } from '../shared/database/database.ts';
import { change } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import type { LineQuantity, OrderEvent } from './domain/order-model.ts';
import { tables } from './records.ts';

type Count = 'cancelled_quantity' | 'refunded_quantity' | 'returned_quantity' | 'restocked_quantity';

/** What an event means for the counts of an order's lines. */
export async function saveGivenBack(tx: Sql, orderId: string, event: OrderEvent): Promise<void> {
  switch (event.type) {
    case 'LinesCancelled':
      await addTo(tx, orderId, event.lines, ['cancelled_quantity', 'refunded_quantity']);
      break;
    case 'RefundRequested':
      await takeOffUnrefunded(tx, orderId, event.lines);
      await addTo(tx, orderId, event.lines, ['refunded_quantity']);
      await addTo(tx, orderId, event.restock, ['restocked_quantity']);
      break;
    case 'ReturnReceived':
      await addTo(tx, orderId, event.lines, ['returned_quantity']);
      await addUnrefunded(tx, orderId, event.lines);
      break;
    case 'OrderCancelled':
      if (event.refundMinor !== undefined) await giveAllBack(tx, orderId);
      break;
    case 'OrderRefunded':
      await giveAllBack(tx, orderId);
      break;
    default:
  }
}

async function addTo(tx: Sql, orderId: string, pieces: readonly LineQuantity[], counts: readonly Count[]) {
  for (const { lineId, quantity } of pieces) {
    const line = tables
      .updateTable('order_line')
      .set((eb) => Object.fromEntries(counts.map((count) => [count, eb(count, '+', quantity)])))
      .where('order_id', '=', idToBytes(orderId))
      .where('id', '=', idToBytes(lineId));
    await change(tx, line, 'any');
  }
}

const unrefunded = raw.ref<number>('unrefunded_return_quantity');

/** Pieces that came back by a return, as far as their money has not gone back. */
async function addUnrefunded(tx: Sql, orderId: string, pieces: readonly LineQuantity[]): Promise<void> {
  const most = raw<number>`${raw.ref('quantity')} - ${raw.ref('refunded_quantity')}`;
  for (const { lineId, quantity } of pieces)
    await setUnrefunded(tx, orderId, lineId, raw<number>`if(${unrefunded} + ${quantity} < ${most}, ${unrefunded} + ${quantity}, ${most})`); // prettier-ignore
}

/** What a return brought back is refunded first. */
async function takeOffUnrefunded(tx: Sql, orderId: string, pieces: readonly LineQuantity[]): Promise<void> {
  for (const { lineId, quantity } of pieces)
    await setUnrefunded(
      tx,
      orderId,
      lineId,
      raw<number>`if(${unrefunded} > ${quantity}, ${unrefunded} - ${quantity}, 0)`,
    );
}

async function setUnrefunded(tx: Sql, orderId: string, lineId: string, count: RawBuilder<number>): Promise<void> {
  const line = tables
    .updateTable('order_line')
    .set({ unrefunded_return_quantity: count })
    .where('order_id', '=', idToBytes(orderId))
    .where('id', '=', idToBytes(lineId));
  await change(tx, line, 'any');
}

/** Nothing of the order was delivered, and all its money goes back. */
async function giveAllBack(tx: Sql, orderId: string): Promise<void> {
  const lines = tables
    .updateTable('order_line')
    .set((eb) => ({ refunded_quantity: eb.ref('quantity'), cancelled_quantity: eb.ref('quantity') }))
    .where('order_id', '=', idToBytes(orderId));
  await change(tx, lines, 'any');
}
