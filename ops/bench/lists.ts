import type { RowDataPacket } from 'mysql2/promise';
import { setTimeout as sleep } from 'node:timers/promises';
import { idFromBytes } from '../../subgraphs/shared/values/ids.ts';
import { type BenchPlatform, giveMemory, startBenchPlatform } from './bench-platform.ts';
import { filledDir } from './fill.ts';
import { machine, percentiles, repeat, writeResults } from './measure.ts';
import { signInStaff } from './staff.ts';

const goalMs = 50;
const reportGoalMs = 100;
const settleMs = 10_000;

type Asked = { readonly name: string; readonly field: string; readonly goalMs: number };

/** What a list needs that is in the databases: read once. */
type Known = Readonly<Record<'customer' | 'product' | 'seller' | 'number' | 'actor', string>>;

/**
 * `npm run bench -- lists [seconds = 3]`: every list of the API, by each of its filters and orders, for staff and through the gateway, over the
 * databases that `fill` has left. Fails when one is slower than its goal.
 */
export async function benchLists([seconds = '3']: readonly string[]): Promise<void> {
  const platform = await startBenchPlatform({ keep: filledDir() });
  try {
    await giveMemory(platform);
    for (const schema of ['order', 'payment', 'product', 'user']) await analyze(platform, schema);
    await sleep(settleMs);
    const { token } = await signInStaff(platform);
    const rows: Record<string, unknown>[] = [];
    let slow = 0;
    for (const { name, field, goalMs: goal } of listsOf(await knownOf(platform))) {
      const document = `{ ${field} }`;
      const once = async () => void (await platform.gql(document, {}, token));
      await once();
      const run = await repeat({ concurrency: 1, seconds: Number(seconds) }, once);
      const { p50, p95 } = percentiles(run);
      const met = p95 <= goal;
      if (!met) slow += 1;
      rows.push({ list: name, asked: run.done, 'p50 ms': p50, 'p95 ms': p95, goal: met ? 'met' : `${goal} ms missed` });
    }
    console.table(rows);
    const [[counted]] = await platform.connection.query<RowDataPacket[]>(`select count(*) as orders from ${platform.prefix}_order.orders`); // prettier-ignore
    console.log(`${String(counted?.['orders'])} orders, ${slow} of ${rows.length} lists slower than their goal`);
    await writeResults('lists', { machine: await machine(platform.connection), orders: counted?.['orders'], rows });
    if (slow > 0) process.exitCode = 1;
  } finally {
    await platform.stop();
  }
}

/** Filled in one go, the tables have no statistics yet. */
export async function analyze({ connection, prefix }: BenchPlatform, schema: string): Promise<void> {
  const [tables] = await connection.query<RowDataPacket[]>('select table_name as name from information_schema.tables where table_schema = ?', [`${prefix}_${schema}`]); // prettier-ignore
  for (const { name } of tables as { name: string }[]) await connection.query(`analyze table ${prefix}_${schema}.\`${name}\``); // prettier-ignore
}

async function knownOf({ connection, prefix }: BenchPlatform): Promise<Known> {
  const one = async (sql: string): Promise<string> => {
    const [[row]] = await connection.query<RowDataPacket[]>(sql);
    const value: unknown = row?.['value'];
    return Buffer.isBuffer(value) ? idFromBytes(value) : String(value);
  };
  const order = `${prefix}_order`;
  return {
    // Who and what has most: the longest lists.
    customer: await one(`select customer_id as value from ${order}.orders group by customer_id order by count(*) desc limit 1`), // prettier-ignore
    product: await one(`select product_id as value from ${order}.order_line group by product_id order by count(*) desc limit 1`), // prettier-ignore
    seller: await one(`select seller_id as value from ${order}.order_line group by seller_id order by count(*) desc limit 1`), // prettier-ignore
    number: await one(`select number as value from ${order}.orders order by placed_at limit 1`),
    actor: await one(`select actor_id as value from ${prefix}_user.audit_entry where actor_id is not null limit 1`),
  };
}

const edges = (node: string): string => `edges { node { ${node} } } pageInfo { endCursor hasNextPage }`;
const orderNode = 'id number state paymentStatus fulfilmentStatus placedAt total { amount } lines { id title quantity } customer { id name }'; // prettier-ignore
const days = (count: number): string => new Date(Date.now() - count * 86_400_000).toISOString();

function listsOf(known: Known): Asked[] {
  const list = (name: string, field: string): Asked => ({ name, field, goalMs });
  const orders = (name: string, given: string): Asked => list(`orders ${name}`, `orders(first: 20${given && `, ${given}`}) { ${edges(orderNode)} }`); // prettier-ignore
  const filtered = (filter: string): Asked => orders(filter.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…'), `filter: { ${filter} }`); // prettier-ignore
  const sorts = ['PLACED_AT', 'UPDATED_AT', 'TOTAL', 'NUMBER'].flatMap((by) =>
    [true, false].map((descending) =>
      orders(`by ${by} ${descending ? 'down' : 'up'}`, `sort: { by: ${by}, descending: ${descending} }`),
    ),
  );
  const report = (interval: string, span: number): Asked => ({
    name: `salesReport by ${interval} over ${span} days`,
    field: `salesReport(from: "${days(span + 30).slice(0, 10)}", to: "${days(31).slice(0, 10)}", interval: ${interval}, currency: "EUR") { total { orders items } topProducts { quantity } }`,
    goalMs: reportGoalMs,
  });
  return [
    orders('', ''),
    ...sorts,
    ...['COMPLETED', 'PAID', 'PENDING_PAYMENT', 'NEEDS_ATTENTION', 'PAID, PROCESSING', 'COMPLETED, CANCELLED, EXPIRED'].map((state) => filtered(`state: [${state}]`)), // prettier-ignore
    ...['PAID', 'UNPAID', 'PARTIALLY_REFUNDED', 'PAID, UNPAID, VOIDED'].map((status) => filtered(`paymentStatus: [${status}]`)), // prettier-ignore
    ...['FULFILLED', 'PARTIALLY_FULFILLED', 'UNFULFILLED, PARTIALLY_FULFILLED'].map((status) => filtered(`fulfilmentStatus: [${status}]`)), // prettier-ignore
    ...['"STANDARD"', '"DIGITAL"', '"STANDARD", "DIGITAL"'].map((type) => filtered(`type: [${type}]`)),
    filtered(`customerId: "${known.customer}"`),
    filtered(`productId: "${known.product}"`),
    filtered(`number: "${known.number}"`),
    filtered(`query: "${known.number.slice(0, 10)}"`),
    filtered('query: "web-00"'),
    filtered(`placedFrom: "${days(400)}", placedTo: "${days(300)}"`),
    filtered(`updatedFrom: "${days(400)}", updatedTo: "${days(300)}"`),
    filtered('totalMin: 100000'),
    filtered('totalMin: 10000000'),
    filtered('totalMax: 600'),
    filtered('needsFulfilment: true'),
    filtered('needsFulfilment: false'),
    filtered('hasReturn: true'),
    filtered('hasReturn: false'),
    filtered('customerQuery: "Ada Adler"'),
    filtered('state: [COMPLETED], totalMin: 60000'),
    filtered(`state: [COMPLETED], productId: "${known.product}"`),
    list('soldLines', `soldLines(first: 20, sellerId: "${known.seller}") { ${edges('line { id title }')} }`),
    list('soldLines of a time', `soldLines(first: 20, sellerId: "${known.seller}", filter: { placedFrom: "${days(400)}", placedTo: "${days(300)}" }) { ${edges('line { id title }')} }`), // prettier-ignore
    list('sagas', 'sagas(first: 20) { id state }'),
    ...['SUCCEEDED', 'STUCK', 'COMPENSATED', 'SUCCEEDED, COMPENSATED'].map((state) => list(`sagas ${state}`, `sagas(first: 20, state: [${state}]) { id state }`)), // prettier-ignore
    list('returns', `returns(first: 20) { ${edges('id state lines { quantity }')} }`),
    ...['REQUESTED', 'REQUESTED, APPROVED'].map((state) => list(`returns ${state}`, `returns(first: 20, state: [${state}]) { ${edges('id state')} }`)), // prettier-ignore
    list('payments', `payments(first: 20) { ${edges('id state amount { amount }')} }`),
    ...['SETTLED', 'OPEN', 'EXPIRED, REFUNDED', 'SETTLED, EXPIRED'].map((state) => list(`payments ${state}`, `payments(first: 20, state: [${state}]) { ${edges('id state')} }`)), // prettier-ignore
    list('refunds', `refunds(first: 20) { ${edges('id state')} }`),
    ...['SUCCEEDED', 'FAILED', 'FAILED, PENDING'].map((state) => list(`refunds ${state}`, `refunds(first: 20, state: [${state}]) { ${edges('id state')} }`)), // prettier-ignore
    list('refunds refused', `refunds(first: 20, refused: true) { ${edges('id state')} }`),
    list('disputes', `disputes(first: 20) { ${edges('id state')} }`),
    list('webhookDeliveries', `webhookDeliveries(first: 20) { ${edges('id outcome')} }`),
    ...['APPLIED', 'ERROR', 'APPLIED, ERROR'].map((outcome) => list(`webhookDeliveries ${outcome}`, `webhookDeliveries(first: 20, outcome: [${outcome}]) { ${edges('id outcome')} }`)), // prettier-ignore
    ...['order', 'payment', 'product', 'user'].map((service) => list(`${service}DeadLetters`, `${service}DeadLetters(first: 20) { ${edges('id')} }`)), // prettier-ignore
    list('users', `users(first: 20) { ${edges('id name')} }`),
    list('users Ada', `users(first: 20, query: "Ada") { ${edges('id name')} }`),
    list('users by mobile', `users(first: 20, query: "8613000") { ${edges('id name')} }`),
    list('staff', `staff(first: 20) { ${edges('id name')} }`),
    list('staff MERCHANT', `staff(first: 20, role: MERCHANT) { ${edges('id name')} }`),
    list('auditLog', `auditLog(first: 20) { ${edges('id action')} }`),
    list('auditLog of an actor', `auditLog(first: 20, actorId: "${known.actor}") { ${edges('id action')} }`),
    list('auditLog of an action', `auditLog(first: 20, action: "return.decided") { ${edges('id action')} }`),
    list('auditLog of an actor and action', `auditLog(first: 20, actorId: "${known.actor}", action: "return.decided") { ${edges('id action')} }`), // prettier-ignore
    list('notifications', `me { notifications(first: 20) { ${edges('id kind')} } }`),
    list(
      'notifications unread',
      `me { notifications(first: 20, unreadOnly: true) { totalCount ${edges('id kind')} } }`,
    ),
    list('myOrders', `myOrders(first: 20) { ${edges(orderNode)} }`),
    list('myOrders COMPLETED by total', `myOrders(first: 20, filter: { state: [COMPLETED] }, sort: { by: TOTAL }) { ${edges(orderNode)} }`), // prettier-ignore
    list('deadNotifications', `deadNotifications(first: 20) { ${edges('id kind')} }`),
    ...['CREATED_AT', 'PRICE', 'NAME', 'POPULARITY'].map((by) => list(`products by ${by}`, `products(first: 20, orderBy: { by: ${by} }) { ${edges('id name')} }`)), // prettier-ignore
    list('products found', `products(first: 20, filter: { query: "thing 77" }) { ${edges('id name')} }`),
    list('lowStock', `lowStock(first: 20) { ${edges('id name')} }`),
    list('orders counted', 'orders(first: 20) { totalCount }'),
    list('orders COMPLETED counted', 'orders(first: 20, filter: { state: [COMPLETED] }) { totalCount }'),
    list('orders PAID counted', 'orders(first: 20, filter: { state: [PAID] }) { totalCount }'),
    report('DAY', 30),
    report('MONTH', 365),
  ];
}
