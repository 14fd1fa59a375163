import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

const columns: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  orders: {
    refund_pending_minor: 'bigint not null default 0',
    refunded_tax_minor: 'bigint not null default 0',
    shipping_refunded_minor: 'bigint not null default 0',
  },
  order_line: {
    cancelled_quantity: 'int not null default 0',
    returned_quantity: 'int not null default 0',
  },
};

/** What of an order was taken off, goes back, or came back. */
export class AfterSaleMigration extends Migration {
  override async up(): Promise<void> {
    for (const [table, own] of Object.entries(columns))
      for (const [column, type] of Object.entries(own))
        await addToTable(this, table, { firstColumn: column, additions: [`add column ${column} ${type}`] });
  }
}
