import { appendFile, cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Connection, type RowDataPacket, createConnection } from 'mysql2/promise';
import { createClient } from 'redis';
import { backUp, databasesOf } from '../../ops/backup/backup.ts';
import { type Manifest, readManifest } from '../../ops/backup/manifest.ts';
import { restore } from '../../ops/backup/restore.ts';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { type Person, confirm, createPayment, createProduct, logInAsAdmin, orderIn, pay, placeOrder, register } from '../support/shop.ts'; // prettier-ignore
import { until } from '../support/until.ts';

/** Odd in every way that a name may be. */
const oddName = `Tasse "ä'\\; ${String.fromCodePoint(0x1f375)} 0x27 --`;

let platform: Platform;
let root: Connection;
let directory: string;
let buyer: Person;
let staff: Person;
let productId: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'backup-'));
  platform = await startPlatform({ shape: 'one' });
  [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform, oddName)]);
  productId = (await createProduct(platform, staff, { onHand: 100_000 })).id;
  root = await createConnection({ uri: platform.mysqlUrl });
}, 150_000);
afterAll(async () => {
  await root?.end();
  await platform?.stop();
  await rm(directory, { recursive: true, force: true });
}, 60_000);

const line = () => [{ productId, quantity: 1 }];
const path = (name: string): string => join(directory, name);

async function ordersNow(): Promise<number> {
  const [rows] = await root.query<RowDataPacket[]>(`select count(*) as count from ${platform.prefix}_order.orders`);
  return Number(rows[0]?.['count']);
}

/** CHECKSUM TABLE of every table. */
async function checksums(manifest: Manifest): Promise<Record<string, unknown>> {
  const sums: Record<string, unknown> = {};
  for (const { database, rows } of manifest.schemas) {
    for (const table of Object.keys(rows)) {
      const [[sum]] = (await root.query<RowDataPacket[]>(`checksum table ${database}.${root.escapeId(table)}`)) as [RowDataPacket[], unknown]; // prettier-ignore
      sums[`${database}.${table}`] = sum?.['Checksum'];
    }
  }
  return sums;
}

test('[OP-2] a back-up in the midst of orders is one point in time; restored without Redis, the platform brings everything to its end', async () => {
  const paid = await placeOrder(platform, buyer, line());
  await pay(platform, buyer, paid.id);
  await orderIn(platform, buyer, paid.id, ['PAID']);
  const open = await placeOrder(platform, buyer, line());
  const payment = await createPayment(platform, buyer, open.id);
  // Orders are being placed and paid while it is made, and after.
  let isDone = false;
  const buyOn = async (): Promise<void> => {
    while (!isDone) {
      const { id } = await placeOrder(platform, buyer, line());
      await pay(platform, buyer, id);
    }
  };
  const buying = Promise.all([buyOn(), buyOn(), buyOn(), buyOn()]);
  const before = await ordersNow();
  await until(async () => (await ordersNow()) > before + 4);
  const manifest = await backUp(platform.env, path('midst'));
  const saved = Number(manifest.schemas.find(({ name }) => name === 'order')?.rows['orders']);
  await until(async () => (await ordersNow()) > saved + 4);
  isDone = true;
  await buying;
  await platform.kill9();

  await restore(platform.env, path('midst'), { force: true });
  expect(await ordersNow()).toBe(saved);
  await platform.restart();
  await orderIn(platform, buyer, paid.id, ['PAID']);
  // The provider knows the intent that was open, and its webhook arrives.
  await confirm(platform, payment);
  await orderIn(platform, buyer, open.id, ['PAID']);
  await expectCleanAudit(platform);
  const me = await platform.gql<{ me: { name: string } }>('{ me { name } }', {}, { token: buyer.token });
  expect(me.data?.me.name).toBe(oddName);
}, 240_000);

test('what is restored is what was saved, to the byte', async () => {
  expect(await platform.terminate()).toBe(0);
  const manifest = await backUp(platform.env, path('rest'));
  expect(manifest).toEqual(readManifest(path('rest')));
  expect((await readdir(path('rest'))).toSorted()).toEqual(['manifest.json', 'order.sql.gz', 'payment.sql.gz', 'product.sql.gz', 'simulated.sql.gz', 'user.sql.gz']); // prettier-ignore
  const before = await checksums(manifest);
  expect(Object.keys(before).length).toBeGreaterThan(40);
  await restore(platform.env, path('rest'), { force: true });
  expect(await checksums(manifest)).toEqual(before);
}, 120_000);

const says = async (work: Promise<unknown>): Promise<string> => work.then(() => 'done', (error: Error) => `${error.name}: ${error.message}`); // prettier-ignore

test('a back-up overwrites nothing, and a restore nothing unless it is told to', async () => {
  expect(await says(backUp(platform.env, path('rest')))).toMatch(/^ConfigError: .*rest: is there already/);
  expect(await says(restore(platform.env, path('rest'), { force: false }))).toMatch(/^ConfigError: MYSQL_URL: there are tables in \w+_user, .*; --force throws them away/); // prettier-ignore
  const bare = { ...platform.env, DATABASE_PREFIX: `${platform.prefix}b` };
  const redis = createClient({ url: platform.redisUrl });
  await redis.connect();
  try {
    await redis.set('left', 'over');
    expect(await says(restore(bare, path('rest'), { force: false }))).toMatch(/^ConfigError: REDIS_URL: the Redis has data of another time/); // prettier-ignore
    await redis.del('left');
    // Into schemas and a Redis that are empty it needs no leave.
    expect(await says(restore(bare, path('rest'), { force: false }))).toBe('done');
  } finally {
    redis.destroy();
    for (const database of databasesOf(bare).values()) {
      await root.query(`drop database if exists ${database}`);
      await root.query(`drop user if exists '${database}'@'%'`);
    }
  }
}, 120_000);

test('a restore refuses what is damaged, of a newer version or no back-up, and a platform that runs', async () => {
  await cp(path('rest'), path('damaged'), { recursive: true });
  await appendFile(join(path('damaged'), 'order.sql.gz'), 'x');
  expect(await says(restore(platform.env, path('damaged'), { force: true }))).toMatch(/order\.sql\.gz: is missing or not as it was written/); // prettier-ignore
  await cp(path('rest'), path('newer'), { recursive: true });
  const manifest = (await readFile(join(path('newer'), 'manifest.json'), 'utf8')).replace(/"2026-11-21-initial"/, '"2099-01-01-later"'); // prettier-ignore
  await writeFile(join(path('newer'), 'manifest.json'), manifest);
  expect(await says(restore(platform.env, path('newer'), { force: true }))).toMatch(/made by a newer version, which has the migration 2099-01-01-later/); // prettier-ignore
  expect(await says(restore(platform.env, directory, { force: true }))).toMatch(
    /is no back-up, it has no manifest\.json/,
  );
  await writeFile(join(path('newer'), 'manifest.json'), '{}');
  expect(await says(restore(platform.env, path('newer'), { force: true }))).toMatch(
    /is no manifest that this version knows/,
  );
  const elsewhere = { ...platform.env, ORDER_DATABASE_URL: 'mysql://a:b@127.0.0.1:1/orders' };
  expect(await says(backUp(elsewhere, path('none')))).toMatch(/^ConfigError: ORDER_DATABASE_URL: is on another server/);
  expect(await says(backUp({ ...platform.env, DATABASE_PREFIX: 'nobody' }, path('none')))).toMatch(/nobody_user: is no schema of a platform/); // prettier-ignore
  expect((await readdir(directory)).toSorted()).toEqual(['damaged', 'midst', 'newer', 'rest']);
  await platform.restart();
  expect(await says(restore(platform.env, path('rest'), { force: true }))).toMatch(
    /^ConfigError: The platform is running/,
  );
}, 120_000);
