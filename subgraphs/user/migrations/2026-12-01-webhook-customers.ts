import { Migration } from '@mikro-orm/migrations';
import { addToTable, schemaHas } from '../../shared/database/migration-steps.ts';

const customer = "json_unquote(json_extract(payload, '$.data.customerId'))";

/** Whose order a delivery is about, so that erasing a person need not read all of them. */
export class WebhookCustomers extends Migration {
  override async up(): Promise<void> {
    const table = 'outgoing_delivery';
    await addToTable(this, table, {
      firstColumn: 'customer_id',
      additions: ['add column customer_id binary(16) null'],
    });
    await this.execute(
      `update ${table} set customer_id = unhex(replace(${customer}, '-', '')) where customer_id is null and ${customer} is not null`,
    );
    if (!(await schemaHas(this, { table, index: 'outgoing_delivery_customer' })))
      await this.execute(`alter table ${table} add index outgoing_delivery_customer (customer_id)`);
  }
}
