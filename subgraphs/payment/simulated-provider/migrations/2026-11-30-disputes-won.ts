import { Migration } from '@mikro-orm/migrations';
import { schemaHas } from '../../../shared/database/migration-steps.ts';

/** When a dispute's money came back to the merchant: a line of the statement. */
export class DisputesWonMigration extends Migration {
  override async up(): Promise<void> {
    if (!(await schemaHas(this, { table: 'dispute', column: 'won_at' })))
      await this.execute('alter table dispute add column won_at datetime(3) null');
  }
}
