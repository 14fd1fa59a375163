import type { NamedMigration } from '../../../subgraphs/shared/database/database.ts';
import { type Expression, readExpression } from './parse.ts';
import { Reader } from './tokens.ts';

/** How a column's values come out: as mysql2 gives them. */
export type ColumnType = 'number' | 'bigint' | 'datetime' | 'binary' | 'text';
export type Column = {
  readonly name: string;
  readonly type: ColumnType;
  readonly isNullable: boolean;
  /** Characters of a text, bytes of a binary. */
  readonly maxLength: number;
  readonly byDefault: string | number | null | undefined;
};
export type Table = {
  readonly name: string;
  readonly columns: Column[];
  readonly uniques: { readonly name: string; readonly columns: readonly string[] }[];
  readonly checks: { readonly name: string; readonly expression: Expression }[];
};
export type Schema = ReadonlyMap<string, Table>;

const types: Readonly<Record<string, ColumnType>> = {
  int: 'number', smallint: 'number', tinyint: 'number', boolean: 'number', bigint: 'bigint', datetime: 'datetime',
  binary: 'binary', varchar: 'text', char: 'text', text: 'text', mediumtext: 'text', json: 'text', date: 'text', enum: 'text',
}; // prettier-ignore

/** The tables as the migrations leave an empty database, read from the migrations' own statements. */
export async function schemaOf(migrations: readonly NamedMigration[]): Promise<Map<string, Table>> {
  const tables = new Map<string, Table>();
  for (const migration of migrations) {
    const statements: string[] = [];
    const Migration = await migration.load();
    const recorder = Object.assign(Object.create(Migration.prototype as object) as InstanceType<typeof Migration>, {
      addSql: (sql: string) => void statements.push(sql),
      // What is asked of the information schema: nothing is there yet.
      execute: (sql: string) => Promise.resolve(sql.startsWith('select') ? [] : (statements.push(sql), [])),
    }); // prettier-ignore
    await recorder.up();
    for (const statement of statements) define(tables, statement);
  }
  return tables;
}

function define(tables: Map<string, Table>, sql: string): void {
  const reader = new Reader(sql);
  // Rows that are put right by a migration: there are none yet.
  if (reader.sees('update') || reader.sees('insert')) return;
  if (reader.takes('create', 'table')) {
    reader.takes('if', 'not', 'exists');
    const table: Table = { name: reader.name(), columns: [], uniques: [], checks: [] };
    reader.inParentheses(() => reader.list(() => readDefinition(reader, table)));
    tables.set(table.name, table);
    return;
  }
  reader.expect('alter', 'table');
  const table = tables.get(reader.name());
  if (!table) throw new Error(`a table that is not there is altered: ${sql}`);
  reader.list(() => readAlteration(reader, table));
}

function readAlteration(reader: Reader, table: Table): void {
  if (reader.takes('add', 'column')) return readColumn(reader, table);
  if (reader.takes('add')) return readDefinition(reader, table);
  if (reader.takes('drop', 'index')) return drop(table.uniques, reader.name());
  reader.expect('modify', 'column');
  const place = table.columns.findIndex(({ name }) => name === reader.peek().text);
  readColumn(reader, table);
  table.columns.splice(place, 1, table.columns.pop() as Column);
}

/** Removes what has this name, if it is there. */
export function drop(named: { readonly name: string }[], name: string): void {
  const place = named.findIndex((one) => one.name === name);
  if (place >= 0) named.splice(place, 1);
}

function readDefinition(reader: Reader, table: Table): void {
  const columns = () => reader.inParentheses(() => reader.list(() => reader.name()));
  if (reader.takes('primary', 'key')) table.uniques.push({ name: 'primary', columns: columns() });
  else if (reader.takes('unique', 'index') || reader.takes('unique', 'key'))
    table.uniques.push({ name: reader.name(), columns: columns() });
  else if (reader.takes('index')) {
    reader.name();
    columns();
  } else if (reader.takes('constraint')) {
    const name = reader.name();
    reader.expect('check');
    table.checks.push({ name, expression: reader.inParentheses(() => readExpression(reader)) });
  } else readColumn(reader, table);
}

function readColumn(reader: Reader, table: Table): void {
  const name = reader.name();
  const typeName = reader.name();
  const type = types[typeName];
  if (!type) throw reader.unexpected('a type');
  let maxLength = Number.POSITIVE_INFINITY;
  if (reader.sees('(')) {
    const size = reader.inParentheses(() => reader.list(() => reader.next().text))[0];
    if (['varchar', 'char', 'binary'].includes(typeName)) maxLength = Number(size);
  }
  let isNullable = true;
  let byDefault: Column['byDefault'];
  for (;;) {
    if (reader.takes('not', 'null')) isNullable = false;
    else if (reader.takes('null')) isNullable = true;
    else if (reader.takes('primary', 'key')) table.uniques.push({ name: 'primary', columns: [name] });
    else if (reader.takes('after')) reader.name();
    else if (reader.takes('default')) {
      const { text, kind } = reader.next();
      byDefault = kind === 'number' ? Number(text) : text === 'false' ? 0 : text === 'true' ? 1 : text;
    } else break;
  }
  table.columns.push({ name, type, isNullable, maxLength, byDefault });
}
