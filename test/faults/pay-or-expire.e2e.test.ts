import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Connection, createConnection } from 'mysql2/promise';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import {
  type Person,
  confirm,
  createProduct,
  dataOf,
  logInAsAdmin,
  register,
  tryCreatePayment,
  tryPlaceOrder,
} from '../support/shop.ts';
import { until } from '../support/until.ts';

/** 300 in the suite; `RACES=5000` for the run that the issue asks for. */
const races = Number(process.env['RACES'] ?? 300);
const windowSeconds = 6;
const spreadMs = 50;
const atOnce = 4;
/** Access tokens last ten minutes. */
const racesPerBuyer = 500;
const priceMinor = 1_250;

/** What an order has to do with: when its deadline is and, for half of them, when its webhook shall arrive. */
type Race = { readonly deadlineMs: number; readonly holdWebhook: boolean; readonly jitterMs: number };

/** How long a webhook and a card take here, so that the commits, not the departures, lie around the deadline. */
type Took = { webhookMs: number; cardMs: number };
const averaged = (beforeMs: number, startedMs: number): number =>
  beforeMs * 0.9 + (performance.now() - startedMs) * 0.1;

/**
 * The way from the provider to the platform, on which a paid one's webhook is held until its moment and then sent on as
 * it came, signature and all. The provider hears at once that it arrived.
 */
async function startSlowRoad(races: ReadonlyMap<string, Race>, took: Took) {
  let gatewayUrl = '';
  let onTheRoad = 0;
  const server: Server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      const headers = {
        'content-type': 'application/json',
        'simulated-signature': String(request.headers['simulated-signature']),
      };
      onTheRoad += 1;
      response.writeHead(200).end('{}');
      const event = JSON.parse(body.toString()) as { type: string; data: { object: { metadata: { orderId?: string } } } }; // prettier-ignore
      const race = races.get(event.data.object.metadata.orderId ?? '');
      if (race?.holdWebhook && event.type === 'payment_intent.succeeded')
        await sleep(Math.max(0, race.deadlineMs + race.jitterMs - took.webhookMs - Date.now()));
      for (;;) {
        const startedMs = performance.now();
        const answer = await fetch(gatewayUrl, { method: 'POST', headers, body }).catch(() => null);
        took.webhookMs = averaged(took.webhookMs, startedMs);
        if (answer?.status === 200) break;
        await sleep(100);
      }
      onTheRoad -= 1;
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    leadTo: (url: string) => void (gatewayUrl = url),
    isEmpty: () => onTheRoad === 0,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

const racing = new Map<string, Race>();
const took: Took = { webhookMs: 20, cardMs: 20 };
let road: Awaited<ReturnType<typeof startSlowRoad>>;
let platform: Platform;
let database: Connection;

beforeAll(async () => {
  road = await startSlowRoad(racing, took);
  platform = await startPlatform({
    shape: 'one',
    env: { PAYMENT_WINDOW_SECONDS: String(windowSeconds), SIMULATED_WEBHOOK_URL: road.url },
  });
  road.leadTo(`${platform.url}/webhooks/simulated`);
  database = await createConnection({ uri: platform.mysqlUrl, timezone: 'Z' });
}, 150_000);
afterAll(async () => {
  await database?.end();
  await platform?.stop();
  await road?.close();
}, 60_000);

async function rows<Row>(sql: string): Promise<Row[]> {
  const [found] = await database.query(sql.replaceAll(/\{(\w+)\}/g, `${platform.prefix}_$1`));
  return found as Row[];
}

/**
 * Places an order, starts its payment and has it paid around its deadline: by the buyer's card, or by a webhook that arrives
 * then. Null when a busy machine had not made both in time: that is no race.
 */
async function race(buyer: Person, productId: string, holdWebhook: boolean): Promise<{ paying: Promise<void> } | null> {
  const { order } = dataOf(await tryPlaceOrder(platform, buyer, [{ productId, quantity: 1 }])).placeOrder;
  if (!order) throw new Error('there is stock for every race');
  const deadlineMs = Date.parse(order.expiresAt);
  const one: Race = { deadlineMs, holdWebhook, jitterMs: (Math.random() * 2 - 1) * spreadMs };
  racing.set(order.id, one);
  const { payment } = dataOf(await tryCreatePayment(platform, buyer, { orderId: order.id })).createPayment;
  if (!payment) return null;
  const pay = async (): Promise<void> => {
    if (!holdWebhook) await sleep(Math.max(0, deadlineMs + one.jitterMs - took.cardMs - took.webhookMs - Date.now()));
    const startedMs = performance.now();
    await confirm(platform, payment); // refused when the intent was called off first
    took.cardMs = averaged(took.cardMs, startedMs);
  };
  return { paying: pay() };
}

type Ending = {
  order_state: string;
  paid_at: Date | null;
  closed_at: Date | null;
  paid_minor: string;
  refunded_minor: string;
  payment_state: string;
  captured_minor: string;
  payment_refunded_minor: string;
  charges: string;
  refunds: string;
};
const endings = () =>
  rows<Ending>(`select o.state order_state, o.paid_at, o.closed_at, o.paid_minor, o.refunded_minor, p.state payment_state, p.captured_minor, p.refunded_minor payment_refunded_minor,
    (select count(*) from {simulated}.charge c join {payment}.attempt a on a.provider_intent_id = c.intent_id where a.payment_id = p.id) charges,
    (select coalesce(sum(r.amount), 0) from {simulated}.refund r join {payment}.attempt a on a.provider_intent_id = r.intent_id where a.payment_id = p.id) refunds
    from {order}.orders o join {payment}.payment p on p.order_id = o.id`);
/** Both services have come to rest, and the order has heard of what the payment did. */
const isOver = (one: Ending): boolean =>
  (one.order_state === 'PAID' ? one.payment_state === 'SETTLED' : one.order_state === 'EXPIRED' && ['EXPIRED', 'REFUNDED'].includes(one.payment_state)) &&
  one.paid_minor === one.captured_minor && one.refunded_minor === one.payment_refunded_minor; // prettier-ignore

test(`of ${races} orders paid within ${spreadMs} ms of their deadline none is both paid and expired, and late money goes back`, async () => {
  const staff = await logInAsAdmin(platform);
  const product = await createProduct(platform, staff, { onHand: races * 2, priceMinor });
  const payers: Promise<void>[] = [];
  for (let enough = 0; enough < races;) {
    const buyer = await register(platform);
    enough = Math.min(races, enough + racesPerBuyer);
    let begun = payers.length;
    const worker = async (): Promise<void> => {
      while (begun < enough) {
        begun += 1;
        const one = await race(buyer, product.id, begun % 2 === 0);
        if (one) payers.push(one.paying);
        else begun -= 1;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }
  await Promise.all(payers);
  await until(() => road.isEmpty(), { timeoutMs: 30_000, what: 'the last webhook' });
  await until(async () => (await endings()).every(isOver), { timeoutMs: 60_000, everyMs: 500, what: 'every ending' });

  const all = await endings();
  expect(all).toHaveLength(races);
  for (const one of all) {
    const charged = Number(one.charges) * priceMinor;
    expect(Number(one.charges)).toBeLessThanOrEqual(1);
    // Paid: the money stays. Expired: whatever the provider took, it gave back; the platform's books say the same.
    expect({ state: one.order_state, kept: charged - Number(one.refunds), booked: Number(one.captured_minor) - Number(one.payment_refunded_minor), paidAndClosed: one.paid_at !== null && one.closed_at !== null && one.order_state === 'PAID' })
      .toEqual({ state: one.order_state, kept: one.order_state === 'PAID' ? priceMinor : 0, booked: one.order_state === 'PAID' ? priceMinor : 0, paidAndClosed: false }); // prettier-ignore
    expect(Number(one.captured_minor)).toBe(charged);
  }
  const paid = all.filter(({ order_state: state }) => state === 'PAID').length;
  const givenBack = all.filter(({ refunds }) => Number(refunds) > 0).length;
  const commits = await rows<{ ms: string }>(`select timestampdiff(microsecond, o.expires_at, e.at) / 1000 ms from {order}.orders o join {payment}.payment p on p.order_id = o.id
    join {payment}.payment_event e on e.payment_id = p.id and e.type in ('PaymentSettled', 'CapturedLate')`);
  const close = commits.filter(({ ms }) => Math.abs(Number(ms)) <= spreadMs).length;
  console.log(`${races} races: ${paid} paid, ${givenBack} given back, ${races - paid - givenBack} never charged; ${close} of ${commits.length} payments were committed within ${spreadMs} ms of the deadline`);
  // It was a race: both sides have won some.
  expect(Math.min(paid, givenBack)).toBeGreaterThan(0);
  await expectCleanAudit(platform);
}, 60_000 + races * 600); // prettier-ignore
