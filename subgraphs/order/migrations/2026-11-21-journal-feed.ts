import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';

/** Every journal entry gets its customer and, once numbered, its place among all entries: `../feed.ts`. */
export class JournalFeedMigration extends Migration {
  override async up(): Promise<void> {
    await addToTable(this, 'order_event', {
      firstColumn: 'customer_id',
      additions: [
        'add column customer_id binary(16) null',
        'add column feed_seq bigint null',
        'add unique index order_event_feed (feed_seq)',
        'add index order_event_customer (customer_id, feed_seq)',
      ],
    });
    await this.execute(
      'update order_event e join orders o on o.id = e.order_id set e.customer_id = o.customer_id where e.customer_id is null',
    );
    await this.execute('alter table order_event modify column customer_id binary(16) not null');
    await this.execute(
      'create table if not exists journal_feed (id tinyint not null primary key, head bigint not null) engine = InnoDB',
    );
    await this.execute('insert into journal_feed (id, head) values (1, 0) on duplicate key update head = head');
  }
}
