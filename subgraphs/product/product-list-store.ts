import { type SelectQueryBuilder, sql as raw } from 'kysely';
import type { Sql } from '../shared/database/statements.ts';
import { findMany } from '../shared/database/tables.ts';
import { idToBytes, isId } from '../shared/values/ids.ts';
import type { Position, ProductFilter, ProductOrder, ProductSort } from './domain/product-list.ts';
import { foldedOption } from './domain/product-group.ts';
import type { Product, ProductStatus } from './domain/product.ts';
import { wordsOf } from './domain/search.ts';
import { productColumns, productOf } from './product-store.ts';
import { type ProductTables, tables } from './records.ts';

/** What a list of products has, apart from where the page begins. */
export type ListSelection = {
  readonly statuses: readonly ProductStatus[];
  readonly filter: Omit<ProductFilter, 'status' | 'categoryId'>;
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
} as const satisfies Readonly<Record<ProductSort, string>>;
const escapeLike = (word: string): string => word.replaceAll(/[\\%_]/g, String.raw`\$&`);

type Products<Row> = SelectQueryBuilder<ProductTables & { p: ProductTables['product'] }, 'p', Row>;

/** `in ()` is no SQL: an empty list has nothing. */
const nothing = raw<boolean>`false`;

function selected<Row>(products: Products<Row>, { statuses, filter, categoryIds }: ListSelection): Products<Row> {
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
  if (categoryIds?.length === 0 || filter.kind?.length === 0) list = list.where(nothing);
  if (categoryIds?.length) list = list.where('p.category_id', 'in', categoryIds.map(idToBytes));
  if (filter.kind?.length) list = list.where('p.kind', 'in', filter.kind);
  if (typeof filter.priceMin === 'number') list = list.where('p.price_minor', '>=', filter.priceMin);
  if (typeof filter.priceMax === 'number') list = list.where('p.price_minor', '<=', filter.priceMax);
  for (const { part, stem } of wordsOf(filter.query ?? ''))
    list = list.where((eb) =>
      eb.or([
        eb('p.search_text', 'like', `%${escapeLike(part)}%`),
        eb('p.search_text', 'like', `% ${escapeLike(stem)} %`),
      ]),
    );
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
  const column = sortColumns[order.by];
  const direction = order.direction === 'ASC' ? 'asc' : 'desc';
  const beyond = order.direction === 'ASC' ? '>' : '<';
  let page = selected(tables.selectFrom('product as p').select(productColumns), selection);
  if (after) {
    const value = order.by === 'CREATED_AT' ? new Date(after.value) : after.value;
    page = page.where((eb) =>
      eb.or([eb(column, beyond, value), eb.and([eb(column, '=', value), eb('p.id', beyond, idToBytes(after.id))])]),
    );
  }
  return page.orderBy(column, direction).orderBy('p.id', direction).limit(limit);
}

/** Several pages in one statement. Throws BAD_USER_INPUT for a search that is too long. */
export const productPages = async (sql: Sql, pages: readonly ListPage[]): Promise<Product[][]> =>
  (await findMany(sql, pages.map(pageOf))).map((rows) => rows.map(productOf));

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
