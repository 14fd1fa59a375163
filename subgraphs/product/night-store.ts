import { type Database, type Sql, insertRows, run, select, write } from '../shared/database/database.ts';
import { idToBytes, isId } from '../shared/values/ids.ts';
import { type AvailabilityDay, type NightRun, type NightUnits, runsOf } from './domain/nights.ts';
import type { MovementType } from './domain/stock.ts';
import type { Cause } from './ledger-store.ts';
import { type Statement, idOf, selectMany } from './rows.ts';

/*
 * The counters of nights, one row for each night of a product that was ever asked for: a night without a row has all its
 * rooms. They work as those of a stock do: `on_hand` rooms are not sold, `allocated` of them are held by unpaid orders.
 */

/** The text of a DATE column, whatever the driver makes of it otherwise. */
const nightColumn = (table: string): string => `cast(${table}.night as char) as night`;

export type NightRange = { readonly productId: string; readonly from: string; readonly to: string };

/** The nights of several products that have a row, in one statement. */
export async function nightRows(sql: Sql, ranges: readonly NightRange[]): Promise<AvailabilityDay[][]> {
  const statements = ranges.map(({ productId, from, to }): Statement => ({
    text: `select ${nightColumn('n')}, n.capacity, n.on_hand, n.allocated from night n where n.product_id = ? and n.night >= ? and n.night < ? order by n.night`,
    parameters: [idToBytes(productId), from, to],
  }));
  return (await selectMany(sql, statements)).map((rows) =>
    rows.map((row) => {
      const [capacity, onHand, held] = [row['capacity'], row['on_hand'], row['allocated']].map(Number) as [number, number, number]; // prettier-ignore
      return { date: String(row['night']), capacity, held, sold: capacity - onHand, available: onHand - held };
    }),
  );
}

const nightsThere = async (sql: Sql, productId: string, nights: readonly NightUnits[]): Promise<Set<string>> => {
  const [first, last] = [nights[0]?.night ?? '', nights.at(-1)?.night ?? ''];
  const rows = await select(
    sql,
    `select ${nightColumn('n')} from night n where n.product_id = ? and n.night between ? and ?`,
    [idToBytes(productId), first, last],
  );
  return new Set(rows.map((row) => String(row['night'])));
};

/**
 * Makes the rows of these nights that are missing, each product's in a short transaction of its own under the lock of the
 * product's row: so nobody waits for a booking, and no night gets a number of rooms that is being changed. A product that
 * isn't booked by nights gets none.
 */
export async function ensureNights(db: Database, nights: readonly NightUnits[], at: Date): Promise<void> {
  for (const [productId, wanted] of Map.groupBy(nights, (night) => night.productId)) {
    if (!isId(productId)) continue;
    const there = await nightsThere(db.em(), productId, wanted);
    if (wanted.every(({ night }) => there.has(night))) continue;
    await db.transaction(async (tx) => {
      const [product] = await select(tx, 'select capacity from product where id = ? for update', [
        idToBytes(productId),
      ]);
      const capacity = Number(product?.['capacity'] ?? 0);
      if (capacity === 0) return;
      const made = await nightsThere(tx, productId, wanted);
      const missing = wanted.map(({ night }) => night).filter((night) => !made.has(night));
      await insertNights(tx, { productId, capacity, nights: missing, at });
    });
  }
}

/** New nights, with the rooms that they begin with as their first movement. */
async function insertNights(
  tx: Sql,
  made: { productId: string; capacity: number; nights: readonly string[]; at: Date },
): Promise<void> {
  const { capacity, at } = made;
  const key = (night: string) => ({ product_id: idToBytes(made.productId), night });
  await insertRows(tx, 'night', made.nights.map((night) => ({
    ...key(night), capacity, on_hand: capacity, allocated: 0, version: 1, updated_at: at,
  }))); // prettier-ignore
  await insertRows(tx, 'night_movement', made.nights.map((night) => ({
    ...key(night), seq: 1, type: 'RECEIVE', on_hand_delta: capacity, allocated_delta: 0, on_hand_after: capacity, allocated_after: 0, actor: 'product', reason: 'Rooms of the night', at,
  }))); // prettier-ignore
}

/**
 * Locks the nights of a run, in order, and tells the rooms left of each; of a product that is not on sale or not booked by
 * nights there are none. The status is read without a lock: an order may come just before the end of the sale.
 */
export async function lockNights(tx: Sql, { productId, from, to }: NightRun): Promise<ReadonlyMap<string, number>> {
  const id = idToBytes(productId);
  const [product] = await select(tx, 'select status from product where id = ?', [id]);
  if (product?.['status'] !== 'ON_SALE') return new Map();
  const rows = await select(
    tx,
    `select ${nightColumn('n')}, n.on_hand - n.allocated as available from night n
     where n.product_id = ? and n.night >= ? and n.night < ? order by n.night for update`,
    [id, from, to],
  );
  return new Map(rows.map((row) => [String(row['night']), Number(row['available'])]));
}

/** Holds rooms for a run of nights; returns for how many there were enough. */
export const takeNights = (tx: Sql, { productId, from, to, quantity }: NightRun): Promise<number> =>
  write(
    tx,
    `update night set allocated = allocated + ?, version = version + 1, updated_at = utc_timestamp(3)
     where product_id = ? and night >= ? and night < ? and allocated + ? <= on_hand`,
    [quantity, idToBytes(productId), from, to, quantity],
  );

export const insertNightReservations = (tx: Sql, orderId: string, nights: readonly NightUnits[]): Promise<void> =>
  insertRows(
    tx,
    'night_reservation',
    nights.map(({ productId, night, quantity }) => ({
      order_id: idToBytes(orderId),
      product_id: idToBytes(productId),
      night,
      quantity,
    })),
  );

/** What happens to all that an order has; signs say what becomes of a counter for each room. */
type Move = {
  readonly orderId: string;
  readonly type: MovementType;
  readonly onHandSign: number;
  readonly allocatedSign: number;
};

/** Settles the rooms of all nights that an order has, product by product and night by night. */
export async function settleNights(tx: Sql, move: Move, cause: Cause): Promise<void> {
  const order = idToBytes(move.orderId);
  const rows = await select(
    tx,
    `select n.product_id, ${nightColumn('n')}, n.quantity from night_reservation n where n.order_id = ? order by n.product_id, n.night`,
    [order],
  );
  const nights = rows.map((row) => ({
    productId: idOf(row['product_id']),
    night: String(row['night']),
    quantity: Number(row['quantity']),
  }));
  for (const { productId, from, to, quantity } of runsOf(nights)) {
    await run(
      tx,
      `update night set on_hand = on_hand + ?, allocated = allocated + ?, version = version + 1, updated_at = utc_timestamp(3)
       where product_id = ? and night >= ? and night < ?`,
      [move.onHandSign * quantity, move.allocatedSign * quantity, idToBytes(productId), from, to],
    );
  }
  await recordNightMovements(tx, move, cause);
}

/** The ledger's rows for all nights of an order, whose counters this transaction has just changed. One statement. */
export const recordNightMovements = (tx: Sql, move: Move, cause: Cause): Promise<number> =>
  write(
    tx,
    `insert into night_movement (product_id, night, seq, type, on_hand_delta, allocated_delta, on_hand_after, allocated_after, reservation_id, order_id, saga_branch, actor, reason, at)
     select n.product_id, n.night, n.version, ?, ? * o.quantity, ? * o.quantity, n.on_hand, n.allocated, r.id, o.order_id, ?, ?, ?, n.updated_at
     from night_reservation o join night n on n.product_id = o.product_id and n.night = o.night
     join stock_reservation r on r.order_id = o.order_id and r.product_id = o.product_id where o.order_id = ?`,
    [
      move.type,
      move.onHandSign,
      move.allocatedSign,
      cause.sagaBranch ?? null,
      cause.actor,
      cause.reason,
      idToBytes(move.orderId),
    ],
  );

/**
 * Gives the nights from `firstNight` on another number of rooms. Returns a night for which more rooms are booked than there
 * would be, and then the caller rolls back; else null. The product's row is locked by this transaction.
 */
export async function changeCapacity(
  tx: Sql,
  change: { productId: string; capacity: { from: number; to: number }; firstNight: string },
  actor: string,
): Promise<string | null> {
  const { capacity, firstNight } = change;
  const id = idToBytes(change.productId);
  const delta = capacity.to - capacity.from;
  const found = await write(
    tx,
    `update night set on_hand = on_hand + ?, capacity = ?, version = version + 1, updated_at = utc_timestamp(3)
     where product_id = ? and night >= ? and on_hand - allocated + ? >= 0`,
    [delta, capacity.to, id, firstNight, delta],
  );
  const [full] = await select(
    tx,
    `select ${nightColumn('n')} from night n where n.product_id = ? and n.night >= ? and n.capacity <> ? order by n.night limit 1`,
    [id, firstNight, capacity.to],
  );
  if (full) return String(full['night']);
  if (found > 0)
    await run(
      tx,
      `insert into night_movement (product_id, night, seq, type, on_hand_delta, allocated_delta, on_hand_after, allocated_after, actor, reason, at)
       select n.product_id, n.night, n.version, 'ADJUST', ?, 0, n.on_hand, n.allocated, ?, ?, n.updated_at from night n where n.product_id = ? and n.night >= ?`,
      [delta, actor, `${capacity.from} rooms became ${capacity.to}`, id, firstNight],
    );
  return null;
}
