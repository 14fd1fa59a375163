import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** What providers do by themselves: refunds that were not asked for here, and disputes. */
export class ProviderDoingsMigration extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'refund', {
      firstColumn: 'origin',
      additions: [
        "add column origin varchar(16) not null default 'PLATFORM'",
        'add index refund_provider_id (provider_refund_id)',
      ],
    });
    await addToTable(this, 'attempt', {
      firstColumn: 'provider_payment_id',
      additions: [
        'add column provider_payment_id varchar(128) null',
        'add index attempt_payment_id (provider, provider_payment_id)',
      ],
    });
    await this.execute(`create table if not exists dispute (
      id binary(16) not null primary key,
      provider varchar(16) not null,
      provider_dispute_id varchar(128) not null,
      payment_id binary(16) not null,
      refund_id binary(16) null,
      currency char(3) not null,
      amount_minor bigint not null,
      state varchar(8) not null,
      reason varchar(64) null,
      evidence_due_by datetime(3) null,
      opened_at datetime(3) not null,
      closed_at datetime(3) null,
      unique index dispute_provider (provider, provider_dispute_id),
      index dispute_payment (payment_id),
      constraint dispute_amount check (amount_minor > 0)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
  }
}
