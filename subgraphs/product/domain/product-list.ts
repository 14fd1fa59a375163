import { type Viewer, isService, isStaff } from '../../shared/auth/viewer.ts';
import { type Key, foreignCursor } from '../../shared/values/paging.ts';
import { isId } from '../../shared/values/ids.ts';
import { firstOf } from '../../shared/values/text.ts';
import type { ProductOption } from './product-group.ts';
import type { Product, ProductKind, ProductStatus } from './product.ts';

export type ProductSort = 'CREATED_AT' | 'PRICE' | 'NAME' | 'POPULARITY' | 'RELEVANCE';
export type SortDirection = 'ASC' | 'DESC';
export type ProductOrder = { readonly by: ProductSort; readonly direction: SortDirection };
export type ProductFilter = {
  readonly ids?: readonly string[] | null;
  readonly query?: string | null;
  readonly status?: readonly ProductStatus[] | null;
  readonly kind?: readonly ProductKind[] | null;
  readonly sellerId?: string | null;
  readonly priceMin?: number | null;
  readonly priceMax?: number | null;
  readonly inStock?: boolean | null;
  readonly categoryId?: string | null;
  readonly groupId?: string | null;
  readonly options?: readonly ProductOption[] | null;
};

/** Where a page begins: behind the product with this sort value and id. */
export type Position = { readonly value: string | number; readonly id: string };

export const newestFirst: ProductOrder = { by: 'CREATED_AT', direction: 'DESC' };
export const bestFirst: ProductOrder = { by: 'RELEVANCE', direction: 'DESC' };
/** A product of a list, with how well it fits the search; 0 without one. */
export type Listed = Product & { readonly score: number };
/** Sort value, id. */
export const cursorLength = 2;

const maxKeyLength = 200;
const maxEpochMs = 8.64e15;

/** What products are sorted by name with: the database compares bytes. */
export const nameKeyOf = (name: string): string => firstOf(name.normalize('NFC').toLowerCase(), maxKeyLength);

const valueOf: Readonly<Record<ProductSort, (product: Listed) => string | number>> = {
  CREATED_AT: (product) => product.createdAt.getTime(),
  PRICE: (product) => Number(product.price.amount),
  NAME: (product) => nameKeyOf(product.name),
  POPULARITY: (product) => Number(product.sold),
  RELEVANCE: ({ score }) => score,
};

export const keyOf =
  (by: ProductSort) =>
  (product: Listed): Key => [valueOf[by](product), product.id];

/** Throws BAD_USER_INPUT for a key that no list with this sort gave. */
export function positionOf(key: Key, by: ProductSort): Position {
  const [value, id] = key;
  const fits =
    by === 'NAME'
      ? typeof value === 'string'
      : Number.isSafeInteger(value) && Math.abs(Number(value)) <= (by === 'CREATED_AT' ? maxEpochMs : Infinity);
  if (!fits || value === undefined || !isId(id)) throw foreignCursor();
  return { value, id };
}

const unarchived: readonly ProductStatus[] = ['ON_SALE', 'OFF_SALE', 'DRAFT'];
/** The most products that are asked for by id. */
export const maxIds = 100;

/**
 * The statuses that a list shows. Staff, services and sellers in their own list see what they ask for, by default all
 * but what is archived; others what is on sale, and by id also what is off sale, as `product` shows it.
 */
export function statusesFor(
  viewer: Viewer,
  { status, sellerId, ids }: Pick<ProductFilter, 'status' | 'sellerId' | 'ids'>,
): readonly ProductStatus[] {
  const own = viewer.kind === 'user' && sellerId === viewer.userId;
  if (isStaff(viewer) || isService(viewer) || own) return status ?? unarchived;
  const seen: readonly ProductStatus[] = ids ? ['ON_SALE', 'OFF_SALE'] : ['ON_SALE'];
  return status ? seen.filter((each) => status.includes(each)) : seen;
}
