import { type Row, type Sql, insertRows, placeholders, run, select, write } from '../shared/database/database.ts';
import { idToBytes, isId } from '../shared/values/ids.ts';
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
import { type Statement, dateOf, idOf, selectMany } from './rows.ts';

const stockOf = (row: Row): Stock => ({
  productId: idOf(row['product_id']),
  onHand: Number(row['on_hand']),
  allocated: Number(row['allocated']),
  lowStockThreshold: Number(row['low_stock_threshold']),
  allowBackorder: Number(row['allow_backorder']) === 1,
  version: Number(row['version']),
  updatedAt: dateOf(row['updated_at']),
});

/** The counters of those products that have a stock. */
export async function stocksByProductIds(sql: Sql, productIds: readonly string[]): Promise<Stock[]> {
  const ids = productIds.filter(isId).map(idToBytes);
  if (ids.length === 0) return [];
  const rows = await select(
    sql,
    `select product_id, on_hand, allocated, low_stock_threshold, allow_backorder, version, updated_at from stock where product_id in (${placeholders(ids)})`,
    ids,
  );
  return rows.map(stockOf);
}

/** The counters of a new product; what it begins with is its first movement. */
export async function insertStock(
  tx: Sql,
  stock: { productId: string; onHand: number; at: Date },
  cause: Cause,
): Promise<void> {
  const version = stock.onHand === 0 ? 0 : 1;
  await insertRows(tx, 'stock', [
    { product_id: idToBytes(stock.productId), on_hand: stock.onHand, allocated: 0, version, updated_at: stock.at },
  ]);
  if (version === 1)
    await recordChange(tx, { productId: stock.productId, type: 'RECEIVE', onHandDelta: stock.onHand }, cause);
}

export const setLowStockThreshold = async (tx: Sql, productId: string, units: number): Promise<boolean> =>
  (await write(tx, 'update stock set low_stock_threshold = ? where product_id = ?', [units, idToBytes(productId)])) ===
  1;

/** Adds to `on_hand`; false when that would go below what is allocated or beyond what is countable, or there is no stock. */
export const changeOnHand = async (tx: Sql, change: { productId: string; delta: number }): Promise<boolean> =>
  (await write(
    tx,
    `update stock set on_hand = on_hand + ?, version = version + 1, updated_at = utc_timestamp(3)
     where product_id = ? and on_hand + ? between allocated and ${maxUnits}`,
    [change.delta, idToBytes(change.productId), change.delta],
    1,
  )) === 1;

/** Sets `on_hand` where it is what the caller thinks and not below what is allocated. */
export const setOnHand = async (
  tx: Sql,
  change: { productId: string; onHand: number; expectedOnHand: number },
): Promise<boolean> =>
  (await write(
    tx,
    `update stock set on_hand = ?, version = version + 1, updated_at = utc_timestamp(3)
     where product_id = ? and on_hand = ? and allocated <= ?`,
    [change.onHand, idToBytes(change.productId), change.expectedOnHand, change.onHand],
    1,
  )) === 1;

/**
 * Takes units of a product that is on sale; false when there are too few, it is not on sale or has no stock. The row is
 * locked only when they were taken. The status is read without a lock: an order may come just before the end of the sale.
 */
export const takeStock = async (tx: Sql, { productId, quantity }: Line): Promise<boolean> => {
  const id = idToBytes(productId);
  const found = await write(
    tx,
    `update stock set allocated = allocated + ?, version = version + 1, updated_at = utc_timestamp(3)
     where product_id = ? and allocated + ? <= on_hand and (select p.status from product p where p.id = ?) = 'ON_SALE'`,
    [quantity, id, quantity, id],
  );
  return found === 1;
};

/** What is left of these products: null for no limit, 0 for what is unknown, not on sale or only to be had for nights. */
export async function availableOf(tx: Sql, productIds: readonly string[]): Promise<Map<string, number | null>> {
  const ids = productIds.filter(isId).map(idToBytes);
  const left = new Map<string, number | null>(productIds.map((id) => [id, 0]));
  if (ids.length === 0) return left;
  const rows = await select(
    tx,
    `select p.id, if(p.kind = 'BOOKABLE', 0, s.on_hand - s.allocated) as available from product p left join stock s on s.product_id = p.id
     where p.id in (${placeholders(ids)}) and p.status = 'ON_SALE'`,
    ids,
  );
  for (const row of rows) left.set(idOf(row['id']), row['available'] === null ? null : Number(row['available']));
  return left;
}

/** Kinds without a stock have reservations too: these tell what was sold with the order. */
export const insertReservations = (
  tx: Sql,
  order: { orderId: string; expiresAt: Date; at: Date; newId: () => string },
  lines: readonly Line[],
): Promise<void> =>
  insertRows(
    tx,
    'stock_reservation',
    lines.map(({ productId, quantity }) => ({
      id: idToBytes(order.newId()),
      order_id: idToBytes(order.orderId),
      product_id: idToBytes(productId),
      quantity,
      state: 'HELD',
      expires_at: order.expiresAt,
      created_at: order.at,
    })),
  );

/** The state of an order's reservations, which change all at once; null when it has none. */
export async function reservationState(tx: Sql, orderId: string): Promise<ReservationState | null> {
  const [row] = await select(tx, 'select state from stock_reservation where order_id = ? limit 1', [
    idToBytes(orderId),
  ]);
  return row ? (String(row['state']) as ReservationState) : null;
}

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
  const settled = await write(
    tx,
    'update stock_reservation set state = ?, settled_at = utc_timestamp(3) where order_id = ? and state = ?',
    [to, order, from],
  );
  if (settled === 0) return [];
  const lines = await select(
    tx,
    `select r.product_id, r.quantity, s.product_id as stocked, exists (select 1 from night_reservation n where n.order_id = r.order_id and n.product_id = r.product_id) as booked
     from stock_reservation r left join stock s on s.product_id = r.product_id where r.order_id = ? order by r.product_id`,
    [order],
  );
  const count = async (sold: readonly Row[]): Promise<void> => {
    if (how !== 'commit') return;
    for (const line of sold) await countSold(tx, idOf(line['product_id']), Number(line['quantity']));
  };
  const booked = lines.filter((line) => Number(line['booked']) === 1);
  await count(booked);
  if (booked.length > 0) await settleNights(tx, { orderId, type, onHandSign, allocatedSign }, cause);
  const stocked = lines.filter((line) => line['stocked'] !== null);
  for (const line of stocked) {
    const quantity = Number(line['quantity']);
    await run(
      tx,
      'update stock set on_hand = on_hand + ?, allocated = allocated + ?, version = version + 1, updated_at = utc_timestamp(3) where product_id = ?',
      [onHandSign * quantity, allocatedSign * quantity, line['product_id'] as Buffer],
    );
  }
  if (stocked.length > 0) await recordOrderMovements(tx, { orderId, type, onHandSign, allocatedSign }, cause);
  await count(lines.filter((line) => !booked.includes(line)));
  return [...booked, ...stocked].map((line) => idOf(line['product_id']));
}

const reservationColumns = 'id, order_id, product_id, quantity, state, expires_at, created_at, settled_at';

const reservationOf = (row: Row): Reservation => ({
  id: idOf(row['id']),
  orderId: idOf(row['order_id']),
  productId: idOf(row['product_id']),
  quantity: Number(row['quantity']),
  state: String(row['state']) as ReservationState,
  expiresAt: dateOf(row['expires_at']),
  createdAt: dateOf(row['created_at']),
  settledAt: row['settled_at'] === null ? null : dateOf(row['settled_at']),
});

/** Reservations listed for one product at most. */
export const maxReservations = 100;
export type ReservationList = { readonly productId: string; readonly state: ReservationState | null };

/** The newest reservations of several products, in one statement. */
export async function reservationLists(sql: Sql, lists: readonly ReservationList[]): Promise<Reservation[][]> {
  const statements = lists.map(({ productId, state }): Statement => ({
    text: `select ${reservationColumns} from stock_reservation where product_id = ?${state === null ? '' : ' and state = ?'} order by id desc limit ${maxReservations}`,
    parameters: state === null ? [idToBytes(productId)] : [idToBytes(productId), state],
  }));
  return (await selectMany(sql, statements)).map((rows) => rows.map(reservationOf));
}

export async function reservationsByIds(sql: Sql, ids: readonly string[]): Promise<Reservation[]> {
  const known = ids.filter(isId).map(idToBytes);
  if (known.length === 0) return [];
  return (
    await select(sql, `select ${reservationColumns} from stock_reservation where id in (${placeholders(known)})`, known)
  ).map(reservationOf);
}
