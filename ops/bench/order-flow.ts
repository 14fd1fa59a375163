import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseUrl, readPlatformConfig } from '../../subgraphs/shared/process/platform-config.ts';
import { audit } from '../audit.ts';
import { type BenchPlatform, startBenchPlatform } from './bench-platform.ts';
import { type Run, cpuMs, machine, perSecond, percentiles, repeat, round, statements } from './measure.ts';
import { type Statement, recordPlacing, replayPlacing, withoutTransactionControl } from './placing-floor.ts';
import { signInStaff } from './staff.ts';

/** Buyers at once, each with a line of their own. */
export const buyers = 16;
const products = 16;
const onHand = 1_000_000;
const warmUpSeconds = 4;
const runSeconds = 6;
const rounds = 2;
const payPollMs = 10;
const settleTimeoutMs = 60_000;

const tokens = '{ user { id } tokens { accessToken } userErrors { __typename } }';
const registerDocument = `mutation R($input: RegisterInput!) { register(input: $input) ${tokens} }`;
const placeDocument =
  'mutation Place($input: PlaceOrderInput!, $key: String!) { placeOrder(input: $input, idempotencyKey: $key) { order { id number state total { amount } expiresAt } userErrors { __typename } } }';
const payDocument =
  'mutation Pay($input: CreatePaymentInput!, $key: String!) { createPayment(input: $input, idempotencyKey: $key) { payment { attempts { clientParams } } userErrors { __typename } } }';

/** What a benchmark buys in: signed-in buyers, products, and what they did. */
export type Shop = {
  platform: BenchPlatform;
  tokens: string[];
  buyerIds: string[];
  products: string[];
  placed: string[];
  paid: string[];
  watcher: Watcher;
};

/** A shop on a new platform. */
export async function openShop(platform: BenchPlatform): Promise<Shop> {
  type Signed = { user: { id: string }; tokens: { accessToken: string } };
  const staff = await signInStaff(platform);
  const shop: Shop = {
    platform,
    tokens: [],
    buyerIds: [],
    products: [],
    placed: [],
    paid: [],
    watcher: startWatcher(platform),
  };
  for (let index = 0; index < buyers; index += 1) {
    const input = {
      name: `Buyer ${index}`,
      mobile: `1880000${String(index).padStart(4, '0')}`,
      password: 'bench password 1',
    };
    const { register } = await platform.gql<{ register: Signed }>(registerDocument, { input });
    shop.tokens.push(register.tokens.accessToken);
    shop.buyerIds.push(register.user.id);
  }
  for (let index = 0; index < products; index += 1) {
    const product = { sku: `BENCH-${index}`, name: `Product ${index}`, description: 'For measuring.' };
    shop.products.push(await staff.createProduct({ ...product, priceMinor: 1_000 + index, initialOnHand: onHand }));
  }
  return shop;
}

/** Tells when orders are paid by asking the database for all of them at once: buyers who poll would measure themselves. */
type Watcher = { paid(orderId: string): Promise<void>; asked(): number };

function startWatcher({ connection, prefix }: BenchPlatform): Watcher {
  const waiting = new Map<string, () => void>();
  let asked = 0;
  let looking = false;
  async function look(): Promise<void> {
    looking = true;
    while (waiting.size > 0) {
      await sleep(payPollMs);
      asked += 1;
      const ids = [...waiting.keys()].map((id) => Buffer.from(id.replaceAll('-', ''), 'hex'));
      const [rows] = await connection.query(
        `select lower(hex(id)) id from ${prefix}_order.orders where state <> 'PENDING_PAYMENT' and id in (?)`,
        [ids],
      );
      for (const [id, found] of waiting) {
        if (!(rows as { id: string }[]).some((row) => row.id === id.replaceAll('-', ''))) continue;
        waiting.delete(id);
        found();
      }
    }
    looking = false;
  }
  return {
    asked: () => asked,
    paid(orderId) {
      const found = new Promise<void>((resolve) => waiting.set(orderId, resolve));
      if (!looking) void look();
      return found;
    },
  };
}

/** Places one piece of any product; resolves with the order's id once it waits for its payment. */
export async function place(shop: Shop, line: number): Promise<string> {
  const productId = shop.products[Math.floor(Math.random() * products)] as string;
  type Placed = { placeOrder: { order: { id: string; state: string } | null; userErrors: unknown[] } };
  const { placeOrder } = await shop.platform.gql<Placed>(
    placeDocument,
    { input: { currency: 'EUR', lines: [{ productId, quantity: 1 }] }, key: randomUUID() },
    shop.tokens[line],
  );
  if (placeOrder.order?.state !== 'PENDING_PAYMENT') throw new Error(`not placed: ${JSON.stringify(placeOrder)}`);
  shop.placed.push(placeOrder.order.id);
  return placeOrder.order.id;
}

async function placeAndPay(shop: Shop, line: number): Promise<void> {
  const orderId = await place(shop, line);
  const token = shop.tokens[line];
  type Paying = { createPayment: { payment: { attempts: { clientParams: { confirmUrl: string } }[] } | null } };
  const { createPayment } = await shop.platform.gql<Paying>(
    payDocument,
    { input: { orderId, method: 'SIMULATED_CARD' }, key: randomUUID() },
    token,
  );
  const confirmUrl = createPayment.payment?.attempts[0]?.clientParams.confirmUrl;
  if (!confirmUrl) throw new Error(`no payment: ${JSON.stringify(createPayment)}`);
  await shop.platform.post(confirmUrl, { card: '4242424242424242' });
  await shop.watcher.paid(orderId);
  shop.paid.push(orderId);
}

type Measured = { run: Run; statementsPerOrder: number; cpuMsPerOrder: Record<string, number> };

async function measure({ platform, watcher }: Shop, work: () => Promise<Run>): Promise<Measured> {
  await quiet(platform);
  const cpu = () => Object.fromEntries(Object.entries(platform.pids).map(([name, pid]) => [name, cpuMs(pid)]));
  const own = () => watcher.asked();
  const [before, statementsBefore] = [cpu(), (await statements(platform.connection)) - own()];
  const run = await work();
  // What an order causes in the background belongs to it.
  await quiet(platform);
  const [after, statementsAfter] = [cpu(), (await statements(platform.connection)) - own()];
  return {
    run,
    statementsPerOrder: (statementsAfter - statementsBefore) / run.done,
    cpuMsPerOrder: Object.fromEntries(
      Object.entries(after).map(([name, ms]) => [name, (ms - (before[name] ?? 0)) / run.done]),
    ),
  };
}

/** Waits until every event has gone out. */
export async function quiet({ connection, prefix }: BenchPlatform): Promise<void> {
  const deadline = performance.now() + settleTimeoutMs;
  for (;;) {
    const [[row]] = (await connection.query(
      `select (select count(*) from ${prefix}_order.outbox where published_at is null) + (select count(*) from ${prefix}_payment.outbox where published_at is null) open_events`,
    )) as unknown as [[{ open_events: number }]];
    if (row.open_events === 0) return;
    if (performance.now() > deadline) throw new Error('the outbox does not empty');
    await sleep(100);
  }
}

/** The SQL of one placing and nothing else: the shortest of some recordings, each begun when all is quiet. */
async function recordQuietly(shop: Shop): Promise<Statement[]> {
  const recordings: Statement[][] = [];
  for (let index = 0; index < 3; index += 1) {
    await quiet(shop.platform);
    await sleep(1_500);
    recordings.push(
      await recordPlacing(shop.platform.connection, shop.platform.prefix, async () => void (await place(shop, 0))),
    );
  }
  return recordings.toSorted((a, b) => a.length - b.length)[0] ?? [];
}

/** States in the database are what the answers said, and no invariant is broken. */
async function assertCorrect(shop: Shop): Promise<void> {
  const { connection, prefix, mysqlUrl } = shop.platform;
  const [rows] = await connection.query(`select state, count(*) orders from ${prefix}_order.orders group by state`);
  const count = Object.fromEntries(
    (rows as { state: string; orders: number }[]).map(({ state, orders }) => [state, orders]),
  );
  const expected = { PAID: shop.paid.length, PENDING_PAYMENT: shop.placed.length - shop.paid.length };
  if (count['PAID'] !== expected.PAID || count['PENDING_PAYMENT'] !== expected.PENDING_PAYMENT)
    throw new Error(`orders in the database: ${JSON.stringify(count)}, expected ${JSON.stringify(expected)}`);
  const findings = await audit({
    env: { MYSQL_URL: mysqlUrl, REDIS_URL: 'redis://127.0.0.1', DATABASE_PREFIX: prefix },
  });
  const broken = findings.filter((finding) => finding.broken.length > 0);
  if (broken.length > 0) throw new Error(`the audit is not clean: ${JSON.stringify(broken)}`);
}

/** Placing and paying through the API, against a bare replay of placing's SQL in the same run, interleaved A B A B. */
export async function benchOrderFlow(): Promise<void> {
  const platform = await startBenchPlatform();
  try {
    const shop = await openShop(platform);
    const options = { concurrency: buyers, seconds: runSeconds };
    await repeat({ ...options, seconds: warmUpSeconds }, (line) => placeAndPay(shop, line));
    const recorded = await recordQuietly(shop);
    const env = { MYSQL_URL: platform.mysqlUrl, REDIS_URL: 'redis://127.0.0.1', DATABASE_PREFIX: platform.prefix };
    const config = readPlatformConfig(env);
    const floorOptions = {
      ...options,
      recorded,
      products: shop.products,
      constants: shop.buyerIds,
      url: (schema: 'order' | 'product') => databaseUrl(env, config, schema),
    };

    const placing: Measured[] = [];
    const paying: Measured[] = [];
    for (let round = 0; round < rounds; round += 1) {
      placing.push(await measure(shop, () => repeat(options, async (line) => void (await place(shop, line)))));
      paying.push(await measure(shop, () => repeat(options, (line) => placeAndPay(shop, line))));
    }
    await assertCorrect(shop);
    // The replay leaves rows that no audit would pass, so the paired runs come after it.
    const [ours, floors]: [Run[], Run[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await repeat(options, async (line) => void (await place(shop, line))));
      await quiet(platform);
      floors.push(await replayPlacing(floorOptions));
      await quiet(platform);
    }
    report(await machine(platform.connection), {
      placing,
      paying,
      ours,
      floors,
      foreground: withoutTransactionControl(recorded).length,
    });
  } finally {
    await platform.stop();
  }
}

function report(
  where: Record<string, string | number>,
  found: { placing: Measured[]; paying: Measured[]; ours: Run[]; floors: Run[]; foreground: number },
): void {
  const mean = (values: number[], digits = 2): number =>
    round(values.reduce((sum, value) => sum + value, 0) / values.length, digits);
  const summary = (measured: Measured[]) => ({
    perSecond: round(perSecond(...measured.map(({ run }) => run))),
    ...percentiles(...measured.map(({ run }) => run)),
    statementsPerOrder: mean(
      measured.map(({ statementsPerOrder }) => statementsPerOrder),
      1,
    ),
    ...Object.fromEntries(
      Object.keys(measured[0]?.cpuMsPerOrder ?? {}).map((name) => [
        `${name} CPU ms`,
        mean(measured.map(({ cpuMsPerOrder }) => cpuMsPerOrder[name] ?? 0)),
      ]),
    ),
  });
  const floor = {
    perSecond: round(perSecond(...found.floors)),
    ...percentiles(...found.floors),
    statementsPerOrder: found.foreground,
  };
  const table = {
    placed: summary(found.placing),
    'placed and paid': summary(found.paying),
    'placed, beside the floor': { perSecond: round(perSecond(...found.ours)), ...percentiles(...found.ours) },
    'floor: bare mysql2': floor,
  };
  const ratio = round(perSecond(...found.ours) / perSecond(...found.floors), 3);
  console.log(
    `order-flow: ${buyers} buyers at once, orders of one line, latencies in ms; ${Object.entries(where)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}`,
  );
  console.table(table);
  console.log(
    `SQL statements while a buyer waits for a placed order: ${found.foreground} (transaction control not counted)`,
  );
  console.log(`placing against the same SQL by bare mysql2: ${ratio} of its rate (goal ≥ 0.5)`);
  console.log(
    JSON.stringify({
      scenario: 'order-flow',
      machine: where,
      buyers,
      ...table,
      foregroundStatements: found.foreground,
      ratio,
    }),
  );
}
