import { sql as raw } from 'kysely';
import type { Sql } from '../shared/database/statements.ts';
import { change, find } from '../shared/database/tables.ts';
import { databaseNow } from '../shared/tables/records.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import { tables } from './records.ts';

/** A product of which no more is left than its threshold. */
export type LowProduct = {
  readonly productId: string;
  readonly name: string;
  readonly sellerId: string | null;
  readonly available: number;
};

const left = raw<number>`s.on_hand - s.allocated`;
const isLow = raw<boolean>`s.on_hand - s.allocated <= s.low_stock_threshold`;
/** Told within the last day, or low ever since. */
const isTold = raw<boolean>`(n.product_id is not null and (n.recovered = 0 or n.told_at > utc_timestamp(3) - interval 1 day))`;

/** Products that are low and of which that is news, at most `limit`. */
export async function findNewlyLow(sql: Sql, limit: number): Promise<LowProduct[]> {
  const low = tables
    .selectFrom('stock as s')
    .innerJoin('product as p', 'p.id', 's.product_id')
    .leftJoin('low_stock_notice as n', 'n.product_id', 's.product_id')
    .select(['p.id', 'p.name', 'p.seller_id', left.as('available')])
    .where('p.status', '=', 'ON_SALE')
    .where(isLow)
    .where((eb) => eb.not(isTold))
    .orderBy('p.id')
    .limit(limit);
  return (await find(sql, low)).map(({ id, name, seller_id: seller, available }) => ({
    productId: idFromBytes(id),
    name,
    sellerId: seller && idFromBytes(seller),
    available,
  }));
}

/** Notes that it is told now. False when another process has, or it was told within the last day. */
export async function noteTold(tx: Sql, productId: string): Promise<boolean> {
  const id = idToBytes(productId);
  const again = tables
    .updateTable('low_stock_notice')
    .set({ told_at: databaseNow, recovered: false })
    .where('product_id', '=', id)
    .where('recovered', '=', true)
    .where(raw<boolean>`told_at <= utc_timestamp(3) - interval 1 day`);
  if ((await change(tx, again)) === 1) return true;
  const first = tables.insertInto('low_stock_notice').ignore();
  return (await change(tx, first.values({ product_id: id, told_at: databaseNow, recovered: false }))) === 1;
}

/** Notes which products that were told of have enough again: should they run out once more, that is news. */
export async function noteRecovered(sql: Sql): Promise<void> {
  const enough = tables
    .selectFrom('stock as s')
    .select('s.product_id')
    .where('s.product_id', '=', raw.ref<Buffer>('low_stock_notice.product_id'))
    .where(raw<boolean>`s.on_hand - s.allocated > s.low_stock_threshold`);
  const recovered = tables.updateTable('low_stock_notice').set({ recovered: true }).where('recovered', '=', false);
  await change(
    sql,
    recovered.where(({ exists }) => exists(enough)),
  );
}
