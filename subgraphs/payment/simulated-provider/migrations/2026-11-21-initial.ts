import { Migration } from '@mikro-orm/migrations';

const table = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** The provider's own books: intents, charges, refunds, and the webhooks that it owes its merchant. */
export class InitialSimulatedMigration extends Migration {
  override up(): void {
    this.addSql(`create table if not exists intent (
      id varchar(40) not null primary key,
      idempotency_key varchar(128) null,
      params_hash binary(32) not null,
      amount bigint not null,
      currency char(3) not null,
      status varchar(32) not null,
      client_secret varchar(96) not null,
      metadata json not null,
      return_url varchar(2048) null,
      card_last4 char(4) null,
      failure_code varchar(64) null,
      failure_message varchar(255) null,
      refunded bigint not null,
      created_at datetime(3) not null,
      unique index intent_idempotency (idempotency_key),
      constraint intent_amount check (amount > 0),
      constraint intent_refunded check (refunded between 0 and amount)
    ) ${table}`);
    this.addSql(`create table if not exists charge (
      id varchar(40) not null primary key,
      intent_id varchar(40) not null,
      amount bigint not null,
      currency char(3) not null,
      metadata json not null,
      created_at datetime(3) not null,
      unique index charge_intent (intent_id),
      index charge_age (created_at, id)
    ) ${table}`);
    this.addSql(`create table if not exists refund (
      id varchar(40) not null primary key,
      idempotency_key varchar(128) null,
      params_hash binary(32) not null,
      intent_id varchar(40) not null,
      amount bigint not null,
      currency char(3) not null,
      reason varchar(255) null,
      metadata json not null,
      created_at datetime(3) not null,
      unique index refund_idempotency (idempotency_key),
      index refund_age (created_at, id)
    ) ${table}`);
    this.addSql(`create table if not exists webhook (
      id varchar(40) not null primary key,
      intent_id varchar(40) not null,
      type varchar(64) not null,
      body text not null,
      copies int not null,
      created_at datetime(3) not null,
      due_at datetime(3) null,
      attempts int not null,
      delivered_at datetime(3) null,
      last_status varchar(40) null,
      index webhook_due (due_at),
      index webhook_intent (intent_id)
    ) ${table}`);
    this.addSql(`create table if not exists behaviour (
      intent_id varchar(40) not null primary key,
      duplicates int not null,
      delay_ms int not null,
      reorder boolean not null,
      dropped boolean not null
    ) ${table}`);
  }
}
