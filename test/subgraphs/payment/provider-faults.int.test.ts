import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type PaymentWorld,
  bytes,
  confirm,
  create,
  documents,
  openPaymentWorld,
  paymentIn,
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

const ask = async (buyer: ReturnType<typeof user>, orderId: string, key: string) =>
  (await world.run(buyer, documents.create, { input: { orderId, method: 'SIMULATED_CARD' }, key })).data.createPayment;
const intentsOf = (orderId: string) =>
  world.providerRows("select id, status from intent where json_value(metadata, '$.orderId') = ?", [orderId]);
const paymentsOf = (orderId: string) =>
  world.rows('select lower(hex(id)) as id, state from payment where order_id = ?', [bytes(orderId)]);
const dueNow = (orderId: string) =>
  world.rows(
    'update attempt a join payment p on p.id = a.payment_id set a.next_check_at = utc_timestamp(3) where p.order_id = ?',
    [bytes(orderId)],
  );

test('a provider that is down is a retryable refusal, and the same key completes the payment afterwards', async () => {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  const key = newId();
  world.providerProxy.cut();
  try {
    expect(await ask(buyer, order.id, key)).toMatchObject({
      payment: null,
      userErrors: [
        { __typename: 'ProviderError', code: 'PROVIDER_UNAVAILABLE', provider: 'simulated', retryable: true },
      ],
    });
    expect(await ask(buyer, order.id, newId())).toMatchObject({
      userErrors: [{ __typename: 'PaymentInProgressError' }],
    });
  } finally {
    world.providerProxy.mend();
  }
  const { payment, replayed } = await ask(buyer, order.id, key);
  expect({ payment, replayed }).toMatchObject({
    replayed: true,
    payment: { state: 'OPEN', attempts: [{ state: 'REQUIRES_ACTION' }] },
  });
  expect(await intentsOf(order.id)).toHaveLength(1);
  await confirm(world, payment);
  await paymentIn(world, payment.id, 'SETTLED');
});

test('a provider that hangs is not waited for longer than 3 s; the job completes the attempt when it answers again', async () => {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  const started = performance.now();
  world.providerProxy.stall();
  try {
    expect(await ask(buyer, order.id, newId())).toMatchObject({ userErrors: [{ code: 'PROVIDER_UNAVAILABLE' }] });
  } finally {
    world.providerProxy.mend();
  }
  expect(performance.now() - started).toBeLessThan(4_500);
  await dueNow(order.id);
  const [attempt] = await until(
    async () => {
      const rows = await world.rows(
        "select a.state from attempt a join payment p on p.id = a.payment_id where p.order_id = ? and a.state = 'REQUIRES_ACTION'",
        [bytes(order.id)],
      );
      return rows.length > 0 && rows;
    },
    { timeoutMs: 15_000 },
  );
  expect(attempt.state).toBe('REQUIRES_ACTION');
  expect(await intentsOf(order.id)).toHaveLength(1);
}, 30_000);

test('an order that is closed while its intent may or may not exist leaves none that can be paid', async () => {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  world.providerProxy.cut();
  try {
    await ask(buyer, order.id, newId());
    await world.orders.tell('order.closed', order.id, {
      customerId: buyer.userId,
      state: 'EXPIRED',
      reason: 'PAYMENT_TIMEOUT',
    });
    await until(async () => (await paymentsOf(order.id))[0].state === 'EXPIRED');
  } finally {
    world.providerProxy.mend();
  }
  await dueNow(order.id);
  await until(async () => (await intentsOf(order.id))[0]?.status === 'canceled', { timeoutMs: 15_000 });
  expect(await intentsOf(order.id)).toHaveLength(1);
  const [attempt] = await until(async () => {
    const rows = await world.rows(
      'select a.state, a.live from attempt a join payment p on p.id = a.payment_id where p.order_id = ? and live is null',
      [bytes(order.id)],
    );
    return rows.length > 0 && rows;
  });
  expect(attempt).toMatchObject({ state: 'EXPIRED' });
}, 30_000);

test('a crash between storing the payment and asking the provider is completed by the same key', async () => {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  const key = newId();
  const { payment } = await ask(buyer, order.id, key);
  // As it was after the first transaction: the provider was asked, its answer got lost with the process.
  await world.rows(
    "update attempt set state = 'CREATED', provider_intent_id = null, redirect_url = null, client_params = null, next_check_at = utc_timestamp(3) + interval 1 hour where payment_id = ?",
    [bytes(payment.id)],
  );
  const again = await ask(buyer, order.id, key);
  expect(again).toMatchObject({
    replayed: true,
    payment: {
      id: payment.id,
      attempts: [{ state: 'REQUIRES_ACTION', providerTransactionId: payment.attempts[0].providerTransactionId }],
    },
  });
  expect(await intentsOf(order.id)).toHaveLength(1);
});

test('a webhook that is faster than the answer to its intent is applied', async () => {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  const key = newId();
  const payment = await create(world, buyer, order.id, key);
  await world.rows("update attempt set state = 'CREATED', provider_intent_id = null where payment_id = ?", [
    bytes(payment.id),
  ]);
  await confirm(world, payment);
  await paymentIn(world, payment.id, 'SETTLED');
  expect(await ask(buyer, order.id, key)).toMatchObject({ replayed: true, payment: { state: 'SETTLED' } });
});

test('an amount that the provider refuses fails the payment for good', async () => {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId, currency: 'eur' });
  expect(await ask(buyer, order.id, newId())).toMatchObject({
    payment: null,
    userErrors: [{ code: 'PROVIDER_REFUSED', retryable: false }],
  });
  expect(await paymentsOf(order.id)).toMatchObject([{ state: 'FAILED' }]);
  const [attempt] = await world.rows(
    'select a.state, a.live, a.failure_code from attempt a join payment p on p.id = a.payment_id where p.order_id = ?',
    [bytes(order.id)],
  );
  expect(attempt).toEqual({ state: 'FAILED', live: null, failure_code: 'parameter_invalid' });
});

test('a database that is away refuses with SERVICE_UNAVAILABLE and changes nothing', async () => {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  world.databaseProxy.cut();
  try {
    const { errors } = await world.run(buyer, documents.create, {
      input: { orderId: order.id, method: 'SIMULATED_CARD' },
      key: newId(),
    });
    expect(errors).toMatchObject([{ code: 'SERVICE_UNAVAILABLE' }]);
    await expect(world.subgraph.ready()).rejects.toThrow(/./);
  } finally {
    world.databaseProxy.mend();
  }
  await until(() => world.subgraph.ready().then(() => true, () => false)); // prettier-ignore
  expect(await paymentsOf(order.id)).toEqual([]);
});
