import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** What customers paid with, as people know it. */
export class InstrumentMigration extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'attempt', {
      firstColumn: 'instrument',
      additions: ['add column instrument varchar(64) null'],
    });
  }
}
