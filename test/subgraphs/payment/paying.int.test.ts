import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { toJson } from '../../../subgraphs/shared/database/database.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
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

let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld();
});
afterAll(async () => {
  await world?.close();
});

const succeededEvents = (orderId: string) =>
  world.rows("select data from outbox where type = 'payment.succeeded' and aggregate_id = unhex(?)", [
    orderId.replaceAll('-', ''),
  ]);

describe('a payment', () => {
  test('[GM-5] is created, confirmed with a card, and settled by the webhook', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    const payment = await create(world, buyer, order.id);
    expect(payment).toMatchObject({
      state: 'OPEN',
      method: 'SIMULATED_CARD',
      amount: { amount: 1234, currency: 'EUR' },
      attempts: [
        { state: 'REQUIRES_ACTION', provider: 'simulated', redirectUrl: `http://localhost:4000/pay/${order.id}` },
      ],
    });
    expect(payment.number).toMatch(/^PM\d{6}/);
    const intent = payment.attempts[0].providerTransactionId;
    expect(payment.attempts[0].clientParams).toEqual({
      intent,
      clientSecret: expect.stringContaining(intent),
      confirmUrl: `http://localhost:4000/simulated/v1/payment_intents/${intent}/confirm`,
    });

    expect(await confirm(world, payment)).toMatchObject({ status: 200, body: { status: 'succeeded' } });
    const settled = await paymentIn(world, payment.id, 'SETTLED');
    expect(settled).toMatchObject({
      instrument: 'Test card •••• 4242',
      captured: { amount: 1234 },
      refunded: { amount: 0 },
      attempts: [{ state: 'SUCCEEDED' }],
    });
    expect(settled.paidAt).not.toBeNull();
    const journal = settled.events.edges.map(({ node }: { node: { seq: number; type: string; source: string } }) => [
      node.seq,
      node.type,
      node.source,
    ]);
    expect(journal).toEqual([[1, 'PaymentCreated', 'api'], [2, 'AttemptReady', 'api'], [3, 'PaymentSettled', 'webhook']]); // prettier-ignore
    const told = await succeededEvents(order.id);
    expect(told).toHaveLength(1);
    expect(toJson(told[0].data)).toMatchObject({ paymentId: payment.id, orderId: order.id, customerId: buyer.userId, method: 'SIMULATED_CARD', amountMinor: 1234, currency: 'EUR', paidAt: expect.any(String) }); // prettier-ignore
  });

  test('is settled once under three deliveries at the same time', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    const payment = await create(world, buyer, order.id);
    await world.provider('POST', '/v1/test/webhooks', {
      intent: payment.attempts[0].providerTransactionId,
      duplicate: 2,
    });
    await confirm(world, payment);
    const settled = await paymentIn(world, payment.id, 'SETTLED');
    const delivery = async () =>
      (
        await world.rows('select outcome, attempts from webhook_inbox where payment_id = unhex(?)', [
          payment.id.replaceAll('-', ''),
        ])
      )[0];
    while ((await delivery()).attempts < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await delivery()).toMatchObject({ outcome: 'APPLIED', attempts: 3 });
    expect(settled.version).toBe(3);
    expect(await succeededEvents(order.id)).toHaveLength(1);
  });

  test('that is declined can be tried again with another card', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    const payment = await create(world, buyer, order.id);
    expect(await confirm(world, payment, cards.declines)).toMatchObject({
      status: 402,
      body: { error: { code: 'card_declined' } },
    });
    const failed = await paymentIn(world, payment.id, 'FAILED');
    expect(failed.attempts).toMatchObject([{ state: 'FAILED', failureCode: 'card_declined' }]);

    const key = newId();
    const { data } = await world.run(buyer, documents.retry, { id: payment.id, key });
    expect(data.retryPayment).toMatchObject({
      replayed: false,
      userErrors: [],
      payment: { state: 'OPEN', attempts: [{ state: 'FAILED' }, { state: 'REQUIRES_ACTION' }] },
    });
    const again = await world.run(buyer, documents.retry, { id: payment.id, key });
    expect(again.data.retryPayment).toMatchObject({ replayed: true, payment: { attempts: [{}, {}] } });
    // The first attempt's intent was called off, so that only one can ever be paid.
    expect(await confirm(world, { attempts: [payment.attempts[0]] })).toMatchObject({
      status: 400,
      body: { error: { code: 'payment_intent_unexpected_state' } },
    });
    expect((await confirm(world, data.retryPayment.payment)).status).toBe(200);
    expect(await paymentIn(world, payment.id, 'SETTLED')).toMatchObject({ captured: { amount: 1234 } });
  });

  test('that lacks funds makes way for a new payment of the order', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    const first = await create(world, buyer, order.id);
    await confirm(world, first, cards.lacksFunds);
    await paymentIn(world, first.id, 'FAILED');
    const second = await create(world, buyer, order.id);
    expect(second.id).not.toBe(first.id);
    expect(await paymentIn(world, first.id, 'CANCELLED')).toMatchObject({
      attempts: [{ failureCode: 'insufficient_funds' }],
    });
    expect((await confirm(world, first)).status).toBe(400);
    await confirm(world, second);
    await paymentIn(world, second.id, 'SETTLED');
  });

  test('is settled when the declined card is replaced at the provider itself', async () => {
    const buyer = user();
    const payment = await create(world, buyer, world.orders.add({ customerId: buyer.userId }).id);
    await confirm(world, payment, cards.declines);
    await paymentIn(world, payment.id, 'FAILED');
    await confirm(world, payment);
    expect(await paymentIn(world, payment.id, 'SETTLED')).toMatchObject({
      attempts: [{ state: 'SUCCEEDED', failureCode: null }],
    });
  });

  test('waits for one more confirmation with a card that asks for it', async () => {
    const buyer = user();
    const payment = await create(world, buyer, world.orders.add({ customerId: buyer.userId }).id);
    expect(await confirm(world, payment, cards.asksAgain)).toMatchObject({
      status: 200,
      body: { status: 'requires_action' },
    });
    expect((await world.run(buyer, documents.payment, { id: payment.id })).data.payment.state).toBe('OPEN');
    expect(await confirm(world, payment, cards.asksAgain, { authentication: 'confirmed' })).toMatchObject({
      body: { status: 'succeeded' },
    });
    await paymentIn(world, payment.id, 'SETTLED');
  });

  test('fails when that confirmation is refused', async () => {
    const buyer = user();
    const payment = await create(world, buyer, world.orders.add({ customerId: buyer.userId }).id);
    await confirm(world, payment, cards.asksAgain);
    expect((await confirm(world, payment, cards.asksAgain, { authentication: 'failed' })).status).toBe(402);
    expect(await paymentIn(world, payment.id, 'FAILED')).toMatchObject({
      attempts: [{ failureCode: 'authentication_failed' }],
    });
  });

  test('has the same answer for the same key, and none for the same key with other input', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    const other = world.orders.add({ customerId: buyer.userId });
    const key = newId();
    const payment = await create(world, buyer, order.id, key);
    const replay = await world.run(buyer, documents.create, {
      input: { orderId: order.id, method: 'SIMULATED_CARD' },
      key,
    });
    expect(replay.data.createPayment).toMatchObject({ replayed: true, payment: { id: payment.id } });
    const conflict = await world.run(buyer, documents.create, {
      input: { orderId: other.id, method: 'SIMULATED_CARD' },
      key,
    });
    expect(conflict.data.createPayment).toMatchObject({
      payment: null,
      userErrors: [{ __typename: 'IdempotencyConflictError', retryable: false }],
    });
    world.orders.set(order.id, { state: 'PAID' });
    const later = await world.run(buyer, documents.create, {
      input: { orderId: order.id, method: 'SIMULATED_CARD' },
      key,
    });
    expect(later.data.createPayment).toMatchObject({ replayed: true, payment: { id: payment.id } });
  });

  test('is made once by ten requests at the same time', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        world.run(buyer, documents.create, { input: { orderId: order.id, method: 'SIMULATED_CARD' }, key: newId() }),
      ),
    );
    const payloads = answers.map(({ data }) => data.createPayment);
    const made = payloads.filter(({ payment }) => payment !== null);
    expect(made).toHaveLength(1);
    for (const { payment, userErrors } of payloads) {
      if (payment === null)
        expect(userErrors).toMatchObject([
          { __typename: 'PaymentInProgressError', payment: { id: made[0].payment.id } },
        ]);
    }
    const intents = await world.providerRows("select id from intent where json_value(metadata, '$.orderId') = ?", [
      order.id,
    ]);
    expect(intents).toHaveLength(1);
  });

  test('blocks a second one of its order whatever its method is', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    const first = await create(world, buyer, order.id);
    await world.rows("update payment set method = 'BANK_TRANSFER' where id = ?", [bytes(first.id)]);
    const second = await world.run(buyer, documents.create, {
      input: { orderId: order.id, method: 'SIMULATED_CARD' },
      key: newId(),
    });
    expect(second.data.createPayment).toMatchObject({
      payment: null,
      userErrors: [{ __typename: 'PaymentInProgressError', payment: { id: first.id } }],
    });
    // Nor does the database take one, had nobody looked.
    const [row] = await world.rows('select * from payment where id = ?', [bytes(first.id)]);
    const insert = (slot: number) =>
      world.rows('insert into payment set ?', [{ ...(row as object), id: bytes(newId()), number: `PM-copy-${slot}`, method: 'SIMULATED_CARD', slot }]); // prettier-ignore
    await expect(insert(0)).rejects.toThrow('payment_live_slot');
    await insert(1);
  });

  test('is made once by ten requests with the same key', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    const key = newId();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        world.run(buyer, documents.create, { input: { orderId: order.id, method: 'SIMULATED_CARD' }, key }),
      ),
    );
    const ids = new Set(answers.map(({ data }) => data.createPayment.payment?.id));
    expect(ids.size).toBe(1);
    expect(answers.filter(({ data }) => !data.createPayment.replayed)).toHaveLength(1);
  });
});

describe('a payment is refused', () => {
  const attempt = async (order: { id: string }, viewer = user(), input: Record<string, unknown> = {}) =>
    (
      await world.run(viewer, documents.create, {
        input: { orderId: order.id, method: 'SIMULATED_CARD', ...input },
        key: newId(),
      })
    ).data.createPayment;

  test('for an order of somebody else, of nobody, and of no id, with one and the same answer', async () => {
    const order = world.orders.add({ customerId: newId() });
    const answers = [
      await attempt(order),
      await attempt({ id: newId() }),
      await attempt({ id: 'x'.repeat(500) }),
      await attempt(order, staff),
    ];
    for (const answer of answers) expect(answer).toMatchObject({ payment: null, userErrors: [{ __typename: 'NotFoundError', code: 'NOT_FOUND', message: 'There is no such order of yours.' }] }); // prettier-ignore
  });

  test('for an order that is not waiting for it', async () => {
    const buyer = user();
    for (const state of ['PLACING', 'PAID', 'COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED']) {
      const answer = await attempt(world.orders.add({ customerId: buyer.userId, state }), buyer);
      expect(answer).toMatchObject({ payment: null, userErrors: [{ code: 'ORDER_NOT_PAYABLE', orderState: state }] });
    }
  });

  test('from the millisecond of the deadline on, though the order is not yet marked', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId, expiresAt: new Date(Date.now() - 1_000).toISOString() });
    expect(await attempt(order, buyer)).toMatchObject({
      userErrors: [{ __typename: 'OrderNotPayableError', orderState: 'EXPIRED' }],
    });
  });

  test('with another amount or currency than the balance due', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    for (const amount of [
      { amount: 1233, currency: 'EUR' },
      { amount: 0, currency: 'EUR' },
      { amount: -1234, currency: 'EUR' },
      { amount: 1234, currency: 'USD' },
      { amount: Number.MAX_SAFE_INTEGER, currency: 'EUR' },
    ]) {
      expect(await attempt(order, buyer, { amount })).toMatchObject({ userErrors: [{ code: 'AMOUNT_MISMATCH', expected: { amount: 1234, currency: 'EUR' }, actual: amount }] }); // prettier-ignore
    }
    expect(await attempt(order, buyer, { amount: { amount: 1234, currency: 'EUR' } })).toMatchObject({
      userErrors: [],
    });
  });

  test('by a method that is not available here', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    for (const method of ['NONE', 'STRIPE', 'WECHAT_PAY', 'ALIPAY', 'BANK_TRANSFER']) {
      expect(await attempt(order, buyer, { method })).toMatchObject({
        userErrors: [{ code: 'VALIDATION', message: expect.stringContaining('not available here') }],
      });
    }
  });

  test('with a returnUrl that is no web address', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    for (const returnUrl of ['javascript:alert(1)', 'nonsense', `https://x.example/${'a'.repeat(2_100)}`]) {
      expect(await attempt(order, buyer, { returnUrl })).toMatchObject({
        userErrors: [{ code: 'VALIDATION', path: ['input', 'returnUrl'] }],
      });
    }
  });

  test('with a key that is none', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    for (const key of ['', 'with space', 'x'.repeat(129)]) {
      const { data } = await world.run(buyer, documents.create, {
        input: { orderId: order.id, method: 'SIMULATED_CARD' },
        key,
      });
      expect(data.createPayment.userErrors).toMatchObject([{ code: 'VALIDATION', path: ['idempotencyKey'] }]);
    }
  });

  test('to nobody signed in', async () => {
    const { errors } = await world.run({ kind: 'anonymous' }, documents.create, {
      input: { orderId: newId(), method: 'SIMULATED_CARD' },
      key: newId(),
    });
    expect(errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
  });
});
