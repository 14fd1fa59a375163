import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ProviderUnreachable } from '../../../../subgraphs/payment/providers/provider.ts';
import { stripeProvider } from '../../../../subgraphs/payment/providers/stripe.ts';
import { idFromBytes, newId } from '../../../../subgraphs/shared/values/ids.ts';
import { type Loose, bytes, documents, paymentIn, staff, user } from '../support/payment-world.ts';
import { testProvider } from './contract.ts';
import { type StripeWorld, openStripeWorld } from './stripe-world.ts';
import { until } from '../../../support/until.ts';

const returnUrl = 'https://shop.example/thanks';
testProvider('stripe by payment intents', () => openStripeWorld());
testProvider('stripe by checkout sessions', () => openStripeWorld({ returnUrl }));

describe('stripe', () => {
  let stripe: StripeWorld;
  beforeAll(async () => {
    stripe = await openStripeWorld();
  }, 60_000);
  afterAll(async () => {
    await stripe?.close();
  }, 30_000);

  const create = async (input: Record<string, unknown> = {}, key = newId()): Promise<Loose> => {
    const buyer = user();
    const order = stripe.world.orders.add({ customerId: buyer.userId });
    const given = { orderId: order.id, method: 'STRIPE', ...input };
    const ask = async () => (await stripe.world.run(buyer, documents.create, { input: given, key })).data.createPayment;
    return { ...(await ask()), ask, order, buyer };
  };
  const idOf = (payment: Loose): string => payment.attempts[0].providerTransactionId;
  const attemptOf = (orderId: string): Promise<Loose[]> =>
    stripe.world.rows('select a.* from attempt a join payment p on p.id = a.payment_id where p.order_id = ?', [bytes(orderId)]); // prettier-ignore

  test("gives the shop's page what Elements needs, and without a return URL no page of its own", async () => {
    const { payment } = await create();
    const id = idOf(payment);
    expect(payment.attempts[0]).toMatchObject({
      redirectUrl: null,
      clientParams: {
        intent: id,
        clientSecret: expect.stringContaining(`${id}_secret_`),
        publishableKey: 'pk_test_ofOurOwn',
      },
    });
  });

  test('leads to its checkout page when there is a way back', async () => {
    const { payment } = await create({ returnUrl });
    const session = stripe.server.books.sessions.get(idOf(payment));
    expect(payment.attempts[0].redirectUrl).toBe(session?.['url']);
    expect(session).toMatchObject({ success_url: returnUrl, amount_total: 1_234, currency: 'eur' });
  });

  test('with money on its way is PROCESSING, then settled or failed', async () => {
    const [good, bad] = [(await create()).payment, (await create()).payment];
    for (const payment of [good, bad]) {
      stripe.server.books.pay(idOf(payment), 'processes');
      expect(await paymentIn(stripe.world, payment.id, 'PROCESSING')).toMatchObject({ attempts: [{ state: 'PENDING', finishedAt: null }] }); // prettier-ignore
    }
    stripe.server.books.finish(idOf(good), 'succeeded');
    stripe.server.books.finish(idOf(bad), 'failed');
    await paymentIn(stripe.world, good.id, 'SETTLED');
    expect(await paymentIn(stripe.world, bad.id, 'FAILED')).toMatchObject({ attempts: [{ failureCode: 'debit_not_authorized' }] }); // prettier-ignore
  });

  test('refuses to call off what is on its way, and says so', async () => {
    const { payment, buyer } = await create();
    stripe.server.books.pay(idOf(payment), 'processes');
    await paymentIn(stripe.world, payment.id, 'PROCESSING');
    const { data } = await stripe.world.run(buyer, documents.cancel, { id: payment.id, key: newId() });
    expect(data.cancelPayment).toMatchObject({ payment: null, userErrors: [{ code: 'PROVIDER_REFUSED', provider: 'stripe' }] }); // prettier-ignore
  });

  test('[OB-5] a completed session that is not paid counts for nothing', async () => {
    const { payment } = await create({ returnUrl });
    const { books } = stripe.server;
    const session = {
      ...books.sessions.get(idOf(payment)),
      id: idOf(payment),
      status: 'complete',
      payment_status: 'unpaid',
    };
    const { body } = stripe.server.event('checkout.session.completed', session);
    const { signatureHeader } = await import('../../../../subgraphs/payment/domain/signature.ts');
    const headers = {
      'stripe-signature': signatureHeader('whsec_stripe_first_one', Math.floor(Date.now() / 1000), body),
    };
    const answer = await fetch(stripe.server.webhooks.url, { method: 'POST', headers, body });
    expect(await answer.json()).toEqual({ code: 'STALE' });
    expect((await stripe.world.rows('select state from payment where id = ?', [bytes(payment.id)]))[0].state).toBe('OPEN'); // prettier-ignore
  });

  test.each([
    ['a connection that breaks', 'reset'], ['an answer that gets lost', 'lost'], ['a 500 that may be repeated', { status: 500, code: 'api_error', retry: true }],
    ['a 429', { status: 429, code: 'rate_limit', retry: true }], ['a 409 while the key is in use', { status: 409, code: 'idempotency_key_in_use' }],
  ] as const)('%s is tried again by the SDK with the same key, and makes one intent', async (_, fault) => {
    stripe.server.requests.length = 0;
    stripe.server.fail(/^POST \/v1\/payment_intents$/, fault);
    const { payment, order } = await create();
    expect(payment.attempts).toMatchObject([{ state: 'REQUIRES_ACTION' }]);
    const tries = stripe.server.requests.filter((request) => request.startsWith('POST /v1/payment_intents '));
    expect(tries).toHaveLength(2);
    expect(new Set(tries)).toEqual(new Set([`POST /v1/payment_intents ${payment.attempts[0].id}`]));
    expect(await stripe.intents(order.id)).toBe(1);
  }); // prettier-ignore

  test.each([
    ['a 500 for good', { status: 500, code: 'api_error', retry: false }], ['a key that is wrong', { status: 401, code: 'api_key_expired' }],
    ['a 429 again and again', { status: 429, code: 'rate_limit' }],
  ] as const)('%s is a retryable refusal, and the job completes the attempt later', async (_, fault) => {
    stripe.server.fail(/^POST \/v1\/payment_intents$/, fault);
    const { payment, userErrors, order } = await create();
    expect({ payment, userErrors }).toMatchObject({ payment: null, userErrors: [{ code: 'PROVIDER_UNAVAILABLE', provider: 'stripe', retryable: true }] }); // prettier-ignore
    await stripe.world.rows('update attempt a join payment p on p.id = a.payment_id set a.next_check_at = utc_timestamp(3) where p.order_id = ?', [bytes(order.id)]); // prettier-ignore
    await until(async () => (await attemptOf(order.id))[0].state === 'REQUIRES_ACTION', { timeoutMs: 15_000 });
    expect(await stripe.intents(order.id)).toBe(1);
  }, 20_000); // prettier-ignore

  test('that hangs is given up within ten seconds, and found with its one intent by the same key', async () => {
    stripe.server.fail(/^POST \/v1\/payment_intents$/, 'hang', 2);
    const started = performance.now();
    const { userErrors, ask, order } = await create();
    expect(userErrors).toMatchObject([{ code: 'PROVIDER_UNAVAILABLE' }]);
    expect(performance.now() - started).toBeLessThan(10_000);
    // The client waits shorter than the request that hangs, which is sent once more.
    await until(async () => (await ask()).payment !== null, { timeoutMs: 15_000 });
    expect(await ask()).toMatchObject({ replayed: true, payment: { attempts: [{ state: 'REQUIRES_ACTION' }] } });
    expect(await stripe.intents(order.id)).toBe(1);
  }, 30_000);

  test('an amount that Stripe does not take is refused for good, with its words', async () => {
    const buyer = user();
    const order = stripe.world.orders.add({ customerId: buyer.userId, balanceDueMinor: 100_000_000 });
    const input = { orderId: order.id, method: 'STRIPE' };
    const { data } = await stripe.world.run(buyer, documents.create, { input, key: newId() });
    expect(data.createPayment).toMatchObject({ payment: null, userErrors: [{ code: 'PROVIDER_REFUSED', retryable: false, message: expect.stringContaining('999,999.99') }] }); // prettier-ignore
  });

  test.each([undefined, returnUrl])('tells in its statement what came in and went back, page by page (%s)', async (url) => {
    const input = url === undefined ? {} : { returnUrl: url };
    const made = await Promise.all([create(input), create(input), create(input)]);
    for (const { payment } of made) {
      stripe.server.books.pay(idOf(payment), 'pays');
      await paymentIn(stripe.world, payment.id, 'SETTLED');
    }
    const refund = { paymentId: made[0].payment.id, amount: { amount: 34, currency: 'EUR' }, reason: 'goodwill' };
    await stripe.world.run(staff, documents.refund, { input: refund, key: newId() });
    const provider = openStripe();
    try {
      const period = { from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 1_000) };
      const lines = await Array.fromAsync(provider.statement?.lines(period) ?? []);
      for (const { payment } of made) {
        const own = lines.filter(({ kind, ourReference }) => kind === 'charge' && ourReference === payment.attempts[0].id);
        expect(own).toMatchObject([{ amount: { amount: 1_234n, currency: 'EUR' } }]);
      }
      const { id } = (await stripe.world.rows('select id from refund where payment_id = ?', [bytes(made[0].payment.id)]))[0];
      expect(lines.filter(({ ourReference }) => ourReference === idFromBytes(id))).toMatchObject([{ kind: 'refund', amount: { amount: 34n, currency: 'EUR' } }]);
      stripe.server.fail(/^GET \/v1\/balance_transactions$/, { status: 500, code: 'api_error' }, 2);
      await expect(Array.fromAsync(provider.statement?.lines(period) ?? [])).rejects.toBeInstanceOf(ProviderUnreachable);
    } finally {
      await provider.close();
    }
  }, 20_000); // prettier-ignore

  const openStripe = () =>
    stripeProvider({
      secretKey: 'sk_test_ofOurOwn',
      publishableKey: undefined,
      webhookSecrets: [],
      apiBase: stripe.server.url,
    });
});
