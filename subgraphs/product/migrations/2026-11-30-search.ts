import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';
import { searchTextOf } from '../domain/search.ts';

const rowsAtOnce = 200;

/** The description is searched too, in the form that `searchTextOf` gives; SKUs are found in either case. */
export class Search extends Migration {
  override async up(): Promise<void> {
    await this.execute('alter table product modify column search_text text not null');
    // Virtual: TiDB adds no stored column to a table that is there.
    await addToTable(this, 'product', {
      firstColumn: 'sku_key',
      additions: [
        'add column sku_key varchar(64) collate utf8mb4_bin generated always as (lower(sku)) virtual',
        'add index product_by_sku_key (sku_key)',
      ],
    });
    for (let after: Buffer = Buffer.alloc(16); ;) {
      const rows = await this.execute(
        'select id, sku, name, subtitle, description from product where id > ? order by id limit ?',
        [after, rowsAtOnce],
      );
      for (const { id, sku, name, subtitle, description } of rows) {
        const text = searchTextOf({ sku: String(sku), name: String(name), subtitle: subtitle as string | null, description: String(description) }); // prettier-ignore
        await this.execute('update product set search_text = ? where id = ?', [text, id]);
        after = id as Buffer;
      }
      if (rows.length < rowsAtOnce) return;
    }
  }
}
