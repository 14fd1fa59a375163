import { sql as raw } from 'kysely';
import { readerOf } from '../shared/database/reader.ts';
import type { Sql } from '../shared/database/statements.ts';
import { change, find, findByList, findMany, prepare, prepareList } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes, isId } from '../shared/values/ids.ts';
import {
  type Line,
  type Reservation,
  type ReservationState,
  type Stock,
  maxUnits,
  settlements,
} from './domain/stock.ts';
import { type Cause, recordChange, recordOrderMovements } from './ledger-store.ts';
import { settleNights } from './night-store.ts';
import { countSold } from './product-store.ts';
import { StockRecord, StockReservationRecord, insertInto, tables } from './records.ts';

const stockOf = readerOf(StockRecord);
const reservationOf = readerOf(StockReservationRecord);

const stocks = prepareList((ids) => tables.selectFrom('stock').selectAll().where('product_id', 'in', ids));

/** The counters of those products that have a stock. */
export async function stocksByProductIds(sql: Sql, productIds: readonly string[]): Promise<Stock[]> {
  const ids = productIds.filter(isId).map(idToBytes);
  if (ids.length === 0) return [];
  return (await findByList(sql, stocks, ids)).map((row) => stockOf(row));
}

/** The counters of a new product; what it begins with is its first movement. */
export async function insertStock(
  tx: Sql,
  stock: { productId: string; onHand: number; at: Date },
  cause: Cause,
): Promise<void> {
  const version = stock.onHand === 0 ? 0 : 1;
  await insertInto(tx, 'stock', [
    {
      product_id: idToBytes(stock.productId),
      on_hand: stock.onHand,
      allocated: 0,
      low_stock_threshold: 0,
      allow_backorder: false,
      version,
      updated_at: stock.at,
    },
  ]);
  if (version === 1)
    await recordChange(tx, { productId: stock.productId, type: 'RECEIVE', onHandDelta: stock.onHand }, cause);
}

export async function setLowStockThreshold(tx: Sql, productId: string, units: number): Promise<boolean> {
  const update = tables.updateTable('stock').set({ low_stock_threshold: units });
  return (await change(tx, update.where('product_id', '=', idToBytes(productId)))) === 1;
}

/** A change of the counters: of how many units are here, and how many of these are held. */
const moved = (onHand: number, allocated: number) => ({
  on_hand: raw<number>`on_hand + ${onHand}`,
  allocated: raw<number>`allocated + ${allocated}`,
  ...counted,
});
const counted = { version: raw<number>`version + 1`, updated_at: raw<Date>`utc_timestamp(3)` };

/** Adds to `on_hand`; false when that would go below what is allocated or beyond what is countable, or there is no stock. */
export async function changeOnHand(
  tx: Sql,
  { productId, delta }: { productId: string; delta: number },
): Promise<boolean> {
  const update = tables
    .updateTable('stock')
    .set({ on_hand: raw<number>`on_hand + ${delta}`, ...counted })
    .where('product_id', '=', idToBytes(productId))
    .where(raw<boolean>`on_hand + ${delta} between allocated and ${raw.lit(maxUnits)}`);
  return (await change(tx, update, 1)) === 1;
}

/** Sets `on_hand` where it is what the caller thinks and not below what is allocated. */
export async function setOnHand(
  tx: Sql,
  set: { productId: string; onHand: number; expectedOnHand: number },
): Promise<boolean> {
  const update = tables
    .updateTable('stock')
    .set({ on_hand: set.onHand, ...counted })
    .where('product_id', '=', idToBytes(set.productId))
    .where('on_hand', '=', set.expectedOnHand)
    .where('allocated', '<=', set.onHand);
  return (await change(tx, update, 1)) === 1;
}

const take = prepare<{ id: Buffer; quantity: number }>()((param) =>
  tables
    .updateTable('stock')
    .set({ allocated: raw<number>`allocated + ${param.quantity}`, ...counted })
    .where('product_id', '=', param.id)
    .where(raw<boolean>`allocated + ${param.quantity} <= on_hand`)
    .where((eb) => eb(eb.selectFrom('product as p').select('p.status').where('p.id', '=', param.id), '=', 'ON_SALE')),
);

/**
 * Takes units of a product that is on sale; false when there are too few, it is not on sale or has no stock. The row is
 * locked only when they were taken. The status is read without a lock: an order may come just before the end of the sale.
 */
export const takeStock = async (tx: Sql, { productId, quantity }: Line): Promise<boolean> =>
  (await change(tx, take, { id: idToBytes(productId), quantity })) === 1;

/** What is left of these products: null for no limit, 0 for what is unknown, not on sale or only to be had for nights. */
export async function availableOf(tx: Sql, productIds: readonly string[]): Promise<Map<string, number | null>> {
  const ids = productIds.filter(isId).map(idToBytes);
  const left = new Map<string, number | null>(productIds.map((id) => [id, 0]));
  if (ids.length === 0) return left;
  const onSale = tables
    .selectFrom('product as p')
    .leftJoin('stock as s', 's.product_id', 'p.id')
    .select(['p.id', raw<string | number | null>`if(p.kind = 'BOOKABLE', 0, s.on_hand - s.allocated)`.as('available')])
    .where('p.id', 'in', ids)
    .where('p.status', '=', 'ON_SALE');
  for (const { id, available } of await find(tx, onSale))
    left.set(idFromBytes(id), available === null ? null : Number(available));
  return left;
}

/** Kinds without a stock have reservations too: these tell what was sold with the order. */
export const insertReservations = (
  tx: Sql,
  reservations: readonly Pick<Reservation, 'id' | 'orderId' | 'productId' | 'quantity' | 'expiresAt' | 'createdAt'>[],
): Promise<void> =>
  insertInto(
    tx,
    'stock_reservation',
    reservations.map(({ id, orderId, productId, quantity, expiresAt, createdAt }) => ({
      id: idToBytes(id),
      order_id: idToBytes(orderId),
      product_id: idToBytes(productId),
      quantity,
      state: 'HELD',
      expires_at: expiresAt,
      created_at: createdAt,
    })),
  );

const stateOf = prepare<{ order: Buffer }>()((param) =>
  tables.selectFrom('stock_reservation').select('state').where('order_id', '=', param.order).limit(1),
);

/** The state of an order's reservations, which change all at once; null when it has none. */
export async function reservationState(tx: Sql, orderId: string): Promise<ReservationState | null> {
  const [row] = await find(tx, stateOf, { order: idToBytes(orderId) });
  return row ? row.state : null;
}

const settle = prepare<{ order: Buffer; from: ReservationState; to: ReservationState }>()((param) =>
  tables
    .updateTable('stock_reservation')
    .set({ state: param.to, settled_at: raw<Date>`utc_timestamp(3)` })
    .where('order_id', '=', param.order)
    .where('state', '=', param.from),
);
const reserved = prepare<{ order: Buffer }>()((param) =>
  tables
    .selectFrom('stock_reservation as r')
    .leftJoin('stock as s', 's.product_id', 'r.product_id')
    .select((eb) => [
      'r.product_id',
      'r.quantity',
      's.product_id as stocked',
      eb
        .exists(
          eb
            .selectFrom('night_reservation as n')
            .select(eb.lit(1).as('one'))
            .whereRef('n.order_id', '=', 'r.order_id')
            .whereRef('n.product_id', '=', 'r.product_id'),
        )
        .as('booked'),
    ])
    .where('r.order_id', '=', param.order)
    .orderBy('r.product_id'),
);
const move = prepare<{ id: Buffer; onHand: number; allocated: number }>()((param) =>
  tables.updateTable('stock').set(moved(param.onHand, param.allocated)).where('product_id', '=', param.id),
);

/**
 * Settles what an order has, all of it, once: a repetition finds nothing in the state that it starts from. Returns the products whose counters
 * changed. Locks reservations, then products that are booked by nights and these nights, then stocks, then the products of
 * these, each in id order.
 */
export async function settleReservations(
  tx: Sql,
  orderId: string,
  how: keyof typeof settlements,
  cause: Cause,
): Promise<string[]> {
  const order = idToBytes(orderId);
  const { from, to, type, onHandSign, allocatedSign } = settlements[how];
  if ((await change(tx, settle, { order, from, to })) === 0) return [];
  const lines = await find(tx, reserved, { order });
  const count = async (sold: typeof lines): Promise<void> => {
    if (how !== 'commit') return;
    for (const line of sold) await countSold(tx, idFromBytes(line.product_id), line.quantity);
  };
  const booked = lines.filter((line) => Number(line.booked) === 1);
  await count(booked);
  if (booked.length > 0) await settleNights(tx, { orderId, type, onHandSign, allocatedSign }, cause);
  const stocked = lines.filter((line) => line.stocked !== null);
  for (const { product_id: id, quantity } of stocked)
    await change(tx, move, { id, onHand: onHandSign * quantity, allocated: allocatedSign * quantity }, 'any');
  if (stocked.length > 0) await recordOrderMovements(tx, { orderId, type, onHandSign, allocatedSign }, cause);
  await count(lines.filter((line) => !booked.includes(line)));
  return [...booked, ...stocked].map((line) => idFromBytes(line.product_id));
}

/** Reservations listed for one product at most. */
export const maxReservations = 100;
export type ReservationList = { readonly productId: string; readonly state: ReservationState | null };

/** The newest reservations of several products, in one statement. */
export async function reservationLists(sql: Sql, lists: readonly ReservationList[]): Promise<Reservation[][]> {
  const statements = lists.map(({ productId, state }) => {
    const all = tables
      .selectFrom('stock_reservation')
      .selectAll('stock_reservation')
      .where('product_id', '=', idToBytes(productId));
    return (state === null ? all : all.where('state', '=', state)).orderBy('id', 'desc').limit(maxReservations);
  });
  return (await findMany(sql, statements)).map((rows) => rows.map((row) => reservationOf(row)));
}

export async function reservationsByIds(sql: Sql, ids: readonly string[]): Promise<Reservation[]> {
  const known = ids.filter(isId).map(idToBytes);
  if (known.length === 0) return [];
  return (await find(sql, tables.selectFrom('stock_reservation').selectAll().where('id', 'in', known))).map((row) =>
    reservationOf(row),
  );
}
