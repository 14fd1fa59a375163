import { defineEntity, p } from '@mikro-orm/core';
import { id, minor } from '../shared/database/columns.ts';

/** One row: up to which entry of the feed the sums have everything. */
export const SalesPositionRecord = defineEntity({
  name: 'SalesPositionRecord',
  tableName: 'sales_position',
  properties: { id: p.tinyint().unsigned(false).autoincrement(false).primary(), feedSeq: minor() },
});

/** A paid order as the sums have counted it. */
export const SaleRecord = defineEntity({
  name: 'SaleRecord',
  tableName: 'sale',
  properties: {
    orderId: id().primary(),
    /** The shop's date when it was paid. */
    day: p.date(),
    currency: p.string().columnType('char(3)'),
    refundedMinor: minor(),
  },
  indexes: [{ name: 'sale_day', properties: ['currency', 'day'] }],
});

/** What was sold on a day, and what went back on it of whatever day's sales. */
export const SalesDayRecord = defineEntity({
  name: 'SalesDayRecord',
  tableName: 'sales_day',
  properties: {
    currency: p.string().columnType('char(3)').primary(),
    day: p.date().primary(),
    orders: p.integer(),
    items: p.integer(),
    grossMinor: minor(),
    discountMinor: minor(),
    shippingMinor: minor(),
    taxMinor: minor(),
    totalMinor: minor(),
    refundedMinor: minor(),
  },
});

/** What was sold of a product on a day. */
export const SalesProductRecord = defineEntity({
  name: 'SalesProductRecord',
  tableName: 'sales_product',
  properties: {
    currency: p.string().columnType('char(3)').primary(),
    day: p.date().primary(),
    productId: id().primary(),
    quantity: p.integer(),
    grossMinor: minor(),
  },
});
