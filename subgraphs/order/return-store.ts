import type { Sql } from '../shared/database/database.ts';
import { byId, findOfEach } from '../shared/database/find-of-each.ts';
import { readerOf, writerOf } from '../shared/database/reader.ts';
import { change, find } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { OrderEvent } from './domain/order-model.ts';
import type { ReturnFacts, ReturnState } from './domain/return-model.ts';
import { toJournalEntry } from './journal-store.ts';
import { insertInto, tables } from './records.ts';
import { OrderReturnLineRecord, OrderReturnRecord } from './return-records.ts';

const read = readerOf(OrderReturnRecord);
const rowOf = writerOf(OrderReturnRecord);
const readLine = readerOf(OrderReturnLineRecord);
const lineRowOf = writerOf(OrderReturnLineRecord);

export type StoredReturn = ReturnFacts & {
  readonly orderId: string;
  readonly decidedReason: string | null;
  readonly requestId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** What an event of an order says of its returns; nothing for most. */
export async function saveReturn(tx: Sql, orderId: string, event: OrderEvent, at: Date): Promise<void> {
  switch (event.type) {
    case 'ReturnRequested': {
      const { returnId, number, reason, lines } = event;
      const row = rowOf({ id: returnId, orderId, number, state: 'REQUESTED', reason, decidedReason: null, requestId: null, createdAt: at, updatedAt: at }); // prettier-ignore
      await insertInto(tx, 'order_return', [row]);
      const rows = lines.map((line) => lineRowOf({ ...line, returnId, receivedQuantity: 0, restockedQuantity: 0 }));
      await insertInto(tx, 'order_return_line', rows);
      break;
    }
    case 'ReturnDecided':
      await update(tx, event.returnId, { state: event.approved ? 'APPROVED' : 'REJECTED', decided_reason: event.reason, updated_at: at }); // prettier-ignore
      break;
    case 'ReturnReceived': {
      const { returnId, requestId, lines } = event;
      const state = requestId === null ? 'RECEIVED' : 'REFUNDED';
      await update(tx, returnId, { state, request_id: requestId === null ? null : idToBytes(requestId), updated_at: at }); // prettier-ignore
      for (const { lineId, quantity, restock } of lines) {
        const line = tables
          .updateTable('order_return_line')
          .set({ received_quantity: quantity, restocked_quantity: restock })
          .where('return_id', '=', idToBytes(returnId))
          .where('line_id', '=', idToBytes(lineId));
        await change(tx, line, 'any');
      }
      break;
    }
    case 'ReturnCancelled':
      await update(tx, event.returnId, { state: 'CANCELLED', updated_at: at });
      break;
    default:
  }
}

type Changes = { state: ReturnState; updated_at: Date; decided_reason?: string | null; request_id?: Buffer | null };

async function update(tx: Sql, id: string, set: Changes): Promise<void> {
  await change(tx, tables.updateTable('order_return').set(set).where('id', '=', idToBytes(id)), 'any');
}

const all = tables.selectFrom('order_return').selectAll();

/** Returns with their lines, as the rows come. */
async function withLines(sql: Sql, rows: readonly object[]): Promise<StoredReturn[]> {
  const found = rows.map((row) => read(row));
  if (found.length === 0) return [];
  const own = tables
    .selectFrom('order_return_line')
    .selectAll()
    .where('return_id', 'in', found.map(({ id }) => idToBytes(id)))
    .orderBy('return_id')
    .orderBy('line_id'); // prettier-ignore
  const lines = Map.groupBy((await find(sql, own)).map((row) => readLine(row)), ({ returnId }) => returnId); // prettier-ignore
  return found.map((one) => ({ ...one, lines: (lines.get(one.id) ?? []).map(({ returnId: _, ...line }) => line) }));
}

/** One return; null when there is none. Within a transaction that has locked its order it can't change. */
export async function findReturn(sql: Sql, id: string): Promise<StoredReturn | null> {
  return (await withLines(sql, await find(sql, all.where('id', '=', idToBytes(id)))))[0] ?? null;
}

/** The returns of these orders, in their sequence. */
export async function findReturns(sql: Sql, orderIds: readonly string[]): Promise<StoredReturn[]> {
  const own = all.where('order_id', 'in', orderIds.map(idToBytes)).orderBy('order_id').orderBy('id');
  return withLines(sql, await find(sql, own));
}

/** All, or those in one of some states; beyond the one with an id where it is given. */
export type ReturnPage = {
  readonly states: readonly ReturnState[] | null;
  readonly beyond: string | null;
  readonly newestFirst: boolean;
  readonly limit: number;
};

/** At most `limit` returns of all orders. */
export async function listReturns(
  sql: Sql,
  { states, beyond, newestFirst, limit }: ReturnPage,
): Promise<StoredReturn[]> {
  let listed = tables.selectFrom('order_return').selectAll('order_return');
  if (beyond !== null) listed = listed.where('id', newestFirst ? '<' : '>', idToBytes(beyond));
  const page = listed.orderBy('id', newestFirst ? 'desc' : 'asc').limit(limit);
  const lists = states ? [...new Set(states)].map((state) => page.where('state', '=', state)) : [page];
  return withLines(sql, await findOfEach(sql, lists, { compare: byId(newestFirst), limit }));
}

/** How many there are. */
export async function countReturns(sql: Sql, states: readonly ReturnState[] | null): Promise<number> {
  let counting = tables.selectFrom('order_return').select((eb) => eb.fn.countAll().as('total'));
  if (states) counting = counting.where('state', 'in', states);
  return Number((await find(sql, counting))[0]?.total ?? 0);
}

/** The payments' refunds of these orders that have succeeded, and the request that each does. */
export async function findRefundsOf(
  sql: Sql,
  orderIds: readonly string[],
): Promise<{ readonly orderId: string; readonly requestId: string | null; readonly refundId: string }[]> {
  const recorded = tables
    .selectFrom('order_event')
    .selectAll()
    .where('order_id', 'in', orderIds.map(idToBytes))
    .where('type', '=', 'RefundRecorded')
    .orderBy('order_id')
    .orderBy('seq');
  return (await find(sql, recorded)).map((row) => {
    const { requestId = null, refundId } = (toJournalEntry(row).data ?? {}) as {
      requestId?: string;
      refundId?: string;
    };
    return { orderId: idFromBytes(row.order_id), requestId, refundId: String(refundId) };
  });
}
