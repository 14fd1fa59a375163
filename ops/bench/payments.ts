import { randomUUID } from 'node:crypto';
import { audit } from '../audit.ts';
import { startBenchPlatform } from './bench-platform.ts';
import { type Run, machine, perSecond, percentiles, repeat, round } from './measure.ts';
import { type Shop, buyers, openShop, place, quiet } from './order-flow.ts';
import { signInStaff } from './staff.ts';

const warmUpSeconds = 3;
const runSeconds = 6;
const rounds = 2;
const balanceMinor = 1_000_000_000;
/** What a mixed payment takes of the wallet; every product of the shop costs more. */
const walletPartMinor = 400;

const creditDocument =
  'mutation C($userId: ID!, $amount: MoneyInput!, $key: String!) { creditWallet(userId: $userId, amount: $amount, reason: "benchmark", idempotencyKey: $key) { userErrors { __typename } } }';
const payDocument =
  'mutation Pay($input: CreatePaymentInput!, $key: String!) { createPayment(input: $input, idempotencyKey: $key) { payment { state attempts { clientParams } } userErrors { __typename } } }';
const mixedDocument =
  'mutation Mixed($input: CreateMixedPaymentInput!, $key: String!) { createMixedPayment(input: $input, idempotencyKey: $key) { payments { attempts { clientParams } } userErrors { __typename } } }';
const prepayDocument =
  'mutation Prepay($input: PlaceOrderInput!, $key: String!) { placeOrder(input: $input, idempotencyKey: $key) { order { id state } userErrors { __typename } } }';

type Started = { attempts: { clientParams: { confirmUrl: string } | null }[] };

async function payByCard(shop: Shop, started: Started | undefined): Promise<void> {
  const confirmUrl = started?.attempts[0]?.clientParams?.confirmUrl;
  if (!confirmUrl) throw new Error(`no payment: ${JSON.stringify(started)}`);
  await shop.platform.post(confirmUrl, { card: '4242424242424242' });
}

/** Each way to pay a placed order; resolves when the order is PAID. */
const ways: Readonly<Record<string, (shop: Shop, line: number, orderId: string) => Promise<void>>> = {
  async wallet(shop, line, orderId) {
    const input = { orderId, method: 'WALLET' };
    await shop.platform.gql(payDocument, { input, key: randomUUID() }, shop.tokens[line]);
    await shop.watcher.paid(orderId);
  },
  async simulated(shop, line, orderId) {
    const input = { orderId, method: 'SIMULATED_CARD' };
    const { createPayment } = await shop.platform.gql<{ createPayment: { payment: Started } }>(
      payDocument,
      { input, key: randomUUID() },
      shop.tokens[line],
    );
    await payByCard(shop, createPayment.payment);
    await shop.watcher.paid(orderId);
  },
  async mixed(shop, line, orderId) {
    const amount = { amount: walletPartMinor, currency: 'EUR' };
    const input = { orderId, parts: [{ method: 'WALLET', amount }, { method: 'SIMULATED_CARD' }] };
    const { createMixedPayment } = await shop.platform.gql<{ createMixedPayment: { payments: Started[] } }>(
      mixedDocument,
      { input, key: randomUUID() },
      shop.tokens[line],
    );
    await payByCard(shop, createMixedPayment.payments[1]);
    await shop.watcher.paid(orderId);
  },
};

async function prepay(shop: Shop, line: number): Promise<void> {
  const productId = shop.products[Math.floor(Math.random() * shop.products.length)] as string;
  const input = { type: 'PREPAY', currency: 'EUR', lines: [{ productId, quantity: 1 }] };
  const { placeOrder } = await shop.platform.gql<{ placeOrder: { order: { state: string } | null } }>(
    prepayDocument,
    { input, key: randomUUID() },
    shop.tokens[line],
  );
  if (placeOrder.order?.state !== 'PAID') throw new Error(`not paid: ${JSON.stringify(placeOrder)}`);
}

/** Places and pays on all lines; the latencies are those of paying alone. */
async function placeAndPayBy(shop: Shop, pay: (typeof ways)[string], seconds: number): Promise<Run> {
  const latenciesMs: number[] = [];
  const run = await repeat({ concurrency: buyers, seconds }, async (line) => {
    const orderId = await place(shop, line);
    const before = performance.now();
    await pay(shop, line, orderId);
    latenciesMs.push(performance.now() - before);
  });
  return { ...run, latenciesMs };
}

/** Orders placed and paid a second by wallet, at the simulated provider, mixed, and prepaid; and how long paying took. */
export async function benchPayments(): Promise<void> {
  const platform = await startBenchPlatform();
  try {
    const shop = await openShop(platform);
    const staff = await signInStaff(platform);
    for (const userId of shop.buyerIds) {
      const amount = { amount: balanceMinor, currency: 'EUR' };
      await platform.gql(creditDocument, { userId, amount, key: randomUUID() }, staff.token);
    }
    const runs: Record<string, Run[]> = {};
    const measured = async (name: string, work: (seconds: number) => Promise<Run>): Promise<void> => {
      await work(warmUpSeconds);
      await quiet(platform);
      (runs[name] ??= []).push(await work(runSeconds));
      await quiet(platform);
    };
    for (let turn = 0; turn < rounds; turn += 1) {
      for (const [name, pay] of Object.entries(ways)) {
        await measured(name, (seconds) => placeAndPayBy(shop, pay, seconds));
      }
      await measured('prepaid', (seconds) => repeat({ concurrency: buyers, seconds }, (line) => prepay(shop, line)));
    }
    const env = { MYSQL_URL: platform.mysqlUrl, REDIS_URL: 'redis://127.0.0.1', DATABASE_PREFIX: platform.prefix };
    const broken = (await audit({ env })).filter((finding) => finding.broken.length > 0);
    if (broken.length > 0) throw new Error(`the audit is not clean: ${JSON.stringify(broken)}`);
    await report(runs, await machine(platform.connection));
  } finally {
    await platform.stop();
  }
}

async function report(runs: Readonly<Record<string, Run[]>>, where: Record<string, string | number>): Promise<void> {
  const table = Object.fromEntries(
    Object.entries(runs).map(([name, own]) => [
      name,
      { 'placed and paid/s': round(perSecond(...own)), ...percentiles(...own) },
    ]),
  );
  console.log(
    `payments: ${buyers} buyers at once, orders of one line; p50, p95, p99 in ms from starting to pay until the order is PAID (prepaid: from placing)`,
  );
  console.table(table);
  console.log(JSON.stringify({ scenario: 'payments', machine: where, buyers, ...table }));
}
