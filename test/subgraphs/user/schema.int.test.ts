import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openDatabase } from '../../../subgraphs/shared/database.ts';
import { userSchema } from '../../../subgraphs/user/subgraph.ts';
import { type UserPlatform, openUserPlatform } from './support.ts';

let platform: UserPlatform;
beforeAll(async () => {
  platform = await openUserPlatform();
});
afterAll(() => platform.close());

/** Tables that the kernel makes for its own use. */
const kernelTables = /^drop table if exists `(migration_lock|mikro_orm_migrations)`;?$/;

test('records and migrations agree', async () => {
  const db = await openDatabase({
    url: platform.databaseUrl,
    entities: userSchema.entities,
    migrations: userSchema.migrations,
    poolSize: 2,
    log: platform.runtime.log,
  });
  const difference = await db.orm.schema.getUpdateSchemaSQL({ wrap: false });
  await db.close();
  expect(difference.split('\n').filter((line) => line !== '' && !kernelTables.test(line))).toEqual([]);
});

test('migrating again changes nothing', async () => {
  const db = await openDatabase({
    url: platform.databaseUrl,
    entities: userSchema.entities,
    migrations: userSchema.migrations,
    poolSize: 2,
    log: platform.runtime.log,
  });
  await Promise.all([db.migrate(), db.migrate()]);
  await db.close();
  expect(await platform.sql('select name from mikro_orm_migrations')).toEqual(
    userSchema.migrations.map(({ name }) => ({ name })),
  );
});

test('is ready while database and Redis answer', async () => {
  await expect(platform.subgraph.ready()).resolves.toBeUndefined();
});
