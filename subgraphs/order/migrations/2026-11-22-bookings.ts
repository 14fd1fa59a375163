import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** Stays in orders: their nights and guests, the code that the merchant redeems, and when a paid one lapses. */
export class BookingsMigration extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'orders', {
      firstColumn: 'confirmation_code',
      additions: ['add column confirmation_code varchar(16) null', 'add column lapses_at datetime(3) null'],
    });
    await addToTable(this, 'order_line', {
      firstColumn: 'stay_from',
      additions: [
        'add column stay_from date null',
        'add column stay_to date null',
        'add column guests int null',
        'add constraint order_line_stay check (stay_to > stay_from and guests > 0)',
      ],
    });
    await this.execute(`create table if not exists redeem_throttle (
      order_id binary(16) not null primary key,
      wrong int not null,
      window_until datetime(3) not null
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`);
  }
}
