import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** Orders are found by the beginning of their customer's reference, in either case. */
export class OrderSearchMigration extends Migration {
  override async up(): Promise<void> {
    // Virtual: TiDB adds no stored column to a table that is there.
    await addToTable(this, 'orders', {
      firstColumn: 'reference_key',
      additions: [
        'add column reference_key varchar(64) collate utf8mb4_bin generated always as (lower(client_reference)) virtual',
        'add index orders_reference (reference_key)',
      ],
    });
  }
}
