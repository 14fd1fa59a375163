import type { InferKyselyDB } from '@mikro-orm/mysql';
import {
  type ColumnType,
  type Compilable,
  DummyDriver,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  type Insertable,
} from 'kysely';
import { type Expected, type Parameter, type Sql, insertRows } from './statements.ts';

/**
 * What the driver gives for a value, by the type that the record has for it, and what it is compared with. `readerOf` makes
 * the record's value of it.
 */
type Given<V> = V extends string
  ? BytesOrText<V>
  : V extends bigint
    ? string | number | bigint
    : V extends Date
      ? string | Date
      : V extends boolean
        ? number | boolean
        : V extends number | Buffer | null
          ? V
          : unknown;
/** What is sent for it: JSON as text. */
type Sent<V> = V extends string
  ? BytesOrText<V>
  : V extends bigint
    ? bigint | number
    : V extends boolean
      ? boolean | number
      : V extends number | Buffer | Date | null
        ? V
        : string;
/** Ids are bytes. Asked of texts alone, as an object of any names would pass for an id. */
type BytesOrText<V extends string> = V extends { '~id'?: true } ? Buffer : V;
type Column<C> =
  C extends ColumnType<infer S, infer I, unknown>
    ? ColumnType<Given<S>, undefined extends I ? Sent<S> | undefined : Sent<S>, Sent<S>>
    : ColumnType<Given<C>, null extends C ? Sent<C> | undefined : Sent<C>, Sent<C>>;

/** The tables of some records, typed as their rows are stored: a wrong table, column or value is a compile error. */
export type TablesOf<Records extends readonly unknown[]> = {
  [Table in keyof InferKyselyDB<Extract<Records[number], { name: string }>>]: {
    [Name in keyof InferKyselyDB<Extract<Records[number], { name: string }>>[Table]]: Column<
      InferKyselyDB<Extract<Records[number], { name: string }>>[Table][Name]
    >;
  };
};

type Rows<Schema> = TablesOf<readonly [Schema]>;
/** A whole row of a record's table, as it is inserted. */
export type RowOf<Schema> = Required<Insertable<Rows<Schema>[keyof Rows<Schema>]>>;

/** Kysely for these tables. It builds statements; `find` and `change` run them. */
export const builderFor = <Tables>(): Kysely<Tables> =>
  new Kysely<Tables>({
    dialect: {
      createAdapter: () => new MysqlAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new MysqlIntrospector(db),
      createQueryCompiler: () => new MysqlQueryCompiler(),
    },
  });

/** A statement that was compiled once: its text, and which parameter goes where. */
export type Prepared<Parameters, Result> = {
  readonly text: string;
  bind(parameters: Parameters): readonly Parameter[];
  /** Of the types only. */
  readonly '~result'?: Result;
};

class Mark {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/**
 * Compiles a statement of a hot path once; what differs from run to run comes as named parameters:
 *
 *     const byId = prepare<{ id: Buffer }>()((param) => tables.selectFrom('orders').selectAll().where('id', '=', param.id));
 */
export const prepare =
  <Parameters extends Readonly<Record<string, Parameter>>>() =>
  <Result>(build: (parameters: Parameters) => Compilable<Result>): Prepared<Parameters, Result> => {
    const marks = new Proxy({}, { get: (_, name) => new Mark(String(name)) }) as Parameters;
    const { sql, parameters } = build(marks).compile();
    return {
      text: sql,
      bind: (given) =>
        parameters.map((each) => (each instanceof Mark ? (given[each.name] as Parameter) : (each as Parameter))),
    };
  };

/** A statement built for this run. */
function compiled(statement: Compilable): { text: string; parameters: readonly Parameter[] } {
  const { sql, parameters } = statement.compile();
  return { text: sql, parameters: parameters as readonly Parameter[] };
}

/** Rows of a statement that was built for this run, or of one that was compiled once. */
export function find<Result>(sql: Sql, statement: Compilable<Result>): Promise<Result[]>;
export function find<Parameters, Result>(
  sql: Sql,
  statement: Prepared<Parameters, Result>,
  parameters: Parameters,
): Promise<Result[]>;
export function find(
  sql: Sql,
  statement: Compilable | Prepared<unknown, unknown>,
  given?: unknown,
): Promise<unknown[]> {
  if ('bind' in statement) return sql.rows(statement.text, statement.bind(given));
  const { text, parameters } = compiled(statement);
  return sql.rows(text, parameters);
}

/** A SELECT by a list of ids that was compiled once for each length of the list. */
export type PreparedList<Result> = {
  textFor(ids: readonly Buffer[]): string;
  /** Of the types only. */
  readonly '~result'?: Result;
};

/** Lists up to this length are compiled once; longer ones are read rarely. */
const maxPreparedLength = 100;

/**
 * Compiles a SELECT of a hot path that has a list of ids as its only parameters:
 *
 *     const byIds = prepareList((ids) => tables.selectFrom('product').selectAll().where('id', 'in', ids));
 *     await findByList(sql, byIds, [idToBytes(id)]);
 */
export function prepareList<Result>(build: (ids: readonly Buffer[]) => Compilable<Result>): PreparedList<Result> {
  const texts = new Map<number, string>();
  return {
    textFor(ids) {
      const known = texts.get(ids.length);
      if (known !== undefined) return known;
      const { sql, parameters } = build(ids).compile();
      if (parameters.length !== ids.length) throw new Error(`not only the ids are parameters of ${sql}`);
      if (ids.length <= maxPreparedLength) texts.set(ids.length, sql);
      return sql;
    },
  };
}

/** The rows of such a SELECT; none for no ids. */
export async function findByList<Result>(
  sql: Sql,
  statement: PreparedList<Result>,
  ids: readonly Buffer[],
): Promise<Result[]> {
  return ids.length === 0 ? [] : ((await sql.rows(statement.textFor(ids), ids)) as Result[]);
}

/** The rows of several SELECTs of the same columns (no bare `*`) in one round trip, each with its own ORDER BY and LIMIT. */
export async function findMany<Result>(sql: Sql, statements: readonly Compilable<Result>[]): Promise<Result[][]> {
  const results: Result[][] = statements.map(() => []);
  if (statements.length === 0) return results;
  const numbered = statements.map((statement, index) => {
    const { text, parameters } = compiled(statement);
    return { text: `(${text.replace('select ', `select ${index} as batch_index, `)})`, parameters };
  });
  const text = numbered.map((each) => each.text).join(' union all ');
  const rows = await sql.rows(text, numbered.flatMap(({ parameters }) => parameters)); // prettier-ignore
  for (const row of rows) results[Number(row['batch_index'])]?.push(row as Result);
  return results;
}

/**
 * Runs a write; the number of rows that it found. With `expected` a transaction goes on as if it had found so many, see
 * `Expected`.
 */
export function change(sql: Sql, statement: Compilable, expected?: Expected): Promise<number>;
export function change<Parameters>(
  sql: Sql,
  statement: Prepared<Parameters, unknown>,
  parameters: Parameters,
  expected?: Expected,
): Promise<number>;
export function change(
  sql: Sql,
  statement: Compilable | Prepared<unknown, unknown>,
  ...given: readonly unknown[]
): Promise<number> {
  if ('bind' in statement) return sql.write(statement.text, statement.bind(given[0]), given[1] as Expected | undefined);
  const { text, parameters } = compiled(statement);
  return sql.write(text, parameters, given[0] as Expected | undefined);
}

/** One multi-row INSERT into a table of these; every row has the same columns. Inserts nothing for no rows. */
export const inserterFor =
  <Tables>() =>
  <Table extends keyof Tables & string>(sql: Sql, table: Table, rows: readonly Insertable<Tables[Table]>[]) =>
    insertRows(sql, table, rows);

/**
 * The statement by its table's primary key, which it else may leave for another index: so it locks the rows first, as all
 * others do. Kysely writes no index hints.
 */
export const byPrimaryKey = <Result>(statement: Compilable<Result>, table: string): Compilable<Result> =>
  hinted(statement, { at: `\`${table}\``, hint: 'force index (primary)' });

/**
 * A SELECT from a table by this index, which has its rows in the order of the list: where many rows fit the condition, MariaDB reads them
 * all and sorts them, as it weighs them without the LIMIT.
 */
export const byIndex = <Result>(
  statement: Compilable<Result>,
  { table, index }: { readonly table: string; readonly index: string },
): Compilable<Result> => hinted(statement, { at: `from \`${table}\``, hint: `force index (${index})` });

function hinted<Result>(
  statement: Compilable<Result>,
  { at, hint }: { readonly at: string; readonly hint: string },
): Compilable<Result> {
  return {
    compile() {
      const { sql, ...rest } = statement.compile();
      return { ...rest, sql: sql.replace(at, `${at} ${hint}`) };
    },
  };
}
