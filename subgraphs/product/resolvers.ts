import { isService, isStaff, requireService, requireStaff } from '../shared/auth/viewer.ts';
import { isId } from '../shared/values/ids.ts';
import { moneyToJson } from '../shared/values/money.ts';
import { plainJson } from '../shared/values/plain-json.ts';
import { scalars } from '../shared/values/scalars.ts';
import type { ResolverMap } from '../shared/engine/subgraph.ts';
import type { CallContext } from '../shared/engine/prepare.ts';
import { adjustStock } from './commands/adjust-stock.ts';
import { type CreateProductInput, createProduct } from './commands/create-product.ts';
import { type ReleaseStockInput, releaseStock } from './commands/release-stock.ts';
import { removeProduct } from './commands/remove-product.ts';
import { reserveStock } from './commands/reserve-stock.ts';
import type { ReserveStockInput } from './domain/reservation.ts';
import { removeCategory } from './commands/remove-category.ts';
import { type SaveCategoryInput, saveCategory } from './commands/save-category.ts';
import { type SaveProductGroupInput, saveProductGroup } from './commands/save-product-group.ts';
import { setStock } from './commands/set-stock.ts';
import { type UpdateProductInput, updateProduct } from './commands/update-product.ts';
import type { ProductDeps } from './deps.ts';
import type { Category } from './domain/category.ts';
import { newestFirst } from './domain/product-list.ts';
import type { ProductGroup } from './domain/product-group.ts';
import type { Product } from './domain/product.ts';
import type { Movement, Reservation, ReservationState, Stock, StockDelta, StockSet } from './domain/stock.ts';
import { eraseSeller, obstaclesOf, personalData } from './erasure.ts';
import type { Loaders } from './loaders.ts';
import {
  type StockAudit,
  auditStocks,
  findCategory,
  findGroup,
  findProduct,
  listGroup,
  listLowStock,
  listMovements,
  listNights,
  listProducts,
  resolveGroup,
  resolveProduct,
} from './queries.ts';
import { type StockChange, watchStock } from './stock-changes.ts';
import type { StockReader } from './stock-reader.ts';

export type ProductContext = CallContext & {
  readonly deps: ProductDeps;
  readonly loaders: Loaders;
  readonly stockReader: StockReader;
};

type ListArguments = Parameters<typeof listProducts>[1];
type PageArguments = Parameters<typeof listMovements>[2];
type Lookup = { id?: string | null; sku?: string | null };

const userReference = (id: string | null) => (id === null ? null : { __typename: 'User', id });

/** One line each: authorise, call a command or a query, return. */
export const resolvers: ResolverMap = {
  DateTime: scalars.DateTime,
  SafeInt: scalars.SafeInt,
  LocalDate: scalars.LocalDate,
  JSON: scalars.JSON,
  Query: {
    productErasureObstacles: (_: unknown, { userId }: { userId: string }, { deps, viewer }: ProductContext) => {
      requireService(viewer, 'user');
      return obstaclesOf(deps, userId);
    },
    productPersonalData: async (_: unknown, { userId }: { userId: string }, { deps, viewer }: ProductContext) => {
      requireService(viewer, 'user');
      return plainJson(await personalData(deps, userId));
    },
    product: (_: unknown, by: Lookup, context: ProductContext) => findProduct(context, by),
    products: (_: unknown, list: ListArguments, context: ProductContext) => listProducts(context, list),
    categories: async (_: unknown, __: unknown, { loaders }: ProductContext) => (await loaders.categoryTree()).all,
    category: (_: unknown, by: { id?: string | null; slug?: string | null }, context: ProductContext) =>
      findCategory(context, by),
    productGroup: (_: unknown, { id }: { id: string }, context: ProductContext) => findGroup(context, id),
    lowStock: (_: unknown, page: PageArguments, { viewer, loaders }: ProductContext) => {
      requireStaff(viewer);
      return listLowStock(loaders, page);
    },
    stockAudit: (_: unknown, { productId }: { productId?: string | null }, { viewer, deps }: ProductContext) => {
      requireStaff(viewer);
      return auditStocks(deps, productId);
    },
  },
  Mutation: {
    saveCategory: (
      _: unknown,
      { idempotencyKey, ...input }: SaveCategoryInput & { idempotencyKey: string },
      { deps, ...asker }: ProductContext,
    ) => saveCategory(deps, asker, input, idempotencyKey),
    removeCategory: (
      _: unknown,
      { id, idempotencyKey }: { id: string; idempotencyKey: string },
      { deps, ...asker }: ProductContext,
    ) => removeCategory(deps, asker, id, idempotencyKey),
    saveProductGroup: (
      _: unknown,
      { idempotencyKey, ...input }: SaveProductGroupInput & { idempotencyKey: string },
      { deps, ...asker }: ProductContext,
    ) => saveProductGroup(deps, asker, input, idempotencyKey),
    createProduct: (
      _: unknown,
      { input, idempotencyKey }: { input: CreateProductInput; idempotencyKey: string },
      { deps, ...asker }: ProductContext,
    ) => createProduct(deps, asker, input, idempotencyKey),
    updateProduct: (
      _: unknown,
      { input, idempotencyKey }: { input: UpdateProductInput; idempotencyKey?: string | null },
      { deps, ...asker }: ProductContext,
    ) => updateProduct(deps, asker, input, idempotencyKey),
    removeProduct: (
      _: unknown,
      { id, idempotencyKey }: { id: string; idempotencyKey?: string | null },
      { deps, ...asker }: ProductContext,
    ) => removeProduct(deps, asker, id, idempotencyKey),
    adjustStock: (
      _: unknown,
      { changes, idempotencyKey }: { changes: StockDelta[]; idempotencyKey: string },
      { deps, ...asker }: ProductContext,
    ) => adjustStock(deps, asker, changes, idempotencyKey),
    setStock: (
      _: unknown,
      { changes, idempotencyKey }: { changes: StockSet[]; idempotencyKey: string },
      { deps, ...asker }: ProductContext,
    ) => setStock(deps, asker, changes, idempotencyKey),
    eraseFromProducts: (_: unknown, { userId }: { userId: string }, { deps, viewer }: ProductContext) => {
      requireService(viewer, 'user');
      return eraseSeller(deps, userId);
    },
    reserveStock: (_: unknown, input: ReserveStockInput, { deps, viewer }: ProductContext) => {
      requireService(viewer, 'order');
      return reserveStock(deps, input);
    },
    releaseStock: (_: unknown, input: ReleaseStockInput, { deps, viewer }: ProductContext) => {
      requireService(viewer, 'order');
      return releaseStock(deps, input);
    },
  },
  Subscription: {
    stockChanged: {
      subscribe: (
        _: unknown,
        { productIds }: { productIds: string[] },
        { deps: { live }, stockReader, viewer }: ProductContext,
      ) => watchStock({ live, stockReader }, viewer, productIds),
      resolve: (change: StockChange, _: unknown, { loaders }: ProductContext) => {
        // A subscription's loaders live as long as it does, and must not remember counters.
        loaders.stock.clear(change.product.id).prime(change.product.id, change.stock);
        loaders.movements.clearAll();
        loaders.reservations.clearAll();
        loaders.products.clearAll();
        loaders.productCount.clearAll();
        loaders.nights.clearAll();
        return change;
      },
    },
  },
  Product: {
    __resolveReference: (by: Lookup, context: ProductContext) => resolveProduct(context, by),
    price: (product: Product) => moneyToJson(product.price),
    marketPrice: (product: Product) => product.marketPrice && moneyToJson(product.marketPrice),
    category: ({ categoryId }: Product, _: unknown, { loaders }: ProductContext) =>
      categoryId === null ? null : loaders.categoryById.load(categoryId),
    categoryIds: ({ categoryId }: Product, _: unknown, { loaders }: ProductContext) =>
      categoryId === null ? [] : loaders.categoryPath.load(categoryId),
    group: ({ groupId }: Product, _: unknown, { loaders }: ProductContext) =>
      groupId === null ? null : loaders.groupById.load(groupId),
    options: ({ id, groupId }: Product, _: unknown, { loaders }: ProductContext) =>
      groupId === null ? [] : loaders.options.load(id),
    seller: (product: Product) => userReference(product.sellerId),
    availability: (product: Product, range: { from: string; to: string }, { loaders }: ProductContext) =>
      listNights(loaders, product, range),
    stock: (product: Product, _: unknown, { loaders }: ProductContext) => loaders.stock.load(product.id),
  },
  Category: {
    __resolveReference: ({ id }: { id: string }, { loaders }: ProductContext) =>
      isId(id) ? loaders.categoryById.load(id) : null,
    parent: ({ parentId }: Category, _: unknown, { loaders }: ProductContext) =>
      parentId === null ? null : loaders.categoryById.load(parentId),
    children: async ({ id }: Category, _: unknown, { loaders }: ProductContext) =>
      (await loaders.categoryTree()).childrenOf(id),
    products: ({ id }: Category, list: ListArguments, context: ProductContext) =>
      listProducts(context, { ...list, categoryId: id }),
  },
  ProductGroup: {
    __resolveReference: ({ id }: { id: string }, context: ProductContext) => resolveGroup(context, id),
    products: (group: ProductGroup, _: unknown, context: ProductContext) => listGroup(context, group),
  },
  User: {
    // Only an id: whether there is such a user, the user subgraph tells.
    __resolveReference: ({ id }: { id: string }) => (isId(id) ? userReference(id) : null),
    products: ({ id }: { id: string }, page: PageArguments, context: ProductContext) =>
      listProducts(context, { ...page, filter: { sellerId: id }, orderBy: newestFirst }),
  },
  StockLevel: {
    available: (stock: Stock) => stock.onHand - stock.allocated,
    movements: (stock: Stock, page: PageArguments, { viewer, loaders }: ProductContext) => {
      requireStaff(viewer);
      return listMovements(loaders, stock, page);
    },
    reservations: (
      stock: Stock,
      { state }: { state?: ReservationState | null },
      { viewer, loaders }: ProductContext,
    ) => {
      requireStaff(viewer);
      return loaders.reservations.load({ productId: stock.productId, state: state ?? null });
    },
  },
  StockReservation: {
    __resolveReference: ({ id }: { id: string }, { viewer, loaders }: ProductContext) =>
      isStaff(viewer) || isService(viewer) ? loaders.reservationById.load(id) : null,
    product: (reservation: Reservation, _: unknown, { loaders }: ProductContext) =>
      loaders.productById.load(reservation.productId),
  },
  StockMovement: {
    id: (movement: Movement) => `${movement.productId}:${movement.seq}`,
  },
  StockAudit: {
    product: (audit: StockAudit, _: unknown, { loaders }: ProductContext) => loaders.productById.load(audit.productId),
  },
};
