import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** Orders whose type has something to do once they are completed, or need attention. */
export class OrderTypesMigration extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'orders', {
      firstColumn: 'has_hooks',
      additions: ['add column has_hooks boolean not null default false'],
    });
  }
}
