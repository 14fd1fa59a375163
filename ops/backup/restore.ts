import { createReadStream } from 'node:fs';
import { join, resolve } from 'node:path';
import { createGunzip } from 'node:zlib';
import type { RowDataPacket } from 'mysql2';
import type { Connection } from 'mysql2/promise';
import { createClient } from 'redis';
import { ConfigError, type Env } from '../../subgraphs/shared/process/env.ts';
import { databaseUrl, readPlatformConfig } from '../../subgraphs/shared/process/platform-config.ts';
import { runProcess } from '../../subgraphs/shared/process/run-process.ts';
import { connectAsRoot } from '../connect.ts';
import { createSchemaAndUser } from '../create-schema.ts';
import { migrate } from '../migrate.ts';
import { schemas } from '../platform-parts.ts';
import { serversFor } from '../servers-for.ts';
import { databasesOf } from './backup.ts';
import { statementEnd } from './dump.ts';
import { type Manifest, type SavedSchema, checkFiles, readManifest } from './manifest.ts';

const connectTimeoutMs = 5_000;

/**
 * Makes the schemas of a platform that doesn't run what they were when the back-up was made, applies the migrations that
 * have come since, and leaves Redis empty: what was there belongs to another time. What was under way goes on with the next
 * start. Throws ConfigError where something is there already, unless `force` says that it may go.
 */
export async function restore(env: Env, directory: string, { force }: { force: boolean }): Promise<Manifest> {
  const manifest = readManifest(directory);
  checkMigrations(manifest);
  await checkFiles(directory, manifest);
  const config = readPlatformConfig(env);
  const databases = databasesOf(env);
  const connection = await connectAsRoot(config.mysqlUrl);
  try {
    await checkAtRest(connection, env);
    const inTheWay: string[] = [];
    for (const { name } of manifest.schemas) {
      await createSchemaAndUser(config.mysqlUrl, new URL(databaseUrl(env, config, name)));
      const database = String(databases.get(name));
      if ((await tablesOf(connection, database)).length > 0) inTheWay.push(database);
    }
    if (inTheWay.length > 0 && !force)
      throw new ConfigError(`MYSQL_URL: there are tables in ${inTheWay.join(', ')}; --force throws them away.`);
    await emptyRedis(config.redisUrl, { force });
    for (const saved of manifest.schemas) await load(connection, { saved, directory, database: String(databases.get(saved.name)) }); // prettier-ignore
  } finally {
    connection.destroy();
  }
  await migrate(env);
  return manifest;
}

/** Throws ConfigError where this version lacks what the back-up has. */
function checkMigrations(manifest: Manifest): void {
  for (const { name, migrations } of manifest.schemas) {
    const known = new Set(
      schemas.find((schema) => schema.name === name)?.migrations.map((migration) => migration.name),
    );
    const unknown = migrations.filter((migration) => !known.has(migration));
    if (unknown.length > 0)
      throw new ConfigError(`${name}: the back-up was made by a newer version, which has the migration ${unknown.join(', ')}; restore it with that version.`); // prettier-ignore
  }
}

/** Throws ConfigError where one of the services is connected. */
async function checkAtRest(connection: Connection, env: Env): Promise<void> {
  const config = readPlatformConfig(env);
  const users = schemas.map(({ name }) => decodeURIComponent(new URL(databaseUrl(env, config, name)).username));
  const [rows] = await connection.query<RowDataPacket[]>('select distinct user as user from information_schema.processlist where user in (?)', [users]); // prettier-ignore
  const connected = rows.map((row) => String(row['user']));
  if (connected.length > 0)
    throw new ConfigError(`The platform is running (connected: ${connected.join(', ')}); stop it first.`);
}

async function tablesOf(connection: Connection, database: string): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>('select table_name as name from information_schema.tables where table_schema = ?', [database]); // prettier-ignore
  return rows.map((row) => String(row['name']));
}

async function emptyRedis(url: string, { force }: { force: boolean }): Promise<void> {
  const redis = createClient({ url, socket: { connectTimeout: connectTimeoutMs, reconnectStrategy: false } });
  redis.on('error', () => undefined); // told by what is asked
  try {
    await redis.connect();
    if ((await redis.dbSize()) === 0) return;
    if (!force) throw new ConfigError(`REDIS_URL: the Redis has data of another time; --force throws it away.`);
    await redis.flushDb();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`REDIS_URL: no Redis answers at ${new URL(url).host} (${(error as Error).message}).`);
  } finally {
    redis.destroy();
  }
}

async function load(
  connection: Connection,
  { saved, directory, database }: { saved: SavedSchema; directory: string; database: string },
): Promise<void> {
  await connection.changeUser({ database });
  for (const setting of ["time_zone = '+00:00'", "sql_mode = 'NO_AUTO_VALUE_ON_ZERO'", 'foreign_key_checks = 0', 'unique_checks = 0'])
    await connection.query(`set session ${setting}`); // prettier-ignore
  for (const table of await tablesOf(connection, database))
    await connection.query(`drop table ${connection.escapeId(table)}`);
  for await (const statement of statementsIn(join(directory, saved.file))) await connection.query(statement);
  for (const [table, count] of Object.entries(saved.rows)) {
    const [rows] = await connection.query<RowDataPacket[]>(
      `select count(*) as count from ${connection.escapeId(table)}`,
    );
    if (Number(rows[0]?.['count']) !== count)
      throw new Error(`${database}.${table} has ${String(rows[0]?.['count'])} rows after the restore, not ${count}`);
  }
}

async function* statementsIn(path: string): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of createReadStream(path).pipe(createGunzip()).setEncoding('utf8') as AsyncIterable<string>) {
    const parts = (text + chunk).split(statementEnd);
    text = parts.pop() ?? '';
    yield* parts;
  }
  if (text !== '') throw new Error(`${path} ends within a statement`);
}

if (import.meta.main) {
  await runProcess(async () => {
    const args = process.argv.slice(2);
    const directories = args.filter((argument) => argument !== '--force');
    const [directory = ''] = directories;
    if (directories.length !== 1 || directory.startsWith('-'))
      throw new ConfigError('npm run restore -- <directory> [--force]: name the directory of a back-up.');
    const { env, servers } = await serversFor(process.env, console.error);
    try {
      const path = resolve(process.env['INIT_CWD'] ?? '', directory);
      const { createdAt, schemas: restored } = await restore(env, path, { force: args.includes('--force') });
      console.log(`restored ${restored.map(({ name }) => name).join(', ')} as of ${createdAt}`);
      console.log('Start the platform: what was under way then goes on. Then look with npm run audit.');
    } finally {
      await servers.stop();
    }
    return { stop: async () => {} };
  });
}
