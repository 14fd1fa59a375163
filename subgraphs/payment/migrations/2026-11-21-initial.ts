import { Migration } from '@mikro-orm/migrations';
import { sharedTables } from '../../shared/tables/outbox.ts';

const table = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** Payments, their attempts, refunds and journal, and what providers have sent. */
export class InitialPaymentMigration extends Migration {
  override up(): void {
    this.addSql(`create table if not exists payment (
      id binary(16) not null primary key,
      number varchar(32) not null,
      order_id binary(16) not null,
      customer_id binary(16) not null,
      method varchar(16) not null,
      state varchar(20) not null,
      currency char(3) not null,
      amount_minor bigint not null,
      captured_minor bigint not null,
      refunding_minor bigint not null,
      refunded_minor bigint not null,
      live_order_id binary(16) null,
      return_url varchar(2048) null,
      trace_id char(32) not null,
      expires_at datetime(3) null,
      paid_at datetime(3) null,
      created_at datetime(3) not null,
      updated_at datetime(3) not null,
      version int not null,
      unique index payment_number (number),
      unique index payment_live (live_order_id, method),
      index payment_order (order_id, id),
      index payment_customer (customer_id, id),
      index payment_state (state, id),
      index payment_due (state, expires_at),
      constraint payment_amount check (amount_minor > 0),
      constraint payment_captured check (captured_minor between 0 and amount_minor),
      constraint payment_refunding check (refunding_minor between 0 and captured_minor),
      constraint payment_refunded check (refunded_minor between 0 and refunding_minor)
    ) ${table}`);
    this.addSql(`create table if not exists attempt (
      id binary(16) not null primary key,
      number varchar(32) not null,
      payment_id binary(16) not null,
      live binary(16) null,
      provider varchar(16) not null,
      state varchar(16) not null,
      trade_type varchar(16) null,
      provider_intent_id varchar(128) null,
      provider_state varchar(40) null,
      redirect_url varchar(2048) null,
      client_params json null,
      failure_code varchar(64) null,
      failure_message varchar(500) null,
      created_at datetime(3) not null,
      finished_at datetime(3) null,
      next_check_at datetime(3) null,
      checks int not null,
      unique index attempt_number (number),
      unique index attempt_live (live),
      unique index attempt_intent (provider, provider_intent_id),
      index attempt_payment (payment_id, id),
      index attempt_due (next_check_at)
    ) ${table}`);
    this.addSql(`create table if not exists refund (
      id binary(16) not null primary key,
      number varchar(32) not null,
      payment_id binary(16) not null,
      attempt_id binary(16) not null,
      order_id binary(16) not null,
      customer_id binary(16) not null,
      currency char(3) not null,
      amount_minor bigint not null,
      state varchar(16) not null,
      reason varchar(255) not null,
      automatic boolean not null,
      surplus boolean not null,
      requested_by binary(16) null,
      provider_refund_id varchar(128) null,
      failure varchar(500) null,
      created_at datetime(3) not null,
      settled_at datetime(3) null,
      next_try_at datetime(3) null,
      tries int not null,
      unique index refund_number (number),
      index refund_payment (payment_id, id),
      index refund_order (order_id, id),
      index refund_due (next_try_at),
      constraint refund_amount check (amount_minor > 0)
    ) ${table}`);
    this.addSql(`create table if not exists payment_event (
      payment_id binary(16) not null,
      seq int not null,
      type varchar(32) not null,
      from_state varchar(20) null,
      to_state varchar(20) not null,
      amount_minor bigint null,
      source varchar(16) not null,
      provider_event_id varchar(128) null,
      data json null,
      at datetime(3) not null,
      primary key (payment_id, seq)
    ) ${table}`);
    this.addSql(`create table if not exists webhook_inbox (
      id binary(16) not null primary key,
      provider varchar(16) not null,
      provider_event_id varchar(128) not null,
      authentic_event_id varchar(128) null,
      type varchar(64) not null,
      outcome varchar(24) not null,
      attempts int not null,
      payment_id binary(16) null,
      signature varchar(512) null,
      body mediumtext not null,
      error varchar(1000) null,
      received_at datetime(3) not null,
      processed_at datetime(3) null,
      next_try_at datetime(3) null,
      tries int not null,
      unique index webhook_authentic (provider, authentic_event_id),
      index webhook_outcome (outcome, id),
      index webhook_due (next_try_at),
      index webhook_age (received_at)
    ) ${table}`);
    for (const name of ['outbox', 'inbox', 'idempotency'] as const) {
      for (const statement of sharedTables[name]) this.addSql(statement);
    }
  }
}
