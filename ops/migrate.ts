import type { Connection } from 'mysql2/promise';
import { openDatabase } from '../subgraphs/shared/database/database.ts';
import type { Env } from '../subgraphs/shared/process/env.ts';
import { type PlatformConfig, databaseUrl, readPlatformConfig } from '../subgraphs/shared/process/platform-config.ts';
import { createLogger } from '../subgraphs/shared/process/telemetry.ts';
import { connect } from './connect.ts';
import { createSchemaAndUser } from './create-schema.ts';
import { type Schema, schemas } from './platform-parts.ts';
import { runProcess } from '../subgraphs/shared/process/run-process.ts';
import { serversFor } from './servers-for.ts';

const unmigrated = new Set([
  'ER_ACCESS_DENIED_ERROR',
  'ER_DBACCESS_DENIED_ERROR',
  'ER_BAD_DB_ERROR',
  'ER_NO_SUCH_TABLE',
]);

/**
 * Makes every service's schema and user and applies the migrations that are missing, each as its own user. May run in
 * several processes at once and again at any time; where nothing is to do it costs one query a schema.
 *
 * @returns the names of the schemas that had something to do
 */
export async function migrate(env: Env): Promise<string[]> {
  const config = readPlatformConfig(env);
  const pending = await Promise.all(
    schemas.map(async (schema) => ((await isCurrent(env, config, schema)) ? [] : [schema])),
  );
  for (const schema of pending.flat()) await migrateSchema(env, config, schema);
  return pending.flat().map((schema) => schema.name);
}

/** True when the service's own user can read that all its migrations were applied. */
async function isCurrent(env: Env, config: PlatformConfig, schema: Schema): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    const own = `${schema.name.toUpperCase()}_DATABASE_URL`;
    connection = await connect(databaseUrl(env, config, schema.name), env[own] ? own : 'MYSQL_URL');
    const [rows] = await connection.query('select name from mikro_orm_migrations');
    const applied = new Set((rows as { name: string }[]).map((row) => row.name));
    return schema.migrations.every((migration) => applied.has(migration.name));
  } catch (error) {
    if (unmigrated.has(String((error as { code?: string }).code))) return false;
    throw error;
  } finally {
    await connection?.end();
  }
}

async function migrateSchema(env: Env, config: PlatformConfig, schema: Schema): Promise<void> {
  const url = databaseUrl(env, config, schema.name);
  await createSchemaAndUser(config.mysqlUrl, new URL(url));
  const log = createLogger('migrate', config.logLevel);
  const database = await openDatabase({
    url,
    entities: schema.entities,
    migrations: schema.migrations,
    poolSize: 2,
    log,
  });
  try {
    await database.migrate();
  } finally {
    await database.close();
  }
}

if (import.meta.main) {
  await runProcess(async () => {
    const { env, servers } = await serversFor(process.env, console.error);
    try {
      const done = await migrate(env);
      console.log(done.length > 0 ? `migrated: ${done.join(', ')}` : 'nothing to migrate');
    } finally {
      await servers.stop();
    }
    return { stop: async () => {} };
  });
}
