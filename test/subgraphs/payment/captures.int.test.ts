import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { openStripeWorld } from './providers/stripe-world.ts';
import {
  type Loose,
  type PaymentWorld,
  bytes,
  confirm,
  create,
  documents,
  openPaymentWorld,
  paymentIn,
  staff,
  user,
} from './support/payment-world.ts';
import { until } from '../../support/until.ts';

const env = { PAYMENT_CAPTURE: 'manual' };

type Holding = {
  readonly world: PaymentWorld;
  readonly method: string;
  readonly input?: Record<string, unknown>;
  pay(payment: Loose): Promise<unknown>;
  charged(payment: Loose): Promise<number>;
  letGo(payment: Loose): Promise<unknown>;
  cut(): void;
  mend(): void;
  close(): Promise<void>;
};

async function simulated(): Promise<Holding> {
  const world = await openPaymentWorld({ env });
  const idOf = (payment: Loose): string => payment.attempts[0].providerTransactionId;
  return {
    world,
    method: 'SIMULATED_CARD',
    pay: (payment) => confirm(world, payment),
    charged: async (payment) =>
      (await world.provider('GET', `/v1/payment_intents/${idOf(payment)}`)).body.amount_received,
    letGo: (payment) =>
      world.providerRows('update intent set capture_before = utc_timestamp(3) where id = ?', [idOf(payment)]),
    cut: () => world.providerProxy.cut(),
    mend: () => world.providerProxy.mend(),
    close: () => world.close(),
  };
}
const stripe = (input: { returnUrl?: string }) => async (): Promise<Holding> => {
  const opened = await openStripeWorld(input, env);
  const { books } = opened.server;
  const intentOf = (payment: Loose): string => {
    const id: string = payment.attempts[0].providerTransactionId;
    const session = books.sessions.get(id);
    return session ? String(session['payment_intent']) : id;
  };
  return { ...opened, letGo: async (payment) => books.cancelIntent(intentOf(payment)) };
};

describe.each([
  ['simulated', simulated], ['stripe by payment intents', stripe({})], ['stripe by checkout sessions', stripe({ returnUrl: 'https://shop.example/' })],
])('money held by %s', (_, open) => {
  let held: Holding;
  let world: PaymentWorld;
  beforeAll(async () => {
    held = await open();
    ({ world } = held);
  }, 60_000);
  afterAll(async () => {
    await held?.close();
  }, 30_000);

  const capture = async (id: string, amount?: number, more: { key?: string; viewer?: ReturnType<typeof user>; currency?: string } = {}): Promise<Loose> => {
    const money = amount === undefined ? undefined : { amount, currency: more.currency ?? 'EUR' };
    return (await world.run(more.viewer ?? staff, documents.capture, { id, amount: money, key: more.key ?? newId() })).data.capturePayment;
  };
  async function authorised(): Promise<{ buyer: ReturnType<typeof user>; payment: Loose }> {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    const input = { orderId: order.id, method: held.method, ...held.input };
    const { payment } = (await world.run(buyer, documents.create, { input, key: newId() })).data.createPayment;
    await held.pay(payment);
    return { buyer, payment: await paymentIn(world, payment.id, 'AUTHORIZED') };
  }

  test('is ours only when staff capture it, once', async () => {
    const { buyer, payment } = await authorised();
    expect(payment).toMatchObject({ authorized: { amount: 1_234 }, captured: { amount: 0 }, attempts: [{ state: 'AUTHORIZED', finishedAt: null }] });
    expect(await held.charged(payment)).toBe(0);
    expect(await capture(payment.id, undefined, { viewer: buyer })).toMatchObject({ payment: null, userErrors: [{ code: 'FORBIDDEN' }] });
    const key = newId();
    expect(await capture(payment.id, undefined, { key })).toMatchObject({
      replayed: false,
      userErrors: [],
      payment: { state: 'SETTLED', captured: { amount: 1_234 }, authorized: { amount: 0 }, attempts: [{ state: 'SUCCEEDED' }] },
    });
    expect(await capture(payment.id, undefined, { key })).toMatchObject({ replayed: true, payment: { state: 'SETTLED' } });
    expect(await capture(payment.id)).toMatchObject({ userErrors: [{ code: 'VALIDATION', path: ['paymentId'] }] });
    expect(await held.charged(payment)).toBe(1_234);
    const told = await world.rows("select type from outbox where aggregate_id = ? order by id", [bytes(payment.order.id)]);
    expect(told.map(({ type }) => type)).toEqual(['payment.started', 'payment.authorized', 'payment.succeeded']);
  });

  test('is captured in part, the rest let go, and the rest of the order paid by another payment', async () => {
    const { buyer, payment } = await authorised();
    expect(await capture(payment.id, 1_000)).toMatchObject({ payment: { state: 'SETTLED', captured: { amount: 1_000 } } });
    expect(await held.charged(payment)).toBe(1_000);
    const refund = { paymentId: payment.id, amount: { amount: 1_001, currency: 'EUR' }, reason: 'goodwill' };
    const { data } = await world.run(staff, documents.refund, { input: refund, key: newId() });
    expect(data.refundPayment).toMatchObject({ userErrors: [{ code: 'REFUND_LIMIT', refundable: { amount: 1_000 } }] });
    world.orders.set(payment.order.id, { balanceDueMinor: 234 });
    const input = { orderId: payment.order.id, method: held.method, ...held.input };
    const rest = (await world.run(buyer, documents.create, { input, key: newId() })).data.createPayment;
    expect(rest).toMatchObject({ userErrors: [], payment: { amount: { amount: 234 } } });
  });

  test('is not captured beyond what is held, nor in another currency, nor before it is held', async () => {
    const { payment } = await authorised();
    for (const [amount, currency] of [[1_235, 'EUR'], [0, 'EUR'], [-1, 'EUR'], [1_234, 'USD']] as const) {
      expect(await capture(payment.id, amount, { currency })).toMatchObject({ payment: null, userErrors: [{ code: 'AMOUNT_MISMATCH', expected: { amount: 1_234, currency: 'EUR' } }] });
    }
    const buyer = user();
    const input = { orderId: world.orders.add({ customerId: buyer.userId }).id, method: held.method, ...held.input };
    const open = (await world.run(buyer, documents.create, { input, key: newId() })).data.createPayment.payment;
    expect(await capture(open.id)).toMatchObject({ userErrors: [{ code: 'VALIDATION' }] });
  });

  test('is captured once by ten at the same time', async () => {
    const { payment } = await authorised();
    await Promise.all(Array.from({ length: 10 }, () => capture(payment.id)));
    expect(await paymentIn(world, payment.id, 'SETTLED')).toMatchObject({ captured: { amount: 1_234 }, refunds: [] });
    expect(await held.charged(payment)).toBe(1_234);
  });

  test('that the provider can not be told to capture now is captured by the job', async () => {
    const { payment } = await authorised();
    held.cut();
    try {
      expect(await capture(payment.id, 900)).toMatchObject({ userErrors: [{ code: 'PROVIDER_UNAVAILABLE', retryable: true }] });
      expect(await capture(payment.id, 901)).toMatchObject({ userErrors: [{ code: 'VALIDATION', path: ['amount'] }] });
    } finally {
      held.mend();
    }
    await world.rows('update attempt set next_check_at = utc_timestamp(3) where payment_id = ?', [bytes(payment.id)]);
    await paymentIn(world, payment.id, 'SETTLED', 20_000);
    expect(await held.charged(payment)).toBe(900);
  }, 40_000);

  test('that was held too long ends the payment, and the order can be paid anew', async () => {
    const { buyer, payment } = await authorised();
    await held.letGo(payment);
    expect(await paymentIn(world, payment.id, 'EXPIRED')).toMatchObject({ attempts: [{ state: 'EXPIRED' }], captured: { amount: 0 } });
    expect(await capture(payment.id)).toMatchObject({ userErrors: [{ code: 'VALIDATION' }] });
    const input = { orderId: payment.order.id, method: held.method, ...held.input };
    expect((await world.run(buyer, documents.create, { input, key: newId() })).data.createPayment.userErrors).toEqual([]);
  });

  test('is let go when the payment is cancelled or the order closed', async () => {
    const [one, other] = [await authorised(), await authorised()];
    const { data } = await world.run(one.buyer, documents.cancel, { id: one.payment.id, key: newId() });
    // EXPIRED when the provider's word that it let the money go was faster than our own note of why.
    expect(data.cancelPayment).toMatchObject({ userErrors: [], payment: { state: expect.stringMatching(/^(CANCELLED|EXPIRED)$/) } });
    await world.orders.tell('order.closed', other.payment.order.id, { state: 'EXPIRED', reason: 'PAYMENT_TIMEOUT' });
    await until(async () => (await world.rows('select 1 from attempt where payment_id = ? and live is null', [bytes(other.payment.id)])).length > 0);
    for (const { payment } of [one, other]) {
      expect(await held.charged(payment)).toBe(0);
      expect(await capture(payment.id)).toMatchObject({ userErrors: [{ code: 'VALIDATION' }] });
    }
  });
}); // prettier-ignore

test('money is taken at once where nobody asked to hold it', async () => {
  const world = await openPaymentWorld({ worker: false });
  try {
    const buyer = user();
    const payment = await create(world, buyer, world.orders.add({ customerId: buyer.userId }).id);
    await confirm(world, payment);
    await paymentIn(world, payment.id, 'SETTLED');
  } finally {
    await world.close();
  }
}, 30_000);
