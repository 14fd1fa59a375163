import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Connection, type RowDataPacket, createConnection } from 'mysql2/promise';
import { audit } from '../../../ops/audit.ts';
import type { SchemaName } from '../../../ops/bench/filling/batch.ts';
import { fillSchemas } from '../../../ops/bench/filling/fill-schemas.ts';
import { type PlainDatabase, openPlainDatabase } from '../../../ops/bench/filling/plain-database.ts';
import { migrate } from '../../../ops/migrate.ts';
import { schemas } from '../../../ops/platform-parts.ts';
import { type Sql, insertRows } from '../../../subgraphs/shared/database/statements.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { listOrders } from '../../../subgraphs/order/order-list-store.ts';
import { listReturns } from '../../../subgraphs/order/return-store.ts';
import { listSagas } from '../../../subgraphs/order/saga-store.ts';
import { listPayments } from '../../../subgraphs/payment/payment-store.ts';
import { listRefunds } from '../../../subgraphs/payment/refund-store.ts';
import { listDeliveries } from '../../../subgraphs/payment/webhook-store.ts';
import { insertStock } from '../../../subgraphs/product/stock-store.ts';
import { listAuditEntries } from '../../../subgraphs/user/administration/audit-store.ts';
import { listNotifications } from '../../../subgraphs/user/notifications/notification-store.ts';
import { listUsers } from '../../../subgraphs/user/store.ts';

const orders = 1_500;
const prefix = `f${randomBytes(5).toString('hex')}`;
const env = { MYSQL_URL: process.env['TEST_MYSQL_URL'], REDIS_URL: process.env['TEST_REDIS_URL'], DATABASE_PREFIX: prefix }; // prettier-ignore
const administratorId = newId();
let root: Connection;
let databases: Record<SchemaName, PlainDatabase>;

beforeAll(async () => {
  await migrate(env);
  root = await createConnection({ uri: String(env.MYSQL_URL) });
  const open = (name: SchemaName): Promise<PlainDatabase> => {
    const url = new URL(String(env.MYSQL_URL));
    url.pathname = `/${prefix}_${name}`;
    return openPlainDatabase(url.href);
  };
  databases = { order: await open('order'), payment: await open('payment'), product: await open('product'), user: await open('user') }; // prettier-ignore
  await fillSchemas(databases, { orders, products: 40, administratorId, createProduct, log: () => undefined });
  for (const name of ['order', 'payment', 'user']) {
    const [tables] = await root.query<RowDataPacket[]>(`show tables from ${prefix}_${name}`);
    await root.query(`analyze table ${tables.map((row) => `${prefix}_${name}.\`${String(Object.values(row)[0])}\``).join(', ')}`); // prettier-ignore
  }
}, 120_000);
afterAll(async () => {
  for (const database of Object.values(databases)) await database.close();
  for (const { name } of schemas) {
    await root.query(`drop database if exists ${prefix}_${name}`);
    await root.query(`drop user if exists '${prefix}_${name}'@'%'`);
  }
  await root.end();
});

async function createProduct(input: { sku: string; name: string; priceMinor: number; [more: string]: unknown }) {
  const [id, at] = [newId(), new Date()];
  const { product } = databases;
  await product.transaction(async (tx) => {
    await insertRows(tx, 'product', [
      {
        id: idToBytes(id), sku: input.sku, kind: String(input['kind']), name: input.name, description: '', images: '[]', currency: 'EUR',
        price_minor: input.priceMinor, add_ons: '[]', status: 'ON_SALE', name_key: input.name, search_text: '', version: 1, created_at: at, updated_at: at,
      },
    ]); // prettier-ignore
    if (input['kind'] === 'STOCKED') await insertStock(tx, { productId: id, onHand: Number(input['initialOnHand']), at }, { actor: 'staff', reason: 'Opening' }); // prettier-ignore
  });
  return id;
}

it('a filled shop has what orders come to: every invariant of the audit holds', async () => {
  const findings = await audit({ env });
  expect(findings.filter(({ broken }) => broken.length > 0)).toEqual([]);
  const [states] = await root.query<RowDataPacket[]>(`select distinct state from ${prefix}_order.orders`);
  const all = ['CANCELLED', 'COMPLETED', 'EXPIRED', 'FAILED', 'NEEDS_ATTENTION', 'PAID', 'PENDING_PAYMENT', 'PROCESSING']; // prettier-ignore
  expect(states.map((row) => String(row['state'])).toSorted()).toEqual(all);
}, 60_000);

/** What the database reads, table by table, for what `work` asks. */
async function plansOf(schema: SchemaName, work: (sql: Sql) => Promise<unknown>) {
  const asked: { text: string; parameters: readonly unknown[] }[] = [];
  const noting: Sql = {
    rows: async (text, parameters) => {
      asked.push({ text, parameters });
      return [];
    },
    write: async () => 0,
  };
  await work(noting);
  await root.query(`use ${prefix}_${schema}`);
  const plans = await Promise.all(asked.map(async ({ text, parameters }) => (await root.query<RowDataPacket[]>(`explain format=traditional ${text}`, [...parameters]))[0])); // prettier-ignore
  return plans.flat().filter((row) => typeof row['table'] === 'string' && !row['table'].startsWith('<'));
}

const page = { before: null, beforeId: null, beyond: null, newestFirst: true, limit: 21, after: null };
const at = new Date();
const ordersBy = (filter: Parameters<typeof listOrders>[1]['filter']) => (sql: Sql) =>
  listOrders(sql, { scope: 'all', filter, at }, { column: 'placed_at', descending: true, beyond: null, limit: 21 });

/** Each list by a filter that many rows have, and where it takes several values, by two such. */
const lists: readonly [string, SchemaName, (sql: Sql) => Promise<unknown>][] = [
  ['orders in several states', 'order', ordersBy({ state: ['COMPLETED', 'EXPIRED', 'CANCELLED'] })],
  ['orders that are EXPIRED', 'order', ordersBy({ state: ['EXPIRED'] })],
  ['orders by several payment statuses', 'order', ordersBy({ paymentStatus: ['PAID', 'VOIDED'] })],
  ['orders by several fulfilment statuses', 'order', ordersBy({ fulfilmentStatus: ['FULFILLED', 'UNFULFILLED'] })],
  ['orders of several types', 'order', ordersBy({ type: ['STANDARD', 'DIGITAL'] })],
  ['sagas', 'order', (sql) => listSagas(sql, { ...page, states: null })],
  ['sagas in a state', 'order', (sql) => listSagas(sql, { ...page, states: ['SUCCEEDED'] })],
  ['sagas in several states', 'order', (sql) => listSagas(sql, { ...page, states: ['SUCCEEDED', 'COMPENSATED'] })],
  ['returns', 'order', (sql) => listReturns(sql, { ...page, states: null })],
  ['returns in several states', 'order', (sql) => listReturns(sql, { ...page, states: ['REFUNDED', 'APPROVED'] })],
  ['payments', 'payment', (sql) => listPayments(sql, page)],
  ['payments in several states', 'payment', (sql) => listPayments(sql, { ...page, states: ['SETTLED', 'EXPIRED'] })],
  ['payments of a customer', 'payment', (sql) => listPayments(sql, { ...page, customerId: administratorId })],
  ['refunds in several states', 'payment', (sql) => listRefunds(sql, { ...page, states: ['SUCCEEDED', 'FAILED'], isRefused: false })], // prettier-ignore
  ['refunds that were refused', 'payment', (sql) => listRefunds(sql, { ...page, states: [], isRefused: true })],
  ['deliveries of several outcomes', 'payment', (sql) => listDeliveries(sql, { ...page, outcomes: ['APPLIED', 'ERROR'] })], // prettier-ignore
  ['the audit log', 'user', (sql) => listAuditEntries(sql, { actorId: null, action: null }, page)],
  ['the audit log of an action', 'user', (sql) => listAuditEntries(sql, { actorId: null, action: 'order.fulfilled' }, page)], // prettier-ignore
  ['notifications', 'user', (sql) => listNotifications(sql, { userId: administratorId, unreadOnly: false }, { limit: 21, beforeSeq: null })], // prettier-ignore
  ['unread notifications', 'user', (sql) => listNotifications(sql, { userId: administratorId, unreadOnly: true }, { limit: 21, beforeSeq: null })], // prettier-ignore
  ['users', 'user', (sql) => listUsers(sql, { query: null }, page)],
];

it.each(lists)('[LL-9] %s are read by an index in the order of the list, and not sorted', async (_, schema, work) => {
  const plans = await plansOf(schema, work);
  expect(plans.length).toBeGreaterThan(0);
  for (const plan of plans) {
    expect(plan).toMatchObject({ key: expect.any(String) });
    expect(String(plan['Extra'])).not.toContain('filesort');
  }
});

it('[LL-9] what one `in` with several values would do is sorted: this test can fail', async () => {
  const plain = (sql: Sql) => sql.rows("select * from saga force index (saga_due) where state in ('SUCCEEDED', 'COMPENSATED') order by id desc limit 21", []); // prettier-ignore
  expect(String((await plansOf('order', plain))[0]?.['Extra'])).toContain('filesort');
});
