import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** Which pieces of a line came back: without their money, and without a return. */
export class RestockedMigration extends Migration {
  override async up(): Promise<void> {
    for (const column of ['unrefunded_return_quantity', 'restocked_quantity'])
      await addToTable(this, 'order_line', {
        firstColumn: column,
        additions: [`add column ${column} int not null default 0`],
      });
  }
}
