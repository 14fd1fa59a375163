import { Migration } from '@mikro-orm/migrations';

const table = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** Sums of what was sold, kept beside the journal: they begin with its first entry. */
export class SalesMigration extends Migration {
  override async up(): Promise<void> {
    await this.execute(
      `create table if not exists sales_position (id tinyint not null primary key, feed_seq bigint not null) ${table}`,
    );
    await this.execute(
      'insert into sales_position (id, feed_seq) values (1, 0) on duplicate key update feed_seq = feed_seq',
    );
    await this.execute(`create table if not exists sale (
      order_id binary(16) not null primary key, day date not null, currency char(3) not null, refunded_minor bigint not null,
      index sale_day (currency, day)
    ) ${table}`);
    await this.execute(`create table if not exists sales_day (
      currency char(3) not null, day date not null, orders int not null, items int not null, gross_minor bigint not null,
      discount_minor bigint not null, shipping_minor bigint not null, tax_minor bigint not null, total_minor bigint not null,
      refunded_minor bigint not null, primary key (currency, day)
    ) ${table}`);
    await this.execute(`create table if not exists sales_product (
      currency char(3) not null, day date not null, product_id binary(16) not null, quantity int not null, gross_minor bigint not null,
      primary key (currency, day, product_id)
    ) ${table}`);
  }
}
