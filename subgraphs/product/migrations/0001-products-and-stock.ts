import { Migration } from '@mikro-orm/migrations';
import { sharedTables } from '../../shared/tables/outbox.ts';

const options = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** The catalogue, the stock with its reservations and its ledger, and the tables of the shared code. */
export class ProductsAndStock extends Migration {
  override up(): void {
    for (const table of ['inbox', 'barrier', 'idempotency'] as const) {
      for (const statement of sharedTables[table]) this.addSql(statement);
    }
    // search_text and name_key are lower case: the collation compares bytes, as keys of other columns must be.
    this.addSql(`create table if not exists product (
      id binary(16) not null primary key, sku varchar(64) not null, kind varchar(16) not null,
      name varchar(200) not null, subtitle varchar(200) null, description text not null,
      cover varchar(500) null, images json not null,
      currency char(3) not null, price_minor bigint not null, market_price_minor bigint null, add_ons json not null,
      status varchar(16) not null, seller_id binary(16) null, sold bigint not null default 0,
      name_key varchar(200) not null, search_text varchar(500) not null,
      version int not null, created_at datetime(3) not null, updated_at datetime(3) not null,
      unique index product_sku (sku),
      index product_by_age (status, created_at, id), index product_by_price (status, price_minor, id),
      index product_by_name (status, name_key, id), index product_by_sales (status, sold, id),
      index product_by_seller (seller_id, created_at, id),
      constraint product_price check (price_minor > 0)
    ) ${options}`);
    // The counters are in a row of their own: it is hot, and short, and locked for microseconds.
    this.addSql(`create table if not exists stock (
      product_id binary(16) not null primary key, on_hand int not null, allocated int not null,
      low_stock_threshold int not null default 0, allow_backorder tinyint(1) not null default 0,
      version int not null, updated_at datetime(3) not null,
      constraint stock_never_oversold check (allocated >= 0 and on_hand >= 0 and allocated <= on_hand)
    ) ${options}`);
    this.addSql(`create table if not exists stock_reservation (
      id binary(16) not null primary key, order_id binary(16) not null, product_id binary(16) not null,
      quantity int not null, state varchar(16) not null,
      expires_at datetime(3) not null, created_at datetime(3) not null, settled_at datetime(3) null,
      unique index stock_reservation_once (order_id, product_id),
      index stock_reservation_by_product (product_id, state, id),
      constraint stock_reservation_quantity check (quantity > 0)
    ) ${options}`);
    this.addSql(`create table if not exists stock_movement (
      product_id binary(16) not null, seq int not null, type varchar(16) not null,
      on_hand_delta int not null, allocated_delta int not null, on_hand_after int not null, allocated_after int not null,
      reservation_id binary(16) null, order_id binary(16) null, saga_branch varchar(64) null,
      actor varchar(64) not null, reason varchar(500) null, at datetime(3) not null,
      primary key (product_id, seq)
    ) ${options}`);
  }
}
