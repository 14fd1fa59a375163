import { Migration } from '@mikro-orm/migrations';
import { schemaHas } from '../../shared/database/migration-steps.ts';

const indexes: Readonly<Record<string, string>> = {
  orders_state: 'state, placed_at, id',
  orders_payment: 'payment_status, placed_at, id',
  orders_delivery: 'fulfilment_status, placed_at, id',
  orders_type: 'type, placed_at, id',
  orders_total: 'total_minor, id',
};

/** An index for each way in which orders are listed. */
export class OrderListsMigration extends Migration {
  override async up(): Promise<void> {
    for (const [index, columns] of Object.entries(indexes))
      if (!(await schemaHas(this, { table: 'orders', index })))
        await this.execute(`alter table orders add index ${index} (${columns})`);
  }
}
