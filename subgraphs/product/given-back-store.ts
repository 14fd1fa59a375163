import { type Row, type Sql, run, select, write } from '../shared/database/database.ts';
import { idToBytes } from '../shared/values/ids.ts';
import { daysBetween } from '../shared/values/local-date.ts';
import type { StockLine } from './domain/nights.ts';
import { type MovementType, mergeLines, settlements } from './domain/stock.ts';
import type { Cause } from './ledger-store.ts';

/*
 * Pieces of an order that leave it alone: taken off before they were delivered, or brought back afterwards. Locks as
 * `settleReservations` does: reservations, then nights, then stocks, each in id order.
 */

type Move = { readonly type: MovementType; readonly onHand: number; readonly allocated: number };

/** What taking pieces off does to the counters: held ones are free again, sold ones are back. */
const moveOf = (state: unknown, quantity: number): Move | null => {
  const how = state === 'HELD' ? settlements.release : state === 'COMMITTED' ? settlements.giveBack : null;
  return how && { type: how.type, onHand: how.onHandSign * quantity, allocated: how.allocatedSign * quantity };
};

/**
 * Takes pieces off what an order holds or has bought, and rooms off the nights of a stay. An order that was given back as a
 * whole has nothing to be taken off. Returns the products whose counters changed. Throws where the order has fewer.
 */
export async function takeOff(tx: Sql, orderId: string, lines: readonly StockLine[], cause: Cause): Promise<string[]> {
  const order = idToBytes(orderId);
  const changed: string[] = [];
  const taken: { productId: string; reservation: Row; move: Move }[] = [];
  for (const { productId, quantity } of mergeLines(lines)) {
    const product = idToBytes(productId);
    const [reservation] = await select(
      tx,
      'select id, state, quantity from stock_reservation where order_id = ? and product_id = ? for update',
      [order, product],
    );
    const move = reservation && moveOf(reservation['state'], quantity);
    if (!reservation || !move) continue;
    const left = Number(reservation['quantity']) - quantity;
    if (left < 0) throw new Error(`order ${orderId} has fewer than ${quantity} of product ${productId}`);
    if (left === 0) await run(tx, 'delete from stock_reservation where id = ?', [reservation['id'] as Buffer]);
    else await run(tx, 'update stock_reservation set quantity = ? where id = ?', [left, reservation['id'] as Buffer]);
    taken.push({ productId, reservation, move });
  }
  for (const one of taken) {
    const stays = lines.filter((line) => line.productId === one.productId && typeof line.stayFrom === 'string');
    for (const stay of stays) await takeOffNights(tx, { orderId, stay, reservation: one.reservation, cause });
    if (stays.length > 0) changed.push(one.productId);
  }
  for (const { productId, reservation, move } of taken)
    if (await moveStock(tx, { orderId, productId, reservationId: reservation['id'] as Buffer, move, cause }))
      changed.push(productId);
  return changed;
}

async function takeOffNights(
  tx: Sql,
  { orderId, stay, reservation, cause }: { orderId: string; stay: StockLine; reservation: Row; cause: Cause },
): Promise<void> {
  const { productId, quantity } = stay;
  const [from, to] = [String(stay.stayFrom), String(stay.stayTo)];
  const move = moveOf(reservation['state'], quantity);
  if (!move) throw new Error('a reservation changed under its lock');
  const nights = [idToBytes(productId), from, to];
  const own = [idToBytes(orderId), ...nights];
  const ofOrder = 'order_id = ? and product_id = ? and night >= ? and night < ?';
  const gone = await write(tx, `delete from night_reservation where ${ofOrder} and quantity = ?`, [...own, quantity]);
  const fewer = await write(
    tx,
    `update night_reservation set quantity = quantity - ? where ${ofOrder} and quantity > ?`,
    [quantity, ...own, quantity],
  );
  if (gone + fewer !== daysBetween(from, to))
    throw new Error(`order ${orderId} has not all nights from ${from} to ${to}`);
  await run(
    tx,
    'update night set on_hand = on_hand + ?, allocated = allocated + ?, version = version + 1, updated_at = utc_timestamp(3) where product_id = ? and night >= ? and night < ?',
    [move.onHand, move.allocated, ...nights],
  );
  await run(
    tx,
    `insert into night_movement (product_id, night, seq, type, on_hand_delta, allocated_delta, on_hand_after, allocated_after, reservation_id, order_id, actor, reason, at)
     select n.product_id, n.night, n.version, ?, ?, ?, n.on_hand, n.allocated, ?, ?, ?, ?, n.updated_at from night n where n.product_id = ? and n.night >= ? and n.night < ?`,
    [move.type, move.onHand, move.allocated, reservation['id'] as Buffer, idToBytes(orderId), cause.actor, cause.reason, ...nights],
  ); // prettier-ignore
}

/** Delivered pieces are back and can be sold again; a product without a stock has nothing to count. Returns the products that changed. */
export async function putBack(tx: Sql, orderId: string, lines: readonly StockLine[], cause: Cause): Promise<string[]> {
  const changed: string[] = [];
  for (const { productId, quantity } of mergeLines(lines)) {
    const move = { type: 'RETURN', onHand: quantity, allocated: 0 } as const;
    if (await moveStock(tx, { orderId, productId, reservationId: null, move, cause })) changed.push(productId);
  }
  return changed;
}

async function moveStock(
  tx: Sql,
  { orderId, productId, reservationId, move, cause }: { orderId: string; productId: string; reservationId: Buffer | null; move: Move; cause: Cause }, // prettier-ignore
): Promise<boolean> {
  const product = idToBytes(productId);
  const moved = await write(
    tx,
    'update stock set on_hand = on_hand + ?, allocated = allocated + ?, version = version + 1, updated_at = utc_timestamp(3) where product_id = ?',
    [move.onHand, move.allocated, product],
  );
  if (moved === 0) return false;
  await run(
    tx,
    `insert into stock_movement (product_id, seq, type, on_hand_delta, allocated_delta, on_hand_after, allocated_after, reservation_id, order_id, actor, reason, at)
     select product_id, version, ?, ?, ?, on_hand, allocated, ?, ?, ?, ?, updated_at from stock where product_id = ?`,
    [move.type, move.onHand, move.allocated, reservationId, idToBytes(orderId), cause.actor, cause.reason, product],
  );
  return true;
}
