import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** What people wrote stands beside the hashed content of the journal, so that it can be erased; and which orders are without a person. */
export class ErasureMigration extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'order_event', {
      firstColumn: 'texts',
      additions: ['add column texts json null after data'],
    });
    await addToTable(this, 'order_event', {
      firstColumn: 'texts_hash',
      additions: ['add column texts_hash binary(32) null after texts'],
    });
    await addToTable(this, 'orders', {
      firstColumn: 'erased_at',
      additions: ['add column erased_at datetime(3) null'],
    });
  }
}
