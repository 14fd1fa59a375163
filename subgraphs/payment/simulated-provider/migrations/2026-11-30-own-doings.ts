import { Migration } from '@mikro-orm/migrations';
import { schemaHas } from '../../../shared/database/migration-steps.ts';

/** When an intent was paid, methods that take their time, and what the provider does by itself: disputes. */
export class OwnDoingsMigration extends Migration {
  override async up(): Promise<void> {
    if (!(await schemaHas(this, { table: 'intent', column: 'paid_at' })))
      await this.execute('alter table intent add column paid_at datetime(3) null');
    if (!(await schemaHas(this, { table: 'behaviour', column: 'slow' })))
      await this.execute('alter table behaviour add column slow boolean not null default false');
    await this.execute(`create table if not exists dispute (
      id varchar(40) not null primary key,
      intent_id varchar(40) not null,
      amount bigint not null,
      currency char(3) not null,
      status varchar(16) not null,
      reason varchar(64) not null,
      due_by datetime(3) not null,
      created_at datetime(3) not null,
      index dispute_intent (intent_id)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
  }
}
