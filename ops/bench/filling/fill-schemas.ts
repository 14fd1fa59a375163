import { change } from '../../../subgraphs/shared/database/tables.ts';
import { idToBytes } from '../../../subgraphs/shared/values/ids.ts';
import { tables as orderTables } from '../../../subgraphs/order/records.ts';
import { tables as productTables } from '../../../subgraphs/product/records.ts';
import type { Staff } from '../staff.ts';
import { Batch, type SchemaName } from './batch.ts';
import { chanceOf } from './chance.ts';
import { People } from './people.ts';
import type { PlainDatabase } from './plain-database.ts';
import { SalesBook } from './sales-book.ts';
import { type Article, StockBook } from './stock-book.ts';
import { type Town, tellStory } from './stories.ts';

const seed = 20_261_201;
const articles = 1_000;
/** Made through the API. */
const articlesAtOnce = 8;
const digitalEvery = 10;
const merchants = 20;
const staff = 10;
const ordersOfCustomer = 10;
const ordersOfBatch = 500;
const years = 2;
const onHand = 100_000_000;
const dayMs = 86_400_000;

export type Filling = {
  readonly orders: number;
  /** 1,000 when not given. */
  readonly products?: number;
  /** Beside the administrator; one for every ten orders when not given. */
  readonly customers?: number;
  /** Who is there already. */
  readonly administratorId: string;
  readonly createProduct: Staff['createProduct'];
  readonly log?: (line: string) => void;
};

/** Tells the stories of so many orders, and of all who have to do with them; how many rows that made. */
export async function fillSchemas(
  databases: Readonly<Record<SchemaName, PlainDatabase>>,
  {
    orders: count,
    products = articles,
    customers = Math.ceil(count / ordersOfCustomer),
    administratorId,
    createProduct,
    log = (line) => console.log(line),
  }: Filling,
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
  // Buys most of all, so that lists of one's own can be asked for, too.
  people.customers.push(administratorId);
  const shelf = await makeArticles(databases.product, people, { products, createProduct });
  for (const article of shelf) stock.open(article, onHand);
  for (let index = 0; index < customers; index += 1) {
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
    if ((index + 1) % (100 * ordersOfBatch) === 0) log(`${index + 1} orders`);
  }
  written += await writing;
  sales.write(batch);
  await people.saveStreams(databases.user);
  written += await batch.write(databases);
  await saveEnds(databases, stock, feedSeq);
  return written;
}

async function makeArticles(
  product: PlainDatabase,
  people: People,
  { products, createProduct }: Required<Pick<Filling, 'products' | 'createProduct'>>,
): Promise<Article[]> {
  const make = async (index: number): Promise<Article> => {
    const kind = index % digitalEvery === 0 ? 'DIGITAL' : 'STOCKED';
    const priceMinor = 500 + ((index * 97) % 20_000);
    const [sku, name] = [`FILL-${String(index).padStart(4, '0')}`, `${kind === 'DIGITAL' ? 'E-book' : 'Thing'} ${index}`]; // prettier-ignore
    const id = await createProduct({ sku, kind, name, description: 'For measuring.', priceMinor, ...(kind === 'STOCKED' && { initialOnHand: onHand }) }); // prettier-ignore
    const sellerId = people.merchants[index % merchants] as string;
    await change(product.em(), productTables.updateTable('product').set({ seller_id: idToBytes(sellerId) }).where('id', '=', idToBytes(id)), 1); // prettier-ignore
    return { id, sku, kind, name, priceMinor, sellerId };
  };
  const made: Article[] = [];
  while (made.length < products) {
    const indexes = Array.from({ length: Math.min(articlesAtOnce, products - made.length) }, (_, index) => made.length + index); // prettier-ignore
    made.push(...(await Promise.all(indexes.map(make))));
  }
  return made;
}

/** What stands at the end: counters of the stock, and how far the feed and the sums of sales have come. */
async function saveEnds(
  { order, product }: Readonly<Record<SchemaName, PlainDatabase>>,
  stock: StockBook,
  feedSeq: bigint,
) {
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
