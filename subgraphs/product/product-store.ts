import { sql as raw } from 'kysely';
import type { Sql } from '../shared/database/statements.ts';
import { readerOf, writerOf } from '../shared/database/reader.ts';
import { change, find, findByList, prepare, prepareList } from '../shared/database/tables.ts';
import { idToBytes, isId } from '../shared/values/ids.ts';
import { money } from '../shared/values/money.ts';
import { typedIdentifier } from '../shared/values/text.ts';
import { nameKeyOf } from './domain/product-list.ts';
import type { Product, ProductContent } from './domain/product.ts';
import { indexedWords, searchTextOf } from './domain/search.ts';
import { indexProduct } from './search-store.ts';
import { ProductRecord, type ProductTables, insertInto, tables } from './records.ts';

/** All that a product has; not what it is found and sorted by. */
export const productColumns = [
  'p.id', 'p.sku', 'p.kind', 'p.name', 'p.subtitle', 'p.description', 'p.cover', 'p.images', 'p.currency', 'p.price_minor',
  'p.market_price_minor', 'p.add_ons', 'p.status', 'p.category_id', 'p.tax_category', 'p.weight_grams', 'p.capacity', 'p.max_guests',
  'p.seller_id', 'p.group_id', 'p.sold', 'p.version', 'p.created_at', 'p.updated_at',
] as const; // prettier-ignore

const read = readerOf(ProductRecord);
const rowOf = writerOf(ProductRecord);

export function productOf(row: object): Product {
  const { currency, priceMinor, marketPriceMinor, ...rest } = read(row);
  const marketPrice = marketPriceMinor === null ? null : money(marketPriceMinor, currency);
  return { ...rest, price: money(priceMinor, currency), marketPrice };
}

const all = tables.selectFrom('product as p').select(productColumns);
const byIds = prepareList((ids) => all.where('p.id', 'in', ids));

/** Those of the ids that there are; ids that can't be ours are left out. */
export async function productsByIds(sql: Sql, ids: readonly string[]): Promise<Product[]> {
  const known = ids.filter(isId).map(idToBytes);
  return (await findByList(sql, byIds, known)).map(productOf);
}

/** As `productsByIds`, locked in the order of their ids. */
export async function lockProducts(tx: Sql, ids: readonly string[]): Promise<Product[]> {
  const known = ids.filter(isId).map(idToBytes);
  if (known.length === 0) return [];
  return (await find(tx, all.where('p.id', 'in', known).orderBy('p.id').forUpdate())).map(productOf);
}

/** For each SKU as people type it, in either case, its product; of several the one of exactly this SKU, else the oldest. */
export async function productsBySkus(sql: Sql, skus: readonly string[]): Promise<(Product | null)[]> {
  if (skus.length === 0) return [];
  const keyOf = (sku: string) => typedIdentifier(sku).toLowerCase();
  const keys = [...new Set(skus.map(keyOf))];
  const rows = await find(sql, all.where('p.sku_key', 'in', keys).orderBy('p.id'));
  const found = Map.groupBy(rows.map(productOf), ({ sku }) => keyOf(sku));
  return skus.map((sku) => {
    const alike = found.get(keyOf(sku)) ?? [];
    return alike.find((product) => product.sku === typedIdentifier(sku)) ?? alike[0] ?? null;
  });
}

export const productById = async (sql: Sql, id: string): Promise<Product | null> =>
  (await productsByIds(sql, [id]))[0] ?? null;

/** What updateProduct writes, with what a product is found and sorted by. */
const contentColumns = [
  'name', 'subtitle', 'description', 'cover', 'images', 'currency', 'price_minor', 'market_price_minor', 'add_ons', 'status',
  'category_id', 'tax_category', 'weight_grams', 'capacity', 'max_guests', 'name_key', 'search_text',
] as const; // prettier-ignore
/** The rest of a new product; `sku_key` the database makes of the SKU, and groups are saved apart. */
const otherColumns = [
  'id',
  'sku',
  'kind',
  'seller_id',
  'sold',
  'indexed_version',
  'version',
  'created_at',
  'updated_at',
] as const;

type Columns = readonly (keyof ProductTables['product'])[];
const pick = <Named extends Columns>(product: Product, columns: Named) => {
  const row = rowOf({
    ...product,
    images: [...product.images],
    addOns: [...product.addOns],
    currency: product.price.currency,
    priceMinor: product.price.amount,
    marketPriceMinor: product.marketPrice?.amount ?? null,
    nameKey: nameKeyOf(product.name),
    searchText: searchTextOf(product),
    skuKey: null,
    groupPosition: null,
    optionsHash: null,
    indexedVersion: product.version,
  });
  return Object.fromEntries(columns.map((column) => [column, row[column]])) as Pick<typeof row, Named[number]>;
};

/** Throws a duplicate-key error when the SKU is taken. */
export async function insertProduct(tx: Sql, product: Product): Promise<void> {
  await insertInto(tx, 'product', [pick(product, [...otherColumns, ...contentColumns])]);
  await indexProduct(tx, product.id, product, true);
}

/** Writes the content over this version of the product; false when it has another one by now. */
export async function updateContent(tx: Sql, product: Product, content: ProductContent, at: Date): Promise<boolean> {
  const update = tables
    .updateTable('product')
    .set(pick({ ...product, ...content }, contentColumns))
    .set((eb) => ({ indexed_version: eb('version', '+', 1), version: eb('version', '+', 1), updated_at: at }))
    .where('id', '=', idToBytes(product.id))
    .where('version', '=', product.version);
  if ((await change(tx, update)) !== 1) return false;
  const now = { ...product, ...content };
  if (JSON.stringify(indexedWords(now)) !== JSON.stringify(indexedWords(product)))
    await indexProduct(tx, product.id, now, false);
  return true;
}

/** Archives whatever version there is; nothing happens to an archived product. */
export const archiveProduct = (tx: Sql, id: string, at: Date): Promise<number> =>
  change(
    tx,
    tables
      .updateTable('product')
      .set((eb) => ({
        status: 'ARCHIVED',
        indexed_version: eb('indexed_version', '+', 1),
        version: eb('version', '+', 1),
        updated_at: at,
      }))
      .where('id', '=', idToBytes(id))
      .where('status', '<>', 'ARCHIVED'),
  );

const addSold = prepare<{ id: Buffer; units: number }>()((param) =>
  tables
    .updateTable('product')
    .set({ sold: raw<bigint>`sold + ${param.units}` })
    .where('id', '=', param.id),
);

/** Counts units as sold. It is no change that anybody decided on: the version stays. */
export async function countSold(tx: Sql, id: string, units: number): Promise<void> {
  await change(tx, addSold, { id: idToBytes(id), units }, 'any');
}

/** True while a product stands in this category itself, whatever its status. */
export async function hasProducts(sql: Sql, categoryId: string): Promise<boolean> {
  const some = tables.selectFrom('product').select('id').where('category_id', '=', idToBytes(categoryId)).limit(1);
  return (await find(sql, some)).length > 0;
}

/** A seller's products, the newest first; with `onSaleOnly` those that can be ordered. */
export async function findSold(
  sql: Sql,
  sellerId: string,
  { onSaleOnly, limit }: { onSaleOnly: boolean; limit: number },
): Promise<{ readonly sku: string; readonly name: string; readonly status: string }[]> {
  let products = tables.selectFrom('product').select(['sku', 'name', 'status']).where('seller_id', '=', idToBytes(sellerId)); // prettier-ignore
  if (onSaleOnly) products = products.where('status', '=', 'ON_SALE');
  return find(sql, products.orderBy('id', 'desc').limit(limit));
}
