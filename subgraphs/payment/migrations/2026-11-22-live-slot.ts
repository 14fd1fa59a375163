import { Migration } from '@mikro-orm/migrations';
import { schemaHas } from '../../shared/database/migration-steps.ts';

/** One live payment an order, by whatever method; the parts of a mixed payment have a slot each. */
export class LiveSlotMigration extends Migration {
  override async up(): Promise<void> {
    if (!(await schemaHas(this, { table: 'payment', column: 'slot' }))) {
      this.addSql('alter table payment add column slot int not null default 0');
    }
    if (!(await schemaHas(this, { table: 'payment', index: 'payment_live_slot' }))) {
      this.addSql('alter table payment add unique index payment_live_slot (live_order_id, slot)');
    }
    if (await schemaHas(this, { table: 'payment', index: 'payment_live' })) {
      this.addSql('alter table payment drop index payment_live');
    }
  }
}
