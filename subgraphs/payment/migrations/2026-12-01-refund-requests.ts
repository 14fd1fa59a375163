import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** What orders have asked to be given back, and which refunds do it. */
export class RefundRequestsMigration extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'refund', {
      firstColumn: 'request_id',
      additions: ['add column request_id binary(16) null'],
    });
    await this.execute(`create table if not exists refund_request (
      id binary(16) not null primary key,
      order_id binary(16) not null,
      amount_minor bigint null,
      reason varchar(255) not null,
      requested_by binary(16) null,
      created_at datetime(3) not null,
      index refund_request_order (order_id, id)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
  }
}
