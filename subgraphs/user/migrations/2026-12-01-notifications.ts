import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

const table = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** What people are told, in which language, and how it goes out. */
export class Notifications extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'user_account', {
      firstColumn: 'locale',
      additions: ['add column locale varchar(8) null'],
    });
    this.addSql(`create table if not exists notification (
      id binary(16) not null primary key, user_id binary(16) not null, seq int not null, kind varchar(32) not null,
      event_id binary(16) not null, order_id binary(16) null, facts json not null, in_app tinyint(1) not null,
      created_at datetime(3) not null, read_at datetime(3) null,
      unique index notification_once (event_id, user_id), unique index notification_stream (user_id, seq),
      index notification_unread (user_id, in_app, read_at, seq), index notification_age (created_at)
    ) ${table}`);
    this.addSql(`create table if not exists notification_stream (
      user_id binary(16) not null primary key, last_seq int not null
    ) ${table}`);
    this.addSql(`create table if not exists notification_delivery (
      notification_id binary(16) not null, channel varchar(8) not null, state varchar(8) not null, attempts int not null,
      address varchar(254) null, secret varbinary(128) null, expires_at datetime(3) null, last_error varchar(500) null,
      next_try_at datetime(3) null, claimed_by binary(16) null, changed_at datetime(3) not null,
      primary key (notification_id, channel), index notification_delivery_due (next_try_at),
      index notification_delivery_claim (claimed_by), index notification_delivery_state (state, notification_id)
    ) ${table}`);
  }
}
