import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** Erasures look once more when the user's access tokens have ended. */
export class ErasurePass extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'erasure', { firstColumn: 'pass', additions: ['add column pass int not null default 0'] });
  }
}
