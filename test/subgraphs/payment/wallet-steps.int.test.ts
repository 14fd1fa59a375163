import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Viewer } from '../../../subgraphs/shared/auth/viewer.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type Loose,
  type PaymentWorld,
  confirm,
  create,
  credit,
  documents,
  openPaymentWorld,
  paymentIn,
  staff,
  user,
  walletOf,
} from './support/payment-world.ts';
import { until } from '../../support/until.ts';

const order: Viewer = { kind: 'service', app: 'order' };
const branch = 'charge-wallet';

describe('what the order service asks of wallets', () => {
  let world: PaymentWorld;
  beforeAll(async () => {
    world = await openPaymentWorld();
  }, 60_000);
  afterAll(() => world?.close());

  const charge = (step: { sagaId: string; orderId: string }, customerId: string, amount = 1_000) =>
    world.run(order, 'mutation ($sagaId: ID!, $branch: String!, $orderId: ID!, $customerId: ID!, $amount: MoneyInput!) { chargeWallet(sagaId: $sagaId, branch: $branch, orderId: $orderId, customerId: $customerId, amount: $amount) { ok paymentId balance { amount } required { amount } } }', { ...step, branch, customerId, amount: { amount, currency: 'EUR' } });
  const undo = (step: { sagaId: string; orderId: string }) =>
    world.run(order, 'mutation ($sagaId: ID!, $branch: String!, $orderId: ID!) { refundWalletCharge(sagaId: $sagaId, branch: $branch, orderId: $orderId) }', { ...step, branch });
  const topUp = (orderId: string) => world.run(order, 'mutation ($id: ID!) { creditTopUp(orderId: $id, number: "TU1") }', { id: orderId });
  const balanceOf = async (customerId: string): Promise<number> => (await walletOf(world, customerId)).balance.amount;
  const rich = async () => {
    const { userId } = user();
    await credit(world, userId, 1_500);
    return { customerId: userId, step: { sagaId: newId(), orderId: newId() } };
  };

  test('a charge that is asked for five times at once is made once, and tells nobody but the asker', async () => {
    const { customerId, step } = await rich();
    const answers = await Promise.all(Array.from({ length: 5 }, () => charge(step, customerId)));
    const ids = new Set(answers.map(({ data }) => data.chargeWallet.paymentId));
    expect([answers.every(({ data }) => data.chargeWallet.ok), ids.size]).toEqual([true, 1]);
    expect(await balanceOf(customerId)).toBe(500);
    expect(await world.rows("select 1 from outbox where aggregate_id = unhex(replace(?, '-', ''))", [step.orderId])).toEqual([]);
  });

  test('too little is told and leaves the step open: it may be asked again', async () => {
    const { customerId, step } = await rich();
    expect((await charge(step, customerId, 1_501)).data.chargeWallet).toEqual({ ok: false, paymentId: null, balance: { amount: 1_500 }, required: { amount: 1_501 } });
    await credit(world, customerId, 1);
    expect((await charge(step, customerId, 1_501)).data.chargeWallet.ok).toBe(true);
  });

  test('a compensation gives back once, and one that came first refuses the charge', async () => {
    const { customerId, step } = await rich();
    const { data } = await charge(step, customerId);
    expect((await Promise.all([undo(step), undo(step), undo(step)])).map((answer) => answer.data?.refundWalletCharge)).toEqual([true, true, true]);
    await paymentIn(world, data.chargeWallet.paymentId, 'REFUNDED');
    expect(await balanceOf(customerId)).toBe(1_500);
    expect((await charge(step, customerId)).errors).toMatchObject([{ code: 'BRANCH_COMPENSATED' }]);

    const early = { sagaId: newId(), orderId: newId() };
    expect((await undo(early)).data.refundWalletCharge).toBe(true);
    expect((await charge(early, customerId)).errors).toMatchObject([{ code: 'BRANCH_COMPENSATED' }]);
    expect(await balanceOf(customerId)).toBe(1_500);
  });

  test('a charge and its compensation at the same time leave the wallet as it was', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { customerId, step } = await rich();
      await Promise.all([charge(step, customerId), undo(step)]);
      await until(async () => (await balanceOf(customerId)) === 1_500);
    }
  });

  test.each<[string, Record<string, unknown>]>([
    ['ids that are none', { sagaId: 'x' }],
    ['no branch', { branch: '' }],
    ['a customer that is none', { customerId: 'x' }],
    ['no amount', { amount: { amount: 0, currency: 'EUR' } }],
    ['no currency', { amount: { amount: 1, currency: 'x' } }],
  ])('a charge with %s is refused', async (_, wrong) => {
    const variables = { sagaId: newId(), branch, orderId: newId(), customerId: newId(), amount: { amount: 1, currency: 'EUR' }, ...wrong };
    const { errors } = await world.run(order, 'mutation ($sagaId: ID!, $branch: String!, $orderId: ID!, $customerId: ID!, $amount: MoneyInput!) { chargeWallet(sagaId: $sagaId, branch: $branch, orderId: $orderId, customerId: $customerId, amount: $amount) { ok } }', variables);
    expect(errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  });

  const paidTopUp = async (): Promise<{ customerId: string; orderId: string; payment: Loose }> => {
    const customer = user();
    const { id } = world.orders.add({ customerId: customer.userId, type: 'TOPUP' });
    const payment = await create(world, customer, id);
    await confirm(world, payment);
    await paymentIn(world, payment.id, 'SETTLED');
    return { customerId: customer.userId, orderId: id, payment };
  };
  const refund = async (paymentId: string, amount: number): Promise<Loose> =>
    (await world.run(staff, documents.refund, { input: { paymentId, amount: { amount, currency: 'EUR' }, reason: 'back' }, key: newId() })).data.refundPayment;

  test('a top-up credits what was paid, once, however often and at once it is delivered', async () => {
    const { customerId, orderId } = await paidTopUp();
    const answers = await Promise.all(Array.from({ length: 5 }, () => topUp(orderId)));
    expect(answers.map(({ data }) => data?.creditTopUp)).toEqual([true, true, true, true, true]);
    expect(await walletOf(world, customerId)).toMatchObject({ balance: { amount: 1_234 }, entries: { edges: [{ node: { reference: `topup:${orderId}`, reason: 'Top-up TU1' } }] } });
  });

  test('a top-up of which a part went back before credits the rest; one for which nothing was paid is refused', async () => {
    const { customerId, orderId, payment } = await paidTopUp();
    expect((await refund(payment.id, 234)).refund).not.toBeNull();
    await topUp(orderId);
    expect(await balanceOf(customerId)).toBe(1_000);
    expect((await topUp(newId())).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  });

  test('a top-up that was credited is given back out of the wallet, and no further than it reaches', async () => {
    const { customerId, orderId, payment } = await paidTopUp();
    await topUp(orderId);
    const spent = { sagaId: newId(), orderId: newId() };
    await charge(spent, customerId, 1_000);
    expect(await refund(payment.id, 235)).toMatchObject({ refund: null, userErrors: [{ code: 'REFUND_LIMIT', refundable: { amount: 234 } }] });
    expect((await refund(payment.id, 234)).refund).not.toBeNull();
    expect(await balanceOf(customerId)).toBe(0);
  });

  test('a refund of a top-up that the provider will not make comes back to the wallet', async () => {
    const { customerId, orderId, payment } = await paidTopUp();
    await topUp(orderId);
    const intent = payment.attempts[0].providerTransactionId;
    await world.provider('POST', '/v1/test/webhooks', { intent, refunds: 'refuse' });
    await refund(payment.id, 1_234);
    await until(async () => (await world.run(staff, documents.payment, { id: payment.id })).data.payment.refunds[0]?.state === 'FAILED');
    expect(await balanceOf(customerId)).toBe(1_234);
  });
}); // prettier-ignore
