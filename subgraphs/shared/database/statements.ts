/** A row as the driver gives it: `bigint` columns as text or number, dates as UTC text, JSON as text, ids as bytes. */
export type Row = Record<string, unknown>;
export type Parameter = string | number | bigint | boolean | Date | Buffer | null;

/**
 * How many rows a write finds when all goes well; `any` where it fails or all is well, as with a plain INSERT. In a
 * transaction such a write is not waited for: it is sent with the next statement whose answer is needed, and checked there.
 */
export type Expected = number | 'any';

/** Where statements go: the pool, or a transaction. Values go as `?` parameters, never into the text. */
export type Sql = {
  /** Rows of a SELECT. */
  rows(text: string, parameters: readonly Parameter[]): Promise<Row[]>;
  /** The number of rows that a write found: matched by an UPDATE, inserted or deleted. */
  write(text: string, parameters: readonly Parameter[], expected?: Expected): Promise<number>;
};

/** Rows of a SELECT. */
export const select = (sql: Sql, text: string, parameters: readonly Parameter[] = []): Promise<Row[]> =>
  sql.rows(text, parameters);

/**
 * Runs a write and returns the number of rows that it found. With `expectedRows`, a transaction goes on as if it had found
 * so many, and starts again, one statement after another, where it did not (`Database.transaction`).
 */
export const write = (
  sql: Sql,
  text: string,
  parameters: readonly Parameter[] = [],
  expectedRows?: number,
): Promise<number> => sql.write(text, parameters, expectedRows);

/** Runs a write that fails or has done its work, however many rows it found. */
export async function run(sql: Sql, text: string, parameters: readonly Parameter[] = []): Promise<void> {
  await sql.write(text, parameters, 'any');
}

/** The time by the database's clock, so many seconds ago, as `%Y-%m-%dT%T.%f`: such times sort as their texts do. */
export async function databaseTime(sql: Sql, secondsAgo = 0): Promise<string> {
  const ago = "select date_format(utc_timestamp(3) - interval ? second, '%Y-%m-%dT%T.%f') as at";
  return String((await select(sql, ago, [secondsAgo]))[0]?.['at']);
}

/** `?, ?, ?`: one parameter mark a value, for `in (…)`. */
export const placeholders = (values: readonly unknown[]): string => values.map(() => '?').join(', ');

/** One multi-row INSERT; every row has the same columns. Inserts nothing for no rows. */
export async function insertRows(
  sql: Sql,
  table: string,
  rows: readonly Readonly<Record<string, Parameter>>[],
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first);
  const tuple = `(${placeholders(columns)})`;
  const parameters = rows.flatMap((row) => columns.map((column) => row[column] ?? null));
  const text = `insert into ${table} (${columns.join(', ')}) values ${rows.map(() => tuple).join(', ')}`;
  await run(sql, text, parameters);
}

/** A UTC date from a raw row's text, or null. */
export const toDate = (value: unknown): Date | null =>
  value === null || value === undefined
    ? null
    : value instanceof Date
      ? value
      : new Date(`${(value as string).replace(' ', 'T')}Z`);

/** JSON from a raw row: text, and a value where another connection than the pool's read it from MySQL. */
export const toJson = <T>(value: unknown): T => (typeof value === 'string' ? JSON.parse(value) : value) as T;
