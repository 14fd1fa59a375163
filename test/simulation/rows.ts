import type { Value, Values } from './database/compile.ts';
import type { Memory } from './database/memory.ts';
import type { Table } from './database/schema.ts';

const placesOf = new WeakMap<Table, ReadonlyMap<string, number>>();

/** The committed rows of a table, for oracles: what a row holds by the name of its column. */
export class Rows {
  readonly rows: readonly Values[];
  readonly #places: ReadonlyMap<string, number>;

  constructor(memory: Memory, name: string) {
    const table = memory.schema.get(name);
    if (!table) throw new Error(`there is no table ${name}`);
    let places = placesOf.get(table);
    if (!places) placesOf.set(table, (places = new Map(table.columns.map((column, place) => [column.name, place]))));
    this.#places = places;
    this.rows = memory.committed(name);
  }

  get(row: Values, column: string): Value {
    const place = this.#places.get(column);
    if (place === undefined) throw new Error(`there is no column ${column}`);
    return row[place] ?? null;
  }
  number = (row: Values, column: string): number => Number(this.get(row, column));
  text = (row: Values, column: string): string => String(this.get(row, column));
  /** Bytes as hexadecimal digits. */
  id = (row: Values, column: string): string => {
    const value = this.get(row, column);
    return Buffer.isBuffer(value) ? value.toString('hex') : '';
  };
  /** The row in which the column has this value: equal bytes are one Buffer. */
  find = (column: string, value: Value): Values | undefined => this.rows.find((row) => this.get(row, column) === value);
  filter = (column: string, value: Value): Values[] => this.rows.filter((row) => this.get(row, column) === value);
}
