import { Migration } from '@mikro-orm/migrations';

const table = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** Address books. The book's row names the defaults, so that there can't be two. */
export class Addresses extends Migration {
  override async up(): Promise<void> {
    this.addSql(`create table if not exists address_book (
      user_id binary(16) not null primary key, default_shipping_id binary(16) null, default_billing_id binary(16) null,
      constraint address_book_defaults check ((default_shipping_id is null) = (default_billing_id is null))
    ) ${table}`);
    this.addSql(`create table if not exists address (
      id binary(16) not null primary key, user_id binary(16) not null, label varchar(64) null, name varchar(100) not null,
      company varchar(100) null, line1 varchar(200) not null, line2 varchar(200) null, city varchar(100) not null,
      region varchar(100) null, postal_code varchar(20) null, country_code varchar(2) not null, phone varchar(20) null,
      created_at datetime(3) not null, updated_at datetime(3) not null, version int not null,
      index address_user (user_id, id)
    ) ${table}`);
  }
}
