import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

const options = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** What can be booked by nights: the counters of each night, what orders have of them, and their ledger. */
export class Nights extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'product', {
      firstColumn: 'capacity',
      additions: ['add column capacity int null after status', 'add column max_guests int null after capacity'],
    });
    // on_hand are the rooms that are not sold, as in a stock: sold = capacity - on_hand, held = allocated.
    this.addSql(`create table if not exists night (
      product_id binary(16) not null, night date not null, capacity int not null, on_hand int not null, allocated int not null,
      version int not null, updated_at datetime(3) not null,
      primary key (product_id, night),
      constraint night_never_overbooked check (allocated >= 0 and allocated <= on_hand and on_hand <= capacity)
    ) ${options}`);
    // Their state is that of the order's reservation of the product.
    this.addSql(`create table if not exists night_reservation (
      order_id binary(16) not null, product_id binary(16) not null, night date not null, quantity int not null,
      primary key (order_id, product_id, night),
      index night_reservation_by_night (product_id, night),
      constraint night_reservation_quantity check (quantity > 0)
    ) ${options}`);
    this.addSql(`create table if not exists night_movement (
      product_id binary(16) not null, night date not null, seq int not null, type varchar(16) not null,
      on_hand_delta int not null, allocated_delta int not null, on_hand_after int not null, allocated_after int not null,
      reservation_id binary(16) null, order_id binary(16) null, saga_branch varchar(64) null,
      actor varchar(64) not null, reason varchar(500) null, at datetime(3) not null,
      primary key (product_id, night, seq)
    ) ${options}`);
  }
}
