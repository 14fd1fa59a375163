import { Migration } from '@mikro-orm/migrations';

/** Of which products it was told that they are running out. */
export class LowStock extends Migration {
  override up(): void {
    this.addSql(`create table if not exists low_stock_notice (
      product_id binary(16) not null primary key, told_at datetime(3) not null, recovered tinyint(1) not null default 0
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
  }
}
