import { createHash, createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { signatureHeader, signatureOf } from '../../../subgraphs/payment/domain/signature.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type Platform, startPlatform } from '../../support/platform.ts';
import {
  type Person,
  createPayment,
  createProduct,
  dataOf,
  logInAsAdmin,
  placeOrder,
  readOrder,
  register,
} from '../../support/shop.ts';

const secret = 'whsec_of_this_test_platform';
const amount = 1_250;

/** A payment that waits for its money. */
type Target = { orderId: string; intent: string; attemptId: string };
type Sent = { body: string; headers: Record<string, string> };

const nowSeconds = (): number => Math.floor(Date.now() / 1000);
const paid = (
  { intent, attemptId }: Target,
  change: Record<string, unknown> = {},
  type = 'payment_intent.succeeded',
) => ({
  id: `evt_${newId()}`,
  object: 'event',
  type,
  created: nowSeconds(),
  data: {
    object: { id: intent, object: 'payment_intent', amount, amount_received: change['amount'] ?? amount, capture_method: 'automatic', currency: 'EUR', status: 'succeeded', metadata: { attemptId }, last_payment_error: null, ...change },
  },
}); // prettier-ignore
const signed = (event: object, key = secret, seconds = nowSeconds()): Sent => {
  const body = JSON.stringify(event);
  return { body, headers: { 'simulated-signature': signatureHeader(key, seconds, body) } };
};
const withHeader = (event: object, headerOf: (body: string) => string): Sent => {
  const body = JSON.stringify(event);
  return { body, headers: { 'simulated-signature': headerOf(body) } };
};

/** One thing that somebody may try: what is sent, and what has to become of it. */
type Forgery = {
  what: string;
  sent: (target: Target, other: Target) => Sent;
  status: number;
  outcome: string;
  error: RegExp;
};
const unsigned = (what: string, code: string, sent: (target: Target) => Sent): Forgery => ({
  what,
  sent,
  status: 400,
  outcome: 'REJECTED_SIGNATURE',
  error: new RegExp(`^${code}$`),
});
const mismatch = (what: string, sent: (target: Target) => Sent) => unsigned(what, 'SIGNATURE_MISMATCH', sent);
const malformed = (what: string, headerOf: (body: string) => string) =>
  unsigned(what, 'SIGNATURE_MALFORMED', (target) => withHeader(paid(target), headerOf));

/** By those who don't know the secret. */
const byStrangers: Forgery[] = [
  unsigned('no signature', 'SIGNATURE_MISSING', (target) => ({ body: JSON.stringify(paid(target)), headers: {} })),
  unsigned('an empty signature', 'SIGNATURE_MISSING', (target) => withHeader(paid(target), () => '')),
  unsigned("another provider's signature header", 'SIGNATURE_MISSING', (target) => {
    const { body, headers } = signed(paid(target));
    return { body, headers: { 'stripe-signature': headers['simulated-signature'] ?? '' } };
  }),
  mismatch('another secret', (target) => signed(paid(target), 'whsec_of_somebody_else')),
  mismatch('an empty secret', (target) => signed(paid(target), '')),
  mismatch('the signature of another body', (target) =>
    withHeader(paid(target), () => signatureHeader(secret, nowSeconds(), JSON.stringify(paid(target)))),
  ),
  mismatch('the body of a real delivery with one space more', (target) => {
    const { body, headers } = signed(paid(target));
    return { body: `${body} `, headers };
  }),
  mismatch('a real delivery turned to another payment', (target) => {
    const stranger = { ...target, attemptId: newId(), intent: 'pi_of_somebody_else' };
    const { body, headers } = signed(paid(stranger));
    return { body: body.replace(stranger.attemptId, target.attemptId).replace(stranger.intent, target.intent), headers };
  }),
  mismatch('a failure turned into a success', (target) => {
    const { body, headers } = signed(paid(target, {}, 'payment_intent.payment_failed'));
    return { body: body.replace('payment_failed', 'succeeded'), headers };
  }),
  mismatch('an old signature under a new time', (target) =>
    withHeader(paid(target), (body) => `t=${nowSeconds()},v1=${signatureOf(secret, nowSeconds() - 3_600, body)}`),
  ),
  mismatch('a hash instead of a signature', (target) =>
    withHeader(paid(target), (body) => `t=${nowSeconds()},v1=${createHash('sha256').update(`${nowSeconds()}.${body}`).digest('hex')}`),
  ),
  mismatch('a signature over the body without the time', (target) =>
    withHeader(paid(target), (body) => `t=${nowSeconds()},v1=${createHmac('sha256', secret).update(body).digest('hex')}`),
  ),
  unsigned('a signature of 301 seconds ago', 'TIMESTAMP_OUTSIDE_WINDOW', (target) =>
    signed(paid(target), secret, nowSeconds() - 301),
  ),
  unsigned('a signature of the future', 'TIMESTAMP_OUTSIDE_WINDOW', (target) =>
    signed(paid(target), secret, nowSeconds() + 310),
  ),
  malformed('only the time', () => `t=${nowSeconds()}`),
  malformed('only the signature', (body) => `v1=${signatureOf(secret, nowSeconds(), body)}`),
  malformed('two times', (body) => `t=${nowSeconds() - 9_999},${signatureHeader(secret, nowSeconds(), body)}`),
  malformed('a time that is none', (body) => `t=now,v1=${signatureOf(secret, 'now', body)}`),
  malformed('a negative time', (body) => `t=-1,v1=${signatureOf(secret, -1, body)}`),
  malformed('an older scheme', (body) => signatureHeader(secret, nowSeconds(), body).replace('v1=', 'v0=')),
  malformed('half a signature', (body) => signatureHeader(secret, nowSeconds(), body).slice(0, -32)),
  malformed('six signatures', (body) => signatureHeader(secret, nowSeconds(), body) + `,v1=${'0'.repeat(64)}`.repeat(5)),
  malformed('a header of more than 512 characters', (body) => signatureHeader(secret, nowSeconds(), body) + ','.repeat(512)),
]; // prettier-ignore

/** With a good signature, as if the secret had leaked or the provider were wrong. */
const wrongAmount = (what: string, change: Record<string, unknown>): Forgery => ({
  what,
  sent: (target) => signed(paid(target, change)),
  status: 200,
  outcome: 'REJECTED_AMOUNT',
  error: /amount or currency/,
});
const withTheSecret: Forgery[] = [
  wrongAmount('one cent less', { amount: amount - 1 }),
  wrongAmount('ten times as much', { amount: amount * 10 }),
  wrongAmount('nothing', { amount: 0 }),
  wrongAmount('a negative amount', { amount: -amount }),
  wrongAmount('another currency', { currency: 'USD' }),
  { what: 'the intent of another payment', sent: (target, other) => signed(paid({ ...target, intent: other.intent })), status: 200, outcome: 'UNKNOWN_PAYMENT', error: /another intent/ },
  { what: 'an attempt that does not exist', sent: (target) => signed(paid({ ...target, intent: 'pi_nobody', attemptId: newId() })), status: 200, outcome: 'UNKNOWN_PAYMENT', error: /no such attempt/ },
  { what: 'an amount beyond 2^53', sent: (target) => signed(paid(target, { amount: 2 ** 53 })), status: 400, outcome: 'ERROR', error: /can not be read/ },
  { what: 'an amount in words', sent: (target) => signed(paid(target, { amount: String(amount) })), status: 400, outcome: 'ERROR', error: /can not be read/ },
]; // prettier-ignore

describe('of what is sent to the public /webhooks/simulated', () => {
  let platform: Platform;
  let staff: Person;
  let buyer: Person;
  let target: Target;
  let other: Target;

  const open = async (productId: string): Promise<Target> => {
    const { id } = await placeOrder(platform, buyer, [{ productId, quantity: 1 }]);
    const { attempts } = await createPayment(platform, buyer, id);
    const [attempt] = attempts as unknown as { id: string; clientParams: { intent: string } }[];
    if (!attempt) throw new Error('a payment has an attempt');
    return { orderId: id, intent: attempt.clientParams.intent, attemptId: attempt.id };
  };
  const send = async ({ body, headers }: Sent) => {
    const response = await fetch(new URL('/webhooks/simulated', platform.url), { method: 'POST', headers, body });
    return { status: response.status, code: ((await response.json()) as { code: string }).code };
  };
  type Delivery = { providerEventId: string; outcome: string; error: string | null; payment: { id: string } | null };
  const deliveries = async (outcome: string): Promise<Delivery[]> => {
    const document = `query Inbox($outcome: [WebhookOutcome!]) { webhookDeliveries(first: 100, outcome: $outcome) { edges { node { providerEventId outcome error payment { id } } } } }`;
    type Listed = { webhookDeliveries: { edges: { node: Delivery }[] } };
    const listed = dataOf(await platform.gql<Listed>(document, { outcome: [outcome] }, { token: staff.token }));
    return listed.webhookDeliveries.edges.map(({ node }) => node);
  };
  const paymentOf = async ({ orderId }: Target) =>
    (await readOrder(platform, buyer, orderId)).payments.map(({ state }) => state);

  beforeAll(async () => {
    platform = await startPlatform({ shape: 'one', env: { SIMULATED_WEBHOOK_SECRET: secret } });
    [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform)]);
    const product = await createProduct(platform, staff, { priceMinor: amount });
    [target, other] = [await open(product.id), await open(product.id)];
  }, 150_000);
  afterAll(async () => {
    await platform?.stop();
  }, 60_000);

  test.each([...byStrangers, ...withTheSecret])(
    '$what is not accepted, and staff see why',
    async ({ sent, status, outcome, error }) => {
      const forged = sent(target, other);
      expect(await send(forged)).toMatchObject({ status });
      const { id } = JSON.parse(forged.body) as { id: string };
      const found = (await deliveries(outcome)).filter(({ providerEventId }) => providerEventId === id);
      expect(found).toEqual([expect.objectContaining({ outcome, error: expect.stringMatching(error) as unknown })]);
      expect([await paymentOf(target), await paymentOf(other)]).toEqual([['OPEN'], ['OPEN']]);
    },
  );

  test('a real delivery counts once, and pays no other payment when it is sent again', async () => {
    const real = signed(paid(target));
    expect(await send(real)).toEqual({ status: 200, code: 'APPLIED' });
    expect(await send(real)).toEqual({ status: 200, code: 'DUPLICATE' });
    const { id } = JSON.parse(real.body) as { id: string };
    expect((await deliveries('DUPLICATE')).map(({ providerEventId }) => providerEventId)).toEqual([id]);
    expect(await paymentOf(other)).toEqual(['OPEN']);
  });

  test('at a provider that does not exist nothing is taken', async () => {
    const { body, headers } = signed(paid(other));
    const response = await fetch(new URL('/webhooks/nobody', platform.url), { method: 'POST', headers, body });
    expect(response.status).toBe(404);
    expect(await paymentOf(other)).toEqual(['OPEN']);
  });
});
