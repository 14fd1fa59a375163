import { Migration } from '@mikro-orm/migrations';
import { sharedTables } from '../../shared/tables/outbox.ts';

const table = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** Accounts, their passwords, their sessions, and what services may call each other. */
export class Users extends Migration {
  override async up(): Promise<void> {
    for (const statement of sharedTables.idempotency) this.addSql(statement);
    // The name has a collation of its own: staff search it without regard to case.
    this.addSql(`create table if not exists user_account (
      id binary(16) not null primary key, name varchar(64) collate utf8mb4_general_ci not null, nickname varchar(64) null,
      gender varchar(16) not null, mobile varchar(16) null, avatar varchar(512) null, info varchar(1024) null,
      roles varchar(64) not null, created_at datetime(3) not null, updated_at datetime(3) not null, version int not null,
      unique index user_account_mobile (mobile), index user_account_name (name),
      constraint user_account_gender check (gender in ('UNSPECIFIED', 'MALE', 'FEMALE')),
      constraint user_account_version check (version >= 1)
    ) ${table}`);
    // Apart from the account, so that no read of users can carry a hash along.
    this.addSql(`create table if not exists user_password (
      user_id binary(16) not null primary key, password_hash varchar(160) not null, changed_at datetime(3) not null
    ) ${table}`);
    this.addSql(`create table if not exists user_session (
      id binary(16) not null primary key, user_id binary(16) not null, created_at datetime(3) not null,
      refreshed_at datetime(3) not null, expires_at datetime(3) not null, revoked_at datetime(3) null, revoked_because varchar(32) null,
      index user_session_user (user_id, revoked_at), index user_session_expiry (expires_at), index user_session_revoked (revoked_at)
    ) ${table}`);
    this.addSql(`create table if not exists refresh_token (
      token_hash binary(32) not null primary key, session_id binary(16) not null, issued_at datetime(3) not null,
      expires_at datetime(3) not null, rotated_at datetime(3) null,
      index refresh_token_session (session_id), index refresh_token_expiry (expires_at)
    ) ${table}`);
    this.addSql(`create table if not exists service_credential (
      service varchar(32) not null, app varchar(32) not null, token_hash binary(32) null, strict tinyint(1) not null,
      created_at datetime(3) not null, rotated_at datetime(3) null, revoked_at datetime(3) null, primary key (service, app)
    ) ${table}`);
  }
}
