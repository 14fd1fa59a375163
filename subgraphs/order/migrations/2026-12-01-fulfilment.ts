import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

const columns: Readonly<Record<string, string>> = {
  carrier: 'varchar(64) null',
  tracking_url: 'varchar(2000) null',
  delivered_at: 'datetime(3) null',
  cancelled_at: 'datetime(3) null',
};

/** Who carries a delivery, and what became of it. */
export class FulfilmentMigration extends Migration {
  override async up(): Promise<void> {
    for (const [column, type] of Object.entries(columns))
      await addToTable(this, 'fulfilment', { firstColumn: column, additions: [`add column ${column} ${type}`] });
  }
}
