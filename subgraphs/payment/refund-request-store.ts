import { readerOf } from '../shared/database/reader.ts';
import type { Sql } from '../shared/database/statements.ts';
import { change, find } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import { RefundRequestRecord, type RefundRequestRow } from './records.ts';
import { bytesOrNull, tables } from './tables.ts';

const requestOf = readerOf(RefundRequestRecord);

/** Stores a request; one that is told again is left as it is. The order's payments are locked by this transaction. */
export async function insertRequest(sql: Sql, request: RefundRequestRow): Promise<void> {
  const known = tables.selectFrom('refund_request').select('id').where('id', '=', idToBytes(request.id));
  if ((await find(sql, known)).length > 0) return;
  const insert = tables.insertInto('refund_request').values({
    id: idToBytes(request.id),
    order_id: idToBytes(request.orderId),
    amount_minor: request.amountMinor ?? null,
    reason: request.reason,
    requested_by: bytesOrNull(request.requestedBy),
    created_at: request.createdAt,
  });
  await change(sql, insert, 'any');
}

/** What an order has asked for, in its sequence, locked: payments of it that are free again at the same time don't give the same twice. */
export async function lockRequests(sql: Sql, orderId: string): Promise<RefundRequestRow[]> {
  const own = tables.selectFrom('refund_request').selectAll().where('order_id', '=', idToBytes(orderId));
  return (await find(sql, own.orderBy('id').forUpdate())).map(requestOf);
}

/** Refunds of the order's payments that staff asked for and that are under way are owed from now on: they can't fail any more. */
export async function makeOwed(sql: Sql, orderId: string): Promise<void> {
  const owed = tables
    .updateTable('refund')
    .set({ automatic: true })
    .where('order_id', '=', idToBytes(orderId))
    .where('state', 'in', ['REQUESTED', 'PENDING'])
    .where('origin', '=', 'PLATFORM');
  await change(sql, owed, 'any');
}
