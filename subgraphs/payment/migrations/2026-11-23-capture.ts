import { Migration } from '@mikro-orm/migrations';
import { schemaHas } from '../../shared/database/migration-steps.ts';

/** Payments that are authorised first and captured by staff. */
export class CaptureMigration extends Migration {
  override async up(): Promise<void> {
    const columns = { manual_capture: 'boolean not null default false', capturing_minor: 'bigint not null default 0' };
    for (const [column, type] of Object.entries(columns)) {
      if (!(await schemaHas(this, { table: 'payment', column }))) {
        this.addSql(`alter table payment add column ${column} ${type}`);
      }
    }
  }
}
