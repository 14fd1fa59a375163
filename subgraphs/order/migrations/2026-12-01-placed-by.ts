import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** Who of the staff placed an order for its customer. */
export class PlacedByMigration extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'orders', { firstColumn: 'placed_by', additions: ['add column placed_by binary(16) null'] });
  }
}
