import { createConnection } from 'mysql2/promise';
import { MikroORM as MariaDbORM } from '@mikro-orm/mariadb';
import { MikroORM as MySqlORM, type MySqlDriver, type SqlEntityManager, Type } from '@mikro-orm/mysql';
import { Migrator, type Migration } from '@mikro-orm/migrations';
import { CompiledQuery, type DatabaseConnection } from 'kysely';
import type { EntitySchema } from '@mikro-orm/core';
import { type RawPool, watchDatabase, whenItAnswers } from './database-watch.ts';
import { type Dependency, openDependency, usualStartTimeoutMs } from '../process/dependency.ts';
import type { Logger } from '../process/telemetry.ts';
import { type Time, realTime } from '../time/time.ts';
import { idFromBytes, idToBytes } from '../values/ids.ts';
import { inTime } from '../time/in-time.ts';

/** MikroORM's entity manager; inside `transaction` bound to that transaction. */
export type Sql = SqlEntityManager<MySqlDriver>;

/** A migration under the name that the migrations table remembers. */
export type NamedMigration = {
  readonly name: string;
  readonly class: new (...args: ConstructorParameters<typeof Migration>) => Migration;
};

export type Database = {
  readonly orm: MySqlORM;
  /** A fresh entity manager for reading. Don't share one between requests. */
  em(): Sql;
  /**
   * Runs `work` in one READ COMMITTED transaction. Any error aborts all of it; deadlock (1213), lock wait (1205) and
   * snapshot conflict (1020) run `work` again, at most `maxTransactionTries` times in all, so `work` must not have
   * effects outside the database. No network call belongs in here.
   */
  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T>;
  /**
   * Applies the migrations that are missing. Safe to call from several processes: one does it, the others wait. DDL commits
   * by itself, so a migration that was killed half-way runs again: each of its statements must be harmless twice.
   */
  migrate(): Promise<void>;
  /** Throws when the server doesn't answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
};

export const maxTransactionTries = 4;
const lockWaitTimeoutSeconds = 5;
/**
 * A transaction in which nothing is asked for so long belongs to a process that stands still: MariaDB ends it, and others
 * get its locks. MySQL has no such setting; there they wait until that process goes on or its connection ends.
 */
export const idleTransactionSeconds = 8;
const retried = new Set([1213, 1205, 1020]);
/** The server, or the transaction, takes no writes: perhaps another one does by now. */
const readOnly: ReadonlySet<unknown> = new Set([1290, 1792, 1836]);
/** Of a server that answers: read-only, out of connections, disk or memory. Said once a minute. */
const refusals: ReadonlySet<unknown> = new Set([...readOnly, 1040, 1203, 1226, 3, 1021, 1026, 1030, 1114, 3675, 1041]);
const sayRefusalEveryMs = 60_000;
const closeTimeoutMs = 3_000;

/** Column type for ids: canonical UUID text inside, `BINARY(16)` in the database. */
export class IdType extends Type<string, Buffer> {
  override convertToDatabaseValue(value: string | Buffer): Buffer {
    return typeof value === 'string' ? idToBytes(value) : value;
  }
  override convertToJSValue(value: string | Buffer): string {
    return typeof value === 'string' ? value : idFromBytes(value);
  }
  override getColumnType(): string {
    return 'binary(16)';
  }
  override compareAsType(): string {
    return 'string';
  }
  override ensureComparable(): boolean {
    return false;
  }
}

/**
 * Opens one schema. `url` names server, user, password and schema (`mysql://user:password@host:port/schema`).
 * Errors of the server come as MikroORM's DriverException with mysql2's `code` and `errno`. Statements fail within 3 s when
 * the server hangs (`watchDatabase`). Throws ConfigError when no server answers within `startTimeoutMs`.
 */
export async function openDatabase(options: {
  url: string;
  entities: readonly EntitySchema[] | readonly unknown[];
  migrations: readonly NamedMigration[];
  poolSize: number;
  log: Logger;
  dependency?: Dependency;
  startTimeoutMs?: number;
  /** A statement that has no answer for this long has lost its connection; 60 s when not given. */
  lostAfterMs?: number;
}): Promise<Database> {
  const { url, log, startTimeoutMs = usualStartTimeoutMs, lostAfterMs } = options;
  const { dependency = openDependency({ name: 'database', setting: 'MYSQL_URL', log }) } = options;
  const part = dependency.part();
  const ORM = await whenItAnswers(() => ormFor(url), {
    url,
    timeoutMs: startTimeoutMs,
    part: startTimeoutMs > usualStartTimeoutMs ? part : undefined,
  });
  const orm = (await ORM.init({
    clientUrl: url,
    entities: [...options.entities] as EntitySchema[],
    extensions: [Migrator],
    migrations: { migrationsList: [...options.migrations], snapshot: false, transactional: true, allOrNothing: false },
    forceUtcTimezone: true,
    charset: 'utf8mb4',
    collate: 'utf8mb4_bin',
    // To mysql2 `min` is how many connections may be idle: it closes those beyond each second, whatever the timeout says.
    pool: { min: Math.max(1, options.poolSize - 1), max: options.poolSize, idleTimeoutMillis: 60_000 },
    driverOptions: { connectTimeout: 3_000, enableKeepAlive: true },
    discovery: { warnWhenNoEntities: false },
    logger: (message) => log.debug({ component: 'mikro-orm' }, message),
    onCreateConnection: async (connection) => {
      await (connection as DatabaseConnection).executeQuery(
        CompiledQuery.raw('set session transaction isolation level read committed'),
      );
      await (connection as DatabaseConnection).executeQuery(
        CompiledQuery.raw(
          `set session innodb_lock_wait_timeout = ${lockWaitTimeoutSeconds}${ORM === MySqlORM ? '' : `, idle_transaction_timeout = ${idleTransactionSeconds}`}`,
        ),
      );
    },
  })) as unknown as MySqlORM;

  const pool = (await orm.em.getConnection().getNativeClient()) as unknown as RawPool;
  const watch = watchDatabase(pool, { url, part, lostAfterMs });

  let refusalSaidAtMs = -Infinity;
  async function transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    try {
      return await withRetries({ log }, () => orm.em.fork().transactional((tx) => work(tx as Sql)));
    } catch (error) {
      const { errno, message } = error as { errno?: unknown; message: string };
      if (readOnly.has(errno)) watch.recycle();
      if (refusals.has(errno) && performance.now() - refusalSaidAtMs > sayRefusalEveryMs) {
        refusalSaidAtMs = performance.now();
        log.warn({ dependency: dependency.name, err: message }, 'a dependency refuses what is asked of it');
      }
      throw error;
    }
  }
  return {
    orm,
    em: () => orm.em.fork(),
    transaction,
    migrate: () => watch.pausedFor(() => migrate(orm, url)),
    ping: async () => {
      await orm.em.fork().execute('select 1');
    },
    async close() {
      await inTime(orm.close(true), closeTimeoutMs).catch(() => watch.cutAll()); // the server hangs
      watch.close();
    },
  };
}

/** Runs `attempt` again while the database aborts it, up to `maxTransactionTries` times in all; see `Database.transaction`. */
export async function withRetries<T>(
  { log, time = realTime }: { log: Logger; time?: Time },
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const errno = error instanceof Error ? (error as { errno?: number }).errno : undefined;
      if (tries >= maxTransactionTries || errno === undefined || !retried.has(errno)) throw error;
      log.debug({ errno, tries }, 'transaction aborted by the database, trying again');
      await time.sleep(2 ** tries * (5 + time.random() * 10));
    }
  }
}

/** MikroORM's mysql driver reports a phantom schema difference on MariaDB, so each server gets its own driver. */
async function ormFor(url: string): Promise<typeof MySqlORM> {
  const connection = await createConnection({ uri: url, connectTimeout: 3_000 });
  try {
    const [rows] = await connection.query('select version() as version');
    const version = String((rows as { version: string }[])[0]?.version);
    return version.includes('MariaDB') ? (MariaDbORM as unknown as typeof MySqlORM) : MySqlORM;
  } finally {
    await connection.end();
  }
}

/** The lock is a row in a table of its own: no GET_LOCK, which TiDB and Vitess don't have. */
async function migrate(orm: MySqlORM, url: string): Promise<void> {
  const connection = await createConnection({ uri: url });
  try {
    await connection.query(
      'create table if not exists migration_lock (id tinyint not null primary key) engine = InnoDB',
    );
    await connection.query('insert ignore into migration_lock values (1)');
    await connection.query('set session innodb_lock_wait_timeout = 120');
    await connection.query('start transaction');
    await connection.query('select id from migration_lock where id = 1 for update');
    await orm.migrator.up();
    await connection.query('commit');
  } finally {
    await connection.end();
  }
}

/** A row of a raw query: `bigint` columns come as text, dates as UTC text, JSON as text, ids as bytes. */
export type Row = Record<string, unknown>;
type Parameter = string | number | bigint | boolean | Date | Buffer | null;

/** Rows of a raw SELECT. Values go as `?` parameters, never into the text. */
export const select = async (sql: Sql, text: string, parameters: readonly Parameter[] = []): Promise<Row[]> =>
  (await sql.execute(text, parameters as Parameter[], 'all')) as Row[];

/** Runs a raw write and returns the number of rows that it found (matched by a guarded UPDATE, inserted or deleted). */
export const write = async (sql: Sql, text: string, parameters: readonly Parameter[] = []): Promise<number> =>
  ((await sql.execute(text, parameters as Parameter[], 'run')) as unknown as { affectedRows: number }).affectedRows;

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
  await write(
    sql,
    `insert into ${table} (${columns.join(', ')}) values ${rows.map(() => tuple).join(', ')}`,
    parameters,
  );
}

/** A UTC date from a raw row's text, or null. */
export const toDate = (value: unknown): Date | null =>
  value === null || value === undefined
    ? null
    : value instanceof Date
      ? value
      : new Date(`${(value as string).replace(' ', 'T')}Z`);

/** JSON from a raw row, where MariaDB gives text and MySQL a value. */
export const toJson = <T>(value: unknown): T => (typeof value === 'string' ? JSON.parse(value) : value) as T;
