import { defineEntity, p } from '@mikro-orm/core';
import { at, id, text } from '../shared/database/columns.ts';
import type { ShippingRate } from './domain/pricing/shipping.ts';

/** A way to ship, as staff have set it up. */
export const ShippingMethodRecord = defineEntity({
  name: 'ShippingMethodRecord',
  tableName: 'shipping_method',
  properties: {
    id: id().primary(),
    code: text<string>(32).unique('shipping_method_code'),
    name: text<string>(100),
    description: text<string>(500).nullable(),
    countries: p.json<readonly string[]>(),
    rates: p.json<readonly ShippingRate[]>(),
    taxCategory: text<string>(32),
    minDays: p.integer().nullable(),
    maxDays: p.integer().nullable(),
    active: p.boolean(),
    version: p.integer(),
  },
});

/** One row: how often the rules were changed. */
export const PriceRulesRecord = defineEntity({
  name: 'PriceRulesRecord',
  tableName: 'price_rules',
  properties: { id: p.tinyint().unsigned(false).autoincrement(false).primary(), version: p.integer() },
});

/** A tax rate of a country, or of a region of it. */
export const TaxRateRecord = defineEntity({
  name: 'TaxRateRecord',
  tableName: 'tax_rate',
  properties: {
    id: id().primary(),
    countryCode: p.string().columnType('char(2)'),
    region: text<string>(100).nullable(),
    category: text<string>(32),
    name: text<string>(100),
    ratePpm: p.integer(),
    validFrom: at(),
    validTo: at().nullable(),
    active: p.boolean(),
    version: p.integer(),
  },
  indexes: [{ name: 'tax_rate_country', properties: ['countryCode', 'category'] }],
});
