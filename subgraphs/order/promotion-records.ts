import { defineEntity, p } from '@mikro-orm/core';
import { at, id, minor, text } from '../shared/database/columns.ts';
import type { PromotionKind } from './domain/pricing/promotion.ts';

/** What staff offer, and how many orders have it. */
export const PromotionRecord = defineEntity({
  name: 'PromotionRecord',
  tableName: 'promotion',
  properties: {
    id: id().primary(),
    name: text<string>(200),
    kind: text<PromotionKind>(16),
    /** Null: applies by itself. */
    code: text<string>(32).nullable().unique('promotion_code'),
    valuePpm: p.integer().nullable(),
    valueMinor: minor().nullable(),
    currency: p.string().columnType('char(3)').nullable(),
    buyQuantity: p.integer().nullable(),
    getQuantity: p.integer().nullable(),
    productIds: p.json<readonly string[]>().nullable(),
    categoryIds: p.json<readonly string[]>().nullable(),
    minimumMinor: minor().nullable(),
    combinable: p.boolean(),
    startsAt: at(),
    endsAt: at().nullable(),
    usageLimit: p.integer().nullable(),
    usagePerCustomer: p.integer().nullable(),
    used: p.integer().default(0),
    active: p.boolean(),
    version: p.integer(),
  },
  checks: [{ name: 'promotion_used', expression: 'used >= 0' }],
});

/** How many orders of a customer have it. */
export const PromotionCustomerRecord = defineEntity({
  name: 'PromotionCustomerRecord',
  tableName: 'promotion_customer',
  properties: { promotionId: id().primary(), customerId: id().primary(), used: p.integer() },
  checks: [{ name: 'promotion_customer_used', expression: 'used >= 0' }],
});
