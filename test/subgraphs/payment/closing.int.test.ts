import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type Loose, type PaymentWorld, bytes, cards, confirm, createMixed, credit, documents, openPaymentWorld, paymentIn, user,
} from './support/payment-world.ts'; // prettier-ignore
import { until } from '../../support/until.ts';

const dayMs = 86_400_000;
let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld({
    env: { BANK_TRANSFER_ACCOUNT: 'DE02120300000000202051', BANK_TRANSFER_HOLDER: 'The Shop', BANK_TRANSFER_DAYS: '5' },
  });
}, 60_000);
afterAll(async () => {
  await world?.close();
}, 30_000);

const orderService = { kind: 'service', app: 'order' } as const;
const question = 'mutation ($ids: [ID!]!) { settleBeforeClosing(orderIds: $ids) { orderId settledMinor paidAt paymentId until authorizedMinor } }'; // prettier-ignore
const ask = async (...ids: string[]): Promise<Loose> =>
  (await world.run(orderService, question, { ids })).data.settleBeforeClosing;
const intentOf = (payment: Loose): string => payment.attempts.at(-1).providerTransactionId;
const control = (body: object) => world.provider('POST', '/v1/test/webhooks', body);
const told = (orderId: string, type: string): Promise<Loose[]> =>
  world.rows('select data from outbox where aggregate_id = ? and type = ?', [bytes(orderId), type]);

async function started(input: Record<string, unknown> = {}): Promise<{ buyer: ReturnType<typeof user>; order: Loose; payment: Loose }> {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  const given = { orderId: order.id, method: 'SIMULATED_CARD', ...input };
  const { payment } = (await world.run(buyer, documents.create, { input: given, key: newId() })).data.createPayment;
  return { buyer, order, payment };
} // prettier-ignore

describe('an order that is about to close', () => {
  test('of which payment knows nothing is not told of, nor one whose payment waits for its customer', async () => {
    const { order, payment } = await started();
    expect(await ask(newId())).toEqual([]);
    expect(await ask(order.id)).toEqual([{ orderId: order.id, settledMinor: 0, paidAt: null, paymentId: null, until: null, authorizedMinor: 0 }]); // prettier-ignore
    expect((await paymentIn(world, payment.id, 'OPEN')).state).toBe('OPEN');
  });

  test('and was paid while the webhook is lost is paid at once, with the time that the provider tells', async () => {
    const { order, payment } = await started();
    await control({ intent: intentOf(payment), drop: true });
    const before = Date.now();
    await confirm(world, payment);
    const after = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const [outlook] = await ask(order.id);
    expect(outlook).toMatchObject({ settledMinor: 1_234, paymentId: null, until: null });
    expect(Date.parse(outlook.paidAt)).toBeGreaterThanOrEqual(before - 1);
    expect(Date.parse(outlook.paidAt)).toBeLessThanOrEqual(after + 1);
    const [event] = await told(order.id, 'payment.succeeded');
    expect(event.data.paidAt ?? JSON.parse(event.data).paidAt).toBe(outlook.paidAt);
  });

  test('and was declined may close', async () => {
    const { order, payment } = await started();
    await confirm(world, payment, cards.declines);
    expect(await ask(order.id)).toMatchObject([{ settledMinor: 0, until: null }]);
  });

  test('whose provider does not answer may close within two seconds, and so may those beside it', async () => {
    const { order, payment } = await started();
    await control({ intent: intentOf(payment), drop: true });
    await confirm(world, payment);
    world.providerProxy.cut();
    try {
      const startedMs = performance.now();
      expect(await ask(order.id, newId())).toMatchObject([{ orderId: order.id, settledMinor: 0 }]);
      expect(performance.now() - startedMs).toBeLessThan(2_000);
    } finally {
      world.providerProxy.mend();
    }
  });

  test('with two hundred others is asked about in one question', async () => {
    const made = await Promise.all(Array.from({ length: 5 }, () => started()));
    for (const { payment } of made) {
      await control({ intent: intentOf(payment), drop: true });
      await confirm(world, payment);
    }
    const outlooks = await ask(...made.map(({ order }) => order.id), ...Array.from({ length: 195 }, () => newId()));
    expect(outlooks.map(({ settledMinor }: Loose) => settledMinor)).toEqual([1_234, 1_234, 1_234, 1_234, 1_234]);
    expect((await world.run(orderService, question, { ids: Array.from({ length: 201 }, () => newId()) })).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]); // prettier-ignore
  });

  test('is asked about by nobody but the order service', async () => {
    for (const viewer of [user(), { kind: 'service', app: 'product' }, { kind: 'anonymous' }] as const)
      expect((await world.run(viewer, question, { ids: [newId()] })).errors).not.toEqual([]);
  });
});

describe('a payment that is begun while its order closes', () => {
  const close = (orderId: string) => world.orders.tell('order.closed', orderId, { state: 'EXPIRED', reason: 'PAYMENT_TIMEOUT' }); // prettier-ignore
  /** Order still says that it is payable, as it did when it was asked before its end. */
  async function closed() {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    await close(order.id);
    await until(async () => (await world.rows('select saga_id from barrier where saga_id = ?', [bytes(order.id)])).length > 0); // prettier-ignore
    return { buyer, order };
  }
  const create = (buyer: ReturnType<typeof user>, orderId: string, method: string) =>
    world.run(buyer, documents.create, { input: { orderId, method }, key: newId() });

  test('[LL-7] ends before its customer can pay, and its intent is called off', async () => {
    const { buyer, order } = await closed();
    const { data, errors } = await create(buyer, order.id, 'SIMULATED_CARD');
    expect(errors).toEqual([]);
    const { payment } = data.createPayment;
    expect(payment.state).toBe('CANCELLED');
    await until(async () => (await world.rows('select live from attempt where payment_id = ?', [bytes(payment.id)]))[0].live === null); // prettier-ignore
    expect((await confirm(world, payment)).body).toMatchObject({ error: { code: 'payment_intent_unexpected_state' } });
  });

  test('by wallet is refused, and nothing is taken', async () => {
    const { buyer, order } = await closed();
    await credit(world, buyer.userId, 5_000);
    const { data } = await create(buyer, order.id, 'WALLET');
    expect(data.createPayment).toMatchObject({ payment: null, userErrors: [{ code: 'ORDER_NOT_PAYABLE' }] });
    expect(await world.rows('select id from payment where order_id = ?', [bytes(order.id)])).toEqual([]);
    const available = await world.rows("select balance_minor from ledger_account where owner_id = ? and kind = 'AVAILABLE'", [bytes(buyer.userId)]); // prettier-ignore
    expect(available.map((row) => Number(row.balance_minor))).toEqual([5_000]);
  });

  test('in 60 interleavings of two tabs with the end of the order: none is left that can be paid', async () => {
    const all = Array.from({ length: 60 }, () => {
      const buyer = user();
      return { buyer, order: world.orders.add({ customerId: buyer.userId }) };
    });
    const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 25));
    for (let at = 0; at < all.length; at += 10)
      await Promise.all(
        all
          .slice(at, at + 10)
          .flatMap(({ buyer, order }) => [
            pause().then(() => close(order.id)),
            pause().then(() => create(buyer, order.id, 'SIMULATED_CARD')),
            pause().then(() => create(buyer, order.id, 'SIMULATED_CARD')),
          ]),
      );
    const ids = all.map(({ order }) => bytes(order.id));
    const left = () => world.rows(`select state from payment where order_id in (${ids.map(() => '?').join(', ')}) and state not in ('CANCELLED', 'EXPIRED')`, ids); // prettier-ignore
    await until(async () => (await left()).length === 0);
    const made = await world.rows(`select state from payment where order_id in (${ids.map(() => '?').join(', ')})`, ids); // prettier-ignore
    // Both happened: ended with the order, and begun in vain.
    expect(new Set(made.map(({ state }) => state))).toEqual(new Set(['CANCELLED', 'EXPIRED']));
  });
});

describe('a payment by a slow method', () => {
  const slow = async (given?: Awaited<ReturnType<typeof started>>) => {
    const made = given ?? (await started());
    await control({ intent: intentOf(made.payment), slow: true });
    expect((await confirm(world, made.payment)).body.status).toBe('processing');
    await paymentIn(world, made.payment.id, 'PROCESSING');
    return made;
  };

  test('is waited for, up to a bound that the order is told', async () => {
    const { order, payment } = await slow();
    const [event] = await told(order.id, 'payment.awaited');
    const { until: bound, authorizedMinor } = typeof event.data === 'string' ? JSON.parse(event.data) : event.data;
    expect(authorizedMinor).toBe(0);
    expect(Math.abs(Date.parse(bound) - Date.now() - 7 * dayMs)).toBeLessThan(60_000);
    expect(await ask(order.id)).toMatchObject([{ paymentId: payment.id, until: bound }]);
    await control({ finish: { intent: intentOf(payment), as: 'succeeded' } });
    await paymentIn(world, payment.id, 'SETTLED');
    expect(await ask(order.id)).toMatchObject([{ settledMinor: 1_234, until: null }]);
  });

  test('that fails in the end is not waited for any more', async () => {
    const { order, payment } = await slow();
    await control({ finish: { intent: intentOf(payment), as: 'failed' } });
    await paymentIn(world, payment.id, 'FAILED');
    expect(await told(order.id, 'payment.failed')).toHaveLength(1);
    expect(await ask(order.id)).toMatchObject([{ until: null }]);
  });

  test('keeps what the wallet has set aside for its other part, and takes both in the end', async () => {
    const buyer = user();
    await credit(world, buyer.userId, 500);
    const order = world.orders.add({ customerId: buyer.userId });
    const [wallet, external] = await createMixed(world, buyer, order.id, 500);
    await slow({ buyer, order, payment: external });
    expect(await ask(order.id)).toMatchObject([{ paymentId: external.id, until: expect.any(String) }]);
    await control({ finish: { intent: intentOf(external), as: 'succeeded' } });
    await paymentIn(world, external.id, 'SETTLED');
    await paymentIn(world, wallet.id, 'SETTLED');
    expect(await ask(order.id)).toMatchObject([{ settledMinor: 1_234 }]);
  });

  test('is not ended as overdue before its bound, and then it is', async () => {
    const { order, payment } = await slow();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await paymentIn(world, payment.id, 'PROCESSING')).state).toBe('PROCESSING');
    await world.rows('update payment set expires_at = utc_timestamp(3) - interval 2 minute where id = ?', [bytes(payment.id)]); // prettier-ignore
    await until(async () => (await told(order.id, 'payment.failed')).length > 0, { timeoutMs: 15_000 });
    await paymentIn(world, payment.id, 'EXPIRED');
  }, 30_000);
});

describe('a bank transfer', () => {
  test('is waited for as many days as the shop says, until its customer cancels it', async () => {
    const { buyer, order, payment } = await started({ method: 'BANK_TRANSFER' });
    const [outlook] = await ask(order.id);
    expect(Math.abs(Date.parse(outlook.until) - Date.now() - 5 * dayMs)).toBeLessThan(60_000);
    await world.run(buyer, documents.cancel, { id: payment.id, key: newId() });
    expect(await told(order.id, 'payment.failed')).toHaveLength(1);
    expect(await ask(order.id)).toMatchObject([{ until: null, paymentId: null }]);
  });
});
