import { type Row, type Sql, placeholders, run, select, toDate, toJson, write } from '../shared/database/database.ts';
import { idFromBytes, idToBytes, isId } from '../shared/values/ids.ts';
import { money } from '../shared/values/money.ts';
import { typedIdentifier } from '../shared/values/text.ts';
import {
  type Position,
  type ProductFilter,
  type ProductOrder,
  type ProductSort,
  nameKeyOf,
} from './domain/product-list.ts';
import type { Product, ProductContent, ProductKind, ProductStatus } from './domain/product.ts';
import { searchTextOf, wordsOf } from './domain/search.ts';

export type Parameter = NonNullable<Parameters<typeof select>[2]>[number];
export type Statement = { readonly text: string; readonly parameters: readonly Parameter[] };

const columns =
  'p.id, p.sku, p.kind, p.name, p.subtitle, p.description, p.cover, p.images, p.currency, p.price_minor, p.market_price_minor, p.add_ons, p.status, p.category_id, p.tax_category, p.weight_grams, p.capacity, p.max_guests, p.seller_id, p.sold, p.version, p.created_at, p.updated_at';

export const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const numberOrNull = (value: unknown): number | null => (value === null ? null : Number(value));
export const idOf = (value: unknown): string => idFromBytes(value as Buffer);
export const idOrNull = (value: unknown): string | null => (value === null ? null : idOf(value));
export const dateOf = (value: unknown): Date => toDate(value) as Date;

function productOf(row: Row): Product {
  const currency = String(row['currency']);
  const marketPrice = row['market_price_minor'] as string | number | null;
  return {
    id: idOf(row['id']),
    sku: String(row['sku']),
    kind: String(row['kind']) as ProductKind,
    name: String(row['name']),
    subtitle: textOrNull(row['subtitle']),
    description: String(row['description']),
    cover: textOrNull(row['cover']),
    images: toJson(row['images']),
    price: money(BigInt(String(row['price_minor'])), currency),
    marketPrice: marketPrice === null ? null : money(BigInt(marketPrice), currency),
    addOns: toJson(row['add_ons']),
    status: String(row['status']) as ProductStatus,
    categoryId: idOrNull(row['category_id']),
    taxCategory: String(row['tax_category']),
    weightGrams: numberOrNull(row['weight_grams']),
    capacity: numberOrNull(row['capacity']),
    maxGuests: numberOrNull(row['max_guests']),
    sellerId: idOrNull(row['seller_id']),
    sold: BigInt(String(row['sold'])),
    version: Number(row['version']),
    createdAt: dateOf(row['created_at']),
    updatedAt: dateOf(row['updated_at']),
  };
}

/** Those of the ids that there are; ids that can't be ours are left out. */
export async function productsByIds(sql: Sql, ids: readonly string[]): Promise<Product[]> {
  const known = ids.filter(isId).map(idToBytes);
  if (known.length === 0) return [];
  return (await select(sql, `select ${columns} from product p where p.id in (${placeholders(known)})`, known)).map(
    productOf,
  );
}

/** For each SKU as people type it, in either case, its product; of several the one of exactly this SKU, else the oldest. */
export async function productsBySkus(sql: Sql, skus: readonly string[]): Promise<(Product | null)[]> {
  if (skus.length === 0) return [];
  const keyOf = (sku: string) => typedIdentifier(sku).toLowerCase();
  const keys = [...new Set(skus.map(keyOf))];
  const rows = await select(
    sql,
    `select ${columns} from product p where p.sku_key in (${placeholders(keys)}) order by p.id`,
    keys,
  );
  const found = Map.groupBy(rows.map(productOf), ({ sku }) => keyOf(sku));
  return skus.map((sku) => {
    const alike = found.get(keyOf(sku)) ?? [];
    return alike.find((product) => product.sku === typedIdentifier(sku)) ?? alike[0] ?? null;
  });
}

export const productById = async (sql: Sql, id: string): Promise<Product | null> =>
  (await productsByIds(sql, [id]))[0] ?? null;

const contentColumns = (content: ProductContent, sku: string): Record<string, Parameter> => ({
  name: content.name,
  subtitle: content.subtitle,
  description: content.description,
  cover: content.cover,
  images: JSON.stringify(content.images),
  currency: content.price.currency,
  price_minor: content.price.amount,
  market_price_minor: content.marketPrice?.amount ?? null,
  add_ons: JSON.stringify(content.addOns),
  status: content.status,
  category_id: content.categoryId === null ? null : idToBytes(content.categoryId),
  tax_category: content.taxCategory,
  weight_grams: content.weightGrams,
  capacity: content.capacity,
  max_guests: content.maxGuests,
  name_key: nameKeyOf(content.name),
  search_text: searchTextOf({ ...content, sku }),
});

/** Throws a duplicate-key error when the SKU is taken. */
export async function insertProduct(tx: Sql, product: Product): Promise<void> {
  const row: Record<string, Parameter> = {
    id: idToBytes(product.id),
    sku: product.sku,
    kind: product.kind,
    seller_id: product.sellerId === null ? null : idToBytes(product.sellerId),
    version: product.version,
    created_at: product.createdAt,
    updated_at: product.updatedAt,
    ...contentColumns(product, product.sku),
  };
  const names = Object.keys(row);
  await run(tx, `insert into product (${names.join(', ')}) values (${placeholders(names)})`, Object.values(row));
}

/** Writes the content over this version of the product; false when it has another one by now. */
export async function updateContent(tx: Sql, product: Product, content: ProductContent, at: Date): Promise<boolean> {
  const row = contentColumns(content, product.sku);
  const sets = Object.keys(row).map((name) => `${name} = ?`);
  const found = await write(
    tx,
    `update product set ${sets.join(', ')}, version = version + 1, updated_at = ? where id = ? and version = ?`,
    [...Object.values(row), at, idToBytes(product.id), product.version],
  );
  return found === 1;
}

/** Archives whatever version there is; nothing happens to an archived product. */
export const archiveProduct = (tx: Sql, id: string, at: Date): Promise<number> =>
  write(
    tx,
    "update product set status = 'ARCHIVED', version = version + 1, updated_at = ? where id = ? and status <> 'ARCHIVED'",
    [at, idToBytes(id)],
  );

/** Counts units as sold. It is no change that anybody decided on: the version stays. */
export const countSold = (tx: Sql, id: string, units: number): Promise<void> =>
  run(tx, 'update product set sold = sold + ? where id = ?', [units, idToBytes(id)]);

/** What a list of products has, apart from where the page begins. */
export type ListSelection = {
  readonly statuses: readonly ProductStatus[];
  readonly filter: Omit<ProductFilter, 'status'>;
};
export type ListPage = ListSelection & {
  readonly order: ProductOrder;
  readonly after: Position | null;
  readonly limit: number;
};

const sortColumns: Readonly<Record<ProductSort, string>> = {
  CREATED_AT: 'p.created_at',
  PRICE: 'p.price_minor',
  NAME: 'p.name_key',
  POPULARITY: 'p.sold',
};
const escapeLike = (word: string): string => word.replaceAll(/[\\%_]/g, String.raw`\$&`);

function where({ statuses, filter }: ListSelection): Statement {
  const conditions: string[] = [];
  const parameters: Parameter[] = [];
  const and = (condition: string, ...values: readonly Parameter[]): void => {
    conditions.push(condition);
    parameters.push(...values);
  };
  // One status as an equation lets the index give the order.
  if (statuses.length === 1) and('p.status = ?', ...statuses);
  else and(statuses.length === 0 ? 'false' : `p.status in (${placeholders(statuses)})`, ...statuses);
  if (filter.sellerId)
    and(
      isId(filter.sellerId) ? 'p.seller_id = ?' : 'false',
      ...(isId(filter.sellerId) ? [idToBytes(filter.sellerId)] : []),
    );
  if (filter.kind) and(filter.kind.length === 0 ? 'false' : `p.kind in (${placeholders(filter.kind)})`, ...filter.kind);
  if (typeof filter.priceMin === 'number') and('p.price_minor >= ?', filter.priceMin);
  if (typeof filter.priceMax === 'number') and('p.price_minor <= ?', filter.priceMax);
  for (const { part, stem } of wordsOf(filter.query ?? ''))
    and('(p.search_text like ? or p.search_text like ?)', `%${escapeLike(part)}%`, `% ${escapeLike(stem)} %`);
  // Kinds without a stock are never sold out.
  const soldOut = 'exists (select 1 from stock s where s.product_id = p.id and s.on_hand <= s.allocated)';
  if (typeof filter.inStock === 'boolean') and(filter.inStock ? `not ${soldOut}` : soldOut);
  return { text: conditions.join(' and '), parameters };
}

function pageStatement({ order, after, limit, ...selection }: ListPage): Statement {
  const { text, parameters } = where(selection);
  const column = sortColumns[order.by];
  const beyond = order.direction === 'ASC' ? '>' : '<';
  const value = after && order.by === 'CREATED_AT' ? new Date(after.value) : (after?.value ?? null);
  const keyset = after ? ` and (${column} ${beyond} ? or (${column} = ? and p.id ${beyond} ?))` : '';
  return {
    text: `select ${columns} from product p where ${text}${keyset} order by ${column} ${order.direction}, p.id ${order.direction} limit ${limit}`,
    parameters: after ? [...parameters, value, value, idToBytes(after.id)] : parameters,
  };
}

/** Several pages in one statement. Throws BAD_USER_INPUT for a search that is too long. */
export const productPages = async (sql: Sql, pages: readonly ListPage[]): Promise<Product[][]> =>
  (await selectMany(sql, pages.map(pageStatement))).map((rows) => rows.map(productOf));

/** How many products each selection has, in one statement. */
export async function countProducts(sql: Sql, selections: readonly ListSelection[]): Promise<number[]> {
  const statements = selections.map((selection) => {
    const { text, parameters } = where(selection);
    return { text: `select count(*) as total from product p where ${text}`, parameters };
  });
  return (await selectMany(sql, statements)).map(([row]) => Number(row?.['total'] ?? 0));
}

/** The rows of several SELECTs of the same columns in one round trip, each with its own ORDER BY and LIMIT. */
export async function selectMany(sql: Sql, statements: readonly Statement[]): Promise<Row[][]> {
  const results: Row[][] = statements.map(() => []);
  if (statements.length === 0) return results;
  const numbered = statements.map(
    ({ text }, index) => `(${text.replace('select ', `select ${index} as batch_index, `)})`,
  );
  const rows = await select(
    sql,
    numbered.join(' union all '),
    statements.flatMap(({ parameters }) => parameters),
  );
  for (const row of rows) results[Number(row['batch_index'])]?.push(row);
  return results;
}
