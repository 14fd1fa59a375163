import { Migration } from '@mikro-orm/migrations';
import { addToTable, schemaHas } from '../../shared/database/migration-steps.ts';

const options = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** Groups of products that are forms of one, and the options that tell these apart. */
export class ProductGroups extends Migration {
  override async up(): Promise<void> {
    this.addSql(`create table if not exists product_group (
      id binary(16) not null primary key, name varchar(200) not null, option_names json not null, seller_id binary(16) null,
      created_at datetime(3) not null, updated_at datetime(3) not null
    ) ${options}`);
    // A folded letter may be two: the keys are longer than what they are made of.
    this.addSql(`create table if not exists product_option (
      product_id binary(16) not null, position int not null, name varchar(64) not null, value varchar(64) not null,
      name_key varchar(255) not null, value_key varchar(255) not null,
      primary key (product_id, position), index product_option_by_value (name_key, value_key, product_id)
    ) ${options}`);
    const columns: Readonly<Record<string, string>> = {
      group_id: 'binary(16) null after weight_grams',
      group_position: 'int null after group_id',
      options_hash: 'binary(32) null after group_position',
    };
    for (const [column, definition] of Object.entries(columns))
      await addToTable(this, 'product', { firstColumn: column, additions: [`add column ${column} ${definition}`] });
    if (!(await schemaHas(this, { table: 'product', index: 'product_variant' })))
      await this.execute('alter table product add unique index product_variant (group_id, options_hash)');
  }
}
