import { defineEntity, p } from '@mikro-orm/core';
import { IdType } from '../shared/database/database.ts';

/** The rows of `product`, as the migrations make them. */
const ProductRecord = defineEntity({
  name: 'ProductRecord',
  tableName: 'product',
  properties: {
    id: p.type(IdType).primary(),
    sku: p.string().length(64).unique(),
    kind: p.string().length(16),
    name: p.string().length(200),
    subtitle: p.string().length(200).nullable(),
    description: p.text(),
    cover: p.string().length(500).nullable(),
    images: p.json<string[]>(),
    currency: p.character().length(3),
    priceMinor: p.bigint(),
    marketPriceMinor: p.bigint().nullable(),
    addOns: p.json<unknown[]>(),
    status: p.string().length(16),
    capacity: p.integer().nullable(),
    maxGuests: p.integer().nullable(),
    sellerId: p.type(IdType).nullable(),
    sold: p.bigint(),
    nameKey: p.string().length(200),
    searchText: p.text(),
    skuKey: p.string().length(64).nullable(),
    version: p.integer(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});

/** The rows of `stock`: the counters of one product. */
const StockRecord = defineEntity({
  name: 'StockRecord',
  tableName: 'stock',
  properties: {
    productId: p.type(IdType).primary(),
    onHand: p.integer(),
    allocated: p.integer(),
    lowStockThreshold: p.integer(),
    allowBackorder: p.boolean(),
    version: p.integer(),
    updatedAt: p.datetime(3),
  },
});

/** The rows of `stock_reservation`: what one order holds of one product. */
const StockReservationRecord = defineEntity({
  name: 'StockReservationRecord',
  tableName: 'stock_reservation',
  properties: {
    id: p.type(IdType).primary(),
    orderId: p.type(IdType),
    productId: p.type(IdType),
    quantity: p.integer(),
    state: p.string().length(16),
    expiresAt: p.datetime(3),
    createdAt: p.datetime(3),
    settledAt: p.datetime(3).nullable(),
  },
});

/** The rows of `stock_movement`: the ledger of the counters. */
const StockMovementRecord = defineEntity({
  name: 'StockMovementRecord',
  tableName: 'stock_movement',
  properties: {
    productId: p.type(IdType).primary(),
    seq: p.integer().primary(),
    type: p.string().length(16),
    onHandDelta: p.integer(),
    allocatedDelta: p.integer(),
    onHandAfter: p.integer(),
    allocatedAfter: p.integer(),
    reservationId: p.type(IdType).nullable(),
    orderId: p.type(IdType).nullable(),
    sagaBranch: p.string().length(64).nullable(),
    actor: p.string().length(64),
    reason: p.string().length(500).nullable(),
    at: p.datetime(3),
  },
});

/** The rows of `night`: the counters of one night of a product that is booked by nights. */
const NightRecord = defineEntity({
  name: 'NightRecord',
  tableName: 'night',
  properties: {
    productId: p.type(IdType).primary(),
    night: p.date().primary(),
    capacity: p.integer(),
    onHand: p.integer(),
    allocated: p.integer(),
    version: p.integer(),
    updatedAt: p.datetime(3),
  },
});

/** The rows of `night_reservation`: the rooms that one order has of one night. */
const NightReservationRecord = defineEntity({
  name: 'NightReservationRecord',
  tableName: 'night_reservation',
  properties: {
    orderId: p.type(IdType).primary(),
    productId: p.type(IdType).primary(),
    night: p.date().primary(),
    quantity: p.integer(),
  },
});

/** The rows of `night_movement`: the ledger of a night's counters. */
const NightMovementRecord = defineEntity({
  name: 'NightMovementRecord',
  tableName: 'night_movement',
  properties: {
    productId: p.type(IdType).primary(),
    night: p.date().primary(),
    seq: p.integer().primary(),
    type: p.string().length(16),
    onHandDelta: p.integer(),
    allocatedDelta: p.integer(),
    onHandAfter: p.integer(),
    allocatedAfter: p.integer(),
    reservationId: p.type(IdType).nullable(),
    orderId: p.type(IdType).nullable(),
    sagaBranch: p.string().length(64).nullable(),
    actor: p.string().length(64),
    reason: p.string().length(500).nullable(),
    at: p.datetime(3),
  },
});

export const productEntities = [
  ProductRecord,
  StockRecord,
  StockReservationRecord,
  StockMovementRecord,
  NightRecord,
  NightReservationRecord,
  NightMovementRecord,
] as const;
