import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type Loose,
  type PaymentWorld,
  confirm,
  create,
  cards,
  credit,
  documents,
  openPaymentWorld,
  paymentIn,
  staff,
  user,
  walletOf,
} from './support/payment-world.ts';
import { until } from '../../support/until.ts';

describe('paying by wallet', () => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await openPaymentWorld();
  }, 60_000);
  afterAll(() => world?.close());

  const payByWallet = async (customer: ReturnType<typeof user>, orderId: string, key = newId()): Promise<Loose> =>
    (await world.run(customer, documents.create, { input: { orderId, method: 'WALLET' }, key })).data.createPayment;

  async function richCustomer(amountMinor = 2_000) {
    const customer = user();
    await credit(world, customer.userId, amountMinor);
    return { customer, order: world.orders.add({ customerId: customer.userId }) };
  }
  const told = async (type: string, orderId: string): Promise<Loose[]> =>
    (await world.rows("select data from outbox where type = ? and aggregate_id = unhex(replace(?, '-', '')) order by id", [type, orderId])).map(({ data }) => (typeof data === 'string' ? JSON.parse(data) : data));

  test('pays with the answer, once for a key, and tells the order service', async () => {
    const { customer, order } = await richCustomer();
    expect((await world.run(customer, documents.methods, { id: order.id })).data.availablePaymentMethods).toEqual(['WALLET', 'SIMULATED_CARD']);
    const key = newId();
    const first = await payByWallet(customer, order.id, key);
    expect(first).toMatchObject({
      replayed: false,
      userErrors: [],
      payment: {
        state: 'SETTLED', method: 'WALLET', captured: { amount: 1_234 }, attempts: [{ provider: 'wallet', state: 'SUCCEEDED' }],
        events: { edges: [{ node: { type: 'PaymentCreated' } }, { node: { type: 'PaymentSettled', toState: 'SETTLED' } }] },
      },
    });
    expect(await payByWallet(customer, order.id, key)).toMatchObject({ replayed: true, payment: { id: first.payment.id } });
    expect(await payByWallet(customer, order.id)).toMatchObject({ payment: null, userErrors: [{ code: 'ORDER_NOT_PAYABLE' }] });
    expect(await walletOf(world, customer.userId)).toMatchObject({
      balance: { amount: 766 },
      entries: { edges: [{ node: { direction: 'DEBIT', amount: { amount: 1_234 }, reference: `charge:${first.payment.id}`, reason: `Payment ${first.payment.number}` } }, {}] },
    });
    expect(await told('payment.succeeded', order.id)).toMatchObject([{ paymentId: first.payment.id, method: 'WALLET', amountMinor: 1_234 }]);
  });

  test('with too little says how much there is, and leaves nothing behind, so that another method can pay', async () => {
    const { customer, order } = await richCustomer(1_233);
    expect((await world.run(customer, documents.methods, { id: order.id })).data.availablePaymentMethods).toEqual(['SIMULATED_CARD']);
    expect(await payByWallet(customer, order.id)).toMatchObject({
      payment: null,
      userErrors: [{ __typename: 'InsufficientBalanceError', code: 'INSUFFICIENT_BALANCE', balance: { amount: 1_233, currency: 'EUR' }, required: { amount: 1_234, currency: 'EUR' } }],
    });
    expect(await world.rows("select 1 from payment where order_id = unhex(replace(?, '-', ''))", [order.id])).toEqual([]);
    expect((await walletOf(world, customer.userId)).balance.amount).toBe(1_233);
    expect((await create(world, customer, order.id)).state).toBe('OPEN');
  });

  test('in another currency than the wallet finds nothing there', async () => {
    const { customer } = await richCustomer(5_000);
    const order = world.orders.add({ customerId: customer.userId, currency: 'USD' });
    expect(await payByWallet(customer, order.id)).toMatchObject({ userErrors: [{ code: 'INSUFFICIENT_BALANCE', balance: { amount: 0, currency: 'USD' } }] });
  });

  test('is refused while a card payment is open, and takes the place of one that was declined', async () => {
    const { customer, order } = await richCustomer();
    const payment = await create(world, customer, order.id);
    expect(await payByWallet(customer, order.id)).toMatchObject({ userErrors: [{ code: 'PAYMENT_IN_PROGRESS' }] });
    await confirm(world, payment, cards.declines);
    await paymentIn(world, payment.id, 'FAILED');
    expect(await payByWallet(customer, order.id)).toMatchObject({ payment: { state: 'SETTLED' } });
    await paymentIn(world, payment.id, 'CANCELLED');
    expect((await walletOf(world, customer.userId)).balance.amount).toBe(766);
  });

  test('can not top up a wallet', async () => {
    const { customer } = await richCustomer();
    const order = world.orders.add({ customerId: customer.userId, type: 'TOPUP' });
    expect((await world.run(customer, documents.methods, { id: order.id })).data.availablePaymentMethods).toEqual(['SIMULATED_CARD']);
    expect(await payByWallet(customer, order.id)).toMatchObject({ payment: null, userErrors: [{ code: 'VALIDATION', path: ['input', 'method'] }] });
  });

  test('is given back to the wallet, in parts, by staff', async () => {
    const { customer, order } = await richCustomer();
    const { payment } = await payByWallet(customer, order.id);
    const refund = async (amount: number) =>
      (await world.run(staff, documents.refund, { input: { paymentId: payment.id, amount: { amount, currency: 'EUR' }, reason: 'broken' }, key: newId() })).data.refundPayment;
    expect(await refund(1_000)).toMatchObject({ refund: { state: 'SUCCEEDED', payment: { state: 'PARTIALLY_REFUNDED' } }, userErrors: [] });
    expect(await refund(235)).toMatchObject({ refund: null, userErrors: [{ code: 'REFUND_LIMIT', refundable: { amount: 234 } }] });
    expect(await refund(234)).toMatchObject({ refund: { state: 'SUCCEEDED', payment: { state: 'REFUNDED' } } });
    expect((await walletOf(world, customer.userId)).balance.amount).toBe(2_000);
    expect(await told('payment.refunded', order.id)).toHaveLength(2);
  });

  test('goes back by itself when the order was closed meanwhile', async () => {
    const { customer, order } = await richCustomer();
    const { payment } = await payByWallet(customer, order.id);
    await world.orders.tell('order.closed', order.id, { state: 'EXPIRED' }, 2);
    await paymentIn(world, payment.id, 'REFUNDED');
    const wallet = await until(async () => {
      const read = await walletOf(world, customer.userId);
      return read.balance.amount === 2_000 && read;
    });
    expect(wallet.entries.edges).toHaveLength(3);
  });

  test('of two orders at once by one wallet that has enough for one pays one', async () => {
    const { customer, order } = await richCustomer(1_500);
    const other = world.orders.add({ customerId: customer.userId });
    const answers = await Promise.all([order, other].map(({ id }) => payByWallet(customer, id)));
    expect(answers.filter(({ payment }) => payment?.state === 'SETTLED')).toHaveLength(1);
    expect(answers.flatMap(({ userErrors }) => userErrors)).toMatchObject([{ code: 'INSUFFICIENT_BALANCE' }]);
    expect((await walletOf(world, customer.userId)).balance.amount).toBe(266);
  });
}); // prettier-ignore
