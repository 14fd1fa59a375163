import { Migration } from '@mikro-orm/migrations';
import { sharedTables } from '../../shared/tables/outbox.ts';

/** What staff do here is told to the user service, which keeps the audit log. */
export class Outbox extends Migration {
  override up(): void {
    for (const statement of [...sharedTables.outbox, ...sharedTables.outboxMark]) this.addSql(statement);
  }
}
