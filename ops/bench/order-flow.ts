import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseUrl, readPlatformConfig } from '../../subgraphs/shared/process/platform-config.ts';
import { audit } from '../audit.ts';
import { type BenchPlatform, startBenchPlatform } from './bench-platform.ts';
import {
  type Run,
  countWork,
  cpuMs,
  machine,
  perSecond,
  percentiles,
  repeat,
  round,
  workOf,
  writeResults,
} from './measure.ts';
import { startOtlpReceiver } from './otlp-receiver.ts';
import { type Statement, recordPlacing, replayPlacing, withoutTransactionControl } from './placing-floor.ts';
import { signInStaff } from './staff.ts';

/** Buyers at once, each with a line of their own. */
export const buyers = 16;
const products = 16;
const onHand = 1_000_000;
const warmUpSeconds = 4;
const runSeconds = 6;
const defaultRounds = 3;
const payPollMs = 10;
const settleTimeoutMs = 60_000;

const tokens = '{ user { id } tokens { accessToken } userErrors { __typename } }';
const registerDocument = `mutation R($input: RegisterInput!) { register(input: $input) ${tokens} }`;
const loginDocument = `mutation L($mobile: String!, $password: String!) { login(mobile: $mobile, password: $password) ${tokens} }`;
const password = 'bench password 1';
const mobileOf = (buyer: number): string => `1880000${String(buyer).padStart(4, '0')}`;
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
      mobile: mobileOf(index),
      password,
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

/** New access tokens for all buyers: one lasts ten minutes. */
export async function signInAgain(shop: Shop): Promise<void> {
  for (let buyer = 0; buyer < buyers; buyer += 1) {
    const variables = { mobile: mobileOf(buyer), password };
    type SignedIn = { login: { tokens: { accessToken: string } } };
    shop.tokens[buyer] = (await shop.platform.gql<SignedIn>(loginDocument, variables)).login.tokens.accessToken;
  }
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

/** Places one piece of any product and pays for it; resolves once the order is paid. */
export async function placeAndPay(shop: Shop, line: number): Promise<void> {
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

/** What one order cost. */
type Measured = {
  readonly run: Run;
  readonly statements: number;
  readonly commits: number;
  /** Texts sent to the database; NaN for a version that does not count them. */
  readonly roundTrips: number;
  readonly cpuMs: Readonly<Record<string, number>>;
};

async function measure({ platform, watcher }: Shop, work: () => Promise<Run>): Promise<Measured> {
  const count = async () => ({
    ...(await workOf(platform.connection)),
    asked: watcher.asked(),
    roundTrips: await roundTrips(platform),
    cpuMs: Object.fromEntries(Object.entries(platform.pids).map(([name, pid]) => [name, cpuMs(pid)])),
  });
  await quiet(platform);
  const before = await count();
  const run = await work();
  // What an order causes in the background belongs to it.
  await quiet(platform);
  const after = await count();
  const each = (value: (counted: typeof before) => number) => (value(after) - value(before)) / run.done;
  return {
    run,
    statements: each(({ statements, asked }) => statements - asked),
    commits: each(({ commits }) => commits),
    roundTrips: each((counted) => counted.roundTrips),
    cpuMs: Object.fromEntries(
      Object.keys(after.cpuMs).map((name) => [name, each((counted) => counted.cpuMs[name] ?? 0)]),
    ),
  };
}

async function roundTrips({ metricsUrl }: BenchPlatform): Promise<number> {
  const response = await fetch(metricsUrl).catch(() => null);
  const lines = [...((await response?.text()) ?? '').matchAll(/^database_round_trips_total\{[^}]*\} (\S+)$/gm)];
  return lines.length === 0 ? Number.NaN : lines.reduce((sum, [, value]) => sum + Number(value), 0);
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
async function assertCorrect(shop: Shop, auditOf: typeof audit = audit): Promise<void> {
  const { connection, prefix, mysqlUrl } = shop.platform;
  const [rows] = await connection.query(`select state, count(*) orders from ${prefix}_order.orders group by state`);
  const count = Object.fromEntries(
    (rows as { state: string; orders: number }[]).map(({ state, orders }) => [state, orders]),
  );
  const expected = { PAID: shop.paid.length, PENDING_PAYMENT: shop.placed.length - shop.paid.length };
  if (count['PAID'] !== expected.PAID || count['PENDING_PAYMENT'] !== expected.PENDING_PAYMENT)
    throw new Error(`orders in the database: ${JSON.stringify(count)}, expected ${JSON.stringify(expected)}`);
  const findings = await auditOf({
    env: { MYSQL_URL: mysqlUrl, REDIS_URL: 'redis://127.0.0.1', DATABASE_PREFIX: prefix },
  });
  const broken = findings.filter((finding) => finding.broken.length > 0);
  if (broken.length > 0) throw new Error(`the audit is not clean: ${JSON.stringify(broken)}`);
}

/** Both kinds of work, measured once. */
async function measureRound(shop: Shop): Promise<Record<Kind, Measured>> {
  const options = { concurrency: buyers, seconds: runSeconds };
  const placed = await measure(shop, () => repeat(options, async (line) => void (await place(shop, line))));
  return { placed, 'placed and paid': await measure(shop, () => repeat(options, (line) => placeAndPay(shop, line))) };
}

const kinds = ['placed', 'placed and paid'] as const;
type Kind = (typeof kinds)[number];

async function openWarm(options: Parameters<typeof startBenchPlatform>[0] = {}): Promise<Shop> {
  const shop = await openShop(await startBenchPlatform(options));
  await countWork(shop.platform.connection);
  await repeat({ concurrency: buyers, seconds: warmUpSeconds }, (line) => placeAndPay(shop, line));
  return shop;
}

/**
 * Placing and paying through the API, against a bare replay of placing's SQL in the same run, interleaved A B A B. With
 * `--against <folder>`, another version's checkout with its packages installed, both versions are measured in turns; with
 * `--traced <share>`, this version with so many of its traces sent, and the same without traces.
 */
export async function benchOrderFlow(args: readonly string[] = []): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      against: { type: 'string' },
      traced: { type: 'string' },
      rounds: { type: 'string', default: String(defaultRounds) },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds is a number from 1');
  const receiver = values.traced === undefined ? undefined : await startOtlpReceiver();
  const ours = await openWarm(receiver === undefined ? {} : { env: tracedEnv(receiver.url, values.traced) });
  try {
    if (values.against !== undefined) {
      const checkout = resolve(values.against);
      // Its tables are its own.
      const other = (await import(pathToFileURL(join(checkout, 'ops', 'audit.ts')).href)) as { audit: typeof audit };
      await besideOther(ours, rounds, { theirs: await openWarm({ checkout }), auditOf: other.audit });
    } else if (receiver !== undefined) {
      await besideOther(ours, rounds, { theirs: await openWarm() });
      console.log(`${receiver.spans().length} spans were sent`);
    } else await besideFloor(ours, rounds);
  } finally {
    await ours.platform.stop();
    await receiver?.close();
  }
}

const tracedEnv = (url: string, share = '1'): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
  OTEL_TRACES_SAMPLER_ARG: share,
});

async function besideOther(
  ours: Shop,
  rounds: number,
  { theirs, auditOf }: { theirs: Shop; auditOf?: typeof audit },
): Promise<void> {
  const found: Record<'this' | 'other', Record<Kind, Measured>[]> = { this: [], other: [] };
  try {
    for (let round = 0; round < rounds; round += 1) {
      const turns = [['this', ours] as const, ['other', theirs] as const];
      for (const [name, shop] of round % 2 === 0 ? turns : turns.toReversed())
        found[name].push(await measureRound(shop));
    }
    await assertCorrect(ours);
    await assertCorrect(theirs, auditOf);
    const table = kinds.flatMap((kind) => {
      const [own, other] = (['this', 'other'] as const).map((name) => summary(found[name].map((each) => each[kind])));
      const ratios = Object.fromEntries(
        Object.entries(own ?? {}).map(([name, value]) => [name, round(value / (other?.[name] ?? Number.NaN), 2)]),
      );
      return [[kind, own] as const, [`${kind}, other`, other] as const, [`${kind}, ratio`, ratios] as const];
    });
    await report(ours, rounds, Object.fromEntries(table));
  } finally {
    await theirs.platform.stop();
  }
}

async function besideFloor(shop: Shop, rounds: number): Promise<void> {
  const { platform } = shop;
  const recorded = await recordQuietly(shop);
  const env = { MYSQL_URL: platform.mysqlUrl, REDIS_URL: 'redis://127.0.0.1', DATABASE_PREFIX: platform.prefix };
  const config = readPlatformConfig(env);
  const options = { concurrency: buyers, seconds: runSeconds };
  const measured: Record<Kind, Measured>[] = [];
  for (let round = 0; round < rounds; round += 1) measured.push(await measureRound(shop));
  await assertCorrect(shop);
  // The replay leaves rows that no audit would pass, so the paired runs come after it.
  const [ours, floors]: [Run[], Run[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await repeat(options, async (line) => void (await place(shop, line))));
    await quiet(platform);
    floors.push(
      await replayPlacing({
        ...options,
        recorded,
        products: shop.products,
        constants: shop.buyerIds,
        url: (schema: 'order' | 'product') => databaseUrl(env, config, schema),
      }),
    );
    await quiet(platform);
  }
  const rate = (runs: Run[]) => ({ perSecond: round(perSecond(...runs)), ...percentiles(...runs) });
  await report(shop, rounds, {
    ...Object.fromEntries(kinds.map((kind) => [kind, summary(measured.map((each) => each[kind]))])),
    'placed, beside the floor': rate(ours),
    'floor: bare mysql2': { ...rate(floors), statements: withoutTransactionControl(recorded).length },
    ratio: { perSecond: round(perSecond(...ours) / perSecond(...floors), 3) },
  });
}

function summary(measured: readonly Measured[]): Record<string, number> {
  const mean = (value: (each: Measured) => number, digits = 1): number =>
    round(measured.reduce((sum, each) => sum + value(each), 0) / measured.length, digits);
  const runs = measured.map(({ run }) => run);
  const processes = Object.keys(measured[0]?.cpuMs ?? {});
  return {
    perSecond: round(perSecond(...runs)),
    ...percentiles(...runs),
    statements: mean((each) => each.statements),
    'round trips': mean((each) => each.roundTrips),
    commits: mean((each) => each.commits),
    ...Object.fromEntries(processes.map((name) => [`${name} CPU ms`, mean(({ cpuMs: ms }) => ms[name] ?? 0, 2)])),
    'CPU ms': mean(({ cpuMs: ms }) => Object.values(ms).reduce((sum, value) => sum + value, 0), 2),
  };
}

async function report(
  { platform }: Shop,
  rounds: number,
  table: Record<string, Record<string, number> | undefined>,
): Promise<void> {
  const where = await machine(platform.connection);
  const facts = Object.entries(where).map(([name, value]) => `${name} ${value}`);
  console.log(
    `order-flow: ${buyers} buyers at once, orders of one line, ${rounds} rounds; latencies in ms, the rest for each order; ${facts.join(', ')}`,
  );
  console.table(table);
  await writeResults('order-flow', { machine: where, buyers, rounds, ...table });
}
