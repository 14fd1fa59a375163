import { Migration } from '@mikro-orm/migrations';
import { sharedTables } from '../../shared/tables/outbox.ts';

/** What steps of the order service's sagas have been done and undone here. */
export class BarrierMigration extends Migration {
  override up(): void {
    for (const statement of sharedTables.barrier) this.addSql(statement);
  }
}
