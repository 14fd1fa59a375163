import type { MikroORM } from '@mikro-orm/mysql';
import { type Dependency, openDependency, usualStartTimeoutMs } from '../process/dependency.ts';
import { type Time, realTime } from '../time/time.ts';

import { inTime } from '../time/in-time.ts';
import { type RawPool, watchDatabase, whenItAnswers } from './database-watch.ts';
import { type SchemaOptions, migrate, openOrm } from './orm.ts';
import { type DatabaseTraces, autocommit, openPool } from './pool.ts';
import type { Sql } from './statements.ts';
import { runTransaction } from './unit-of-work.ts';
import type { Logger } from '../process/telemetry.ts';
import { ConfigError } from '../process/env.ts';
import { isAborted } from '../errors/unavailable.ts';

export {
  type Row,
  type Sql,
  databaseTime,
  insertRows,
  placeholders,
  run,
  select,
  toDate,
  toJson,
  write,
} from './statements.ts';
export { idleTransactionSeconds } from './pool.ts';
export type { NamedMigration } from './orm.ts';

export type Database = {
  /** Outside transactions: each statement by itself. A write that the database aborts (`isAborted`) is run again, as a transaction is. */
  em(): Sql;
  /**
   * Runs `work` in one READ COMMITTED transaction. Any error aborts all of it; deadlock, lock wait and
   * other conflicts (`isAborted`) run `work` again, at most `maxTransactionTries` times in all, and so does a write that found
   * other rows than it said to expect (unit-of-work.ts); so `work` must not have effects outside the database. No network
   * call belongs in here.
   */
  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T>;
  /**
   * Applies the migrations that are missing. Safe to call from several processes: one does it, the others wait. DDL commits
   * by itself, so a migration that was killed half-way runs again: each of its statements must be harmless twice.
   */
  migrate(): Promise<void>;
  /** MikroORM on this schema; to be closed. */
  orm(): Promise<MikroORM>;
  /** Throws when the server doesn't answer. */
  ping(): Promise<void>;
  /** Connections by what they do now, and how much waits for one. */
  connections?(): Readonly<Record<'used' | 'idle' | 'waiting', number>>;
  close(): Promise<void>;
};

export const maxTransactionTries = 4;
/** The server, or the transaction, takes no writes: perhaps another one does by now. */
const readOnly: ReadonlySet<unknown> = new Set([1290, 1792, 1836]);
/** Of a server that answers: read-only, out of connections, disk or memory. Said once a minute. */
const refusals: ReadonlySet<unknown> = new Set([...readOnly, 1040, 1203, 1226, 3, 1021, 1026, 1030, 1114, 3675, 1041]);
const sayRefusalEveryMs = 60_000;
const closeTimeoutMs = 3_000;

/**
 * Opens one schema. `url` names server, user, password and schema (`mysql://user:password@host:port/schema`, with
 * `?socketPath=` for a Unix socket). Errors of the server come as mysql2's, with `code` and `errno`. Statements fail within
 * 3 s when the server hangs (`watchDatabase`). Throws ConfigError when no server answers within `startTimeoutMs`.
 */
export async function openDatabase(
  options: SchemaOptions & {
    poolSize: number;
    dependency?: Dependency;
    startTimeoutMs?: number;
    /** A statement that has no answer for this long has lost its connection; 60 s when not given. */
    lostAfterMs?: number;
    /** Told of each text that goes to the server, with the number of its statements. */
    onSent?: (statements: number) => void;
    /** Where each of these texts becomes a span, and whose. */
    traces?: DatabaseTraces | undefined;
  },
): Promise<Database> {
  const { url, log, poolSize, startTimeoutMs = usualStartTimeoutMs, lostAfterMs } = options;
  const { dependency = openDependency({ name: 'database', setting: 'MYSQL_URL', log }) } = options;
  const part = dependency.part();
  const pool = openPool({ url, poolSize, log, onSent: options.onSent, traces: options.traces });
  const sql = autocommit(pool);
  const ping = async (): Promise<void> => void (await sql.rows('select 1', []));
  await whenItAnswers(() => refuseUnchecked(sql), {
    url,
    timeoutMs: startTimeoutMs,
    part: startTimeoutMs > usualStartTimeoutMs ? part : undefined,
  }).catch((error: unknown) => {
    pool.end(() => undefined);
    throw error;
  });
  const watch = watchDatabase(pool as unknown as RawPool, { url, part, lostAfterMs });

  const single: Sql = {
    rows: sql.rows,
    write: (text, parameters) => withRetries({ log }, () => sql.write(text, parameters)),
  };

  let refusalSaidAtMs = -Infinity;
  async function transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    try {
      return await withRetries({ log }, () => runTransaction(pool, work));
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
    em: () => single,
    transaction,
    migrate: () => watch.pausedFor(() => migrate(options)),
    orm: () => openOrm(options),
    ping,
    connections: () => watch.connections(),
    async close() {
      const closed = new Promise<void>((resolve) => pool.end(resolve));
      await inTime(closed, closeTimeoutMs).catch(() => watch.cutAll()); // the server hangs
      watch.close();
    },
  };
}

/** TiDB takes CHECK constraints and keeps them to itself unless told otherwise; counters and stock count on them. */
async function refuseUnchecked(sql: Sql): Promise<void> {
  const [server] = await sql.rows('select version() as version', []);
  if (!String(server?.['version']).includes('TiDB')) return;
  const [setting] = await sql.rows('select @@global.tidb_enable_check_constraint as is_on', []);
  if (Number(setting?.['is_on']) === 1) return;
  throw new ConfigError('MYSQL_URL: this TiDB ignores CHECK constraints; run `set global tidb_enable_check_constraint = on` before its schemas are made.'); // prettier-ignore
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
      if (tries >= maxTransactionTries || !isAborted(error)) throw error;
      log.debug(
        { errno: (error as { errno?: number }).errno, tries },
        'transaction aborted by the database, trying again',
      );
      await time.sleep(2 ** tries * (5 + time.random() * 10));
    }
  }
}
