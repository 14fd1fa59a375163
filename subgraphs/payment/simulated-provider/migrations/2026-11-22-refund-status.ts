import { Migration } from '@mikro-orm/migrations';
import { schemaHas } from '../../../shared/database/migration-steps.ts';

/** Refunds that take their time or fail, as test control asks for. */
export class RefundStatusMigration extends Migration {
  override async up(): Promise<void> {
    const columns = [
      ['refund', 'status', "varchar(16) not null default 'succeeded'"],
      ['refund', 'failure_reason', 'varchar(64) null'],
      ['behaviour', 'refunds', "varchar(8) not null default 'succeed'"],
    ] as const;
    for (const [table, column, type] of columns) {
      if (!(await schemaHas(this, { table, column }))) this.addSql(`alter table ${table} add column ${column} ${type}`);
    }
  }
}
