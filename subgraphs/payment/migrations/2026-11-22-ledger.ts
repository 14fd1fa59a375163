import { Migration } from '@mikro-orm/migrations';

const table = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** The wallets' double-entry ledger: accounts, transfers, and their entries, which are never changed. */
export class LedgerMigration extends Migration {
  override up(): void {
    this.addSql(`create table if not exists ledger_account (
      id binary(16) not null primary key,
      kind varchar(16) not null,
      owner_id binary(16) not null,
      currency char(3) not null,
      balance_minor bigint not null,
      seq bigint not null,
      created_at datetime(3) not null,
      index ledger_account_owner (owner_id, kind, created_at),
      constraint ledger_account_covered check (kind not in ('AVAILABLE', 'HELD') or balance_minor >= 0)
    ) ${table}`);
    this.addSql(`create table if not exists ledger_transfer (
      id binary(16) not null primary key,
      reference varchar(80) not null,
      reason varchar(255) not null,
      payment_id binary(16) null,
      order_id binary(16) null,
      at datetime(3) not null,
      unique index ledger_transfer_reference (reference),
      index ledger_transfer_payment (payment_id),
      index ledger_transfer_order (order_id)
    ) ${table}`);
    this.addSql(`create table if not exists ledger_entry (
      account_id binary(16) not null,
      seq bigint not null,
      transfer_id binary(16) not null,
      amount_minor bigint not null,
      balance_after_minor bigint not null,
      at datetime(3) not null,
      primary key (account_id, seq),
      index ledger_entry_transfer (transfer_id),
      constraint ledger_entry_amount check (amount_minor <> 0)
    ) ${table}`);
  }
}
