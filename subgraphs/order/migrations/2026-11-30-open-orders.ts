import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** How many unpaid orders and units a customer, and an address, has open. Orders from before are not counted. */
export class OpenOrdersMigration extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'orders', {
      firstColumn: 'open_units',
      additions: ['add column open_units int null', 'add column placed_from binary(16) null'],
    });
    await this.execute(`create table if not exists open_orders (
      owner binary(16) not null primary key, orders int not null, units int not null,
      constraint open_orders_orders check (orders >= 0), constraint open_orders_units check (units >= 0)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
  }
}
