import { Migration } from '@mikro-orm/migrations';
import { sharedTables } from '../../shared/tables/outbox.ts';

/** Up to when all consumers have handled what this service published. */
export class OutboxMarkMigration extends Migration {
  override up(): void {
    for (const statement of sharedTables.outboxMark) this.addSql(statement);
  }
}
