import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Connection, createConnection } from 'mysql2/promise';
import { schemas } from '../../ops/platform-parts.ts';
import type { Migration } from '@mikro-orm/migrations';
import { openDatabase } from '../../subgraphs/shared/database/database.ts';
import { addToTable } from '../../subgraphs/shared/database/migration-steps.ts';
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
  // MySQL names the character set beside a collation that was given, and that it named itself counts as given.
  const same = parts.join('').replaceAll(' CHARACTER SET utf8mb4 COLLATE utf8mb4_bin', ' COLLATE utf8mb4_bin');
  return same.replaceAll(/'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?'/g, 'a time');
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

test('what is added to a table step by step goes on where it was cut off', async () => {
  await connection.query(`drop database if exists ${schema}`);
  await connection.query(`create database ${schema} default character set utf8mb4 collate utf8mb4_bin`);
  await connection.query(`use ${schema}`);
  await connection.query('create table t (n int not null primary key, old int not null, index t_old (old)) engine = InnoDB');
  const sent: string[] = [];
  const migration = {
    async execute(sql: string, parameters: readonly unknown[] = []) {
      if (sql.startsWith('alter')) sent.push(sql);
      return (await connection.query(sql, [...parameters]))[0];
    },
  } as unknown as Migration;
  const additions = ['add column a int null', 'add column b int null', 'add index t_ab (a, b)', 'add unique index t_b (b)', 'add constraint t_a check (a > 0)', 'drop index t_old'];
  const add = () => addToTable(migration, 't', { firstColumn: 'a', additions });
  await add();
  expect(sent).toEqual(additions.map((addition) => `alter table t ${addition}`));

  sent.length = 0;
  await add();
  expect(sent).toEqual([]);

  await connection.query('alter table t drop index t_b');
  await connection.query('alter table t add index t_old (old)');
  await add();
  expect(sent).toEqual(['alter table t add unique index t_b (b)', 'alter table t drop index t_old']);
  await expect(connection.query('insert into t values (1, 1, 0, 1)')).rejects.toThrow(/t_a/);
  await expect(addToTable(migration, 't', { firstColumn: 'a', additions: ['rename column a to c'] })).rejects.toThrow('rename column');
}); // prettier-ignore
