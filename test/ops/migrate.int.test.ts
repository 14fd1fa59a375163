import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Connection, createConnection } from 'mysql2/promise';
import { schemas } from '../../ops/platform-parts.ts';
import { openDatabase } from '../../subgraphs/shared/database/database.ts';
import { createLogger } from '../../subgraphs/shared/process/telemetry.ts';
import { dumpSchema } from '../../ops/backup/dump.ts';
import { createMigratedSchema, schemaNames } from '../support/schemas.ts';

const schema = `t${randomBytes(6).toString('hex')}_migrate`;
const url = new URL(String(process.env['TEST_MYSQL_URL']));
let connection: Connection;
beforeAll(async () => {
  connection = await createConnection({ uri: url.href });
  url.pathname = `/${schema}`;
});
afterAll(async () => {
  await connection.query(`drop database if exists ${schema}`);
  await connection.end();
});

const dumpOf = async (name: string): Promise<string> => {
  const parts = await Array.fromAsync(dumpSchema(connection, name, () => {}));
  return parts.join('').replaceAll(/'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?'/g, 'a time');
};

test('the schemas that tests copy are those of the platform, and each is what its migrations make', async () => {
  expect(schemas.map(({ name }) => name).toSorted()).toEqual([...schemaNames].toSorted());
  for (const { name, entities, migrations } of schemas) {
    const copied = `${schema}_copy`;
    await connection.query(`drop database if exists ${schema}`);
    await connection.query(`create database ${schema} default character set utf8mb4 collate utf8mb4_bin`);
    await createMigratedSchema(copied, name as (typeof schemaNames)[number]);
    const db = await openDatabase({ url: url.href, entities, migrations, poolSize: 1, log: createLogger('test', 'silent') }); // prettier-ignore
    try {
      await db.migrate();
      const migrated = await dumpOf(schema);
      expect(migrated).toContain('create table'.toUpperCase());
      expect(await dumpOf(copied)).toBe(migrated);
    } finally {
      await db.close();
      await connection.query(`drop database ${copied}`);
    }
  }
});

// DDL commits by itself, so a process that is killed while it migrates leaves some of the tables and no word of them.
test.each(schemas.map((one) => [one.name, one] as const))('%s: a migration that was killed half-way is done again', async (_, { entities, migrations }) => {
  await connection.query(`drop database if exists ${schema}`);
  await connection.query(`create database ${schema} default character set utf8mb4 collate utf8mb4_bin`);
  await connection.query(`use ${schema}`);
  const tables = async () => ((await connection.query('show tables'))[0] as object[]).map((row) => String(Object.values(row)[0])).toSorted();
  const db = await openDatabase({ url: url.href, entities, migrations, poolSize: 1, log: createLogger('test', 'silent') });
  try {
    await db.migrate();
    const all = await tables();
    const made = all.filter((name) => !['mikro_orm_migrations', 'migration_lock'].includes(name));
    await connection.query('delete from mikro_orm_migrations');
    await connection.query(`drop table ${made.slice(1).map((name) => connection.escapeId(name)).join(', ')}`);
    await db.migrate();
    expect(await tables()).toEqual(all);
  } finally {
    await db.close();
  }
}); // prettier-ignore
