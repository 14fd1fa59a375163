import type { Sql } from '../../shared/database/database.ts';
import { find } from '../../shared/database/tables.ts';
import { firstIdAt, idToBytes } from '../../shared/values/ids.ts';
import { toLine } from '../line-store.ts';
import { tables } from '../records.ts';
import type { StoredLine } from '../stored-order.ts';

/** Lines that a seller sold: of one order, or of those placed in a span of time; beyond the line with an id where it is given. */
export type SoldLinePage = {
  readonly sellerId: string;
  readonly orderId: string | null;
  readonly placedFrom: Date | null;
  readonly placedTo: Date | null;
  readonly beyond: string | null;
  readonly newestFirst: boolean;
  readonly limit: number;
};

/** A line's id is made when its order is placed; the day covers clocks that differ. */
const clockDayMs = 86_400_000;
const idAt = (at: Date, offsetMs: number): Buffer => idToBytes(firstIdAt(new Date(at.getTime() + offsetMs)));

/** At most `limit` lines of orders that were placed: one whose placing has not ended, or failed, sold nothing. */
export async function listSoldLines(sql: Sql, page: SoldLinePage): Promise<StoredLine[]> {
  const { sellerId, orderId, placedFrom, placedTo, beyond, newestFirst, limit } = page;
  let lines = tables
    .selectFrom('order_line as l')
    .innerJoin('orders as o', 'o.id', 'l.order_id')
    .selectAll('l')
    .where('l.seller_id', '=', idToBytes(sellerId))
    .where('o.state', 'not in', ['PLACING', 'FAILED']);
  if (orderId !== null) lines = lines.where('l.order_id', '=', idToBytes(orderId));
  // The ids say where in the index to begin and to end.
  if (placedFrom) lines = lines.where('o.placed_at', '>=', placedFrom).where('l.id', '>=', idAt(placedFrom, -clockDayMs)); // prettier-ignore
  if (placedTo) lines = lines.where('o.placed_at', '<', placedTo).where('l.id', '<', idAt(placedTo, clockDayMs));
  if (beyond !== null) lines = lines.where('l.id', newestFirst ? '<' : '>', idToBytes(beyond));
  return (await find(sql, lines.orderBy('l.id', newestFirst ? 'desc' : 'asc').limit(limit))).map(toLine);
}
