import { Migration } from '@mikro-orm/migrations';

const table = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** What staff set up for shipping and taxes, and how often they have changed it. */
export class PriceRulesMigration extends Migration {
  override up(): void {
    this.addSql(`create table if not exists shipping_method (
      id binary(16) not null primary key,
      code varchar(32) not null,
      name varchar(100) not null,
      description varchar(500) null,
      countries json not null,
      rates json not null,
      tax_category varchar(32) not null,
      min_days int null,
      max_days int null,
      active boolean not null,
      version int not null,
      unique index shipping_method_code (code)
    ) ${table}`);
    this.addSql(`create table if not exists tax_rate (
      id binary(16) not null primary key,
      country_code char(2) not null,
      region varchar(100) null,
      category varchar(32) not null,
      name varchar(100) not null,
      rate_ppm int not null,
      valid_from datetime(3) not null,
      valid_to datetime(3) null,
      active boolean not null,
      version int not null,
      index tax_rate_country (country_code, category)
    ) ${table}`);
    // Whoever changes a rule locks this row first, so that what is looked at beside it stays.
    this.addSql(`create table if not exists price_rules (
      id tinyint not null primary key,
      version int not null
    ) ${table}`);
    this.addSql('insert ignore into price_rules (id, version) values (1, 0)');
  }
}
