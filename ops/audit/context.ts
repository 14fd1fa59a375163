import { type Row } from '../../subgraphs/shared/database/database.ts';
import type { Env } from '../../subgraphs/shared/process/env.ts';
import { databaseUrl, readPlatformConfig } from '../../subgraphs/shared/process/platform-config.ts';
import { connectAsRoot } from '../connect.ts';
import { schemas } from '../platform-parts.ts';

/** What a check reads with: one connection as root over all schemas, and their names. Dates come as UTC text, bigints as text. */
export type AuditContext = {
  select(sql: string, parameters?: readonly (string | number | Buffer)[]): Promise<Row[]>;
  /** Quoted schema of a service, e.g. `` `orders_order` ``. */
  schema(service: string): string;
  /** What is younger than this may still be on its way. */
  readonly graceSeconds: number;
};

/** Findings beyond these are counted, not listed. */
const maxListed = 50;

export async function openAudit(env: Env, graceSeconds: number): Promise<AuditContext & { close(): Promise<void> }> {
  const config = readPlatformConfig(env);
  const names = new Map(schemas.map(({ name }) => [name, new URL(databaseUrl(env, config, name)).pathname.slice(1)]));
  const connection = await connectAsRoot(config.mysqlUrl, {
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    timezone: 'Z',
  });
  // One point in time for all questions: the platform may be at work.
  await connection.query("set session time_zone = '+00:00'");
  await connection.query('set session transaction isolation level repeatable read');
  await connection.query('start transaction with consistent snapshot');
  return {
    graceSeconds,
    select: async (sql, parameters = []) => (await connection.query(sql, [...parameters]))[0] as Row[],
    schema: (service) => connection.escapeId(names.get(service) ?? ''),
    close: () => connection.end(),
  };
}

/** A row as text, to be told: an absent value is `none`. */
export type TextRow = Readonly<Record<string, string>>;

const textRow = (row: Row): TextRow =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value === null ? 'none' : String(value as string | number)]),
  );

/** One line for each row that a query of broken things brings. */
export async function broken(
  context: AuditContext,
  sql: string,
  describe: (row: TextRow) => string,
): Promise<string[]> {
  const rows = await context.select(`${sql} limit ${maxListed + 1}`);
  const lines = rows.slice(0, maxListed).map((row) => describe(textRow(row)));
  return rows.length > maxListed ? [...lines, `and more than ${maxListed} in all`] : lines;
}
