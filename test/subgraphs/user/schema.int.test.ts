import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Database, openDatabase } from '../../../subgraphs/shared/database/database.ts';
import { userSchema } from '../../../subgraphs/user/subgraph.ts';
import { type UserPlatform, newMobile, openUserPlatform, registerPerson } from './support.ts';
import { driftOf } from '../../support/schema-drift.ts';

let platform: UserPlatform;
beforeAll(async () => {
  platform = await openUserPlatform();
});
afterAll(() => platform.close());

const { entities, migrations } = userSchema;
const open = (): Promise<Database> =>
  openDatabase({ url: platform.databaseUrl, entities, migrations, poolSize: 2, log: platform.runtime.log });

/** Tables that the kernel makes for its own use. */
const kernelTables = /^drop table if exists `(migration_lock|mikro_orm_migrations|inbox|dead_letter)`;?$/;

test('records and migrations agree', async () => {
  const db = await open();
  const orm = await db.orm();
  const difference = await orm.schema.getUpdateSchemaSQL({ wrap: false });
  await orm.close();
  await db.close();
  expect(driftOf(difference, kernelTables)).toEqual([]);
});

test('migrating again changes nothing', async () => {
  const db = await open();
  await Promise.all([db.migrate(), db.migrate()]);
  await db.close();
  expect(await platform.sql('select name from mikro_orm_migrations')).toEqual(migrations.map(({ name }) => ({ name })));
});

test('numbers that were kept with + or 00 become digits, and of two that are one the first keeps it', async () => {
  const [alone, doubled] = [newMobile(), newMobile()];
  const people = await Promise.all([1, 2, 3].map(() => registerPerson(platform)));
  const kept = [`00${alone}`, doubled, `+${doubled}`];
  for (const [index, { id }] of people.entries())
    await platform.sql('update user_account set mobile = ? where id = unhex(?)', [kept[index], id.replaceAll('-', '')]);
  await platform.sql("delete from mikro_orm_migrations where name = '002-mobiles-as-digits'");
  const db = await open();
  await db.migrate();
  await db.close();
  const now = await platform.sql(
    'select mobile from user_account where id in (unhex(?), unhex(?), unhex(?)) order by id',
    [...people.map(({ id }) => id.replaceAll('-', ''))],
  );
  expect(new Set(now.map(({ mobile }) => mobile))).toEqual(new Set([alone, doubled, `+${doubled}`]));
});

test('names that were kept before are found in any spelling', async () => {
  const { id } = await registerPerson(platform, { name: 'Café Śląsk' });
  const key = () => platform.sql('select name_key from user_account where id = unhex(?)', [id.replaceAll('-', '')]);
  await platform.sql("update user_account set name_key = ''");
  await platform.sql("delete from mikro_orm_migrations where name = '004-name-keys'");
  const db = await open();
  await db.migrate();
  await db.close();
  expect(await key()).toEqual([{ name_key: 'cafe slask' }]);
  expect(await platform.sql("select id from user_account where name_key = ''")).toEqual([]);
});

test('is ready while database and Redis answer', async () => {
  await expect(platform.subgraph.ready()).resolves.toBeUndefined();
});
