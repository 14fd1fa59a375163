import { Migration } from '@mikro-orm/migrations';
import { addToTable, schemaHas } from '../../shared/database/migration-steps.ts';

const table = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';
/** The highest role that an account has: by it staff are found, and the administrators are locked. */
const highest = `case when find_in_set('ADMIN', roles) then 'ADMIN' when find_in_set('OPERATOR', roles) then 'OPERATOR'
  when find_in_set('MERCHANT', roles) then 'MERCHANT' else 'CUSTOMER' end`;

/** What administrators do with accounts, and the log of it. */
export class Administration extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'user_account', {
      firstColumn: 'email',
      additions: ['add column email varchar(254) null after mobile'],
    });
    await addToTable(this, 'user_account', {
      firstColumn: 'status',
      additions: ["add column status varchar(16) not null default 'ACTIVE' after roles"],
    });
    await addToTable(this, 'user_account', {
      firstColumn: 'highest_role',
      additions: ["add column highest_role varchar(16) not null default 'CUSTOMER' after roles"],
    });
    await this.execute(`update user_account set highest_role = ${highest} where roles <> 'CUSTOMER'`);
    if (!(await schemaHas(this, { table: 'user_account', index: 'user_account_highest_role' })))
      await this.execute('create index user_account_highest_role on user_account (highest_role, id)');
    this.addSql(`create table if not exists one_time_code (
      user_id binary(16) not null primary key, code_hash binary(32) not null, tries int not null default 0,
      created_at datetime(3) not null, expires_at datetime(3) not null, index one_time_code_expiry (expires_at)
    ) ${table}`);
    this.addSql(`create table if not exists audit_entry (
      id binary(16) not null primary key, at datetime(3) not null, actor_id binary(16) null, action varchar(64) not null,
      subject varchar(128) not null, before_value json null, after_value json null, trace_id char(32) not null,
      index audit_entry_actor (actor_id, id), index audit_entry_action (action, id)
    ) ${table}`);
  }
}
