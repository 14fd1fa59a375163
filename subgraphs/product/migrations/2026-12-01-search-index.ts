import { Migration } from '@mikro-orm/migrations';
import { addToTable } from '../../shared/database/migration-steps.ts';
import type { Parameter, Sql } from '../../shared/database/statements.ts';
import { indexAllMissing } from '../search-store.ts';

const options = 'engine = InnoDB default character set utf8mb4 collate utf8mb4_bin';

/** The index of the search, filled with the products that there are. */
export class SearchIndex extends Migration {
  override async up(): Promise<void> {
    await this.execute(`create table if not exists search_word (
      word varchar(64) not null primary key, stem varchar(64) not null, index search_word_by_stem (stem)
    ) ${options}`);
    await this.execute(`create table if not exists search_form (
      form varchar(64) not null, word varchar(64) not null, primary key (form, word)
    ) ${options}`);
    await this.execute(`create table if not exists search_posting (
      word varchar(64) not null, product_id binary(16) not null, weight int not null,
      primary key (word, product_id), index search_posting_by_product (product_id)
    ) ${options}`);
    await addToTable(this, 'product', {
      firstColumn: 'indexed_version',
      additions: ['add column indexed_version int not null default 0'],
    });
    const sql: Sql = {
      rows: (text, parameters) => this.execute(text, parameters as Parameter[]),
      write: async (text, parameters) => {
        await this.execute(text, parameters as Parameter[]);
        return 0;
      },
    };
    await indexAllMissing((work) => work(sql));
  }
}
