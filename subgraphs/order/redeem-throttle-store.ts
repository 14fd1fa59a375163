import type { Sql } from '../shared/database/database.ts';
import { change, find } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import { tables } from './records.ts';

/*
 * Wrong codes for an order within a window of time. The order's row is locked by the caller, so guesses at the same time are
 * counted one by one.
 */

/** Wrong codes in the window that is open at `at`; null when none is. */
export async function countWrongCodes(tx: Sql, orderId: string, at: Date): Promise<number | null> {
  const [row] = await find(
    tx,
    tables
      .selectFrom('redeem_throttle')
      .select('wrong')
      .where('order_id', '=', idToBytes(orderId))
      .where('window_until', '>', at),
  );
  return row?.wrong ?? null;
}

/** Begins a window with one wrong code; an earlier one is over. */
export async function openWindow(tx: Sql, orderId: string, windowUntil: Date): Promise<void> {
  const window = { order_id: idToBytes(orderId), wrong: 1, window_until: windowUntil };
  await change(tx, tables.replaceInto('redeem_throttle').values(window), 'any');
}

export async function addWrongCode(tx: Sql, orderId: string): Promise<void> {
  const more = tables.updateTable('redeem_throttle').set((eb) => ({ wrong: eb('wrong', '+', 1) }));
  await change(tx, more.where('order_id', '=', idToBytes(orderId)), 'any');
}

export async function forgetWrongCodes(tx: Sql, orderId: string): Promise<void> {
  await change(tx, tables.deleteFrom('redeem_throttle').where('order_id', '=', idToBytes(orderId)), 'any');
}
