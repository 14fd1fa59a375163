import { Migration } from '@mikro-orm/migrations';
import { schemaHas } from '../../../shared/database/migration-steps.ts';

/** Intents whose money is held first and taken later, or let go. */
export class SimulatedCaptureMigration extends Migration {
  override async up(): Promise<void> {
    const columns = {
      capture_method: "varchar(9) not null default 'automatic'",
      amount_received: 'bigint not null default 0',
      capture_before: 'datetime(3) null',
    };
    for (const [column, type] of Object.entries(columns)) {
      if (!(await schemaHas(this, { table: 'intent', column }))) {
        this.addSql(`alter table intent add column ${column} ${type}`);
      }
    }
    this.addSql("update intent set amount_received = amount where status = 'succeeded' and amount_received = 0");
    if (!(await schemaHas(this, { table: 'intent', index: 'intent_held' }))) {
      this.addSql('alter table intent add index intent_held (capture_before)');
    }
  }
}
