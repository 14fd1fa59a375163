import { Migration } from '@mikro-orm/migrations';
import { addToTable, schemaHas } from '../../shared/database/migration-steps.ts';

const table = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** Verified e-mail addresses, forgotten passwords, and what devices call themselves. */
export class Recovery extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'user_account', {
      firstColumn: 'verified_email',
      additions: ['add column verified_email varchar(254) null after email'],
    });
    if (!(await schemaHas(this, { table: 'user_account', index: 'user_account_verified_email' })))
      await this.execute('create unique index user_account_verified_email on user_account (verified_email)');
    await addToTable(this, 'user_session', {
      firstColumn: 'client',
      additions: ['add column client varchar(200) null after user_id'],
    });
    this.addSql(`create table if not exists email_code (
      user_id binary(16) not null primary key, email varchar(254) not null, code_hash binary(32) not null,
      tries int not null default 0, created_at datetime(3) not null, expires_at datetime(3) not null,
      index email_code_expiry (expires_at)
    ) ${table}`);
    this.addSql(`create table if not exists password_reset_request (
      id binary(16) not null primary key, mobile varchar(16) not null, requested_at datetime(3) not null
    ) ${table}`);
  }
}
