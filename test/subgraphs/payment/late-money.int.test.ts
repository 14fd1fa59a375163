import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { toJson } from '../../../subgraphs/shared/database/database.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type Loose,
  type PaymentWorld,
  bytes,
  cards,
  confirm,
  create,
  documents,
  openPaymentWorld,
  paymentIn,
  staff,
  user,
} from './support/payment-world.ts';
import { until } from '../../support/until.ts';

let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld();
});
afterAll(async () => {
  await world?.close();
});

const journalOf = async (orderId: string) => {
  const { body } = await world.provider('GET', '/v1/journal');
  return (
    body.data as { type: string; amount: number; metadata: { orderId?: string }; payment_intent: string }[]
  ).filter((entry, _, all) =>
    all.some((charge) => charge.payment_intent === entry.payment_intent && charge.metadata.orderId === orderId),
  );
};
const outboxOf = async (orderId: string): Promise<{ type: string; data: Loose }[]> =>
  (
    await world.rows("select type, data from outbox where aggregate_id = ? and type <> 'payment.started' order by id", [
      bytes(orderId),
    ])
  ).map((row) => ({ type: row.type, data: toJson(row.data) }));
const close = (orderId: string, state: string, copies = 1) =>
  world.orders.tell('order.closed', orderId, { customerId: newId(), state, reason: 'PAYMENT_TIMEOUT' }, copies);

async function open() {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  return { buyer, order, payment: await create(world, buyer, order.id) };
}

/** The provider's word of the cancellation must not come before the money. */
const cutProvider = async <T>(work: () => Promise<T>): Promise<T> => {
  world.providerProxy.cut();
  try {
    return await work();
  } finally {
    world.providerProxy.mend();
  }
};

describe('when its order is closed', () => {
  test.each([['EXPIRED', 'EXPIRED'], ['CANCELLED', 'CANCELLED'], ['FAILED', 'CANCELLED']])('as %s, an unpaid payment is %s and its intent is called off', async (state, expected) => {
    const { order, payment } = await open();
    await close(order.id, state, 2);
    const closed = await paymentIn(world, payment.id, expected);
    await until(async () => (await world.rows('select live from attempt where payment_id = ?', [bytes(payment.id)]))[0].live === null);
    expect((await confirm(world, payment)).body).toMatchObject({ error: { code: 'payment_intent_unexpected_state' } });
    expect(closed.captured).toEqual({ amount: 0 });
    expect(await journalOf(order.id)).toEqual([]);
  }); // prettier-ignore

  test('money that comes all the same goes back by itself, exactly once', async () => {
    const { order, payment } = await open();
    await world.provider('POST', '/v1/test/webhooks', { intent: payment.attempts[0].providerTransactionId, duplicate: 3 });
    await cutProvider(async () => {
      await close(order.id, 'EXPIRED');
      await paymentIn(world, payment.id, 'EXPIRED');
      expect((await confirm(world, payment)).status).toBe(200);
      await until(async () => (await world.rows('select id from refund where payment_id = ?', [bytes(payment.id)])).length > 0);
    });
    const refunded = await paymentIn(world, payment.id, 'REFUNDED', 20_000);
    expect(refunded).toMatchObject({ captured: { amount: 1234 }, refunded: { amount: 1234 }, paidAt: null, refunds: [{ automatic: true, state: 'SUCCEEDED', amount: { amount: 1234 } }] });
    expect((await journalOf(order.id)).map(({ type, amount }) => [type, amount])).toEqual([['charge', 1234], ['refund', 1234]]); // prettier-ignore
    const told = await outboxOf(order.id);
    expect(told.map(({ type }) => type)).toEqual(['payment.refunded']);
    expect(told[0]?.data).toMatchObject({ automatic: true, amountMinor: 1234, refundedTotalMinor: 1234 });
    const [delivery] = await world.rows("select outcome from webhook_inbox where payment_id = ? and type = 'payment_intent.succeeded'", [bytes(payment.id)]);
    expect(delivery.outcome).toBe('LATE_AUTO_REFUNDED');
  }, 40_000); // prettier-ignore
});

test('a payment that the order refuses is refunded exactly once, however often that is said', async () => {
  const { buyer, order, payment } = await open();
  await confirm(world, payment);
  await paymentIn(world, payment.id, 'SETTLED');
  const refused = {
    customerId: buyer.userId,
    paymentId: payment.id,
    amountMinor: 1234,
    currency: 'EUR',
    reason: 'ORDER_EXPIRED',
  };
  await world.orders.tell('order.payment_refused', order.id, refused, 3);
  await world.orders.tell('order.payment_refused', order.id, refused);
  const refunded = await paymentIn(world, payment.id, 'REFUNDED');
  expect(refunded.refunds).toMatchObject([
    { automatic: true, amount: { amount: 1234 }, reason: 'The order could not take the payment: ORDER_EXPIRED' },
  ]);
  expect((await journalOf(order.id)).map(({ type }) => type)).toEqual(['charge', 'refund']);
  expect((await outboxOf(order.id)).map(({ type }) => type)).toEqual(['payment.succeeded', 'payment.refunded']);
});

test('money of a closed order goes back even if the order never hears of it, and once if it does', async () => {
  const { buyer, order, payment } = await open();
  await confirm(world, payment);
  await paymentIn(world, payment.id, 'SETTLED');
  // The order's consumer has laid payment.succeeded aside as a dead letter, or it comes later than the deadline.
  await close(order.id, 'EXPIRED', 2);
  const refunded = await paymentIn(world, payment.id, 'REFUNDED');
  expect(refunded.refunds).toMatchObject([{ automatic: true, amount: { amount: 1234 } }]);
  const refused = { customerId: buyer.userId, paymentId: payment.id, amountMinor: 1234, currency: 'EUR', reason: 'ORDER_EXPIRED' }; // prettier-ignore
  await world.orders.tell('order.payment_refused', order.id, refused);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect((await journalOf(order.id)).map(({ type }) => type)).toEqual(['charge', 'refund']);
  expect((await outboxOf(order.id)).map(({ type }) => type)).toEqual(['payment.succeeded', 'payment.refunded']);
});

test('an unpaid payment of which no closing is told ends by itself after its deadline', async () => {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  const payment = await create(world, buyer, order.id);
  await world.rows('update payment set expires_at = utc_timestamp(3) - interval 61 second where id = ?', [
    bytes(payment.id),
  ]);
  await paymentIn(world, payment.id, 'EXPIRED');
});

describe('cancelling', () => {
  const cancel = async (viewer: ReturnType<typeof user>, id: string, key = newId()) =>
    (await world.run(viewer, documents.cancel, { id, key })).data.cancelPayment;

  test('calls the intent off, makes way for another payment, and may be repeated', async () => {
    const { buyer, order, payment } = await open();
    const key = newId();
    expect(await cancel(buyer, payment.id, key)).toMatchObject({
      replayed: false,
      userErrors: [],
      payment: { state: 'CANCELLED', attempts: [{ state: 'CANCELLED' }] },
    });
    expect(await cancel(buyer, payment.id, key)).toMatchObject({ replayed: true, payment: { state: 'CANCELLED' } });
    expect(await cancel(buyer, payment.id)).toMatchObject({
      replayed: false,
      userErrors: [],
      payment: { state: 'CANCELLED' },
    });
    expect((await confirm(world, payment)).status).toBe(400);
    expect((await create(world, buyer, order.id)).id).not.toBe(payment.id);
  });

  test('is too late once the customer has paid, also while no webhook came', async () => {
    const { buyer, payment } = await open();
    await world.provider('POST', '/v1/test/webhooks', {
      intent: payment.attempts[0].providerTransactionId,
      drop: true,
    });
    await confirm(world, payment);
    expect(await cancel(buyer, payment.id)).toMatchObject({
      payment: null,
      userErrors: [{ code: 'VALIDATION', message: expect.stringContaining('SETTLED') }],
    });
    await paymentIn(world, payment.id, 'SETTLED');
  });

  test('is for the customer and staff only', async () => {
    const { payment } = await open();
    expect(await cancel(user(), payment.id)).toMatchObject({ userErrors: [{ __typename: 'NotFoundError' }] });
    expect(await cancel(user(), 'nonsense')).toMatchObject({ userErrors: [{ __typename: 'NotFoundError' }] });
    expect(await cancel(staff, payment.id)).toMatchObject({ userErrors: [], payment: { state: 'CANCELLED' } });
  });

  test('changes nothing while the provider does not answer', async () => {
    const { buyer, payment } = await open();
    await cutProvider(async () => {
      expect(await cancel(buyer, payment.id)).toMatchObject({
        payment: null,
        userErrors: [{ __typename: 'ProviderError', code: 'PROVIDER_UNAVAILABLE', retryable: true }],
      });
    });
    expect((await world.run(buyer, documents.payment, { id: payment.id })).data.payment.state).toBe('OPEN');
  });
});

describe('retrying is refused', () => {
  const retry = async (viewer: ReturnType<typeof user>, id: string) =>
    (await world.run(viewer, documents.retry, { id, key: newId() })).data.retryPayment;

  test('while the payment is open, once it is paid, once it is cancelled, and for a stranger', async () => {
    const { buyer, payment } = await open();
    expect(await retry(buyer, payment.id)).toMatchObject({
      userErrors: [{ __typename: 'PaymentInProgressError', payment: { id: payment.id } }],
    });
    expect(await retry(user(), payment.id)).toMatchObject({ userErrors: [{ __typename: 'NotFoundError' }] });
    await confirm(world, payment);
    await paymentIn(world, payment.id, 'SETTLED');
    expect(await retry(buyer, payment.id)).toMatchObject({
      userErrors: [{ __typename: 'OrderNotPayableError', orderState: 'PAID' }],
    });
    const other = await open();
    await world.run(other.buyer, documents.cancel, { id: other.payment.id, key: newId() });
    expect(await retry(other.buyer, other.payment.id)).toMatchObject({
      userErrors: [{ __typename: 'ValidationError' }],
    });
  });

  test('once the order can no longer be paid', async () => {
    const { buyer, order, payment } = await open();
    await confirm(world, payment, cards.declines);
    await paymentIn(world, payment.id, 'FAILED');
    world.orders.set(order.id, { expiresAt: new Date(Date.now() - 1_000).toISOString() });
    expect(await retry(buyer, payment.id)).toMatchObject({ userErrors: [{ orderState: 'EXPIRED' }] });
  });

  test('when the customer has paid the earlier attempt meanwhile, which then counts', async () => {
    const { buyer, payment } = await open();
    await confirm(world, payment, cards.declines);
    await paymentIn(world, payment.id, 'FAILED');
    await world.provider('POST', '/v1/test/webhooks', {
      intent: payment.attempts[0].providerTransactionId,
      drop: true,
    });
    await confirm(world, payment);
    expect(await retry(buyer, payment.id)).toMatchObject({ userErrors: [{ orderState: 'PAID' }] });
    expect(await paymentIn(world, payment.id, 'SETTLED')).toMatchObject({ attempts: [{ state: 'SUCCEEDED' }] });
  });
});
