import { sql as raw } from 'kysely';
import type { Database } from '../shared/database/database.ts';
import type { Sql } from '../shared/database/statements.ts';
import { change, find, findMany } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes, isId } from '../shared/values/ids.ts';
import { type AvailabilityDay, type NightRun, type NightUnits, runsOf } from './domain/nights.ts';
import type { MovementType } from './domain/stock.ts';
import { type Cause, given } from './ledger-store.ts';
import { insertInto, tables } from './records.ts';

/*
 * The counters of nights, one row for each night of a product that was ever asked for: a night without a row has all its
 * rooms. They work as those of a stock do: `on_hand` rooms are not sold, `allocated` of them are held by unpaid orders.
 */

/** The nights of a product from one up to the one before another. */
const nightsBetween = ({ productId, from, to }: NightRange) =>
  tables.selectFrom('night').where('product_id', '=', idToBytes(productId)).where('night', '>=', from).where('night', '<', to).orderBy('night'); // prettier-ignore

export type NightRange = { readonly productId: string; readonly from: string; readonly to: string };

/** The nights of several products that have a row, in one statement. */
export async function nightRows(sql: Sql, ranges: readonly NightRange[]): Promise<AvailabilityDay[][]> {
  const statements = ranges.map((range) => nightsBetween(range).select(['night', 'capacity', 'on_hand', 'allocated']));
  return (await findMany(sql, statements)).map((rows) =>
    rows.map(({ night: date, capacity, on_hand: onHand, allocated: held }) => ({
      date, capacity, held, sold: capacity - onHand, available: onHand - held,
    })),
  ); // prettier-ignore
}

async function nightsThere(sql: Sql, productId: string, nights: readonly NightUnits[]): Promise<Set<string>> {
  const there = tables
    .selectFrom('night')
    .select('night')
    .where('product_id', '=', idToBytes(productId))
    .where('night', '>=', nights[0]?.night ?? '')
    .where('night', '<=', nights.at(-1)?.night ?? '');
  return new Set((await find(sql, there)).map(({ night }) => night));
}

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
      const rooms = tables.selectFrom('product').select('capacity').where('id', '=', idToBytes(productId));
      const capacity = (await find(tx, rooms.forUpdate()))[0]?.capacity ?? 0;
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
  await insertInto(tx, 'night', made.nights.map((night) => ({
    ...key(night), capacity, on_hand: capacity, allocated: 0, version: 1, updated_at: at,
  }))); // prettier-ignore
  await insertInto(tx, 'night_movement', made.nights.map((night) => ({
    ...key(night), seq: 1, type: 'RECEIVE', on_hand_delta: capacity, allocated_delta: 0, on_hand_after: capacity, allocated_after: 0, actor: 'product', reason: 'Rooms of the night', at,
  }))); // prettier-ignore
}

/**
 * Locks the nights of a run, in order, and tells the rooms left of each; of a product that is not on sale or not booked by
 * nights there are none. The status is read without a lock: an order may come just before the end of the sale.
 */
export async function lockNights(tx: Sql, run: NightRun): Promise<ReadonlyMap<string, number>> {
  const status = tables.selectFrom('product').select('status').where('id', '=', idToBytes(run.productId));
  if ((await find(tx, status))[0]?.status !== 'ON_SALE') return new Map();
  const rows = await find(tx, nightsBetween(run).select(['night', 'on_hand', 'allocated']).forUpdate());
  return new Map(rows.map(({ night, on_hand: onHand, allocated }) => [night, onHand - allocated]));
}

const counted = { version: raw<number>`version + 1`, updated_at: raw<Date>`utc_timestamp(3)` };
const updateNights = ({ productId, from, to }: NightRange, onHand: number, allocated: number) =>
  tables
    .updateTable('night')
    .set({ on_hand: raw<number>`on_hand + ${onHand}`, allocated: raw<number>`allocated + ${allocated}`, ...counted })
    .where('product_id', '=', idToBytes(productId))
    .where('night', '>=', from)
    .where('night', '<', to);

/** Holds rooms for a run of nights; returns for how many there were enough. */
export const takeNights = (tx: Sql, run: NightRun): Promise<number> =>
  change(tx, updateNights(run, 0, run.quantity).where(raw<boolean>`allocated + ${run.quantity} <= on_hand`));

export const insertNightReservations = (tx: Sql, orderId: string, nights: readonly NightUnits[]): Promise<void> =>
  insertInto(
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
  const reserved = tables
    .selectFrom('night_reservation')
    .select(['product_id', 'night', 'quantity'])
    .where('order_id', '=', idToBytes(move.orderId));
  const nights = (await find(tx, reserved.orderBy('product_id').orderBy('night'))).map((row) => ({
    productId: idFromBytes(row.product_id),
    night: row.night,
    quantity: row.quantity,
  }));
  for (const run of runsOf(nights)) {
    const { quantity } = run;
    await change(tx, updateNights(run, move.onHandSign * quantity, move.allocatedSign * quantity), 'any');
  }
  await recordNightMovements(tx, move, cause);
}

/** The ledger's rows for all nights of an order, whose counters this transaction has just changed. One statement. */
export function recordNightMovements(tx: Sql, move: Move, cause: Cause): Promise<number> {
  const { type, onHandSign, allocatedSign } = move;
  const moved = tables
    .selectFrom('night_reservation as o')
    .innerJoin('night as n', (join) => join.onRef('n.product_id', '=', 'o.product_id').onRef('n.night', '=', 'o.night'))
    .innerJoin('stock_reservation as r', (join) =>
      join.onRef('r.order_id', '=', 'o.order_id').onRef('r.product_id', '=', 'o.product_id'),
    )
    .select(['n.product_id', 'n.night', 'n.version', given(type).as('type'), raw<number>`${onHandSign} * o.quantity`.as('on_hand_delta'), raw<number>`${allocatedSign} * o.quantity`.as('allocated_delta'), 'n.on_hand', 'n.allocated', 'r.id', 'o.order_id', given(cause.sagaBranch ?? null).as('branch'), given(cause.actor).as('actor'), given(cause.reason).as('reason'), 'n.updated_at'])
    .where('o.order_id', '=', idToBytes(move.orderId)); // prettier-ignore
  const insert = tables
    .insertInto('night_movement')
    .columns(['product_id', 'night', 'seq', 'type', 'on_hand_delta', 'allocated_delta', 'on_hand_after', 'allocated_after', 'reservation_id', 'order_id', 'saga_branch', 'actor', 'reason', 'at'])
    .expression(moved); // prettier-ignore
  return change(tx, insert);
}

/**
 * Gives the nights from `firstNight` on another number of rooms. Returns a night for which more rooms are booked than there
 * would be, and then the caller rolls back; else null. The product's row is locked by this transaction.
 */
export async function changeCapacity(
  tx: Sql,
  changed: { productId: string; capacity: { from: number; to: number }; firstNight: string },
  actor: string,
): Promise<string | null> {
  const { capacity, firstNight } = changed;
  const id = idToBytes(changed.productId);
  const delta = capacity.to - capacity.from;
  const update = tables
    .updateTable('night')
    .set({ on_hand: raw<number>`on_hand + ${delta}`, capacity: capacity.to, ...counted })
    .where('product_id', '=', id)
    .where('night', '>=', firstNight)
    .where(raw<boolean>`on_hand - allocated + ${delta} >= 0`);
  const found = await change(tx, update);
  const nights = tables.selectFrom('night').where('product_id', '=', id).where('night', '>=', firstNight);
  const [full] = await find(tx, nights.select('night').where('capacity', '<>', capacity.to).orderBy('night').limit(1));
  if (full) return full.night;
  if (found === 0) return null;
  const reason = `${capacity.from} rooms became ${capacity.to}`;
  const adjusted = nights.select(['product_id', 'night', 'version', given('ADJUST' as const).as('type'), given(delta).as('delta'), raw<number>`0`.as('none'), 'on_hand', 'allocated', given(actor).as('actor'), given(reason).as('reason'), 'updated_at']); // prettier-ignore
  const insert = tables
    .insertInto('night_movement')
    .columns(['product_id', 'night', 'seq', 'type', 'on_hand_delta', 'allocated_delta', 'on_hand_after', 'allocated_after', 'actor', 'reason', 'at'])
    .expression(adjusted); // prettier-ignore
  await change(tx, insert, 'any');
  return null;
}
