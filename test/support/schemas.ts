import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Connection, createConnection } from 'mysql2/promise';
import { dumpSchema } from '../../ops/backup/dump.ts';
import { runCommand } from '../../ops/embedded/run-command.ts';

export const schemaNames = ['user', 'product', 'order', 'payment', 'simulated'] as const;
export type SchemaName = (typeof schemaNames)[number];

const root = resolve(import.meta.dirname, '..', '..');
const prefix = 'migrated';

/**
 * Migrates each service's schema once, in a process of its own, and keeps what came of it as SQL text in `directory`. To be
 * named in TEST_SCHEMAS: `createMigratedSchema` makes copies of it.
 */
export async function keepMigratedSchemas(
  directory: string,
  env: { MYSQL_URL: string; REDIS_URL: string },
): Promise<void> {
  await runCommand(process.execPath, ['--disable-warning=ExperimentalWarning', 'ops/migrate.ts'], {
    cwd: root,
    env: { ...process.env, ...env, DATABASE_PREFIX: prefix, LOG_LEVEL: 'warn' },
  });
  const connection = await createConnection({ uri: env.MYSQL_URL });
  try {
    for (const name of schemaNames) {
      const text = await Array.fromAsync(dumpSchema(connection, `${prefix}_${name}`, () => {}));
      await writeFile(fileOf(directory, name), text.join(''));
      await connection.query(`drop database ${prefix}_${name}`);
      await connection.query(`drop user '${prefix}_${name}'@'%'`);
    }
  } finally {
    await connection.end();
  }
}

/**
 * Makes a schema as the service's migrations make it, from one text instead of a hundred statements: a migration takes
 * seconds, and MikroORM with it, and hundreds of suites and platforms want one. That the two are the same is tested in
 * test/ops/migrate.int.test.ts.
 *
 * @returns its URL for the server's root
 */
export async function createMigratedSchema(schema: string, name: SchemaName): Promise<string> {
  const url = new URL(String(process.env['TEST_MYSQL_URL']));
  const connection = await createConnection({ uri: url.href, multipleStatements: true });
  try {
    await connection.query(`create database ${schema} default character set utf8mb4 collate utf8mb4_bin`);
    await fillSchema(connection, schema, name);
  } finally {
    await connection.end();
  }
  url.pathname = `/${schema}`;
  return url.href;
}

/** Fills an empty schema with what the service's migrations make. `connection` takes multiple statements. */
export async function fillSchema(connection: Connection, schema: string, name: SchemaName): Promise<void> {
  const directory = process.env['TEST_SCHEMAS'];
  if (directory === undefined) throw new Error('TEST_SCHEMAS is not set: this test belongs into *.int.test.ts');
  await connection.query(`use ${schema};\n${await readFile(fileOf(directory, name), 'utf8')}`);
}

const fileOf = (directory: string, name: SchemaName): string => join(directory, `${name}.sql`);
