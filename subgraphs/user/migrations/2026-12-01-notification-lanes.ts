import { Migration } from '@mikro-orm/migrations';
import { addToTable, schemaHas } from '../../shared/database/migration-steps.ts';

/** What is due is looked for by channel, codes apart from the rest. */
export class NotificationLanes extends Migration {
  override async up(): Promise<void> {
    const table = 'notification_delivery';
    const additions = ['add column is_code tinyint(1) not null default 0'];
    await addToTable(this, table, { firstColumn: 'is_code', additions });
    await this.execute(`update ${table} set is_code = 1 where secret is not null`);
    if (!(await schemaHas(this, { table, index: 'notification_delivery_lane' })))
      await this.execute(`alter table ${table} add index notification_delivery_lane (channel, is_code, next_try_at)`);
    if (await schemaHas(this, { table, index: 'notification_delivery_due' }))
      await this.execute(`alter table ${table} drop index notification_delivery_due`);
  }
}
