import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** Promotions, how often each customer has used one, and which ones an order has. */
export class PromotionsMigration extends Migration {
  override async up(): Promise<void> {
    await this.execute(`create table if not exists promotion (
      id binary(16) not null primary key, name varchar(200) not null, kind varchar(16) not null, code varchar(32) null,
      value_ppm int null, value_minor bigint null, currency char(3) null, buy_quantity int null, get_quantity int null,
      product_ids json null, category_ids json null, minimum_minor bigint null, combinable boolean not null,
      starts_at datetime(3) not null, ends_at datetime(3) null, usage_limit int null, usage_per_customer int null,
      used int not null default 0, active boolean not null, version int not null,
      unique key promotion_code (code),
      constraint promotion_used check (used >= 0)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
    await this.execute(`create table if not exists promotion_customer (
      promotion_id binary(16) not null, customer_id binary(16) not null, used int not null,
      primary key (promotion_id, customer_id),
      constraint promotion_customer_used check (used >= 0)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
    await addToTable(this, 'orders', {
      firstColumn: 'promotion_ids',
      additions: ['add column promotion_ids json null'],
    });
  }
}
