import { type PoolOptions, createPool } from 'mysql2';
import type { Logger } from '../process/telemetry.ts';
import type { TracedSpan } from '../tracing/span.ts';
import { type Tracing, errorType } from '../tracing/tracing.ts';
import type { Expected, Parameter, Row, Sql } from './statements.ts';

/** A statement to be sent. */
export type Statement = {
  readonly text: string;
  readonly parameters: readonly Parameter[];
  readonly expected?: Expected | undefined;
};

/** What a statement gave: rows of a SELECT, or how many rows a write found. */
export type Result = Row[] | { readonly affectedRows: number };

/** Of mysql2's connections what is used here. */
export type Connection = {
  query(
    query: { sql: string; values: readonly Parameter[] },
    callback: (error: Error | null, result: unknown) => void,
  ): void;
  release(): void;
  destroy(): void;
};

/** Spans of what one service sends to its database, while something else of it is traced. */
export type DatabaseTraces = { readonly tracing: Tracing; readonly service: string };

export type Pool = {
  traces?: DatabaseTraces | undefined;
  /** Told of each text that is sent, with the number of its statements. */
  onSent?: ((statements: number) => void) | undefined;
  getConnection(callback: (error: Error | null, connection?: Connection) => void): void;
  end(callback: () => void): void;
  on(event: 'connection', listener: (connection: Connection) => void): void;
};

const lockWaitTimeoutSeconds = 5;
/**
 * A transaction in which nothing is asked for so long belongs to a process that stands still: MariaDB ends it, and others
 * get its locks. MySQL has no such setting; there they wait until that process goes on or its connection ends.
 */
export const idleTransactionSeconds = 8;

/**
 * What every connection is told first, in one round trip. Only MariaDB reads what stands in its comment. Backslashes must
 * escape, since the driver writes values that way. Strict, since counters keep their limits by a null that is refused: a server
 * that isn't would write 0.
 */
const sessionSettings = `set session transaction isolation level read committed;
set session innodb_lock_wait_timeout = ${lockWaitTimeoutSeconds}, sql_mode = concat(replace(@@session.sql_mode, 'NO_BACKSLASH_ESCAPES', ''), ',STRICT_TRANS_TABLES')
/*M!, idle_transaction_timeout = ${idleTransactionSeconds} */`;

/** Connections to one schema, opened when they are needed. */
export function openPool({
  url,
  poolSize,
  log,
  onSent,
  traces,
}: {
  url: string;
  poolSize: number;
  log: Logger;
  onSent?: ((statements: number) => void) | undefined;
  traces?: DatabaseTraces | undefined;
}): Pool {
  const options: PoolOptions = {
    uri: url,
    connectionLimit: poolSize,
    // How many may be idle. mysql2 closes those beyond each second, whatever the timeout says, and none where all may be
    // (https://github.com/sidorares/node-mysql2/issues/2493).
    maxIdle: Math.max(1, poolSize - 1),
    idleTimeout: 60_000,
    connectTimeout: 3_000,
    enableKeepAlive: true,
    charset: 'utf8mb4_bin',
    timezone: 'Z',
    dateStrings: true,
    supportBigNumbers: true,
    // As MariaDB gives it: a JSON text is no longer told from another text once it is read.
    jsonStrings: true,
    // An object as a value would be written as assignments.
    stringifyObjects: true,
    // A transaction's statements go together: unit-of-work.ts.
    multipleStatements: true,
  };
  const pool = Object.assign(createPool(options) as unknown as Pool, { onSent, traces });
  pool.on('connection', (connection) => {
    connection.query({ sql: sessionSettings, values: [] }, (error) => {
      if (!error) return;
      log.warn({ err: error.message }, 'a connection to the database did not take its settings');
      connection.destroy();
    });
  });
  return pool;
}

/** A connection of the pool; it is to be released. */
export const connectionOf = (pool: Pool): Promise<Connection> =>
  new Promise((resolve, reject) => {
    pool.getConnection((error, connection) => {
      if (connection) resolve(connection);
      else reject(error ?? new Error('the pool gave no connection'));
    });
  });

/** Sends statements in one round trip. The first that fails is the last that is run, and its error is thrown. */
export function send(pool: Pool, connection: Connection, statements: readonly Statement[]): Promise<Result[]> {
  pool.onSent?.(statements.length);
  const sql = statements.map(({ text }) => text).join(';\n');
  const values = statements.flatMap(({ parameters }) => parameters.map(checked));
  const span = pool.traces && statementSpan(pool.traces, sql, statements);
  return new Promise((resolve, reject) => {
    connection.query({ sql, values }, (error, result) => {
      if (span) {
        // A conflict is dealt with above; whether it is a fault is seen there.
        if (error) span.set({ 'error.type': errorType(error) });
        span.end();
      }
      if (error) {
        // The driver puts the text with all its values there, which would go into the log.
        Object.assign(error, { sql });
        reject(error);
      } else resolve(statements.length === 1 ? [result as Result] : (result as Result[]));
    });
  });
}

const transactionControl = /^(start transaction|commit|rollback)$/;

/** A span for what is sent at once: often all of a transaction. The text has `?` for values. */
function statementSpan(
  { tracing, service }: DatabaseTraces,
  sql: string,
  statements: readonly Statement[],
): TracedSpan | undefined {
  const around = tracing.active();
  if (!around) return undefined;
  const telling = statements.find(({ text }) => !transactionControl.test(text)) ?? statements[0];
  const [verb = 'sql'] = telling?.text.trimStart().split(/\s/, 1) ?? [];
  return tracing.begin({
    service,
    name: `SQL ${verb.toLowerCase()}`,
    kind: 'client',
    parent: around,
    attributes: { 'db.system.name': 'mysql', 'db.namespace': service, 'db.query.text': sql, 'db.operation.batch.size': statements.length }, // prettier-ignore
  });
}

/** The driver writes other kinds of values in other ways, lists as several values. */
function checked(value: Parameter): Parameter {
  if (value === null || typeof value !== 'object' || value instanceof Date || Buffer.isBuffer(value)) return value;
  throw new TypeError('a value of a statement is an object');
}

/** Statements outside a transaction, each on whichever connection is free. */
export const autocommit = (pool: Pool): Sql => {
  async function run(statement: Statement): Promise<Result> {
    const connection = await connectionOf(pool);
    try {
      const [result] = await send(pool, connection, [statement]);
      return result as Result;
    } finally {
      connection.release();
    }
  }
  return {
    rows: async (text, parameters) => (await run({ text, parameters })) as Row[],
    write: async (text, parameters) => ((await run({ text, parameters })) as { affectedRows: number }).affectedRows,
  };
};
