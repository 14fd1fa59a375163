import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { openDatabase } from '../../subgraphs/shared/database/database.ts';
import { openRedis } from '../../subgraphs/shared/process/redis.ts';
import { findPaymentsOfOrder } from '../../subgraphs/payment/payment-store.ts';
import { productsByIds } from '../../subgraphs/product/product-store.ts';
import { type BenchPlatform, startBenchPlatform } from './bench-platform.ts';
import { cpuMs, percentiles, perSecond, repeat, round } from './measure.ts';
import { type Staff, signInStaff } from './staff.ts';

const adjectives = ['stoneware', 'enamel', 'brass', 'walnut', 'linen', 'woollen', 'copper', 'terracotta', 'olive', 'glazed', 'folding', 'Swedish', 'crème', 'grüner', '北欧']; // prettier-ignore
const things = ['kettle', 'lantern', 'apron', 'candlestick', 'notebook', 'planter', 'blanket', 'teapot', 'skillet', 'basket', 'stool', 'mirror', 'carafe', '咖啡杯']; // prettier-ignore
const told = ['made by hand', 'keeps its shape', 'for the balcony', 'dries quickly', 'in three colours', 'from one piece', 'wash by hand', 'lies flat', 'with a wide pocket', 'frost proof']; // prettier-ignore
const searches = ['kettle', 'ketle', 'lanterns', 'brass candlestick', 'creme', 'SKU-12', 'ette', 'wash hand', '咖啡杯', 'kettle stoneware sku', 'zzzzz', 'a']; // prettier-ignore

const list =
  'query S($filter: ProductFilter, $after: String) { products(first: 20, after: $after, filter: $filter) { totalCount edges { node { id name } } pageInfo { endCursor } } }';

const pick = (from: readonly string[], seed: number): string => from[seed % from.length] as string;

/** `npm run bench -- catalogue [products = 5000] [rounds = 5]`: searching, and rows by key from the database beside Redis. */
export async function benchCatalogue([products = '5000', rounds = '5']: readonly string[]): Promise<void> {
  const platform = await startBenchPlatform({ env: { RESPONSE_CACHE: 'true' } });
  try {
    const staff = await signInStaff(platform);
    await fill(platform, staff, Number(products));
    await search(platform, staff);
    await hotRows(platform, staff, Number(rounds));
    await wholeRequests(platform, staff, Number(rounds));
  } finally {
    await platform.stop();
  }
}

async function fill(platform: BenchPlatform, staff: Staff, count: number): Promise<void> {
  let made = 0;
  const [before, startedAt] = [cpuMs(platform.pids['mariadb'] as number), performance.now()];
  const line = async (): Promise<void> => {
    while (made < count) {
      const seed = made++;
      const name = `${pick(adjectives, seed)} ${pick(things, Math.floor(seed / 3))} ${seed}`;
      const description = Array.from({ length: 12 }, (_, index) => pick(told, seed * 7 + index * index)).join(', ');
      await staff.createProduct({ sku: `SKU-${seed}`, name, description, priceMinor: 100 + (seed % 900) });
    }
  };
  await Promise.all(Array.from({ length: 8 }, line));
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(`made ${count} products in ${round(seconds)} s, ${round((cpuMs(platform.pids['mariadb'] as number) - before) / count, 2)} ms of the database's CPU each`); // prettier-ignore
  const [tables] = await platform.connection.query(
    `select table_name as name, table_rows as row_count, round((data_length + index_length) / 1048576, 1) as mib
     from information_schema.tables where table_schema = ? and (table_name like 'search%' or table_name = 'product')`,
    [`${platform.prefix}_product`],
  );
  console.table(tables);
}

async function search(platform: BenchPlatform, { token }: Staff): Promise<void> {
  const rows = [];
  for (const query of searches) {
    type Found = { products: { totalCount: number } };
    const ask = () => platform.gql<Found>(list, { filter: { query } }, token);
    const { totalCount } = (await ask()).products;
    const run = await repeat({ concurrency: 1, seconds: 2 }, async () => void (await ask()));
    rows.push({ query, found: totalCount, ...percentiles(run) });
  }
  console.table(rows);
  const plain = await repeat({ concurrency: 1, seconds: 2 }, async () => void (await platform.gql(list, {}, token)));
  console.log('a list without a search:', percentiles(plain));
}

/** A read by key as the product does it, and the same row as JSON from Redis, which has it: the best that a cache could do. */
async function hotRows(platform: BenchPlatform, staff: Staff, rounds: number): Promise<void> {
  const log = pino({ level: 'silent' });
  const open = (schema: string) => {
    const url = new URL(platform.mysqlUrl);
    url.pathname = `/${platform.prefix}_${schema}`;
    return openDatabase({ url: url.href, entities: [], migrations: [], poolSize: 10, log });
  };
  const [product, payment, redis] = await Promise.all([open('product'), open('payment'), openRedis(platform.redisUrl, log)]); // prettier-ignore
  try {
    const ids = await productIds(platform, staff);
    const orderId = await paidOrder(platform, staff, ids[0] as string);
    const revive = (text: string | null): unknown => JSON.parse(text ?? 'null');
    const keep = async (key: string, value: unknown) => void (await redis.set(key, JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)))); // prettier-ignore
    for (const each of await productsByIds(product.em(), ids)) await keep(`hot:${each.id}`, each);
    await keep(`hot:${orderId}`, await findPaymentsOfOrder(payment.em(), orderId));
    const some = (count: number): string[] => Array.from({ length: count }, () => ids[Math.floor(Math.random() * ids.length)] as string); // prettier-ignore
    const fromRedis = async (keys: readonly string[]) => (await redis.mGet(keys.map((key) => `hot:${key}`))).map(revive); // prettier-ignore
    const reads: Readonly<Record<string, readonly [() => Promise<unknown>, () => Promise<unknown>]>> = {
      'one product': [() => productsByIds(product.em(), some(1)), () => fromRedis(some(1))],
      'twenty products': [() => productsByIds(product.em(), some(20)), () => fromRedis(some(20))],
      'the payments of an order': [() => findPaymentsOfOrder(payment.em(), orderId), () => fromRedis([orderId])],
    };
    for (const concurrency of [1, 16])
      for (const [what, pair] of Object.entries(reads)) await compare(platform, { what, pair, concurrency, rounds });
  } finally {
    await Promise.all([product.close(), payment.close()]);
    redis.destroy();
  }
}

async function compare(
  platform: BenchPlatform,
  given: {
    what: string;
    pair: readonly [() => Promise<unknown>, () => Promise<unknown>];
    concurrency: number;
    rounds: number;
  },
): Promise<void> {
  const { what, pair, concurrency, rounds } = given;
  const servers = [platform.pids['mariadb'] as number, platform.pids['redis'] as number];
  const runs: { rate: number; ownCpu: number; serverCpu: number; p50: number }[][] = [[], []];
  for (let round_ = 0; round_ < rounds + 1; round_ += 1) {
    // There and back, so that a busy moment hits both.
    for (const index of round_ % 2 ? [1, 0] : [0, 1]) {
      const once = pair[index] as () => Promise<unknown>;
      const [own, server] = [process.cpuUsage(), cpuMs(servers[index] as number)];
      const run = await repeat({ concurrency, seconds: 1 }, async () => void (await once()));
      const spent = process.cpuUsage(own);
      if (round_ === 0) continue; // warming up
      runs[index]?.push({
        rate: perSecond(run),
        ownCpu: (spent.user + spent.system) / run.done,
        serverCpu: ((cpuMs(servers[index] as number) - server) * 1_000) / run.done,
        p50: percentiles(run).p50,
      });
    }
  }
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN; // prettier-ignore
  const of = (index: number, figure: 'rate' | 'ownCpu' | 'serverCpu'): number[] => runs[index]?.map((run) => run[figure]) ?? []; // prettier-ignore
  const ratio = (figure: 'rate' | 'ownCpu' | 'serverCpu') => round(median(of(1, figure).map((value, index) => value / (of(0, figure)[index] as number))), 2); // prettier-ignore
  console.log(
    `${what}, ${concurrency} at once: database ${round(median(of(0, 'rate')), 0)}/s, ${round(median(of(0, 'ownCpu')), 0)} µs here, ${round(median(of(0, 'serverCpu')), 0)} µs there; ` +
      `Redis ÷ database: rate ${ratio('rate')}, CPU here ${ratio('ownCpu')}, there ${ratio('serverCpu')}`,
  );
}

/** What a product's page costs all processes: read for a signed-in user, and kept by the gateway for everybody. */
async function wholeRequests(platform: BenchPlatform, staff: Staff, rounds: number): Promise<void> {
  const ids = (await productIds(platform, staff)).slice(0, 100);
  const page = 'query ($id: ID!) { product(id: $id) { id sku name subtitle description cover price { amount currency } version } }'; // prettier-ignore
  const names = ['platform', 'mariadb', 'redis'] as const;
  const spent = () => names.map((name) => cpuMs(platform.pids[name] as number));
  const figures: Record<string, number[]> = { read: [], kept: [] };
  for (let count = 0; count <= rounds; count += 1)
    for (const kind of count % 2 ? ['kept', 'read'] : ['read', 'kept']) {
      const before = spent();
      const token = kind === 'read' ? staff.token : undefined;
      const run = await repeat({ concurrency: 8, seconds: 2 }, async () => void (await platform.gql(page, { id: pick(ids, Math.floor(Math.random() * 100)) }, token))); // prettier-ignore
      if (count > 0) figures[kind]?.push((spent().reduce((sum, each, index) => sum + each - (before[index] as number), 0) * 1_000) / run.done); // prettier-ignore
    }
  const median = (values: readonly number[] = []) => round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN, 0); // prettier-ignore
  console.log(`a product's page, µs of all processes: read ${median(figures['read'])}, kept by the gateway ${median(figures['kept'])}`); // prettier-ignore
}

async function productIds(platform: BenchPlatform, { token }: Staff): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | null = null; ids.length < 1_000;) {
    type Page = { products: { edges: { node: { id: string } }[]; pageInfo: { endCursor: string | null } } };
    const { products }: Page = await platform.gql<Page>(list, { after }, token);
    ids.push(...products.edges.map(({ node }) => node.id));
    if (products.edges.length < 20) break;
    after = products.pageInfo.endCursor;
  }
  return ids;
}

async function paidOrder(platform: BenchPlatform, { token }: Staff, productId: string): Promise<string> {
  const stock = 'mutation T($changes: [StockDelta!]!, $key: String!) { adjustStock(changes: $changes, idempotencyKey: $key) { userErrors { __typename } } }'; // prettier-ignore
  await platform.gql(stock, { changes: [{ productId, delta: 5, reason: 'bench' }], key: randomUUID() }, token);
  type Placed = { placeOrder: { order: { id: string } } };
  const place = 'mutation ($input: PlaceOrderInput!, $key: String!) { placeOrder(input: $input, idempotencyKey: $key) { order { id } } }'; // prettier-ignore
  const input = { currency: 'EUR', lines: [{ productId, quantity: 1 }] };
  const { id } = (await platform.gql<Placed>(place, { input, key: randomUUID() }, token)).placeOrder.order;
  const pay = 'mutation ($input: CreatePaymentInput!, $key: String!) { createPayment(input: $input, idempotencyKey: $key) { payment { id } } }'; // prettier-ignore
  await platform.gql(pay, { input: { orderId: id, method: 'SIMULATED_CARD' }, key: randomUUID() }, token);
  return id;
}
