import DataLoader from 'dataloader';
import type { Database } from '../shared/database/database.ts';
import type { Product } from './domain/product.ts';
import type { Listed } from './domain/product-list.ts';
import type { AvailabilityDay } from './domain/nights.ts';
import type { Movement, Reservation, Stock } from './domain/stock.ts';
import { categoriesByIds, categoryPaths, readTree } from './category-store.ts';
import type { Category, CategoryTree } from './domain/category.ts';
import type { ProductGroup, ProductOption } from './domain/product-group.ts';
import { type MovementPage, movementPages } from './ledger-store.ts';
import { type NightRange, nightRows } from './night-store.ts';
import { type ReservationList, reservationLists, reservationsByIds, stocksByProductIds } from './stock-store.ts';
import {
  type ListPage,
  type ListSelection,
  type LowStockPage,
  countLowStock,
  countProducts,
  lowStockPages,
  productPages,
} from './product-list-store.ts';
import { groupsByIds, optionsOfProducts, productsOfGroups } from './product-group-store.ts';
import { productsByIds, productsBySkus } from './product-store.ts';

/** Lists that one statement reads at most; each is a SELECT of a UNION ALL. */
const maxListsPerStatement = 50;
const maxRowsPerStatement = 500;

export type Loaders = {
  readonly productById: DataLoader<string, Product | null>;
  readonly productBySku: DataLoader<string, Product | null>;
  readonly categoryById: DataLoader<string, Category | null>;
  /** The category and its parents, up to the root. */
  readonly categoryTree: () => Promise<CategoryTree>;
  readonly groupById: DataLoader<string, ProductGroup | null>;
  readonly groupProducts: DataLoader<string, readonly Product[]>;
  readonly options: DataLoader<string, readonly ProductOption[]>;
  readonly lowStock: DataLoader<LowStockPage, readonly Product[], string>;
  readonly lowStockCount: () => Promise<number>;
  readonly categoryPath: DataLoader<string, readonly string[]>;
  /** Null for kinds that have no stock. */
  readonly stock: DataLoader<string, Stock | null>;
  readonly reservationById: DataLoader<string, Reservation | null>;
  readonly movements: DataLoader<MovementPage, readonly Movement[], string>;
  readonly reservations: DataLoader<ReservationList, readonly Reservation[], string>;
  readonly nights: DataLoader<NightRange, readonly AvailabilityDay[], string>;
  readonly products: DataLoader<ListPage, readonly Listed[], string>;
  readonly productCount: DataLoader<ListSelection, number, string>;
};

/** Loaders of one request: what it asks for at the same time is read by one statement, and only once. */
export function createLoaders(db: Database): Loaders {
  const one = <Value>(read: (keys: readonly string[]) => Promise<readonly Value[]>, keyOf: (value: Value) => string) =>
    new DataLoader<string, Value | null>(
      async (keys) => {
        const found = new Map((await read(keys)).map((value) => [keyOf(value), value]));
        return keys.map((key) => found.get(key) ?? null);
      },
      { maxBatchSize: maxRowsPerStatement },
    );
  const many = <Key, Value>(read: (keys: readonly Key[]) => Promise<readonly Value[]>) =>
    new DataLoader<Key, Value, string>(read, {
      maxBatchSize: maxListsPerStatement,
      cacheKeyFn: (key) => JSON.stringify(key),
    });
  let tree: Promise<CategoryTree> | undefined;
  return {
    productById: one((ids) => productsByIds(db.em(), ids), (product) => product.id),
    productBySku: new DataLoader((skus) => productsBySkus(db.em(), skus), { maxBatchSize: maxRowsPerStatement }),
    categoryById: one((ids) => categoriesByIds(db.em(), ids), (category) => category.id),
    categoryTree: () => (tree ??= readTree(db.em())),
    groupById: one((ids) => groupsByIds(db.em(), ids), (group) => group.id),
    groupProducts: new DataLoader((ids) => productsOfGroups(db.em(), ids), { maxBatchSize: maxListsPerStatement }),
    options: new DataLoader((ids) => optionsOfProducts(db.em(), ids), { maxBatchSize: maxRowsPerStatement }),
    lowStock: many((pages) => lowStockPages(db.em(), pages)),
    lowStockCount: () => countLowStock(db.em()),
    categoryPath: new DataLoader((ids) => categoryPaths(db.em(), ids), { maxBatchSize: maxRowsPerStatement }),
    stock: one((ids) => stocksByProductIds(db.em(), ids), (stock) => stock.productId),
    reservationById: one((ids) => reservationsByIds(db.em(), ids), (reservation) => reservation.id),
    movements: many((pages) => movementPages(db.em(), pages)),
    reservations: many((lists) => reservationLists(db.em(), lists)),
    nights: many((ranges) => nightRows(db.em(), ranges)),
    products: many((pages) => productPages(db.em(), pages)),
    productCount: many((selections) => countProducts(db.em(), selections)),
  }; // prettier-ignore
}
