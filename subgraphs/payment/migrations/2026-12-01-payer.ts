import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** From whom alone a provider takes a payment's money. */
export class PayerMigration extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'payment', {
      firstColumn: 'payer',
      additions: ['add column payer varchar(255) null'],
    });
  }
}
