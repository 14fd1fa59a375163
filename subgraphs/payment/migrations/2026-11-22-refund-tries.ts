import { Migration } from '@mikro-orm/migrations';
import { schemaHas } from '../../shared/database/migration-steps.ts';

/** Refunds are tried until they are done: how often each was refused, when it was last tried, and who settled it by hand. */
export class RefundTriesMigration extends Migration {
  override async up(): Promise<void> {
    const columns = {
      refusals: 'int not null default 0',
      tried_at: 'datetime(3) null',
      confirmed_by: 'binary(16) null',
    };
    for (const [column, type] of Object.entries(columns)) {
      if (!(await schemaHas(this, { table: 'refund', column }))) {
        this.addSql(`alter table refund add column ${column} ${type}`);
      }
    }
    if (!(await schemaHas(this, { table: 'refund', index: 'refund_state' }))) {
      this.addSql('alter table refund add index refund_state (state, id)');
    }
  }
}
