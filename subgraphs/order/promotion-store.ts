import type { Sql } from '../shared/database/database.ts';
import { readerOf, writerOf } from '../shared/database/reader.ts';
import { change, find } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import type { OfferedPromotion, Promotion } from './domain/pricing/promotion.ts';
import { PromotionRecord } from './promotion-records.ts';
import { tables } from './records.ts';

const read = readerOf(PromotionRecord);
const rowOf = writerOf(PromotionRecord);

const all = tables.selectFrom('promotion').selectAll();

/** A customer who isn't known: no promotion was ever used by it. */
const nobody = Buffer.alloc(16);

/**
 * Those that apply by themselves at `at`, and those of these codes whether or not they are valid, with how many orders of the
 * customer have each. One statement.
 */
export async function findOffered(
  sql: Sql,
  { customerId, codes, at }: { customerId: string | null; codes: readonly string[]; at: Date },
): Promise<OfferedPromotion[]> {
  const customer = customerId === null ? nobody : idToBytes(customerId);
  const offered = tables
    .selectFrom('promotion as offered')
    .leftJoin('promotion_customer as own', (join) =>
      join.onRef('own.promotion_id', '=', 'offered.id').on('own.customer_id', '=', customer),
    )
    .selectAll('offered')
    .select('own.used as customer_uses')
    .where((eb) => {
      const automatic = eb.and([
        eb('offered.code', 'is', null),
        eb('offered.active', '=', true),
        eb('offered.starts_at', '<=', at),
        eb.or([eb('offered.ends_at', 'is', null), eb('offered.ends_at', '>', at)]),
      ]);
      return codes.length === 0 ? automatic : eb.or([automatic, eb('offered.code', 'in', codes)]);
    });
  return (await find(sql, offered)).map((row) => ({ ...read(row), customerUses: row.customer_uses ?? 0 }));
}

/** Whether some promotion applies by itself at `at` or later. */
export async function existsAutomatic(sql: Sql, at: Date): Promise<boolean> {
  const automatic = tables
    .selectFrom('promotion')
    .select('id')
    .where('code', 'is', null)
    .where('active', '=', true)
    .where((eb) => eb.or([eb('ends_at', 'is', null), eb('ends_at', '>', at)]));
  return (await find(sql, automatic.limit(1))).length > 0;
}

/** How many others than this one apply by themselves at `at` or later. */
export async function countAutomatic(sql: Sql, id: string, at: Date): Promise<number> {
  const others = tables
    .selectFrom('promotion')
    .select((eb) => eb.fn.countAll().as('total'))
    .where('code', 'is', null)
    .where('active', '=', true)
    .where('id', '<>', idToBytes(id))
    .where((eb) => eb.or([eb('ends_at', 'is', null), eb('ends_at', '>', at)]));
  return Number((await find(sql, others))[0]?.total ?? 0);
}

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
