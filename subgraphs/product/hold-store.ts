import { toDate } from '../shared/database/statements.ts';
import type { Sql } from '../shared/database/statements.ts';
import { byPrimaryKey, change, findByList, prepare, prepareList } from '../shared/database/tables.ts';
import { databaseNow } from '../shared/tables/records.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { Hold, Supply } from './domain/reservation.ts';
import type { Cause } from './ledger-store.ts';
import { insertInto, tables } from './records.ts';

/* What many orders hold of a few products, written at once. What one order holds: stock-store.ts. */

const kinds = prepareList((ids) => tables.selectFrom('product').select(['id', 'kind', 'status']).where('id', 'in', ids)); // prettier-ignore
const locked = prepareList((ids) =>
  byPrimaryKey(
    tables
      .selectFrom('stock')
      .select(['product_id', 'on_hand', 'allocated', 'version', databaseNow.as('at')])
      .where('product_id', 'in', ids)
      .orderBy('product_id')
      .forUpdate(),
    'stock',
  ),
);

/**
 * Locks the counters of these products, in the order of their ids, and tells what there is of those that are on sale. The status is
 * read without a lock: an order may come just before the end of the sale. A product that is booked by nights is left out.
 * `at`: by the database's clock; null where none of them has counters.
 */
export async function lockSupply(
  tx: Sql,
  productIds: readonly string[],
): Promise<{ readonly supply: Supply; readonly at: Date | null }> {
  const ids = productIds.map(idToBytes);
  const products = await findByList(tx, kinds, ids);
  const rows = await findByList(tx, locked, ids);
  const countersOf = new Map(
    rows.map((row) => [
      idFromBytes(row.product_id),
      { onHand: row.on_hand, allocated: row.allocated, version: row.version },
    ]),
  );
  const onSale = products.filter(({ kind, status }) => status === 'ON_SALE' && kind !== 'BOOKABLE');
  return {
    supply: new Map(onSale.map(({ id }) => [idFromBytes(id), countersOf.get(idFromBytes(id)) ?? null])),
    at: toDate(rows[0]?.at),
  };
}

const hold = prepare<{ id: Buffer; allocated: number; version: number; at: Date }>()((param) =>
  tables
    .updateTable('stock')
    .set({ allocated: param.allocated, version: param.version, updated_at: param.at })
    .where('product_id', '=', param.id),
);

/** A hold of an order, and its reservation. */
export type OrderHold = Hold & { readonly orderId: string; readonly reservationId: string; readonly branch: string };

/** Writes what the counters are after these holds, and a row of the ledger for each. Their rows are locked by this transaction. */
export async function recordHolds(
  tx: Sql,
  holds: readonly OrderHold[],
  { at, actor, reason }: { readonly at: Date } & Pick<Cause, 'actor' | 'reason'>,
): Promise<void> {
  const last = new Map(holds.map(({ productId, after }) => [productId, after]));
  for (const [productId, { allocated, version }] of last)
    await change(tx, hold, { id: idToBytes(productId), allocated, version, at }, 'any');
  await insertInto(
    tx,
    'stock_movement',
    holds.map(({ productId, quantity, after, orderId, reservationId, branch }) => ({
      product_id: idToBytes(productId),
      seq: after.version,
      type: 'HOLD',
      on_hand_delta: 0,
      allocated_delta: quantity,
      on_hand_after: after.onHand,
      allocated_after: after.allocated,
      reservation_id: idToBytes(reservationId),
      order_id: idToBytes(orderId),
      saga_branch: branch,
      actor,
      reason,
      at,
    })),
  );
}
