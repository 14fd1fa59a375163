import { type SelectQueryBuilder, sql as raw } from 'kysely';
import type { Sql } from '../shared/database/statements.ts';
import { findMany } from '../shared/database/tables.ts';
import { idToBytes, isId } from '../shared/values/ids.ts';
import type { Listed, Position, ProductFilter, ProductOrder, ProductSort } from './domain/product-list.ts';
import { foldedOption } from './domain/product-group.ts';
import type { Product, ProductStatus } from './domain/product.ts';
import { type FoundBy, foundBy } from './search-store.ts';
import { productColumns, productOf } from './product-store.ts';
import { type ProductTables, tables } from './records.ts';

/** What a list of products has, apart from where the page begins. */
export type ListSelection = {
  readonly statuses: readonly ProductStatus[];
  readonly filter: Omit<ProductFilter, 'status' | 'categoryId' | 'query'>;
  /** Only what has all of these words. */
  readonly search: readonly FoundBy[];
  /** Only in one of these categories; null for all products. */
  readonly categoryIds: readonly string[] | null;
};
export type ListPage = ListSelection & {
  readonly order: ProductOrder;
  readonly after: Position | null;
  readonly limit: number;
};

const sortColumns = {
  CREATED_AT: 'p.created_at',
  PRICE: 'p.price_minor',
  NAME: 'p.name_key',
  POPULARITY: 'p.sold',
} as const satisfies Readonly<Record<Exclude<ProductSort, 'RELEVANCE'>, string>>;
/** A search of nothing but signs has no scores. */
const hasScores = (search: readonly FoundBy[]): boolean => search.some(({ word }) => !('literal' in word));
const escapeLike = (word: string): string => word.replaceAll(/[\\%_]/g, String.raw`\$&`);

type Products<Row> = SelectQueryBuilder<ProductTables & { p: ProductTables['product'] }, 'p', Row>;

/** `in ()` is no SQL: an empty list has nothing. */
const nothing = raw<boolean>`false`;

function selected<Row>(
  products: Products<Row>,
  { statuses, filter, search, categoryIds }: ListSelection,
): Products<Row> {
  let list = products;
  // One status as an equation lets the index give the order.
  const [status] = statuses;
  if (status === undefined) list = list.where(nothing);
  else list = statuses.length === 1 ? list.where('p.status', '=', status) : list.where('p.status', 'in', statuses);
  for (const [column, id] of [
    ['p.seller_id', filter.sellerId],
    ['p.group_id', filter.groupId],
  ] as const)
    if (id) list = isId(id) ? list.where(column, '=', idToBytes(id)) : list.where(nothing);
  const ids = filter.ids?.filter(isId).map(idToBytes);
  if (categoryIds?.length === 0 || filter.kind?.length === 0 || ids?.length === 0) list = list.where(nothing);
  if (ids?.length) list = list.where('p.id', 'in', ids);
  if (categoryIds?.length) list = list.where('p.category_id', 'in', categoryIds.map(idToBytes));
  if (filter.kind?.length) list = list.where('p.kind', 'in', filter.kind);
  if (typeof filter.priceMin === 'number') list = list.where('p.price_minor', '>=', filter.priceMin);
  if (typeof filter.priceMax === 'number') list = list.where('p.price_minor', '<=', filter.priceMax);
  for (const { word } of search)
    if ('literal' in word) list = list.where('p.search_text', 'like', `%${escapeLike(word.literal)}%`);
  if (hasScores(search)) list = list.innerJoin(foundBy(search).as('found'), 'found.product_id', 'p.id');
  for (const { name, value } of (filter.options ?? []).map(foldedOption))
    list = list.where((eb) =>
      eb.exists(
        eb
          .selectFrom('product_option as o')
          .select('o.position')
          .whereRef('o.product_id', '=', 'p.id')
          .where('o.name_key', '=', name)
          .where('o.value_key', '=', value),
      ),
    );
  const { inStock } = filter;
  // Kinds without a stock are never sold out.
  if (typeof inStock === 'boolean')
    list = list.where((eb) => {
      const soldOut = eb.exists(
        eb
          .selectFrom('stock as s')
          .select('s.version')
          .whereRef('s.product_id', '=', 'p.id')
          .whereRef('s.on_hand', '<=', 's.allocated'),
      );
      return inStock ? eb.not(soldOut) : soldOut;
    });
  return list;
}

function pageOf({ order, after, limit, ...selection }: ListPage) {
  const direction = order.direction === 'ASC' ? 'asc' : 'desc';
  const beyond = order.direction === 'ASC' ? '>' : '<';
  const score = hasScores(selection.search) ? raw<number>`found.score` : raw<number>`0`;
  const page = selected(tables.selectFrom('product as p').select(productColumns).select(score.as('score')), selection);
  const column = order.by === 'RELEVANCE' ? raw<number>`score` : raw.ref<string | number | Date>(sortColumns[order.by]);
  const sorted = page.orderBy(column, direction).orderBy('p.id', direction).limit(limit);
  if (!after) return sorted;
  // In WHERE a column has no other name.
  const place = order.by === 'RELEVANCE' ? score : column;
  const value = order.by === 'CREATED_AT' ? new Date(after.value) : after.value;
  return sorted.where((eb) =>
    eb.or([eb(place, beyond, value), eb.and([eb(place, '=', value), eb('p.id', beyond, idToBytes(after.id))])]),
  );
}

const listedOf = (row: object): Listed => ({ ...productOf(row), score: Number((row as { score: unknown }).score) });

/** Several pages in one statement. */
export const productPages = async (sql: Sql, pages: readonly ListPage[]): Promise<Listed[][]> =>
  (await findMany(sql, pages.map(pageOf))).map((rows) => rows.map(listedOf));

/** How many products each selection has, in one statement. */
export async function countProducts(sql: Sql, selections: readonly ListSelection[]): Promise<number[]> {
  const count = tables.selectFrom('product as p').select(({ fn }) => fn.countAll().as('total'));
  return (await findMany(sql, selections.map((selection) => selected(count, selection)))).map(([row]) => Number(row?.total ?? 0)); // prettier-ignore
}

export type LowStockPage = { readonly beforeId: string | null; readonly limit: number };

const low = tables
  .selectFrom('stock as s')
  .innerJoin('product as p', 'p.id', 's.product_id')
  .where('p.status', '<>', 'ARCHIVED')
  .where((eb) => eb(eb('s.on_hand', '-', eb.ref('s.allocated')), '<=', eb.ref('s.low_stock_threshold')));

/** Products of which no more is left than their threshold, the newest first. */
export async function lowStockPages(sql: Sql, pages: readonly LowStockPage[]): Promise<Product[][]> {
  const statements = pages.map(({ beforeId, limit }) => {
    const page = beforeId === null ? low : low.where('s.product_id', '<', idToBytes(beforeId));
    return page.select(productColumns).orderBy('s.product_id', 'desc').limit(limit);
  });
  return (await findMany(sql, statements)).map((rows) => rows.map(productOf));
}

export async function countLowStock(sql: Sql): Promise<number> {
  const [rows] = await findMany(sql, [low.select(({ fn }) => fn.countAll().as('total'))]);
  return Number(rows?.[0]?.total ?? 0);
}
