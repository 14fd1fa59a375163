import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { type Database, openDatabase } from '../../subgraphs/shared/database/database.ts';
import { change } from '../../subgraphs/shared/database/tables.ts';
import { idToBytes } from '../../subgraphs/shared/values/ids.ts';
import { tables as orderTables } from '../../subgraphs/order/records.ts';
import { tables as productTables } from '../../subgraphs/product/records.ts';
import { audit } from '../audit.ts';
import { type BenchPlatform, startBenchPlatform } from './bench-platform.ts';
import { Batch, type SchemaName } from './filling/batch.ts';
import { chanceOf } from './filling/chance.ts';
import { People } from './filling/people.ts';
import { SalesBook } from './filling/sales-book.ts';
import { type Article, StockBook } from './filling/stock-book.ts';
import { type Town, tellStory } from './filling/stories.ts';
import { dataDir, round } from './measure.ts';
import { type Staff, signInStaff } from './staff.ts';

const seed = 20_261_201;
const articles = 1_000;
const digitalEvery = 10;
const merchants = 20;
const staff = 10;
const ordersOfCustomer = 10;
const ordersOfBatch = 500;
const years = 2;
const onHand = 100_000_000;
const dayMs = 86_400_000;

/** Where the filled databases stay, for `npm run bench -- lists`. */
export const filledDir = (): string => join(dataDir(), 'bench-filled');

/**
 * `npm run bench -- fill [orders = 1000000]`: a shop with two years of orders, which stays for `lists`. Written straight into the
 * tables, but made by the services' own rules and the same for the same number: the audit is clean afterwards.
 */
export async function benchFill([orders = '1000000']: readonly string[]): Promise<void> {
  await rm(filledDir(), { recursive: true, force: true });
  // A platform that nobody uses meanwhile makes the schemas, the administrator and the products.
  const platform = await startBenchPlatform({ keep: filledDir(), durable: false });
  try {
    const startedAt = performance.now();
    const rows = await fill(platform, Number(orders));
    const seconds = (performance.now() - startedAt) / 1_000;
    console.log(`filled ${orders} orders, ${rows} rows in ${round(seconds, 0)} s: ${round(Number(orders) / seconds, 0)} orders a second`); // prettier-ignore
    console.table(await sizes(platform));
    const before = performance.now();
    const env = { MYSQL_URL: platform.mysqlUrl, REDIS_URL: platform.redisUrl, DATABASE_PREFIX: platform.prefix };
    const broken = (await audit({ env })).filter((finding) => finding.broken.length > 0);
    console.log(`audit in ${round((performance.now() - before) / 1_000, 0)} s: ${broken.length === 0 ? 'clean' : JSON.stringify(broken, null, 1)}`); // prettier-ignore
    if (broken.length > 0) process.exitCode = 1;
  } finally {
    await platform.stop();
  }
}

async function fill(platform: BenchPlatform, count: number): Promise<number> {
  const log = pino({ level: 'warn' });
  const open = (schema: SchemaName): Promise<Database> => {
    const url = new URL(platform.mysqlUrl);
    url.pathname = `/${platform.prefix}_${schema}`;
    return openDatabase({ url: url.href, entities: [], migrations: [], poolSize: 2, log });
  };
  const [order, payment, product, user] = await Promise.all([open('order'), open('payment'), open('product'), open('user')]); // prettier-ignore
  const databases = { order, payment, product, user };
  try {
    return await tellAll(platform, databases, count);
  } finally {
    await Promise.all(Object.values(databases).map((database) => database.close()));
  }
}

async function tellAll(
  platform: BenchPlatform,
  databases: Readonly<Record<SchemaName, Database>>,
  count: number,
): Promise<number> {
  const chance = chanceOf(seed);
  const batch = new Batch();
  const people = new People(chance);
  const stock = new StockBook();
  const sales = new SalesBook();
  const now = new Date();
  const beganAt = now.getTime() - years * 365 * dayMs;
  for (let index = 0; index < merchants; index += 1) people.join(batch, 'CUSTOMER,MERCHANT', new Date(beganAt + index));
  for (let index = 0; index < staff; index += 1) people.join(batch, 'CUSTOMER,OPERATOR', new Date(beganAt + index));
  let written = await batch.write(databases);
  const administrator = await signInStaff(platform);
  // Buys most of all, so that lists of one's own can be asked for, too.
  people.customers.push((await platform.gql<{ me: { id: string } }>('{ me { id } }', {}, administrator.token)).me.id);
  const shelf = await makeArticles(administrator, databases.product, people);
  for (const article of shelf) stock.open(article, onHand);
  for (let index = 0; index < Math.ceil(count / ordersOfCustomer); index += 1) {
    people.join(batch, 'CUSTOMER', new Date(beganAt + index));
    if (index % (10 * ordersOfBatch) === 0) written += await batch.write(databases);
  }
  let feedSeq = 0n;
  const town: Town = { chance, batch, people, stock, sales, articles: shelf, now, nextFeedSeq: () => (feedSeq += 1n) };
  // The last of them weeks ago, so that deliveries and returns are over.
  const spanMs = now.getTime() - beganAt - 40 * dayMs;
  let writing: Promise<number> = Promise.resolve(0);
  for (let index = 0; index < count; index += 1) {
    tellStory(town, new Date(beganAt + Math.floor((spanMs * index) / count)));
    if ((index + 1) % ordersOfBatch > 0) continue;
    // The next stories are told while the last ones are written.
    written += await writing;
    writing = batch.write(databases);
    if ((index + 1) % (100 * ordersOfBatch) === 0) console.log(`${index + 1} orders`);
  }
  written += await writing;
  sales.write(batch);
  people.write(batch);
  written += await batch.write(databases);
  await saveEnds(databases, stock, feedSeq);
  return written;
}

async function makeArticles(administrator: Staff, product: Database, people: People): Promise<Article[]> {
  const made: Article[] = [];
  for (let index = 0; index < articles; index += 1) {
    const kind = index % digitalEvery === 0 ? 'DIGITAL' : 'STOCKED';
    const priceMinor = 500 + ((index * 97) % 20_000);
    const [sku, name] = [`FILL-${String(index).padStart(4, '0')}`, `${kind === 'DIGITAL' ? 'E-book' : 'Thing'} ${index}`]; // prettier-ignore
    const id = await administrator.createProduct({ sku, kind, name, description: 'For measuring.', priceMinor, ...(kind === 'STOCKED' && { initialOnHand: onHand }) }); // prettier-ignore
    const sellerId = people.merchants[index % merchants] as string;
    await change(product.em(), productTables.updateTable('product').set({ seller_id: idToBytes(sellerId) }).where('id', '=', idToBytes(id)), 1); // prettier-ignore
    made.push({ id, sku, kind, name, priceMinor, sellerId });
  }
  return made;
}

/** What stands at the end: counters of the stock, and how far the feed and the sums of sales have come. */
async function saveEnds({ order, product }: Readonly<Record<SchemaName, Database>>, stock: StockBook, feedSeq: bigint) {
  for (const [productId, { seq, onHand: left, allocated, sold }] of stock.counters) {
    const id = idToBytes(productId);
    await change(product.em(), productTables.updateTable('product').set({ sold }).where('id', '=', id), 1);
    if (seq === 0) continue;
    const counters = { on_hand: left, allocated, version: seq };
    await change(product.em(), productTables.updateTable('stock').set(counters).where('product_id', '=', id), 1);
  }
  await order.transaction(async (tx) => {
    await change(tx, orderTables.updateTable('journal_feed').set({ head: feedSeq }).where('id', '=', 1), 1);
    await change(tx, orderTables.updateTable('sales_position').set({ feed_seq: feedSeq }).where('id', '=', 1), 1);
  });
}

async function sizes({ connection, prefix }: BenchPlatform): Promise<unknown> {
  const [rows] = await connection.query(
    `select table_schema as place, table_name as name, table_rows as row_count, round((data_length + index_length) / 1048576) as mib
     from information_schema.tables where table_schema like ? order by data_length + index_length desc limit 15`,
    [`${prefix}\\_%`],
  );
  return rows;
}
