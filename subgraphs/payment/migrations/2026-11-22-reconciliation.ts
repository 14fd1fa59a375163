import { Migration } from '@mikro-orm/migrations';
import { schemaHas } from '../../shared/database/migration-steps.ts';

const table = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** What providers' statements said, the reports that came of it, and how our own movements of a day are found. */
export class ReconciliationMigration extends Migration {
  override async up(): Promise<void> {
    this.addSql(`create table if not exists statement_line (
      provider varchar(16) not null,
      kind varchar(8) not null,
      provider_transaction_id varchar(128) not null,
      our_id binary(16) null,
      at datetime(3) not null,
      seen_at datetime(3) not null,
      primary key (provider, kind, provider_transaction_id),
      index statement_line_ours (our_id),
      index statement_line_at (at)
    ) ${table}`);
    this.addSql(`create table if not exists reconciliation (
      day char(10) not null,
      provider varchar(16) not null,
      matched int not null,
      missing_here int not null,
      missing_at_provider int not null,
      amount_mismatch int not null,
      items json not null,
      checked_at datetime(3) not null,
      primary key (day, provider)
    ) ${table}`);
    for (const [of, index, columns] of [
      ['attempt', 'attempt_finished', 'provider, finished_at'],
      ['refund', 'refund_settled', 'settled_at'],
    ] as const) {
      if (!(await schemaHas(this, { table: of, index })))
        this.addSql(`alter table ${of} add index ${index} (${columns})`);
    }
  }
}
