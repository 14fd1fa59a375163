import { Migration } from '@mikro-orm/migrations';

/** Returns of orders, and how many pieces of each line they are of. */
export class ReturnsMigration extends Migration {
  override async up(): Promise<void> {
    await this.execute(`create table if not exists order_return (
      id binary(16) not null primary key, order_id binary(16) not null, number varchar(32) not null, state varchar(16) not null,
      reason varchar(255) not null, decided_reason varchar(255) null, request_id binary(16) null,
      created_at datetime(3) not null, updated_at datetime(3) not null,
      unique index order_return_number (number),
      index order_return_order (order_id, id), index order_return_state (state, id)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
    await this.execute(`create table if not exists order_return_line (
      return_id binary(16) not null, line_id binary(16) not null, quantity int not null,
      received_quantity int not null default 0, restocked_quantity int not null default 0,
      primary key (return_id, line_id),
      index order_return_line_line (line_id)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
  }
}
