import type { Sql } from '../shared/database/database.ts';
import { readerOf, writerOf } from '../shared/database/reader.ts';
import { change, find } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import type { ShippingMethod } from './domain/pricing/shipping.ts';
import type { TaxRate } from './domain/pricing/tax.ts';
import { ShippingMethodRecord, TaxRateRecord } from './price-rule-records.ts';
import { tables } from './records.ts';

/* Shipping methods and tax rates: few rows, written by staff, read through the price book (price-book.ts). */

const readMethod = readerOf(ShippingMethodRecord);
const rowOfMethod = writerOf(ShippingMethodRecord);
const readRate = readerOf(TaxRateRecord);
const rowOfRate = writerOf(TaxRateRecord);

const methods = tables.selectFrom('shipping_method').selectAll();
const rates = tables.selectFrom('tax_rate').selectAll();

/** One change of the rules at a time: others wait until the transaction's end. */
export async function lockRules(tx: Sql): Promise<void> {
  await change(tx, tables.updateTable('price_rules').set((eb) => ({ version: eb('version', '+', 1) })).where('id', '=', 1)); // prettier-ignore
}

/** All of them, by code. */
export const listMethods = async (sql: Sql): Promise<ShippingMethod[]> =>
  (await find(sql, methods.orderBy('code'))).map((row) => readMethod(row));

/** Locked until the transaction's end; null when there is none. */
export async function lockMethod(tx: Sql, id: string): Promise<ShippingMethod | null> {
  const [row] = await find(tx, methods.where('id', '=', idToBytes(id)).forUpdate());
  return row ? readMethod(row) : null;
}

/** Throws error 1062 for a code that another one has. */
export async function insertMethod(tx: Sql, method: ShippingMethod): Promise<void> {
  await change(tx, tables.insertInto('shipping_method').values(rowOfMethod(method)));
}

/** Its row is locked by the caller. Throws error 1062 for a code that another one has. */
export async function updateMethod(tx: Sql, method: ShippingMethod): Promise<void> {
  const { id, ...row } = rowOfMethod(method);
  await change(tx, tables.updateTable('shipping_method').set(row).where('id', '=', id));
}

/** All of them, or those of a country, by country, category and beginning. */
export async function listRates(sql: Sql, countryCode?: string): Promise<TaxRate[]> {
  const own = countryCode === undefined ? rates : rates.where('country_code', '=', countryCode);
  const sorted = own.orderBy('country_code').orderBy('category').orderBy('valid_from').orderBy('id');
  return (await find(sql, sorted)).map((row) => readRate(row));
}

/** Those that count now or later. */
export async function listCurrentRates(sql: Sql, at: Date): Promise<TaxRate[]> {
  const current = rates
    .where('active', '=', true)
    .where((eb) => eb.or([eb('valid_to', 'is', null), eb('valid_to', '>', at)]));
  return (await find(sql, current)).map((row) => readRate(row));
}

/** Locked until the transaction's end; null when there is none. */
export async function lockRate(tx: Sql, id: string): Promise<TaxRate | null> {
  const [row] = await find(tx, rates.where('id', '=', idToBytes(id)).forUpdate());
  return row ? readRate(row) : null;
}

export async function insertRate(tx: Sql, rate: TaxRate): Promise<void> {
  await change(tx, tables.insertInto('tax_rate').values(rowOfRate(rate)));
}

/** Its row is locked by the caller. */
export async function updateRate(tx: Sql, rate: TaxRate): Promise<void> {
  const { id, ...row } = rowOfRate(rate);
  await change(tx, tables.updateTable('tax_rate').set(row).where('id', '=', id));
}

type Counted = 'shipping_method' | 'tax_rate';

/** How many rows there are. */
export async function countRules(sql: Sql, table: Counted): Promise<number> {
  const counted = tables.selectFrom(table).select((eb) => eb.fn.countAll().as('total'));
  return Number((await find(sql, counted))[0]?.total ?? 0);
}
