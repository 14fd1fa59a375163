import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { spread } from '../../../subgraphs/payment/domain/spread.ts';
import { type Loose, type PaymentWorld, bytes, confirm, create, createMixed, credit, documents, openPaymentWorld, paymentIn, staff, user, walletOf } from './support/payment-world.ts'; // prettier-ignore
import { until } from '../../support/until.ts';
import { giveOwed } from '../../../subgraphs/payment/commands/give-back.ts';
import { lockPayment } from '../../../subgraphs/payment/payment-store.ts';
import { openService } from '../../../subgraphs/shared/engine/service.ts';
import { paymentSchema } from '../../../subgraphs/payment/subgraph.ts';
import type { PaymentDeps } from '../../../subgraphs/payment/deps.ts';

const totalMinor = 1_234;
let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld();
}, 60_000);
afterAll(() => world?.close());

const intentOf = (payment: Loose): string => payment.attempts[0].providerTransactionId;
const dashboard = async (body: unknown): Promise<Loose> => (await world.provider('POST', '/v1/test/dashboard', body)).body; // prettier-ignore
const refundsOf = (orderId: string) =>
  world.rows('select amount_minor amount, state, automatic, hex(request_id) request from refund where order_id = ? order by id', [bytes(orderId)]); // prettier-ignore
const settledSum = async (orderId: string): Promise<number> =>
  (await refundsOf(orderId)).reduce((sum, one) => (one.state === 'SUCCEEDED' ? sum + Number(one.amount) : sum), 0);
const sumIs = (orderId: string, minor: number) => until(async () => (await settledSum(orderId)) === minor, { what: `${minor} given back` }); // prettier-ignore
const ask = (orderId: string, amountMinor: number, { requestId = newId(), copies = 1 } = {}) =>
  world.orders.tell('order.refund_requested', orderId, { requestId, amountMinor, currency: 'EUR', reason: 'Cancelled', requestedBy: null }, copies); // prettier-ignore
const close = (orderId: string, state = 'CANCELLED') => world.orders.tell('order.closed', orderId, { state, reason: 'CUSTOMER' }); // prettier-ignore
const told = async (orderId: string): Promise<Loose[]> =>
  (await world.rows("select data from outbox where type = 'payment.refunded' and aggregate_id = ? order by id", [bytes(orderId)])).map(({ data }) => (typeof data === 'string' ? JSON.parse(data) : data)); // prettier-ignore

async function paid() {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  const payment = await create(world, buyer, order.id);
  await confirm(world, payment);
  await paymentIn(world, payment.id, 'SETTLED');
  return { buyer, order, payment };
}

describe('what an order asks to be given back', () => {
  test('goes back once, however often it is told, and the order hears of it by its request', async () => {
    const { order, payment } = await paid();
    const requestId = newId();
    await ask(order.id, 400, { requestId, copies: 3 });
    await sumIs(order.id, 400);
    await ask(order.id, 400, { requestId });
    await ask(order.id, 34);
    await sumIs(order.id, 434);
    expect((await told(order.id)).map((one) => [one.requestId === requestId, one.amountMinor])).toEqual([[true, 400], [false, 34]]); // prettier-ignore
    expect((await paymentIn(world, payment.id, 'PARTIALLY_REFUNDED')).refunded).toEqual({ amount: 434 });
  });

  test('goes back the way it came: to wallet and card in proportion, to the minor unit', async () => {
    const buyer = user();
    await credit(world, buyer.userId, 1_500);
    const order = world.orders.add({ customerId: buyer.userId });
    const [wallet, external] = await createMixed(world, buyer, order.id, 1_000);
    await confirm(world, external);
    await paymentIn(world, wallet.id, 'SETTLED');
    await ask(order.id, 617);
    await sumIs(order.id, 617);
    expect((await refundsOf(order.id)).map(({ amount }) => Number(amount)).toSorted((one, other) => one - other)).toEqual([117, 500]); // prettier-ignore
    await until(async () => (await walletOf(world, buyer.userId)).balance.amount === 1_000);
    await ask(order.id, 617);
    await sumIs(order.id, totalMinor);
    await until(async () => (await walletOf(world, buyer.userId)).balance.amount === 1_500);
  });

  test('and is held by a dispute goes back once that is won', async () => {
    const { order, payment } = await paid();
    const { id } = await dashboard({ dispute: { intent: intentOf(payment), amount: 1_000 } });
    await until(async () => (await refundsOf(order.id)).length === 1);
    await ask(order.id, 500);
    await sumIs(order.id, 234);
    await dashboard({ close: { dispute: id, as: 'won' } });
    await sumIs(order.id, 500);
  });

  test('and is held by a refund that fails goes back instead of it', async () => {
    const { order, payment } = await paid();
    world.providerProxy.cut();
    const input = { paymentId: payment.id, amount: { amount: 1_000, currency: 'EUR' }, reason: 'goodwill' };
    await world.run(staff, documents.refund, { input, key: newId() });
    await ask(order.id, 500);
    await until(async () => (await refundsOf(order.id)).length === 2);
    // Owed from now on: it can't end as FAILED.
    expect((await refundsOf(order.id)).map(({ automatic }) => Number(automatic))).toEqual([1, 1]);
    world.providerProxy.mend();
    await sumIs(order.id, totalMinor);
  });

  test('goes back once where two payments are free for it at the same time', async () => {
    const buyer = user();
    await credit(world, buyer.userId, 1_000);
    const order = world.orders.add({ customerId: buyer.userId });
    const [wallet, external] = await createMixed(world, buyer, order.id, 1_000);
    await confirm(world, external);
    await paymentIn(world, wallet.id, 'SETTLED');
    await world.rows("insert into refund_request (id, order_id, amount_minor, reason, created_at) values (?, ?, 500, 'Cancelled', utc_timestamp(3))", [bytes(newId()), bytes(order.id)]); // prettier-ignore
    const service = await openService(world.runtime, paymentSchema);
    const deps = { now: world.runtime.now, newId: world.runtime.newId, providers: new Map() } as unknown as PaymentDeps;
    const nobody = { changed: () => undefined, wake: () => undefined, journalled: () => undefined };
    const locked = Promise.withResolvers<void>();
    let waiting = 2;
    // As two disputes that are won at the same time would have them do.
    const give = (id: string) =>
      service.db.transaction(async (sql) => {
        const payment = await lockPayment(sql, id);
        waiting -= 1;
        if (waiting === 0) locked.resolve();
        await locked.promise;
        if (payment) await giveOwed({ sql, ...nobody }, deps, [payment]);
      });
    await Promise.all([give(wallet.id), give(external.id)]);
    await service.close();
    await sumIs(order.id, 500);
    expect((await refundsOf(order.id)).reduce((sum, { amount }) => sum + Number(amount), 0)).toBe(500);
  });

  test('of more than there is gives what there is', async () => {
    const { order } = await paid();
    await ask(order.id, 1_000);
    await ask(order.id, 1_000);
    await sumIs(order.id, totalMinor);
  });

  test('in another currency is a dead letter, and moves nothing', async () => {
    const { order } = await paid();
    await world.orders.tell('order.refund_requested', order.id, { requestId: newId(), amountMinor: 1, currency: 'USD', reason: 'x', requestedBy: null }); // prettier-ignore
    await until(async () => (await world.rows("select 1 from dead_letter where type = 'order.refund_requested'")).length === 1, { timeoutMs: 20_000 }); // prettier-ignore
    expect(await refundsOf(order.id)).toEqual([]);
  }, 30_000);
});

describe('the money of a paid order that is closed', () => {
  test.each(['CANCELLED', 'REFUNDED'])('as %s goes back whole, what is asked for before included', async (state) => {
    const { order, payment } = await paid();
    await ask(order.id, 400);
    await close(order.id, state);
    await close(order.id, state);
    await sumIs(order.id, totalMinor);
    await paymentIn(world, payment.id, 'REFUNDED');
    expect(await refundsOf(order.id)).toHaveLength(2);
  });

  test('and is held by a dispute goes back once that is won, and is not paid twice where it is lost', async () => {
    const [won, lost] = [await paid(), await paid()];
    for (const [{ order, payment }, as] of [[won, 'won'], [lost, 'lost']] as const) {
      const { id } = await dashboard({ dispute: { intent: intentOf(payment), amount: 1_000 } });
      await until(async () => (await refundsOf(order.id)).length === 1);
      await close(order.id);
      await sumIs(order.id, 234);
      await dashboard({ close: { dispute: id, as } });
      await sumIs(order.id, totalMinor);
    }
  }, 30_000); // prettier-ignore
});

describe('spreading', () => {
  const source = fc.record({ refundableMinor: fc.bigInt({ min: 0n, max: 10n ** 9n }), stepMinor: fc.constant(1n) });

  test('gives exactly what is asked for, or all there is, and no payment more than it has', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 9n }), fc.array(source, { minLength: 1, maxLength: 5 }), (amountMinor, sources) => {
        const shares = spread(amountMinor, sources);
        const whole = sources.reduce((sum, one) => sum + one.refundableMinor, 0n);
        expect(shares.reduce((sum, share) => sum + share, 0n)).toBe(amountMinor < whole ? amountMinor : whole);
        for (const [index, share] of shares.entries()) {
          expect(share).toBeGreaterThanOrEqual(0n);
          expect(share).toBeLessThanOrEqual(sources[index]?.refundableMinor ?? 0n);
        }
      }),
      { numRuns: 2_000 },
    );
  }); // prettier-ignore

  test('keeps to the steps of a provider, and gives no less than is asked for', () => {
    expect(spread(333n, [{ refundableMinor: 1_000n, stepMinor: 100n }])).toEqual([400n]);
    expect(spread(333n, [{ refundableMinor: 1_000n, stepMinor: 100n }, { refundableMinor: 500n, stepMinor: 1n }])).toEqual([200n, 133n]); // prettier-ignore
    expect(spread(950n, [{ refundableMinor: 1_000n, stepMinor: 100n }])).toEqual([1_000n]);
  });
});
