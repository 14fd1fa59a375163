import { Migration } from '@mikro-orm/migrations';
import { addToTable, schemaHas } from '../../shared/database/migration-steps.ts';

/** Orders that wait longer for a payment on its way, money that is only held, and references that failed orders give back. */
export class WaitingAndReferencesMigration extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'orders', {
      firstColumn: 'pay_by',
      additions: [
        'add column pay_by datetime(3) null',
        'add column authorized_minor bigint not null default 0',
        'add column held_reference varchar(64) null',
        'add column is_paying boolean not null default false',
      ],
    });
    if (await schemaHas(this, { table: 'orders', index: 'orders_held_reference' })) return;
    await this.execute("update orders set held_reference = client_reference where state <> 'FAILED'");
    await this.execute(
      'alter table orders add unique index orders_held_reference (customer_id, held_reference), drop index orders_client_reference',
    );
  }
}
