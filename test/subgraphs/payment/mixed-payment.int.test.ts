import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type Loose,
  type PaymentWorld,
  cards,
  confirm,
  createMixed,
  credit,
  documents,
  openPaymentWorld,
  paymentIn,
  staff,
  user,
  walletOf,
} from './support/payment-world.ts';
import { until } from '../../support/until.ts';

const totalMinor = 1_234;
const walletMinor = 1_000;
const euros = (amount: number) => ({ amount, currency: 'EUR' });

describe('a mixed payment', () => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await openPaymentWorld();
  }, 60_000);
  afterAll(() => world?.close());

  async function orderOf(balanceMinor = 1_500) {
    const customer = user();
    await credit(world, customer.userId, balanceMinor);
    return { customer, order: world.orders.add({ customerId: customer.userId }) };
  }
  const payment = async (id: string): Promise<Loose> => (await world.run(staff, documents.payment, { id })).data.payment;
  const moneyOf = async (customerId: string) => {
    const { balance, held } = await walletOf(world, customerId);
    return { balance: balance.amount, held: held.amount };
  };
  const started = async () => {
    const { customer, order } = await orderOf();
    const [wallet, external] = await createMixed(world, customer, order.id, walletMinor);
    return { customer, order, wallet, external };
  };

  test('holds the part of the wallet, and takes it together with the part of the card', async () => {
    const { customer, order } = await orderOf();
    const key = newId();
    const [wallet, external] = await createMixed(world, customer, order.id, walletMinor, key);
    expect(wallet).toMatchObject({ method: 'WALLET', state: 'AUTHORIZED', amount: euros(1_000), authorized: { amount: 1_000 }, captured: { amount: 0 } });
    expect(external).toMatchObject({ method: 'SIMULATED_CARD', state: 'OPEN', amount: euros(234), attempts: [{ state: 'REQUIRES_ACTION' }] });
    expect(await moneyOf(customer.userId)).toEqual({ balance: 500, held: 1_000 });
    const [again] = await createMixed(world, customer, order.id, walletMinor, key);
    expect(again.id).toBe(wallet.id);

    await confirm(world, external);
    await paymentIn(world, external.id, 'SETTLED');
    expect(await payment(wallet.id)).toMatchObject({ state: 'SETTLED', captured: { amount: 1_000 }, attempts: [{ state: 'SUCCEEDED' }] });
    expect(await moneyOf(customer.userId)).toEqual({ balance: 500, held: 0 });
    const told = await world.rows("select count(*) told from outbox where type = 'payment.succeeded' and aggregate_id = unhex(replace(?, '-', ''))", [order.id]);
    expect(Number(told[0].told)).toBe(2);
  });

  test('keeps the hold after a decline, and is paid by another card', async () => {
    const { customer, wallet, external } = await started();
    await confirm(world, external, cards.declines);
    await paymentIn(world, external.id, 'FAILED');
    expect(await moneyOf(customer.userId)).toEqual({ balance: 500, held: 1_000 });
    const { data } = await world.run(customer, documents.retry, { id: external.id, key: newId() });
    await confirm(world, data.retryPayment.payment);
    await paymentIn(world, wallet.id, 'SETTLED');
    expect(await moneyOf(customer.userId)).toEqual({ balance: 500, held: 0 });
  });

  test.each(['wallet', 'external'] as const)('that is cancelled by its %s part lets the hold go, and the card can not pay any more', async (which) => {
    const { customer, wallet, external } = await started();
    const id = which === 'wallet' ? wallet.id : external.id;
    const { data } = await world.run(customer, documents.cancel, { id, key: newId() });
    expect(data.cancelPayment).toMatchObject({ userErrors: [], payment: { id, state: 'CANCELLED' } });
    expect([(await payment(wallet.id)).state, (await payment(external.id)).state]).toEqual(['CANCELLED', 'CANCELLED']);
    expect(await moneyOf(customer.userId)).toEqual({ balance: 1_500, held: 0 });
    expect((await confirm(world, external)).status).toBe(400);
  });

  test('whose order expires lets the hold go, and gives back what the card pays later', async () => {
    const { customer, order, wallet, external } = await started();
    world.providerProxy.cut();
    await world.orders.tell('order.closed', order.id, { state: 'EXPIRED' }, 2);
    await paymentIn(world, wallet.id, 'EXPIRED');
    expect((await payment(external.id)).state).toBe('EXPIRED');
    expect(await moneyOf(customer.userId)).toEqual({ balance: 1_500, held: 0 });
    await confirm(world, external);
    await until(async () => (await payment(external.id)).captured.amount === 234);
    world.providerProxy.mend();
    await until(async () => (await payment(external.id)).refunded.amount === 234, { timeoutMs: 20_000 });
    expect((await payment(wallet.id)).state).toBe('EXPIRED');
    expect(await moneyOf(customer.userId)).toEqual({ balance: 1_500, held: 0 });
  }, 30_000);

  test('of which no closing is heard ends with both parts after the deadline', async () => {
    const { customer, wallet, external } = await started();
    await world.rows("update payment set expires_at = utc_timestamp(3) - interval 2 minute where id in (unhex(replace(?, '-', '')), unhex(replace(?, '-', '')))", [wallet.id, external.id]);
    await paymentIn(world, wallet.id, 'EXPIRED', 15_000);
    expect((await payment(external.id)).state).toBe('EXPIRED');
    expect(await moneyOf(customer.userId)).toEqual({ balance: 1_500, held: 0 });
  }, 20_000);

  test('makes way with both parts when another payment replaces it after a decline', async () => {
    const { customer, order, wallet, external } = await started();
    await confirm(world, external, cards.declines);
    await paymentIn(world, external.id, 'FAILED');
    const [next] = await createMixed(world, customer, order.id, 1_200);
    expect((await payment(wallet.id)).state).toBe('CANCELLED');
    expect(await moneyOf(customer.userId)).toEqual({ balance: 300, held: 1_200 });
    expect(next.state).toBe('AUTHORIZED');
  });

  test('is given back part by part, each the way it came', async () => {
    const { customer, wallet, external } = await started();
    await confirm(world, external);
    await paymentIn(world, wallet.id, 'SETTLED');
    for (const [part, amount] of [[wallet, 1_000], [external, 234]] as const) {
      const input = { paymentId: part.id, amount: euros(amount), reason: 'returned' };
      expect((await world.run(staff, documents.refund, { input, key: newId() })).data.refundPayment).toMatchObject({ refund: { payment: { state: 'REFUNDED' } } });
    }
    expect(await moneyOf(customer.userId)).toEqual({ balance: 1_500, held: 0 });
  });

  test.each<[string, Loose[], Loose]>([
    ['with one part', [{ method: 'WALLET', amount: euros(5) }], { code: 'VALIDATION', path: ['input', 'parts'] }],
    ['with two parts by card', [{ method: 'SIMULATED_CARD', amount: euros(5) }, { method: 'SIMULATED_CARD' }], { code: 'VALIDATION' }],
    ['with two parts by wallet', [{ method: 'WALLET', amount: euros(5) }, { method: 'WALLET' }], { code: 'VALIDATION' }],
    ['without any amount', [{ method: 'WALLET' }, { method: 'SIMULATED_CARD' }], { code: 'VALIDATION' }],
    ['by a method that is not here', [{ method: 'WALLET', amount: euros(5) }, { method: 'WECHAT_PAY' }], { code: 'VALIDATION' }],
    ['of nothing', [{ method: 'WALLET', amount: euros(0) }, { method: 'SIMULATED_CARD' }], { code: 'VALIDATION' }],
    ['of all by wallet', [{ method: 'WALLET', amount: euros(totalMinor) }, { method: 'SIMULATED_CARD' }], { code: 'VALIDATION' }],
    ['of more than is due', [{ method: 'WALLET' }, { method: 'SIMULATED_CARD', amount: euros(9_999) }], { code: 'AMOUNT_MISMATCH', expected: euros(totalMinor), actual: euros(9_999) }],
    ['of less than is due', [{ method: 'WALLET', amount: euros(1_000) }, { method: 'SIMULATED_CARD', amount: euros(233) }], { code: 'AMOUNT_MISMATCH', actual: euros(1_233) }],
    ['in another currency', [{ method: 'WALLET', amount: { amount: 5, currency: 'USD' } }, { method: 'SIMULATED_CARD' }], { code: 'AMOUNT_MISMATCH' }],
    ['of more than the wallet has', [{ method: 'WALLET' }, { method: 'SIMULATED_CARD', amount: euros(1) }], { code: 'INSUFFICIENT_BALANCE', balance: euros(1_000), required: euros(1_233) }],
  ])('%s is refused and leaves nothing behind', async (_, parts, error) => {
    const { customer, order } = await orderOf(1_000);
    const { data } = await world.run(customer, documents.mixed, { input: { orderId: order.id, parts }, key: newId() });
    expect(data.createMixedPayment).toMatchObject({ payments: [], userErrors: [error] });
    expect(await moneyOf(customer.userId)).toEqual({ balance: 1_000, held: 0 });
    expect(await world.rows("select 1 from payment where order_id = unhex(replace(?, '-', ''))", [order.id])).toEqual([]);
  });

  test('beside another payment of the order is refused, whichever comes first', async () => {
    const { customer, order } = await orderOf(5_000);
    const parts = [{ method: 'WALLET', amount: euros(walletMinor) }, { method: 'SIMULATED_CARD' }];
    const answers = await Promise.all([
      world.run(customer, documents.mixed, { input: { orderId: order.id, parts }, key: newId() }),
      world.run(customer, documents.mixed, { input: { orderId: order.id, parts }, key: newId() }),
      world.run(customer, documents.create, { input: { orderId: order.id, method: 'SIMULATED_CARD' }, key: newId() }),
    ]);
    const errors = answers.flatMap(({ data }) => (data.createMixedPayment ?? data.createPayment).userErrors);
    expect(errors).toMatchObject([{ code: 'PAYMENT_IN_PROGRESS' }, { code: 'PAYMENT_IN_PROGRESS' }]);
  });

  /** Everything that can happen to one, in every order of up to three, none waiting for the one before to have had its effect. */
  const happenings = ['pay', 'decline', 'cancel', 'expire'] as const;
  const sequences = happenings.flatMap((one) => [[one], ...happenings.flatMap((two) => [[one, two], ...happenings.map((three) => [one, two, three])])]);

  test(`comes out whole or not at all in each of ${sequences.length} sequences of paying, declining, cancelling and expiring`, async () => {
    const queue = [...sequences];
    const outcomes: string[] = [];
    const line = async (): Promise<void> => {
      for (let sequence = queue.shift(); sequence; sequence = queue.shift()) outcomes.push(await play(sequence));
    };
    await Promise.all(Array.from({ length: 14 }, line));
    expect(outcomes).toHaveLength(84);
    expect([...new Set(outcomes)].toSorted()).toEqual(['nothing taken', 'paid']);
  }, 120_000);

  async function play(sequence: readonly (typeof happenings)[number][]): Promise<string> {
    const { customer, order, wallet, external } = await started();
    const acts = {
      pay: () => confirm(world, external),
      decline: () => confirm(world, external, cards.declines),
      cancel: () => world.run(customer, documents.cancel, { id: external.id, key: newId() }),
      expire: () => world.orders.tell('order.closed', order.id, { state: 'EXPIRED' }),
    };
    // Sent one after the other, answered whenever.
    await Promise.all(sequence.map(async (what, index) => {
      await new Promise((later) => setTimeout(later, index * 7));
      await acts[what]();
    }));
    // Time for the provider's word to arrive, before the order's deadline passes over it.
    await new Promise((later) => setTimeout(later, 500));
    const parts = async () => [await payment(wallet.id), await payment(external.id)];
    const net = (part: Loose): number => part.captured.amount - part.refunded.amount;
    const last = await until(async () => {
      const [own, other] = await parts();
      // A service that is busy answers later.
      if (own === null || other === null) return false;
      const settled = own.state === 'SETTLED' && other.state === 'SETTLED' && !sequence.includes('expire');
      // An order that is not paid is closed in the end, as its deadline would.
      if (!settled && !sequence.includes('expire')) await acts.expire();
      const over = settled || (net(own) === 0 && net(other) === 0 && own.state !== 'AUTHORIZED' && !['OPEN', 'FAILED'].includes(other.state));
      return over && [own, other];
    }, { timeoutMs: 30_000 });
    const { balance, held } = await moneyOf(customer.userId);
    const story = `${sequence.join(' ')}: ${last.map((part: Loose) => `${part.state} ${net(part)}`).join(', ')}, balance ${balance}, held ${held}`;
    if (held !== 0) return story;
    if (net(last[0]) === walletMinor && net(last[1]) === totalMinor - walletMinor && balance === 500) return 'paid';
    return net(last[0]) === 0 && net(last[1]) === 0 && balance === 1_500 ? 'nothing taken' : story;
  }
}); // prettier-ignore
