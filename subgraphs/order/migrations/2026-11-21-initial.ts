import { Migration } from '@mikro-orm/migrations';
import { sharedTables } from '../../shared/tables/outbox.ts';

const table = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** Orders, their lines, journal, sagas and deliveries. */
export class InitialOrderMigration extends Migration {
  override up(): void {
    this.addSql(`create table if not exists orders (
      id binary(16) not null primary key,
      number varchar(32) not null,
      type varchar(32) not null,
      customer_id binary(16) not null,
      state varchar(20) not null,
      payment_status varchar(20) not null,
      fulfilment_status varchar(20) not null,
      version int not null,
      seq int not null,
      last_hash binary(32) not null,
      currency char(3) not null,
      subtotal_minor bigint not null,
      total_minor bigint not null,
      paid_minor bigint not null default 0,
      refunded_minor bigint not null default 0,
      remark varchar(1024) null,
      extension json null,
      client_reference varchar(64) null,
      input_hash binary(32) not null,
      failure json null,
      cancel_reason varchar(32) null,
      trace_id char(32) not null,
      placed_at datetime(3) not null,
      expires_at datetime(3) not null,
      paid_at datetime(3) null,
      completed_at datetime(3) null,
      closed_at datetime(3) null,
      archived_at datetime(3) null,
      updated_at datetime(3) not null,
      advance_at datetime(3) null,
      advance_attempts int not null default 0,
      unique index orders_number (number),
      unique index orders_client_reference (customer_id, client_reference),
      index orders_customer (customer_id, placed_at, id),
      index orders_placed (placed_at, id),
      index orders_updated (updated_at, id),
      index orders_due (state, expires_at),
      index orders_advance (advance_at),
      constraint orders_total check (total_minor >= 0 and subtotal_minor >= 0),
      constraint orders_refunded check (refunded_minor >= 0 and refunded_minor <= paid_minor)
    ) ${table}`);
    this.addSql(`create table if not exists order_line (
      order_id binary(16) not null,
      position smallint not null,
      id binary(16) not null,
      product_id binary(16) not null,
      seller_id binary(16) null,
      sku varchar(64) not null,
      kind varchar(16) not null,
      title varchar(200) not null,
      subtitle varchar(200) null,
      cover varchar(2000) null,
      quantity int not null,
      unit_price_minor bigint not null,
      market_price_minor bigint null,
      add_ons json not null,
      subtotal_minor bigint not null,
      needs_fulfilment tinyint(1) not null,
      fulfilled_quantity int not null default 0,
      refunded_quantity int not null default 0,
      primary key (order_id, position),
      index order_line_product (product_id, order_id),
      constraint order_line_quantity check (quantity > 0 and fulfilled_quantity between 0 and quantity and refunded_quantity between 0 and quantity)
    ) ${table}`);
    this.addSql(`create table if not exists order_event (
      order_id binary(16) not null,
      seq int not null,
      id binary(16) not null,
      type varchar(32) not null,
      from_state varchar(20) null,
      to_state varchar(20) null,
      actor_type varchar(16) not null,
      actor_id varchar(64) null,
      reason varchar(1024) null,
      data json null,
      at datetime(3) not null,
      trace_id char(32) not null,
      hash binary(32) not null,
      primary key (order_id, seq)
    ) ${table}`);
    this.addSql(`create table if not exists saga (
      id binary(16) not null primary key,
      kind varchar(32) not null,
      order_id binary(16) not null,
      state varchar(16) not null,
      steps json not null,
      attempts int not null,
      next_retry_at datetime(3) null,
      last_error varchar(1024) null,
      lease_owner binary(16) null,
      lease_until datetime(3) null,
      fence int not null default 0,
      created_at datetime(3) not null,
      finished_at datetime(3) null,
      index saga_due (state, next_retry_at),
      index saga_order (order_id)
    ) ${table}`);
    this.addSql(`create table if not exists fulfilment (
      id binary(16) not null primary key,
      order_id binary(16) not null,
      \`lines\` json not null,
      tracking_number varchar(100) null,
      created_at datetime(3) not null,
      index fulfilment_order (order_id, id)
    ) ${table}`);
    for (const statement of [...sharedTables.outbox, ...sharedTables.inbox, ...sharedTables.idempotency])
      this.addSql(statement);
  }
}
