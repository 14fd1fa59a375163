import { Migration } from '@mikro-orm/migrations';

const table = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** Endpoints of other systems, what each is told, and whose orders are whose. */
export class Webhooks extends Migration {
  override up(): void {
    this.addSql(`create table if not exists webhook_endpoint (
      id binary(16) not null primary key, owner_id binary(16) null, url varchar(2048) not null, events json not null,
      description varchar(256) null, active tinyint(1) not null, disabled_reason varchar(512) null,
      secret varchar(255) not null, secret_hint varchar(4) not null, previous_secret varchar(255) null,
      previous_until datetime(3) null, failing_since datetime(3) null, failures int not null default 0,
      paused_until datetime(3) null, created_at datetime(3) not null, updated_at datetime(3) not null,
      index webhook_endpoint_owner (owner_id, id)
    ) ${table}`);
    this.addSql(`create table if not exists outgoing_delivery (
      id binary(16) not null primary key, endpoint_id binary(16) not null, event_id binary(16) not null,
      event varchar(64) not null, subject_id binary(16) not null, place int not null, payload json not null,
      state varchar(8) not null, attempts int not null default 0, status_code int null, response_ms int null,
      last_error varchar(512) null, created_at datetime(3) not null, next_try_at datetime(3) null,
      give_up_at datetime(3) not null,
      unique index outgoing_delivery_event (endpoint_id, event_id),
      index outgoing_delivery_due (endpoint_id, next_try_at),
      index outgoing_delivery_subject (endpoint_id, subject_id, place),
      index outgoing_delivery_state (endpoint_id, state, event_id),
      index outgoing_delivery_age (created_at)
    ) ${table}`);
    this.addSql(`create table if not exists order_seller (
      order_id binary(16) not null primary key, seller_id binary(16) not null, created_at datetime(3) not null,
      index order_seller_age (created_at)
    ) ${table}`);
  }
}
