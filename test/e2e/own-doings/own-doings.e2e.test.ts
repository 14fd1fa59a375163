import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { audit } from '../../../ops/audit.ts';
import { freePort } from '../../../ops/embedded/servers.ts';
import { signatureHeader } from '../../../subgraphs/payment/domain/signature.ts';
import { type AlipayServer, rsaKeyPair, startAlipayServer } from '../../support/alipay-server.ts';
import { expectCleanAudit } from '../../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../../support/platform.ts';
import {
  type OrderView, type Person, dataOf, logInAsAdmin, newKey, orderIn, placeOrder, readOrder, register, stockOf,
} from '../../support/shop.ts'; // prettier-ignore
import type { StripeObject } from '../../support/stripe-books.ts';
import { type StripeServer, startStripeServer } from '../../support/stripe-server.ts';
import { until } from '../../support/until.ts';

/*
 * What Stripe and Alipay do by themselves, through the whole platform: their servers' signed webhooks come in at the gateway,
 * payment books them, the order and its journal follow.
 */

const secretKey = 'sk_test_ofTheWholePlatform';
const webhookSecret = 'whsec_of_the_whole_platform';
const [appId, sellerId] = ['2021000000000001', '2088000000000001'];
const base64 = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, '');

let platform: Platform;
let stripe: StripeServer;
let alipay: AlipayServer;
let staff: Person;
let buyer: Person;
const products: Record<string, string> = {};

beforeAll(async () => {
  const keys = { app: rsaKeyPair(), alipay: rsaKeyPair(), stranger: rsaKeyPair() };
  stripe = await startStripeServer({ secretKey, webhookSecret });
  alipay = await startAlipayServer({ appId, sellerId, appPublicKey: keys.app.publicKey, privateKey: keys.alipay.privateKey, strangerKey: keys.stranger.privateKey }); // prettier-ignore
  const port = String(await freePort());
  platform = await startPlatform({
    shape: 'one',
    env: {
      PORT: port,
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      PAYMENT_WINDOW_SECONDS: '600',
      STRIPE_SECRET_KEY: secretKey,
      STRIPE_WEBHOOK_SECRET: webhookSecret,
      STRIPE_API_BASE: stripe.url,
      ALIPAY_APP_ID: appId,
      ALIPAY_SELLER_ID: sellerId,
      ALIPAY_PRIVATE_KEY: base64(keys.app.privateKey),
      ALIPAY_PUBLIC_KEY: base64(keys.alipay.publicKey),
      ALIPAY_GATEWAY_URL: alipay.gatewayUrl,
    },
  });
  stripe.webhooks.url = `${platform.url}/webhooks/stripe`;
  [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform)]);
  for (const currency of ['EUR', 'CNY', 'KWD']) {
    const input = { sku: `OWN-${currency}`, name: `Mug for ${currency}`, description: 'A mug.', price: { amount: 1_230, currency }, initialOnHand: 100 }; // prettier-ignore
    const document = 'mutation New($input: CreateProductInput!, $key: String!) { createProduct(input: $input, idempotencyKey: $key) { product { id } } }'; // prettier-ignore
    type Made = { createProduct: { product: { id: string } } };
    products[currency] = dataOf(await platform.gql<Made>(document, { input, key: newKey() }, { token: staff.token })).createProduct.product.id; // prettier-ignore
  }
}, 150_000);
afterAll(async () => {
  await stripe?.close();
  await alipay?.close();
  await platform?.stop();
}, 60_000);

type Started = { id: string; attempts: { providerTransactionId: string; redirectUrl: string }[] };
async function begin(currency: string, method: string) {
  const order = await placeOrder(platform, buyer, [{ productId: String(products[currency]), quantity: 1 }], {
    currency,
  });
  const document = 'mutation Begin($input: CreatePaymentInput!, $key: String!) { createPayment(input: $input, idempotencyKey: $key) { payment { id attempts { providerTransactionId redirectUrl } } userErrors { ... on UserError { code message } } } }'; // prettier-ignore
  const input = { orderId: order.id, method };
  const answer = await platform.gql<{ createPayment: { payment: Started | null; userErrors: unknown[] } }>(document, { input, key: newKey() }, { token: buyer.token }); // prettier-ignore
  const { payment, userErrors } = dataOf(answer).createPayment;
  if (!payment) throw new Error(JSON.stringify(userErrors));
  return { orderId: order.id, paymentId: payment.id, intent: String(payment.attempts[0]?.providerTransactionId), redirectUrl: String(payment.attempts[0]?.redirectUrl) }; // prettier-ignore
}
async function paidByStripe(currency = 'EUR') {
  const begun = await begin(currency, 'STRIPE');
  stripe.books.pay(begun.intent, 'pays');
  await orderIn(platform, buyer, begun.orderId, ['PAID']);
  return begun;
}
const statusIs = (orderId: string, status: string): Promise<OrderView> =>
  until(
    async () => {
      const order = await readOrder(platform, buyer, orderId);
      return order.paymentStatus === status && order;
    },
    { what: `an order that is ${status}` },
  );
type Entry = { type: string; data: Record<string, unknown> | null };
async function journal(orderId: string): Promise<Entry[]> {
  const document =
    'query Journal($id: ID!) { order(id: $id) { history(first: 100) { edges { node { type data } } } } }';
  type Read = { order: { history: { edges: { node: Entry }[] } } };
  return dataOf(await platform.gql<Read>(document, { id: orderId }, { token: staff.token })).order.history.edges.map(({ node }) => node); // prettier-ignore
}
const money = async (orderId: string): Promise<Entry[]> =>
  (await journal(orderId)).filter(({ type }) => /RefundRecorded|Dispute/.test(type));
/** Delivers an event of the test's own making; answers with the gateway's status. */
async function tell(type: string, object: StripeObject, signing: { secret?: string; secondsOff?: number } = {}) {
  const { body } = stripe.event(type, object);
  const seconds = Math.floor(Date.now() / 1000) + (signing.secondsOff ?? 0);
  const headers = { 'content-type': 'application/json', 'stripe-signature': signatureHeader(signing.secret ?? webhookSecret, seconds, body) }; // prettier-ignore
  return (await fetch(stripe.webhooks.url, { method: 'POST', headers, body })).status;
}

describe('Stripe', () => {
  test('[AP-6] gives money back from its dashboard: the order and its journal follow, a part and then the rest', async () => {
    stripe.webhooks.copies = 3;
    const { orderId, intent } = await paidByStripe();
    const first = stripe.books.refundInDashboard(intent, 230);
    expect(await statusIs(orderId, 'PARTIALLY_REFUNDED')).toMatchObject({ refundedTotal: { amount: 230 } });
    stripe.books.refundInDashboard(intent, 1_000);
    expect(await statusIs(orderId, 'REFUNDED')).toMatchObject({
      state: 'REFUNDED',
      refundedTotal: { amount: 1_230 },
    });
    for (const secret of ['whsec_of_a_stranger', webhookSecret])
      await tell('refund.updated', first, { secret, secondsOff: secret === webhookSecret ? -3_600 : 0 });
    expect((await money(orderId)).map(({ type, data }) => [type, data?.['amountMinor']])).toEqual([['RefundRecorded', 230], ['RefundRecorded', 1_000]]); // prettier-ignore
    stripe.webhooks.copies = 1;
  }, 60_000);

  test('is made to take money back by a bank: the order’s journal tells the dispute from its beginning to its end', async () => {
    const { orderId, paymentId, intent } = await paidByStripe();
    const { id } = stripe.books.dispute(intent, 1_230, 'product_not_received');
    await until(async () => (await money(orderId)).length === 1);
    expect(await readOrder(platform, buyer, orderId)).toMatchObject({ state: 'PAID', paymentStatus: 'PAID' });
    stripe.books.closeDispute(id, 'lost');
    await statusIs(orderId, 'REFUNDED');
    await until(async () => (await money(orderId)).length === 3);
    expect(await money(orderId)).toMatchObject([
      {
        type: 'DisputeRecorded',
        data: { paymentId, state: 'OPEN', amountMinor: 1_230, reason: 'product_not_received' },
      },
      { type: 'DisputeRecorded', data: { paymentId, state: 'LOST', amountMinor: 1_230 } },
      { type: 'RefundRecorded', data: { paymentId, amountMinor: 1_230 } },
    ]);
  }, 60_000);

  test('gets a disputed payment back when it is won, in a currency of three decimals', async () => {
    const { orderId, intent } = await paidByStripe('KWD');
    const { id } = stripe.books.dispute(intent, 1_230);
    await until(async () => (await money(orderId)).length === 1);
    stripe.books.closeDispute(id, 'won');
    await until(async () => (await money(orderId)).length === 2);
    expect((await money(orderId)).map(({ data }) => data?.['state'])).toEqual(['OPEN', 'WON']);
    expect(await readOrder(platform, buyer, orderId)).toMatchObject({ paymentStatus: 'PAID', refundedTotal: { amount: 0 } }); // prettier-ignore
  }, 60_000);

  test('takes money late, for an order that was cancelled: it goes back by itself, and stock stays free', async () => {
    const before = (await stockOf(platform, staff, String(products['EUR']))).available;
    const { orderId, intent } = await begin('EUR', 'STRIPE');
    const document = 'mutation Cancel($id: ID!, $key: String!) { cancelOrder(id: $id, idempotencyKey: $key) { userErrors { ... on UserError { code message } } } }'; // prettier-ignore
    const { data } = await platform.gql<{ cancelOrder: unknown }>(document, { id: orderId, key: newKey() }, { token: buyer.token }); // prettier-ignore
    expect(data).toEqual({ cancelOrder: { userErrors: [] } });
    await until(() => stripe.books.getIntent(intent).status === 'canceled');
    const captured = Object.assign(stripe.books.getIntent(intent), { status: 'succeeded', amount_received: 1_230 });
    expect(await tell('payment_intent.succeeded', captured)).toBe(200);
    await until(() => [...stripe.books.refunds.values()].some((one) => one.payment_intent === intent));
    expect(await statusIs(orderId, 'REFUNDED')).toMatchObject({ state: 'CANCELLED', refundedTotal: { amount: 1_230 } });
    await until(async () => (await stockOf(platform, staff, String(products['EUR']))).available === before);
  }, 60_000);
});

describe('Alipay', () => {
  test('gives money back from the merchant’s pages, beside a refund of ours: the order and its journal follow', async () => {
    const { orderId, paymentId, intent, redirectUrl } = await begin('CNY', 'ALIPAY');
    await fetch(redirectUrl);
    expect(alipay.pay(intent)).toBe(true);
    await orderIn(platform, buyer, orderId, ['PAID']);
    alipay.refundInDashboard(intent, '2.30');
    expect(await statusIs(orderId, 'PARTIALLY_REFUNDED')).toMatchObject({ refundedTotal: { amount: 230 } });
    const document = 'mutation Refund($input: RefundInput!, $key: String!) { refundPayment(input: $input, idempotencyKey: $key) { userErrors { ... on UserError { code message } } } }'; // prettier-ignore
    const input = { paymentId, amount: { amount: 500, currency: 'CNY' }, reason: 'goodwill' };
    const answer = await platform.gql<{ refundPayment: unknown }>(document, { input, key: newKey() }, { token: staff.token }); // prettier-ignore
    expect(answer.data).toEqual({ refundPayment: { userErrors: [] } });
    alipay.refundInDashboard(intent, '5.00');
    expect(await statusIs(orderId, 'REFUNDED')).toMatchObject({ refundedTotal: { amount: 1_230 } });
    expect((await money(orderId)).map(({ data }) => data?.['amountMinor'])).toEqual([230, 500, 500]);
  }, 60_000);
});

test('the audit finds nothing broken, and finds a dispute that one side forgets', async () => {
  await expectCleanAudit(platform);
  const root = await createConnection({ uri: platform.mysqlUrl });
  try {
    const dispute = `\`${platform.prefix}_payment\`.dispute`;
    for (const [change, undo] of [
      ["state = 'OPEN'", "state = 'LOST'"],
      ['refund_id = refund_id, payment_id = reverse(payment_id)', 'payment_id = reverse(payment_id)'],
    ]) {
      // prettier-ignore
      await root.query(`update ${dispute} set ${change} where state = 'LOST'`);
      const broken = (await audit({ env: platform.env, graceSeconds: 0 })).filter(
        ({ broken: lines }) => lines.length > 0,
      );
      expect(broken.map(({ invariant }) => invariant)).toEqual([expect.stringContaining('I2 disputes')]);
      await root.query(`update ${dispute} set ${undo} where closed_at is not null and reason = 'product_not_received'`);
    }
  } finally {
    await root.end();
  }
  await expectCleanAudit(platform);
}, 60_000);
