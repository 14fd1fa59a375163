import { Migration } from '@mikro-orm/migrations';
import { schemaHas } from '../../shared/database/migration-steps.ts';

/** Staff find people by their e-mail address. */
export class EmailSearch extends Migration {
  override async up(): Promise<void> {
    if (!(await schemaHas(this, { table: 'user_account', index: 'user_account_email' })))
      await this.execute('create index user_account_email on user_account (email)');
  }
}
