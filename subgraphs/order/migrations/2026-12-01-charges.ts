import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

const columns: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  orders: {
    discount_minor: 'bigint not null default 0',
    shipping_minor: 'bigint not null default 0',
    shipping_discount_minor: 'bigint not null default 0',
    shipping_tax_minor: 'bigint not null default 0',
    tax_minor: 'bigint not null default 0',
    prices_include_tax: 'boolean not null default true',
    taxes: 'json null',
    adjustments: 'json null',
    shipping_method: 'json null',
    shipping_address: 'json null',
    billing_address: 'json null',
    coupon_codes: 'json null',
  },
  order_line: {
    discount_minor: 'bigint not null default 0',
    tax_minor: 'bigint not null default 0',
    total_minor: 'bigint null',
  },
};

/**
 * What an order costs beside its lines: discounts, shipping, taxes, and where it goes. The lines of orders from before, and of
 * processes that don't know these columns yet, have no `total_minor`: theirs is the subtotal.
 */
export class ChargesMigration extends Migration {
  override async up(): Promise<void> {
    for (const [table, own] of Object.entries(columns))
      for (const [column, type] of Object.entries(own))
        await addToTable(this, table, { firstColumn: column, additions: [`add column ${column} ${type}`] });
  }
}
