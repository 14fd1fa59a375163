import type { Viewer } from '../shared/auth/viewer.ts';
import { type Page, foreignCursor, pageArguments, toPage } from '../shared/values/paging.ts';
import { badUserInput, notFound } from '../shared/errors/errors.ts';
import { isId } from '../shared/values/ids.ts';
import { datesBetween, daysBetween } from '../shared/values/local-date.ts';
import type { ProductDeps } from './deps.ts';
import {
  type ProductFilter,
  type ProductOrder,
  bestFirst,
  cursorLength,
  keyOf,
  maxIds,
  newestFirst,
  positionOf,
  statusesFor,
} from './domain/product-list.ts';
import type { Category } from './domain/category.ts';
import { type ProductGroup, maxOptionNames } from './domain/product-group.ts';
import { type Product, mayEdit, mayResolve, maySee } from './domain/product.ts';
import { type AvailabilityDay, maxAvailabilityDays } from './domain/nights.ts';
import type { Movement, Stock } from './domain/stock.ts';
import { type SearchWord, hasWord, wordsOf } from './domain/search.ts';
import type { Loaders } from './loaders.ts';
import type { FoundBy } from './search-store.ts';
import { type AuditRow, auditNights, auditStock, maxAudited } from './ledger-store.ts';

type Reading = { readonly viewer: Viewer; readonly loaders: Loaders };
type PageInput = { readonly first?: number | null; readonly after?: string | null };

/** By exactly one of id and SKU. Throws NOT_FOUND also for what the viewer may not see. */
export async function findProduct(
  { viewer, loaders }: Reading,
  by: { id?: string | null; sku?: string | null },
): Promise<Product> {
  if ((typeof by.id === 'string') === (typeof by.sku === 'string'))
    throw badUserInput('product: takes exactly one of id and sku.');
  const product = await lookUp(loaders, by);
  if (!product || !maySee(viewer, product)) throw notFound('There is no such product.');
  return product;
}

/** A product that another subgraph refers to; null where there is none for this viewer. */
export async function resolveProduct(
  { viewer, loaders }: Reading,
  by: { id?: string | null; sku?: string | null },
): Promise<Product | null> {
  const product = await lookUp(loaders, by);
  return product && mayResolve(viewer, product) ? product : null;
}

async function lookUp(
  loaders: Loaders,
  { id, sku }: { id?: string | null; sku?: string | null },
): Promise<Product | null> {
  if (typeof id === 'string') return isId(id) ? loaders.productById.load(id) : null;
  return typeof sku === 'string' ? loaders.productBySku.load(sku) : null;
}

export type ProductConnection = Page<Product> & { readonly totalCount: () => Promise<number> };

/** A page of the catalogue. Throws BAD_USER_INPUT for a page, a cursor or a search beyond its limits. */
export async function listProducts(
  { viewer, loaders }: Reading,
  input: PageInput & {
    readonly filter?: ProductFilter | null;
    readonly orderBy?: ProductOrder | null;
    /** Only what stands in this category, or below it. */
    readonly categoryId?: string;
  },
): Promise<ProductConnection> {
  if ((input.filter?.options?.length ?? 0) > maxOptionNames)
    throw badUserInput(`filter.options: must have at most ${maxOptionNames} entries.`);
  if ((input.filter?.ids?.length ?? 0) > maxIds) throw badUserInput(`filter.ids: must have at most ${maxIds} entries.`);
  const words = wordsOf(input.filter?.query ?? '');
  const order = input.orderBy ?? (words.length > 0 ? bestFirst : newestFirst);
  const selection = { filter: input.filter ?? {}, order, categoryId: input.categoryId };
  const page = pageArguments(input, { name: 'products', keyLength: cursorLength, selection });
  const { status, categoryId, query: _, ...filter } = input.filter ?? {};
  const categoryIds = await categoriesWithin(loaders, [input.categoryId, categoryId]);
  const selected = {
    statuses: statusesFor(viewer, { ...filter, status }),
    filter,
    search: await searched(loaders, words),
    categoryIds,
  };
  const products = await loaders.products.load({
    ...selected,
    order,
    after: page.after === null ? null : positionOf(page.after, order.by),
    limit: page.first + 1,
  });
  // Called only when the field is selected.
  return { ...toPage(products, page, keyOf(order.by)), totalCount: () => loaders.productCount.load(selected) };
}

/** For each word the categories whose name has it, or that are below such a one. */
async function searched(loaders: Pick<Loaders, 'categoryTree'>, words: readonly SearchWord[]): Promise<FoundBy[]> {
  if (words.length === 0) return [];
  const tree = await loaders.categoryTree();
  return words.map((word) => {
    const named = tree.all.filter(({ name }) => hasWord(name, word));
    return { word, categoryIds: [...new Set(named.flatMap(({ id }) => tree.within(id)))] };
  });
}

/** All categories that are within each of these; null for no limit. */
async function categoriesWithin(
  loaders: Pick<Loaders, 'categoryTree'>,
  categoryIds: readonly (string | null | undefined)[],
): Promise<readonly string[] | null> {
  const ids = categoryIds.filter((id) => typeof id === 'string');
  if (ids.length === 0) return null;
  const tree = await loaders.categoryTree();
  return ids.map((id) => tree.within(id)).reduce((one, other) => one.filter((id) => other.includes(id)));
}

/** By exactly one of id and slug. Throws NOT_FOUND for a category that there isn't. */
export async function findCategory(
  { loaders }: Reading,
  { id, slug }: { id?: string | null; slug?: string | null },
): Promise<Category> {
  if ((typeof id === 'string') === (typeof slug === 'string'))
    throw badUserInput('category: takes exactly one of id and slug.');
  const tree = await loaders.categoryTree();
  const category = typeof id === 'string' ? tree.byId(id) : tree.bySlug(String(slug));
  if (!category) throw notFound('There is no such category.');
  return category;
}

/** The products of a group that this viewer may find in a list, in the group's order. */
export const listGroup = async ({ viewer, loaders }: Reading, group: ProductGroup): Promise<Product[]> =>
  (await loaders.groupProducts.load(group.id)).filter(({ status, sellerId }) =>
    statusesFor(viewer, { sellerId }).includes(status),
  );

/** The group, where this viewer sees one of its products or may change it; else null. */
export async function resolveGroup(context: Reading, id: string): Promise<ProductGroup | null> {
  const group = isId(id) ? await context.loaders.groupById.load(id) : null;
  if (!group) return null;
  return mayEdit(context.viewer, group) || (await listGroup(context, group)).length > 0 ? group : null;
}

/** As `resolveGroup`. Throws NOT_FOUND instead. */
export async function findGroup(context: Reading, id: string): Promise<ProductGroup> {
  const group = await resolveGroup(context, id);
  if (!group) throw notFound('There is no such group of products.');
  return group;
}

/** Products of which no more is left than their threshold, the newest first. */
export async function listLowStock(loaders: Loaders, input: PageInput): Promise<ProductConnection> {
  const page = pageArguments(input, { name: 'low stock', keyLength: 1 });
  const beforeId = page.after?.[0] ?? null;
  if (beforeId !== null && !isId(beforeId)) throw foreignCursor();
  const products = await loaders.lowStock.load({ beforeId, limit: page.first + 1 });
  return { ...toPage(products, page, ({ id }) => [id]), totalCount: loaders.lowStockCount };
}

const movementCursorLength = 1;

/** The ledger of one product, newest first. */
export async function listMovements(loaders: Loaders, stock: Stock, input: PageInput): Promise<Page<Movement>> {
  const page = pageArguments(input, {
    name: 'stock movements',
    keyLength: movementCursorLength,
    selection: stock.productId,
  });
  const beforeSeq = page.after?.[0] ?? null;
  if (typeof beforeSeq === 'string' || !Number.isSafeInteger(beforeSeq ?? 0)) throw foreignCursor();
  const movements = await loaders.movements.load({ productId: stock.productId, beforeSeq, limit: page.first + 1 });
  return toPage(movements, page, (movement) => [movement.seq]);
}

/**
 * The rooms of each night from `from` up to the one before `to`; nothing for a product that isn't booked by nights. Throws
 * BAD_USER_INPUT unless these are 1 to 92 nights.
 */
export async function listNights(
  loaders: Pick<Loaders, 'nights'>,
  product: Pick<Product, 'id' | 'capacity'>,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<AvailabilityDay[]> {
  const days = daysBetween(from, to);
  if (days < 1 || days > maxAvailabilityDays)
    throw badUserInput(`to: must be 1 to ${maxAvailabilityDays} days after from.`);
  const { capacity } = product;
  if (capacity === null) return [];
  const rows = new Map((await loaders.nights.load({ productId: product.id, from, to })).map((day) => [day.date, day]));
  const untouched = { capacity, held: 0, sold: 0, available: capacity };
  return datesBetween(from, to).map((date) => rows.get(date) ?? { date, ...untouched });
}

export type StockAudit = AuditRow & { readonly checkedAt: Date };

/** Replays the ledger against the counters: of one product (none if it has neither stock nor nights), or of all. */
export async function auditStocks(
  deps: Pick<ProductDeps, 'db' | 'now'>,
  productId: string | null | undefined,
): Promise<StockAudit[]> {
  if (typeof productId === 'string' && !isId(productId)) return [];
  const checkedAt = deps.now();
  const stocks = await auditStock(deps.db.em(), productId ?? null);
  const nights = await auditNights(deps.db.em(), productId ?? null);
  return [...stocks, ...nights]
    .map((row) => ({ ...row, checkedAt }))
    .toSorted((one, other) => Number(one.consistent) - Number(other.consistent))
    .slice(0, maxAudited);
}
