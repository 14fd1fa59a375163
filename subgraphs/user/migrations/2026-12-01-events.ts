import { Migration } from '@mikro-orm/migrations';
import { sharedTables } from '../../shared/tables/outbox.ts';

/** Which events of other services were handled, and which could not be. */
export class Events extends Migration {
  override up(): void {
    for (const statement of sharedTables.inbox) this.addSql(statement);
  }
}
