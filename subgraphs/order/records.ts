import { defineEntity, p } from '@mikro-orm/core';
import { at, bytes, id, minor, text } from '../shared/database/columns.ts';
import { type TablesOf, builderFor, inserterFor } from '../shared/database/tables.ts';
import type { PostalAddress } from '../shared/values/postal-address.ts';
import type { Adjustment, ChosenShipping, OrderTax } from './domain/charges.ts';
import type { JournalTexts } from './domain/journal.ts';
import type { LineAddOn, ProductKind } from './domain/line.ts';
import type {
  ActorType,
  CancelReason,
  FulfilmentStatus,
  JsonObject,
  LineQuantity,
  OrderEvent,
  OrderState,
  PaymentStatus,
} from './domain/order-model.ts';
import { PriceRulesRecord, ShippingMethodRecord, TaxRateRecord } from './price-rule-records.ts';
import { SaleRecord, SalesDayRecord, SalesPositionRecord, SalesProductRecord } from './sales-records.ts';
import { OrderReturnLineRecord, OrderReturnRecord } from './return-records.ts';
import type { Saga, SagaState, SagaStep } from './domain/saga.ts';
import { PromotionCustomerRecord, PromotionRecord } from './promotion-records.ts';

export const OrderRecord = defineEntity({
  name: 'OrderRecord',
  tableName: 'orders',
  properties: {
    id: id().primary(),
    number: text<string>(32).unique('orders_number'),
    type: text<string>(32),
    customerId: id(),
    placedBy: id().nullable(),
    state: text<OrderState>(20),
    paymentStatus: text<PaymentStatus>(20),
    fulfilmentStatus: text<FulfilmentStatus>(20),
    version: p.integer(),
    seq: p.integer(),
    lastHash: bytes(32),
    currency: p.string().columnType('char(3)'),
    subtotalMinor: minor(),
    /** All discounts, and what of them is taken off shipping. */
    discountMinor: minor().defaultRaw('0'),
    shippingDiscountMinor: minor().defaultRaw('0'),
    /** Before its discount. */
    shippingMinor: minor().defaultRaw('0'),
    /** All taxes, and what of them is due on shipping. */
    taxMinor: minor().defaultRaw('0'),
    shippingTaxMinor: minor().defaultRaw('0'),
    pricesIncludeTax: p.boolean().default(true),
    taxes: p.json<readonly OrderTax[]>().nullable(),
    adjustments: p.json<readonly Adjustment[]>().nullable(),
    shippingMethod: p.json<ChosenShipping>().nullable(),
    shippingAddress: p.json<PostalAddress>().nullable(),
    billingAddress: p.json<PostalAddress>().nullable(),
    couponCodes: p.json<readonly string[]>().nullable(),
    totalMinor: minor(),
    /** Those that took something off, each of which counts it as a use; null for none. */
    promotionIds: p.json<readonly string[]>().nullable(),
    paidMinor: minor().defaultRaw('0'),
    refundedMinor: minor().defaultRaw('0'),
    /** What goes back of it by lines, shipping and amounts and is still on its way. */
    refundPendingMinor: minor().defaultRaw('0'),
    refundedTaxMinor: minor().defaultRaw('0'),
    shippingRefundedMinor: minor().defaultRaw('0'),
    /** Held for it at a provider, neither captured nor let go yet. */
    authorizedMinor: minor().defaultRaw('0'),
    remark: text<string>(1024).nullable(),
    extension: p.json<JsonObject>().nullable(),
    clientReference: text<string>(64).nullable(),
    /** The reference until the order has FAILED: unique with the customer. */
    heldReference: text<string>(64).nullable(),
    /** The reference in lower case; the database makes it. */
    referenceKey: text<string>(64).nullable().index('orders_reference'),
    inputHash: bytes(32),
    failure: p.json<JsonObject>().nullable(),
    cancelReason: text<CancelReason>(32).nullable(),
    traceId: p.string().columnType('char(32)'),
    placedAt: at(),
    /** When it closes by itself unless it is paid. */
    expiresAt: at(),
    /** Its own deadline, while it is kept open longer for a payment that is on its way. */
    payBy: at().nullable(),
    /** A payment at a provider has been begun. */
    isPaying: p.boolean().default(false),
    paidAt: at().nullable(),
    completedAt: at().nullable(),
    closedAt: at().nullable(),
    archivedAt: at().nullable(),
    updatedAt: at(),
    /** Its type does something when it is completed, or needs attention. */
    hasHooks: p.boolean().default(false),
    advanceAt: at().nullable().index('orders_advance'),
    advanceAttempts: p.integer().default(0),
    confirmationCode: text<string>(16).nullable(),
    lapsesAt: at().nullable(),
    openUnits: p.integer().nullable(),
    placedFrom: id().nullable(),
    /** When its person was erased from it. */
    erasedAt: at().nullable(),
  },
  indexes: [
    { name: 'orders_customer', properties: ['customerId', 'placedAt', 'id'] },
    { name: 'orders_placed', properties: ['placedAt', 'id'] },
    { name: 'orders_updated', properties: ['updatedAt', 'id'] },
    { name: 'orders_due', properties: ['state', 'expiresAt'] },
    { name: 'orders_state', properties: ['state', 'placedAt', 'id'] },
    { name: 'orders_payment', properties: ['paymentStatus', 'placedAt', 'id'] },
    { name: 'orders_delivery', properties: ['fulfilmentStatus', 'placedAt', 'id'] },
    { name: 'orders_type', properties: ['type', 'placedAt', 'id'] },
    { name: 'orders_total', properties: ['totalMinor', 'id'] },
  ],
  uniques: [{ name: 'orders_held_reference', properties: ['customerId', 'heldReference'] }],
});

export const OrderLineRecord = defineEntity({
  name: 'OrderLineRecord',
  tableName: 'order_line',
  properties: {
    orderId: id().primary(),
    position: p.smallint().unsigned(false).primary(),
    id: id(),
    productId: id(),
    sellerId: id().nullable(),
    sku: text<string>(64),
    kind: text<ProductKind>(16),
    title: text<string>(200),
    subtitle: text<string>(200).nullable(),
    cover: text<string>(2000).nullable(),
    quantity: p.integer(),
    unitPriceMinor: minor(),
    marketPriceMinor: minor().nullable(),
    addOns: p.json<readonly LineAddOn[]>(),
    subtotalMinor: minor(),
    discountMinor: minor().defaultRaw('0'),
    taxMinor: minor().defaultRaw('0'),
    /** Null for the subtotal: written by a process that knew of no discounts and taxes. */
    totalMinor: minor().nullable(),
    needsFulfilment: p.boolean(),
    fulfilledQuantity: p.integer().default(0),
    refundedQuantity: p.integer().default(0),
    cancelledQuantity: p.integer().default(0),
    returnedQuantity: p.integer().default(0),
    unrefundedReturnQuantity: p.integer().default(0),
    restockedQuantity: p.integer().default(0),
    stayFrom: p.date().nullable(),
    stayTo: p.date().nullable(),
    guests: p.integer().nullable(),
  },
  indexes: [
    { name: 'order_line_product', properties: ['productId', 'orderId'] },
    { name: 'order_line_seller', properties: ['sellerId', 'id'] },
  ],
});

export const OrderEventRecord = defineEntity({
  name: 'OrderEventRecord',
  tableName: 'order_event',
  properties: {
    orderId: id().primary(),
    seq: p.integer().unsigned(false).primary(),
    id: id(),
    type: text<OrderEvent['type']>(32),
    fromState: text<OrderState>(20).nullable(),
    toState: text<OrderState>(20).nullable(),
    actorType: text<ActorType>(16),
    actorId: text<string>(64).nullable(),
    reason: text<string>(1024).nullable(),
    data: p.json<JsonObject>().nullable(),
    texts: p.json<JournalTexts>().nullable(),
    textsHash: bytes(32).nullable(),
    at: at(),
    traceId: p.string().columnType('char(32)'),
    hash: bytes(32),
    customerId: id(),
    feedSeq: minor().nullable().unique('order_event_feed'),
  },
  indexes: [{ name: 'order_event_customer', properties: ['customerId', 'feedSeq'] }],
});

/** One row: the number of the newest entry that `feed.ts` has numbered. */
export const JournalFeedRecord = defineEntity({
  name: 'JournalFeedRecord',
  tableName: 'journal_feed',
  properties: { id: p.tinyint().unsigned(false).autoincrement(false).primary(), head: minor() },
});

export const SagaRecord = defineEntity({
  name: 'SagaRecord',
  tableName: 'saga',
  properties: {
    id: id().primary(),
    kind: text<Saga['kind']>(32),
    orderId: id().index('saga_order'),
    state: text<SagaState>(16),
    steps: p.json<readonly SagaStep[]>(),
    attempts: p.integer(),
    nextRetryAt: at().nullable(),
    lastError: text<string>(1024).nullable(),
    leaseOwner: id().nullable(),
    leaseUntil: at().nullable(),
    fence: p.integer().default(0),
    createdAt: at(),
    finishedAt: at().nullable(),
  },
  indexes: [
    { name: 'saga_due', properties: ['state', 'nextRetryAt'] },
    { name: 'saga_state', properties: ['state', 'id'] },
  ],
});

const RedeemThrottleRecord = defineEntity({
  name: 'RedeemThrottleRecord',
  tableName: 'redeem_throttle',
  properties: { orderId: id().primary(), wrong: p.integer(), windowUntil: at() },
});

/** How many open orders and units a customer, or an address, has; see open-orders.ts. */
const OpenOrdersRecord = defineEntity({
  name: 'OpenOrdersRecord',
  tableName: 'open_orders',
  properties: { owner: id().primary(), orders: p.integer(), units: p.integer() },
  checks: [
    { name: 'open_orders_orders', expression: 'orders >= 0' },
    { name: 'open_orders_units', expression: 'units >= 0' },
  ],
});

export const FulfilmentRecord = defineEntity({
  name: 'FulfilmentRecord',
  tableName: 'fulfilment',
  properties: {
    id: id().primary(),
    orderId: id(),
    lines: p.json<readonly LineQuantity[]>(),
    carrier: text<string>(64).nullable(),
    trackingNumber: text<string>(100).nullable(),
    trackingUrl: text<string>(2000).nullable(),
    createdAt: at(),
    deliveredAt: at().nullable(),
    cancelledAt: at().nullable(),
  },
  indexes: [{ name: 'fulfilment_order', properties: ['orderId', 'id'] }],
});

export const orderEntities = [
  ShippingMethodRecord,
  TaxRateRecord,
  PriceRulesRecord,
  OrderRecord,
  OrderLineRecord,
  OrderEventRecord,
  JournalFeedRecord,
  SagaRecord,
  FulfilmentRecord,
  OrderReturnRecord,
  OrderReturnLineRecord,
  RedeemThrottleRecord,
  PromotionRecord,
  PromotionCustomerRecord,
  OpenOrdersRecord,
  SalesPositionRecord,
  SaleRecord,
  SalesDayRecord,
  SalesProductRecord,
] as const;

/** The tables of this schema. */
export type OrderTables = TablesOf<typeof orderEntities>;
/** Statements on them: a wrong table, column or value is a compile error. */
export const tables = builderFor<OrderTables>();
export const insertInto = inserterFor<OrderTables>();
