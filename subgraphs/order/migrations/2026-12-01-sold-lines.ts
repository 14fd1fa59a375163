import { Migration } from '@mikro-orm/migrations';
import { schemaHas } from '../../shared/database/migration-steps.ts';

/** What a seller sold, in the order of its placing. */
export class SoldLinesMigration extends Migration {
  override async up(): Promise<void> {
    if (!(await schemaHas(this, { table: 'order_line', index: 'order_line_seller' })))
      await this.execute('alter table order_line add index order_line_seller (seller_id, id)');
  }
}
