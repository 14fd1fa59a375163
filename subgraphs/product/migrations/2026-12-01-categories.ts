import { Migration } from '@mikro-orm/migrations';
import { addToTable, schemaHas } from '../../shared/database/migration-steps.ts';

const options = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** The tree of categories, and what a product has for taxes and shipping. */
export class Categories extends Migration {
  override async up(): Promise<void> {
    this.addSql(`create table if not exists category (
      id binary(16) not null primary key, slug varchar(64) not null, name varchar(200) not null, parent_id binary(16) null,
      created_at datetime(3) not null, updated_at datetime(3) not null,
      unique index category_slug (slug), index category_by_parent (parent_id, id)
    ) ${options}`);
    this.addSql(
      `create table if not exists category_tree (id int not null primary key, version int not null) ${options}`,
    );
    const columns: Readonly<Record<string, string>> = {
      category_id: 'binary(16) null after seller_id',
      tax_category: "varchar(32) not null default 'standard' after category_id",
      weight_grams: 'int null after tax_category',
    };
    for (const [column, definition] of Object.entries(columns))
      await addToTable(this, 'product', { firstColumn: column, additions: [`add column ${column} ${definition}`] });
    if (!(await schemaHas(this, { table: 'product', index: 'product_by_category' })))
      await this.execute('alter table product add index product_by_category (category_id, status, created_at, id)');
  }
}
