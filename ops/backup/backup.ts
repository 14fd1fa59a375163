import { createHash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { RowDataPacket } from 'mysql2';
import type { Connection } from 'mysql2/promise';
import { ConfigError, type Env } from '../../subgraphs/shared/process/env.ts';
import { databaseUrl, readDatabaseConfig } from '../../subgraphs/shared/process/platform-config.ts';
import { runProcess } from '../../subgraphs/shared/process/run-process.ts';
import { connectAsRoot } from '../connect.ts';
import { schemas } from '../platform-parts.ts';
import { serversFor } from '../servers-for.ts';
import { dumpSchema } from './dump.ts';
import { type Manifest, type SavedSchema, manifestName } from './manifest.ts';

/** Writes wait for it where the server keeps a binary log and is a MySQL: for as long as reading one number takes. */
const lockWaitSeconds = 10;

/** Throws ConfigError where a schema is on another server: there is no point in time that two servers share. */
export function databasesOf(env: Env): ReadonlyMap<string, string> {
  const config = readDatabaseConfig(env);
  const placeOf = (url: URL): string => `${url.host} ${url.searchParams.get('socketPath') ?? ''}`;
  return new Map(
    schemas.map(({ name }) => {
      const url = new URL(databaseUrl(env, config, name));
      if (placeOf(url) !== placeOf(new URL(config.mysqlUrl)))
        throw new ConfigError(`${name.toUpperCase()}_DATABASE_URL: is on another server than MYSQL_URL; back up such servers with their own tools, at the same time.`); // prettier-ignore
      return [name, decodeURIComponent(url.pathname.slice(1))];
    }),
  );
}

/**
 * Saves all schemas of a platform, which may be running, as they are at one point in time. `directory` is made by it, and is
 * there only once the back-up is whole. Throws ConfigError where there is something already.
 */
export async function backUp(env: Env, directory: string): Promise<Manifest> {
  if (existsSync(directory)) throw new ConfigError(`${directory}: is there already; a back-up overwrites nothing.`);
  const databases = databasesOf(env);
  const connection = await connectAsRoot(readDatabaseConfig(env).mysqlUrl, { dateStrings: true });
  const partial = `${directory}.partial`;
  try {
    const at = await openSnapshot(connection);
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    const saved: SavedSchema[] = [];
    for (const [name, database] of databases)
      saved.push(await save(connection, { name, database, directory: partial }));
    const manifest: Manifest = { format: 1, ...at, schemas: saved };
    await writeFile(join(partial, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
    await rename(partial, directory);
    return manifest;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  } finally {
    connection.destroy();
  }
}

/** From here on this connection sees all schemas as they are now. */
async function openSnapshot(connection: Connection): Promise<Pick<Manifest, 'createdAt' | 'server' | 'binaryLog'>> {
  const select = async (sql: string): Promise<RowDataPacket[]> => (await connection.query<RowDataPacket[]>(sql))[0];
  await connection.query("set session time_zone = '+00:00'");
  await connection.query('set session transaction isolation level repeatable read');
  const [state] = await select('select @@version as server, @@log_bin as logs, now(3) as time');
  const { server, logs, time } = state as { server: string; logs: number; time: string };
  const createdAt = `${time.replace(' ', 'T')}Z`;
  const begin = 'start transaction with consistent snapshot';
  if (logs === 0) {
    await connection.query(begin);
    return { createdAt, server, binaryLog: null };
  }
  if (server.includes('MariaDB')) {
    await connection.query(begin);
    // The place that belongs to the snapshot, without a lock.
    const told = await select("show status like 'binlog_snapshot_%'");
    const of = new Map(told.map((row) => [String(row['Variable_name']).toLowerCase(), String(row['Value'])]));
    const binaryLog = {
      file: of.get('binlog_snapshot_file') ?? '',
      position: Number(of.get('binlog_snapshot_position')),
    };
    return { createdAt, server, binaryLog };
  }
  await connection.query(`set session lock_wait_timeout = ${lockWaitSeconds}`);
  await connection.query('flush tables with read lock');
  await connection.query(begin);
  const [status] = await select('show binary log status');
  await connection.query('unlock tables');
  return { createdAt, server, binaryLog: { file: String(status?.['File']), position: Number(status?.['Position']) } };
}

async function save(
  connection: Connection,
  { name, database, directory }: { name: string; database: string; directory: string },
): Promise<SavedSchema> {
  const rows: Record<string, number> = {};
  const file = `${name}.sql.gz`;
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  await pipeline(
    dumpSchema(connection, database, (table, count) => void (rows[table] = count)),
    createGzip(),
    measure,
    createWriteStream(join(directory, file), { flush: true }),
  );
  if (!('mikro_orm_migrations' in rows)) throw new ConfigError(`${database}: is no schema of a platform; npm run migrate makes it.`); // prettier-ignore
  const [applied] = await connection.query<RowDataPacket[]>(`select name from ${connection.escapeId(database)}.mikro_orm_migrations order by name`); // prettier-ignore
  const migrations = applied.map((row) => String(row['name']));
  return { name, database, migrations, file, sha256: hash.digest('hex'), sizeBytes, rows };
}

if (import.meta.main) {
  await runProcess(async () => {
    const [directory = '', ...more] = process.argv.slice(2);
    if (directory === '' || directory.startsWith('-') || more.length > 0)
      throw new ConfigError('npm run backup -- <directory>: name a directory that is not there yet.');
    const path = resolve(process.env['INIT_CWD'] ?? '', directory);
    if (!existsSync(dirname(path))) throw new ConfigError(`${dirname(path)}: is no directory.`);
    const { env, servers } = await serversFor(process.env, console.error);
    try {
      const { createdAt, schemas: saved, binaryLog } = await backUp(env, path);
      for (const { name, rows, sizeBytes } of saved)
        console.log(`${name}: ${Object.values(rows).reduce((sum, count) => sum + count, 0)} rows, ${sizeBytes} bytes`);
      console.log(`${path}: as of ${createdAt}${binaryLog ? `, ${binaryLog.file} ${binaryLog.position}` : ''}`);
    } finally {
      await servers.stop();
    }
    return { stop: async () => {} };
  });
}
