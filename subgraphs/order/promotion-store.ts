import type { Sql } from '../shared/database/database.ts';
import { readerOf, writerOf } from '../shared/database/reader.ts';
import { change, find } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import type { Promotion } from './domain/pricing/promotion.ts';
import { PromotionRecord } from './promotion-records.ts';
import { tables } from './records.ts';

const read = readerOf(PromotionRecord);
const rowOf = writerOf(PromotionRecord);

const all = tables.selectFrom('promotion').selectAll();

export async function findPromotion(sql: Sql, id: string): Promise<Promotion | null> {
  const [row] = await find(sql, all.where('id', '=', idToBytes(id)));
  return row ? read(row) : null;
}

/** As `findPromotion`, locked until the transaction's end: no order takes a use of it meanwhile. */
export async function lockPromotion(tx: Sql, id: string): Promise<Promotion | null> {
  const [row] = await find(tx, all.where('id', '=', idToBytes(id)).forUpdate());
  return row ? read(row) : null;
}

/** Throws error 1062 for a code that another one has. */
export async function insertPromotion(tx: Sql, promotion: Promotion): Promise<void> {
  await change(tx, tables.insertInto('promotion').values(rowOf(promotion)));
}

/** Saves all of it but how often it is used. Its row is locked by the caller. Throws error 1062 for a code that another one has. */
export async function updatePromotion(tx: Sql, promotion: Promotion): Promise<void> {
  const { id, used: _, ...row } = rowOf(promotion);
  await change(tx, tables.updateTable('promotion').set(row).where('id', '=', id));
}

/** The newest first: at most `limit`, older than `before`; `current` leaves out what is switched off or over at `at`. */
export async function listPromotions(
  sql: Sql,
  page: { before: string | null; limit: number; current: boolean; at: Date },
): Promise<Promotion[]> {
  let listed = all;
  if (page.current)
    listed = listed
      .where('active', '=', true)
      .where((eb) => eb.or([eb('ends_at', 'is', null), eb('ends_at', '>', page.at)]));
  if (page.before !== null) listed = listed.where('id', '<', idToBytes(page.before));
  return (await find(sql, listed.orderBy('id', 'desc').limit(page.limit))).map((row) => read(row));
}

/** How many such promotions there are. */
export async function countPromotions(sql: Sql, { current, at }: { current: boolean; at: Date }): Promise<number> {
  let counted = tables.selectFrom('promotion').select((eb) => eb.fn.countAll().as('total'));
  if (current)
    counted = counted
      .where('active', '=', true)
      .where((eb) => eb.or([eb('ends_at', 'is', null), eb('ends_at', '>', at)]));
  return Number((await find(sql, counted))[0]?.total ?? 0);
}
