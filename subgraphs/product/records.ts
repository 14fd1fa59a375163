import { defineEntity, p } from '@mikro-orm/core';
import { at, bytes, id, minor, text } from '../shared/database/columns.ts';
import { type TablesOf, builderFor, inserterFor } from '../shared/database/tables.ts';
import type { AddOn, ProductKind, ProductStatus } from './domain/product.ts';
import type { MovementType, ReservationState } from './domain/stock.ts';

/** The rows of `product`, as the migrations make them. */
export const ProductRecord = defineEntity({
  name: 'ProductRecord',
  tableName: 'product',
  properties: {
    id: id().primary(),
    sku: p.string().length(64).unique(),
    kind: text<ProductKind>(16),
    name: p.string().length(200),
    subtitle: p.string().length(200).nullable(),
    description: p.text(),
    cover: p.string().length(500).nullable(),
    images: p.json<string[]>(),
    currency: p.character().length(3),
    priceMinor: minor(),
    marketPriceMinor: minor().nullable(),
    addOns: p.json<AddOn[]>(),
    status: text<ProductStatus>(16),
    capacity: p.integer().nullable(),
    maxGuests: p.integer().nullable(),
    sellerId: id().nullable(),
    categoryId: id().nullable(),
    taxCategory: text<string>(32),
    weightGrams: p.integer().nullable(),
    groupId: id().nullable(),
    groupPosition: p.integer().nullable(),
    optionsHash: bytes(32).nullable(),
    sold: minor(),
    nameKey: p.string().length(200),
    searchText: p.text(),
    skuKey: p.string().length(64).nullable(),
    /** The version that the search knows. */
    indexedVersion: p.integer(),
    version: p.integer(),
    createdAt: at(),
    updatedAt: at(),
  },
});

/** The rows of `category`. */
export const CategoryRecord = defineEntity({
  name: 'CategoryRecord',
  tableName: 'category',
  properties: {
    id: id().primary(),
    slug: text<string>(64).unique(),
    name: text<string>(200),
    parentId: id().nullable(),
    createdAt: at(),
    updatedAt: at(),
  },
});

/** The one row of `category_tree`. Changes of the tree lock it, so that they happen one after another. */
const CategoryTreeRecord = defineEntity({
  name: 'CategoryTreeRecord',
  tableName: 'category_tree',
  properties: { id: p.integer().primary(), version: p.integer() },
});

/** The rows of `product_group`: products that are forms of one. */
export const ProductGroupRecord = defineEntity({
  name: 'ProductGroupRecord',
  tableName: 'product_group',
  properties: {
    id: id().primary(),
    name: text<string>(200),
    optionNames: p.json<string[]>(),
    sellerId: id().nullable(),
    createdAt: at(),
    updatedAt: at(),
  },
});

/** The rows of `product_option`: what tells a product from the others of its group. Keys are folded. */
export const ProductOptionRecord = defineEntity({
  name: 'ProductOptionRecord',
  tableName: 'product_option',
  properties: {
    productId: id().primary(),
    position: p.integer().primary(),
    name: text<string>(64),
    value: text<string>(64),
    nameKey: text<string>(255),
    valueKey: text<string>(255),
  },
});

/** The rows of `search_word`: every word that a product ever had. */
const SearchWordRecord = defineEntity({
  name: 'SearchWordRecord',
  tableName: 'search_word',
  properties: { word: text<string>(64).primary(), stem: text<string>(64) },
});

/** The rows of `search_form`: words with a letter left out. */
const SearchFormRecord = defineEntity({
  name: 'SearchFormRecord',
  tableName: 'search_form',
  properties: { form: text<string>(64).primary(), word: text<string>(64).primary() },
});

/** The rows of `search_posting`: which product has a word, and what it counts for. */
const SearchPostingRecord = defineEntity({
  name: 'SearchPostingRecord',
  tableName: 'search_posting',
  properties: { word: text<string>(64).primary(), productId: id().primary(), weight: p.integer() },
});

/** The rows of `stock`: the counters of one product. */
export const StockRecord = defineEntity({
  name: 'StockRecord',
  tableName: 'stock',
  properties: {
    productId: id().primary(),
    onHand: p.integer(),
    allocated: p.integer(),
    lowStockThreshold: p.integer(),
    allowBackorder: p.boolean(),
    version: p.integer(),
    updatedAt: at(),
  },
});

/** The rows of `low_stock_notice`: products that were told to be running out. */
const LowStockNoticeRecord = defineEntity({
  name: 'LowStockNoticeRecord',
  tableName: 'low_stock_notice',
  properties: {
    productId: id().primary(),
    toldAt: at(),
    /** It has had enough since. */
    recovered: p.boolean(),
  },
});

/** The rows of `stock_reservation`: what one order holds of one product. */
export const StockReservationRecord = defineEntity({
  name: 'StockReservationRecord',
  tableName: 'stock_reservation',
  properties: {
    id: id().primary(),
    orderId: id(),
    productId: id(),
    quantity: p.integer(),
    state: text<ReservationState>(16),
    expiresAt: at(),
    createdAt: at(),
    settledAt: at().nullable(),
  },
});

/** The rows of `stock_movement`: the ledger of the counters. */
export const StockMovementRecord = defineEntity({
  name: 'StockMovementRecord',
  tableName: 'stock_movement',
  properties: {
    productId: id().primary(),
    seq: p.integer().primary(),
    type: text<MovementType>(16),
    onHandDelta: p.integer(),
    allocatedDelta: p.integer(),
    onHandAfter: p.integer(),
    allocatedAfter: p.integer(),
    reservationId: id().nullable(),
    orderId: id().nullable(),
    sagaBranch: p.string().length(64).nullable(),
    actor: p.string().length(64),
    reason: p.string().length(500).nullable(),
    at: at(),
  },
});

/** The rows of `night`: the counters of one night of a product that is booked by nights. */
const NightRecord = defineEntity({
  name: 'NightRecord',
  tableName: 'night',
  properties: {
    productId: id().primary(),
    night: p.date().primary(),
    capacity: p.integer(),
    onHand: p.integer(),
    allocated: p.integer(),
    version: p.integer(),
    updatedAt: at(),
  },
});

/** The rows of `night_reservation`: the rooms that one order has of one night. */
const NightReservationRecord = defineEntity({
  name: 'NightReservationRecord',
  tableName: 'night_reservation',
  properties: {
    orderId: id().primary(),
    productId: id().primary(),
    night: p.date().primary(),
    quantity: p.integer(),
  },
});

/** The rows of `night_movement`: the ledger of a night's counters. */
const NightMovementRecord = defineEntity({
  name: 'NightMovementRecord',
  tableName: 'night_movement',
  properties: {
    productId: id().primary(),
    night: p.date().primary(),
    seq: p.integer().primary(),
    type: text<MovementType>(16),
    onHandDelta: p.integer(),
    allocatedDelta: p.integer(),
    onHandAfter: p.integer(),
    allocatedAfter: p.integer(),
    reservationId: id().nullable(),
    orderId: id().nullable(),
    sagaBranch: p.string().length(64).nullable(),
    actor: p.string().length(64),
    reason: p.string().length(500).nullable(),
    at: at(),
  },
});

export const productEntities = [
  ProductRecord,
  CategoryRecord,
  CategoryTreeRecord,
  ProductGroupRecord,
  ProductOptionRecord,
  SearchWordRecord,
  SearchFormRecord,
  SearchPostingRecord,
  StockRecord,
  LowStockNoticeRecord,
  StockReservationRecord,
  StockMovementRecord,
  NightRecord,
  NightReservationRecord,
  NightMovementRecord,
] as const;

/** The tables of this schema. */
export type ProductTables = TablesOf<typeof productEntities>;
/** Statements on them: a wrong table, column or value is a compile error. */
export const tables = builderFor<ProductTables>();
export const insertInto = inserterFor<ProductTables>();
