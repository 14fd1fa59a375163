import { type Parameter, type Sql, placeholders, run } from '../../../subgraphs/shared/database/statements.ts';
import type { OrderTables } from '../../../subgraphs/order/records.ts';
import type { PaymentTables } from '../../../subgraphs/payment/tables.ts';
import type { ProductTables } from '../../../subgraphs/product/records.ts';
import type { UserTables } from '../../../subgraphs/user/records.ts';
import type { Insertable } from 'kysely';
import type { PlainDatabase } from './plain-database.ts';

type Schemas = { order: OrderTables; payment: PaymentTables; product: ProductTables; user: UserTables };
export type SchemaName = keyof Schemas;

/** Rows of one INSERT. More make the statement longer than `max_allowed_packet` likes, fewer cost round trips. */
const rowsOfInsert = 1_000;

type Row = Readonly<Record<string, Parameter>>;

/** Rows that wait for their tables, by schema; each column is typed as the records say. */
export class Batch {
  readonly #rows = new Map<SchemaName, Map<string, Row[]>>();
  #count = 0;

  add<S extends SchemaName, T extends keyof Schemas[S] & string>(schema: S, table: T, row: Insertable<Schemas[S][T]>) {
    const tables = this.#rows.get(schema) ?? new Map<string, Row[]>();
    this.#rows.set(schema, tables);
    const rows = tables.get(table) ?? [];
    tables.set(table, rows);
    rows.push(row);
    this.#count += 1;
  }

  /** Writes all rows, each schema in a transaction of its own, and forgets them; how many there were. */
  async write(databases: Readonly<Record<SchemaName, PlainDatabase>>): Promise<number> {
    // Taken at once: rows may be added while these are written.
    const [taken, written] = [[...this.#rows], this.#count];
    this.#rows.clear();
    this.#count = 0;
    await Promise.all(taken.map(([schema, tables]) => databases[schema].transaction((tx) => writeTables(tx, tables))));
    return written;
  }
}

async function writeTables(tx: Sql, tables: ReadonlyMap<string, readonly Row[]>): Promise<void> {
  for (const [table, rows] of tables)
    for (let from = 0; from < rows.length; from += rowsOfInsert)
      await insertAll(tx, table, rows.slice(from, from + rowsOfInsert));
}

/** As the stores' `insertRows`, with names that are words of SQL, too. */
async function insertAll(tx: Sql, table: string, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const tuple = `(${placeholders(columns)})`;
  const names = columns.map((column) => `\`${column}\``).join(', ');
  const parameters = rows.flatMap((row) => columns.map((column) => row[column] ?? null));
  await run(tx, `insert into \`${table}\` (${names}) values ${rows.map(() => tuple).join(', ')}`, parameters);
}
