import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type Loose, type PaymentWorld, bytes, confirm, create, documents, openPaymentWorld, paymentIn, staff, user, walletOf,
} from './support/payment-world.ts'; // prettier-ignore
import { until } from '../../support/until.ts';

let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld();
}, 60_000);
afterAll(async () => {
  await world?.close();
}, 30_000);

const intentOf = (payment: Loose): string => payment.attempts.at(-1).providerTransactionId;
/** What somebody does in the provider's own pages. */
const dashboard = async (body: object): Promise<Loose> => {
  const answer = await world.provider('POST', '/v1/test/dashboard', body);
  expect(answer.status).toBe(200);
  return answer.body;
};
async function paid(type = 'STANDARD'): Promise<Loose> {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId, type });
  const payment = await create(world, buyer, order.id);
  await confirm(world, payment);
  return { ...(await paymentIn(world, payment.id, 'SETTLED')), buyer, orderId: order.id };
}
const refund = async (payment: Loose, amount: number): Promise<Loose> => {
  const input = { paymentId: payment.id, amount: { amount, currency: 'EUR' }, reason: 'goodwill' };
  return (await world.run(staff, documents.refund, { input, key: newId() })).data.refundPayment;
};
const told = async (orderId: string): Promise<Loose[]> =>
  (await world.rows("select data from outbox where aggregate_id = ? and type = 'payment.refunded'", [bytes(orderId)])).map(({ data }) => (typeof data === 'string' ? JSON.parse(data) : data)); // prettier-ignore
const journal = ({ events }: Loose): string[] => events.edges.map(({ node }: Loose) => node.type);
const disputes = async (): Promise<Loose[]> => {
  const query = '{ disputes(first: 100) { edges { node { id state reason evidenceDueBy closedAt amount { amount currency } payment { id } } } } }';
  return (await world.run(staff, query)).data.disputes.edges.map(({ node }: Loose) => node);
}; // prettier-ignore

describe('a refund that was made at the provider', () => {
  test('is booked, told to the order, listed, and can not be made again here', async () => {
    const payment = await paid();
    const made = await dashboard({ refund: { intent: intentOf(payment), amount: 500 } });
    const after = await paymentIn(world, payment.id, 'PARTIALLY_REFUNDED');
    expect(after).toMatchObject({ refunded: { amount: 500 }, refunds: [{ state: 'SUCCEEDED', amount: { amount: 500 }, automatic: false, providerRefundId: made.id }] }); // prettier-ignore
    expect(journal(after)).toEqual(expect.arrayContaining(['RefundRequested', 'RefundSucceeded']));
    expect(await told(payment.orderId)).toMatchObject([{ amountMinor: 500, refundedTotalMinor: 500, origin: 'PROVIDER', method: 'SIMULATED_CARD' }]); // prettier-ignore
    expect(await refund(payment, 735)).toMatchObject({ userErrors: [{ code: 'REFUND_LIMIT', refundable: { amount: 734 } }] }); // prettier-ignore
    const list = '{ refunds(first: 1) { edges { node { origin payment { id } } } } }';
    expect((await world.run(staff, list)).data.refunds.edges[0].node).toEqual({ origin: 'PROVIDER', payment: { id: payment.id } }); // prettier-ignore
  });

  test('of the whole makes the payment REFUNDED, and counts once however often it is told', async () => {
    const payment = await paid();
    await world.provider('POST', '/v1/test/webhooks', { intent: intentOf(payment), duplicate: 4 });
    await dashboard({ refund: { intent: intentOf(payment) } });
    expect(await paymentIn(world, payment.id, 'REFUNDED')).toMatchObject({ refunds: [{ amount: { amount: 1_234 } }] });
    expect(await told(payment.orderId)).toHaveLength(1);
  });

  test('that came before the payment was known is booked once it is', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    const payment = await create(world, buyer, order.id);
    const intent = intentOf(payment);
    await world.provider('POST', '/v1/test/webhooks', { intent, delayMs: 3_000 });
    await confirm(world, payment);
    await world.provider('POST', '/v1/test/webhooks', { intent, delayMs: 0 });
    await dashboard({ refund: { intent, amount: 34 } });
    await paymentIn(world, payment.id, 'PARTIALLY_REFUNDED', 30_000);
  }, 40_000);

  test('takes a top-up out of the wallet that it filled, and what was spent is the house’s loss', async () => {
    const payment = await paid('TOPUP');
    const creditTopUp = 'mutation ($id: ID!) { creditTopUp(orderId: $id, number: "TU1") }';
    await world.run({ kind: 'service', app: 'order' }, creditTopUp, { id: payment.orderId });
    expect((await walletOf(world, payment.buyer.userId)).balance.amount).toBe(1_234);
    const other = world.orders.add({ customerId: payment.buyer.userId, balanceDueMinor: 1_000 });
    const input = { orderId: other.id, method: 'WALLET' };
    await world.run(payment.buyer, documents.create, { input, key: newId() });
    await dashboard({ refund: { intent: intentOf(payment) } });
    await paymentIn(world, payment.id, 'REFUNDED');
    expect((await walletOf(world, payment.buyer.userId)).balance.amount).toBe(0);
    const [loss] = await world.rows("select sum(balance_minor) lost from ledger_account where kind = 'LOSSES'");
    expect(Number(loss.lost)).toBe(-1_000);
  });
});

describe('a dispute', () => {
  test('holds the money while it is open, takes it when it is lost, and is told to the order', async () => {
    const payment = await paid();
    const { id } = await dashboard({ dispute: { intent: intentOf(payment), reason: 'fraudulent' } });
    await until(async () => (await disputes()).some((one) => one.payment.id === payment.id));
    expect((await disputes()).find((one) => one.payment.id === payment.id)).toMatchObject({ state: 'OPEN', reason: 'fraudulent', amount: { amount: 1_234, currency: 'EUR' }, closedAt: null }); // prettier-ignore
    const open = await paymentIn(world, payment.id, 'SETTLED');
    expect(journal(open)).toContain('DisputeOpened');
    expect(open.refunds).toMatchObject([{ state: 'PENDING', amount: { amount: 1_234 } }]);
    expect(await refund(payment, 1)).toMatchObject({ userErrors: [{ code: 'REFUND_LIMIT' }] });
    const retry = 'mutation ($id: ID!, $key: String!) { retryRefund(refundId: $id, idempotencyKey: $key) { userErrors { ... on UserError { code } } } }'; // prettier-ignore
    expect((await world.run(staff, retry, { id: open.refunds[0].id, key: newId() })).data.retryRefund.userErrors).toEqual([{ code: 'CONFLICT' }]); // prettier-ignore
    await dashboard({ close: { dispute: id, as: 'lost' } });
    const lost = await paymentIn(world, payment.id, 'REFUNDED');
    expect(journal(lost)).toContain('DisputeLost');
    expect(await told(payment.orderId)).toMatchObject([{ amountMinor: 1_234 }]);
    expect((await disputes()).find((one) => one.payment.id === payment.id)?.state).toBe('LOST');
  });

  test('that is won gives the money back to us, and it can be refunded again', async () => {
    const payment = await paid();
    const { id } = await dashboard({ dispute: { intent: intentOf(payment), amount: 1_000 } });
    await until(async () => (await disputes()).some((one) => one.payment.id === payment.id));
    await dashboard({ close: { dispute: id, as: 'won' } });
    await until(async () => (await disputes()).find((one) => one.payment.id === payment.id)?.state === 'WON');
    const won = await paymentIn(world, payment.id, 'SETTLED');
    expect(won.refunds).toMatchObject([{ state: 'FAILED' }]);
    expect(await told(payment.orderId)).toEqual([]);
    expect(await refund(payment, 1_234)).toMatchObject({ userErrors: [], refund: { state: 'SUCCEEDED' } });
  });

  test('is for staff alone to see', async () => {
    expect((await world.run(user(), '{ disputes { edges { node { id } } } }')).errors).toMatchObject([{ code: 'FORBIDDEN' }]); // prettier-ignore
  });
});
