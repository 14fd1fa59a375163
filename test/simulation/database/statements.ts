import {
  type Names,
  type Scope,
  type Value,
  type Values,
  compile,
  compileOrder,
  compileSelect,
  isTrue,
  itemsOf,
  tableOf,
} from './compile.ts';
import { Blocked, DatabaseError, type Stored, type Transaction } from './memory.ts';
import { type Assignment, type Insert, type Select, type Statement, type Update, parseStatement } from './parse.ts';
import type { Column, Schema, Table } from './schema.ts';

/** What a statement gives: rows of a SELECT, or how many rows a write has found. */
export type Outcome = { readonly rows: Record<string, unknown>[]; readonly affectedRows: number };
/** Throws DatabaseError, and Blocked where it has to wait. */
export type Run = (transaction: Transaction, parameters: readonly Value[]) => Outcome;

/** The statement ready to run; each text is prepared once. */
export function prepare(schema: Schema, sql: string): Run {
  const statement = parseStatement(sql);
  const run = prepared(schema, statement);
  return (transaction, parameters) => transaction.statement(() => run(transaction, parameters));
}

function prepared(schema: Schema, statement: Statement): Run {
  switch (statement.kind) {
    case 'select':
      return prepareSelect(schema, statement);
    case 'insert':
      return prepareInsert(schema, statement);
    case 'update':
      return prepareUpdate(schema, statement);
    case 'delete':
      return prepareDelete(schema, statement);
  }
}

const scopeOf = (transaction: Transaction, parameters: readonly Value[]): Scope => ({
  parameters, rows: [], outer: null, refused: null, view: transaction.view,
}); // prettier-ignore
const found = (affectedRows: number): Outcome => ({ rows: [], affectedRows });
const single = (table: Table): Names => ({ sources: [{ alias: table.name, table }], outer: null });

/** As mysql2 gives it: `bigint` as text, dates as dates. */
function show(value: Value, column: Column | undefined): unknown {
  if (value === null) return null;
  if (column?.type === 'bigint') return String(value);
  return column?.type === 'datetime' ? new Date(value as number) : value;
}

function prepareSelect(schema: Schema, select: Select): Run {
  const names: Names = {
    sources: select.sources.map(({ table, alias }) => ({ alias, table: tableOf(schema, table) })),
    outer: null,
  };
  const items = itemsOf(select, names).map(({ expression, name }) => {
    const source = names.sources.find(({ alias, table }) =>
      expression.kind === 'column' && (expression.table === null ? table.columns.some((one) => one.name === expression.name) : alias === expression.table)); // prettier-ignore
    const column = source?.table.columns.find((one) => expression.kind === 'column' && one.name === expression.name);
    return { name, column, evaluate: compile(expression, names, schema) };
  });
  const toRow = (values: Values): Record<string, unknown> => {
    const row: Record<string, unknown> = {};
    for (let index = 0; index < items.length; index += 1) {
      const { name, column } = items[index] as (typeof items)[number];
      row[name] = show(values[index] ?? null, column);
    }
    return row;
  };
  if (!select.forUpdate) {
    const query = compileSelect(select, schema);
    return (transaction, parameters) => {
      const rows = query.run(scopeOf(transaction, parameters)).map(toRow);
      return { rows, affectedRows: rows.length };
    };
  }
  const matches = prepareMatches(schema, tableOf(schema, select.sources[0]?.table ?? ''), select, names);
  return (transaction, parameters) => {
    const scope = scopeOf(transaction, parameters);
    const rows = matches(transaction, scope).map((row) => {
      transaction.lock(row);
      scope.rows[0] = transaction.see(row);
      return toRow(items.map(({ evaluate }) => evaluate(scope)));
    });
    return { rows, affectedRows: rows.length };
  };
}

/** The rows that a statement changes or locks, in its order. */
function prepareMatches(
  schema: Schema,
  table: Table,
  { where, order, limit }: Pick<Select, 'where' | 'order' | 'limit'>,
  names: Names = single(table),
): (transaction: Transaction, scope: Scope) => Stored[] {
  const filter = where && compile(where, names, schema);
  const ordering = compileOrder(order, names, schema);
  const most = limit && compile(limit, names, schema);
  return (transaction, scope) => {
    const matched: { keys: Values; row: Stored }[] = [];
    for (const row of transaction.memory.stored(table.name)) {
      const values = transaction.see(row);
      if (!values) continue;
      scope.rows[0] = values;
      if (!filter || isTrue(filter(scope))) matched.push({ keys: ordering.keysOf(scope), row });
    }
    return ordering
      .sorted(matched)
      .slice(0, most ? Number(most(scope)) : matched.length)
      .map(({ row }) => row);
  };
}

/** Sets columns one after the other: a later one sees what an earlier one has set, as in MySQL. */
function prepareAssignments(schema: Schema, table: Table, set: readonly Assignment[], names: Names) {
  const compiled = set.map(({ column, value }) => ({
    place: placeOf(table, column),
    evaluate: compile(value, names, schema),
  }));
  return (scope: Scope, values: Values): void => {
    scope.rows[0] = values;
    for (const { place, evaluate } of compiled) values[place] = evaluate(scope);
  };
}

function placeOf(table: Table, column: string): number {
  const place = table.columns.findIndex(({ name }) => name === column);
  if (place < 0) throw new Error(`the simulation's database knows no column ${table.name}.${column}`);
  return place;
}

function prepareUpdate(schema: Schema, update: Update): Run {
  const table = tableOf(schema, update.table);
  const matches = prepareMatches(schema, table, update);
  const assign = prepareAssignments(schema, table, update.set, single(table));
  const check = prepareChecks(schema, table);
  return (transaction, parameters) => {
    const scope = scopeOf(transaction, parameters);
    const rows = matches(transaction, scope);
    for (const row of rows) {
      transaction.lock(row);
      const values = [...(transaction.see(row) as Values)];
      assign(scope, values);
      refuseDuplicate(check(transaction, scope, values, row), table);
      transaction.change(row, values);
    }
    return found(rows.length);
  };
}

function prepareDelete(schema: Schema, statement: Extract<Statement, { kind: 'delete' }>): Run {
  const table = tableOf(schema, statement.table);
  const matches = prepareMatches(schema, table, { where: statement.where, order: [], limit: null });
  return (transaction, parameters) => {
    const rows = matches(transaction, scopeOf(transaction, parameters));
    for (const row of rows) transaction.change(row, null);
    return found(rows.length);
  };
}

function prepareInsert(schema: Schema, insert: Insert): Run {
  const table = tableOf(schema, insert.table);
  const places = insert.columns.map((column) => placeOf(table, column));
  const check = prepareChecks(schema, table);
  const assign = insert.onDuplicate && prepareAssignments(schema, table, insert.onDuplicate, single(table));
  const { rows } = insert;
  const query = 'kind' in rows ? compileSelect(rows, schema) : null;
  const tuples = 'kind' in rows ? [] : rows.map((row) => row.map((one) => compile(one, { sources: [], outer: null }, schema))); // prettier-ignore
  return (transaction, parameters) => {
    const scope = scopeOf(transaction, parameters);
    const given = query ? query.run(scope) : tuples.map((tuple) => tuple.map((evaluate) => evaluate(scope)));
    for (const tuple of given) {
      const values: Values = table.columns.map(({ byDefault }) => byDefault ?? null);
      for (const [index, place] of places.entries()) values[place] = tuple[index] ?? null;
      const twin = check(transaction, scope, values, null);
      if (!twin) transaction.insert(table.name, values);
      else if (!assign) refuseDuplicate(twin, table);
      else {
        transaction.lock(twin.row);
        const changed = [...(transaction.see(twin.row) as Values)];
        assign({ ...scope, refused: values }, changed);
        refuseDuplicate(check(transaction, scope, changed, twin.row), table);
        transaction.change(twin.row, changed);
      }
    }
    return found(given.length);
  };
}

type Twin = { readonly row: Stored; readonly index: string };

function refuseDuplicate(twin: Twin | null, { name }: Table): void {
  if (twin) throw new DatabaseError(1062, 'ER_DUP_ENTRY', `Duplicate entry for key '${name}.${twin.index}'`);
}

/** Holds a row to its table's rules; gives the row that has one of its unique keys already. `self` is not compared. */
function prepareChecks(schema: Schema, table: Table) {
  const names = single(table);
  const checks = table.checks.map(({ name, expression }) => ({ name, holds: compile(expression, names, schema) }));
  const uniques = table.uniques.map(({ name, columns }) => ({
    name,
    places: columns.map((column) => placeOf(table, column)),
  }));
  return (transaction: Transaction, scope: Scope, values: Values, self: Stored | null): Twin | null => {
    for (let place = 0; place < values.length; place += 1) {
      const { name, isNullable, maxLength } = table.columns[place] as Column;
      const value = values[place] ?? null;
      if (value === null ? !isNullable : typeof value !== 'number' && value.length > maxLength)
        throw value === null
          ? new DatabaseError(1048, 'ER_BAD_NULL_ERROR', `Column '${name}' cannot be null`)
          : new DatabaseError(1406, 'ER_DATA_TOO_LONG', `Data too long for column '${name}'`);
    }
    scope.rows[0] = values;
    for (const { name, holds } of checks)
      if (holds(scope) === 0) throw new DatabaseError(4025, 'ER_CONSTRAINT_FAILED', `CONSTRAINT ${name} failed`);
    const before = self && transaction.see(self);
    for (const { name, places } of uniques) {
      if (places.some((place) => values[place] === null)) continue;
      if (before && hasKey(before, values, places)) continue;
      for (const row of transaction.memory.stored(table.name)) {
        if (row === self) continue;
        const isForeign = row.owner !== null && row.owner !== transaction;
        if (isForeign && (hasKey(row.committed, values, places) || hasKey(row.pending, values, places)))
          throw new Blocked(row.owner as Transaction);
        if (hasKey(transaction.see(row), values, places)) return { row, index: name };
      }
    }
    return null;
  };
}

/** Equal bytes are one Buffer, so references tell. */
const hasKey = (row: Values | null | undefined, values: Values, places: readonly number[]): boolean =>
  row !== null && row !== undefined && places.every((place) => row[place] === values[place]);
