import { addToTable } from '../../shared/database/migration-steps.ts';
import { Migration } from '@mikro-orm/migrations';
import { nameKeyOf } from '../domain/user.ts';

const rowsAtOnce = 200;

/** Names in the form in which staff search them: what a collation folds leaves out decomposed accents and wide letters. */
export class NameKeys extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'user_account', {
      firstColumn: 'name_key',
      additions: [
        "add column name_key varchar(128) not null default '' after name",
        'add index user_account_name_key (name_key)',
        'drop index user_account_name',
      ],
    });
    for (let after: Buffer = Buffer.alloc(16); ;) {
      const rows = await this.execute('select id, name from user_account where id > ? order by id limit ?', [
        after,
        rowsAtOnce,
      ]);
      for (const { id, name } of rows) {
        await this.execute('update user_account set name_key = ? where id = ?', [nameKeyOf(String(name)), id]);
        after = id as Buffer;
      }
      if (rows.length < rowsAtOnce) return;
    }
  }
}
