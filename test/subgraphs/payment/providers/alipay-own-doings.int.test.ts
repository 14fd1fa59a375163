import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { until } from '../../../support/until.ts';
import { type Loose, bytes, documents, paymentIn, staff, user } from '../support/payment-world.ts';
import { type AlipayWorld, openAlipayWorld } from './alipay-world.ts';

let alipay: AlipayWorld;
beforeAll(async () => {
  alipay = await openAlipayWorld();
}, 60_000);
afterAll(async () => {
  await alipay?.close();
}, 30_000);
beforeEach(() => {
  alipay.server.notifications.dropped = false;
});

const tradeOf = (payment: Loose): string => payment.attempts.at(-1).providerTransactionId;
async function paid(): Promise<Loose> {
  const buyer = user();
  const order = alipay.world.orders.add({ customerId: buyer.userId, currency: 'CNY' });
  const input = { orderId: order.id, method: 'ALIPAY' };
  const { payment } = (await alipay.world.run(buyer, documents.create, { input, key: newId() })).data.createPayment;
  await alipay.pay(payment);
  return { ...(await paymentIn(alipay.world, payment.id, 'SETTLED')), orderId: order.id };
}
const read = async ({ id }: Loose): Promise<Loose> =>
  (await alipay.world.run(staff, documents.payment, { id })).data.payment;
const refundsOf = async (payment: Loose): Promise<Loose[]> =>
  (await read(payment)).refunds.map(({ state, amount }: Loose) => [state, amount.amount]);
const refund = async ({ id }: Loose, amount: number): Promise<Loose> => {
  const input = { paymentId: id, amount: { amount, currency: 'CNY' }, reason: 'goodwill' };
  return (await alipay.world.run(staff, documents.refund, { input, key: newId() })).data.refundPayment;
};
const told = async ({ orderId }: Loose): Promise<Loose[]> =>
  (await alipay.world.rows("select data from outbox where aggregate_id = ? and type = 'payment.refunded' order by id", [bytes(orderId)])).map(({ data }) => (typeof data === 'string' ? JSON.parse(data) : data).amountMinor); // prettier-ignore
const outcomes = async ({ id }: Loose): Promise<string[]> =>
  (await alipay.world.rows('select outcome from webhook_inbox where payment_id = ? order by id', [bytes(id)])).map(({ outcome }) => outcome); // prettier-ignore

test('refunds in the merchant’s pages are booked, each with its own part of what Alipay tells in all', async () => {
  const payment = await paid();
  alipay.server.refundInDashboard(tradeOf(payment), '2.00');
  await until(async () => (await refundsOf(payment)).length === 1);
  alipay.server.refundInDashboard(tradeOf(payment), '0.34');
  await until(async () => (await refundsOf(payment)).length === 2);
  alipay.server.refundInDashboard(tradeOf(payment), '10.00');
  expect(await paymentIn(alipay.world, payment.id, 'REFUNDED')).toMatchObject({ refunded: { amount: 1_234 } });
  expect(await told(payment)).toEqual([200, 34, 1_000]);
});

test('told in the wrong order, and twice, they sum to what has gone back', async () => {
  const payment = await paid();
  alipay.server.notifications.dropped = true;
  const [first, second] = [alipay.server.refundInDashboard(tradeOf(payment), '2.00'), alipay.server.refundInDashboard(tradeOf(payment), '3.00')]; // prettier-ignore
  for (const body of [second, first, second, first]) expect(await alipay.post(body)).toMatchObject({ status: 200, text: 'success' }); // prettier-ignore
  expect(await read(payment)).toMatchObject({ refunded: { amount: 500 } });
  expect((await told(payment)).reduce((sum, amount) => sum + amount, 0)).toBe(500);
});

test('beside a refund of ours whose answer was lost, each counts once', async () => {
  const payment = await paid();
  alipay.server.notifications.dropped = true;
  // Alipay makes our refund, and we don't hear of it; then somebody makes another one there.
  alipay.server.fail('alipay.trade.refund', 'lost');
  await refund(payment, 500);
  expect(alipay.trade(payment).refunds.size).toBe(1);
  const body = alipay.server.refundInDashboard(tradeOf(payment), '3.00');
  await alipay.post(body);
  await until(async () => (await read(payment)).refunded.amount === 800, { timeoutMs: 40_000 });
  expect(await refundsOf(payment)).toEqual(expect.arrayContaining([['SUCCEEDED', 300], ['SUCCEEDED', 500]])); // prettier-ignore
  expect((await told(payment)).toSorted((one, other) => one - other)).toEqual([300, 500]);
  expect(await outcomes(payment)).toEqual(['APPLIED', 'APPLIED']);
}, 60_000);

test('our own refunds are told of by Alipay as well, and count once', async () => {
  const payment = await paid();
  expect(await refund(payment, 234)).toMatchObject({ userErrors: [], refund: { state: 'SUCCEEDED' } });
  expect(await refund(payment, 1_000)).toMatchObject({ userErrors: [], refund: { state: 'SUCCEEDED' } });
  expect(await paymentIn(alipay.world, payment.id, 'REFUNDED')).toMatchObject({ refunds: [{}, {}] });
  expect(await told(payment)).toEqual([234, 1_000]);
});

test('before an order closes Alipay is asked about a trade whose notification is late: it counts from when it was paid', async () => {
  const buyer = user();
  const order = alipay.world.orders.add({ customerId: buyer.userId, currency: 'CNY' });
  const input = { orderId: order.id, method: 'ALIPAY' };
  const { payment } = (await alipay.world.run(buyer, documents.create, { input, key: newId() })).data.createPayment;
  alipay.server.notifications.dropped = true;
  await alipay.pay(payment);
  const paidAtMs = Date.now();
  await new Promise((waited) => setTimeout(waited, 2_100));
  const settle = 'mutation ($ids: [ID!]!) { settleBeforeClosing(orderIds: $ids) { settledMinor paidAt } }';
  const { data } = await alipay.world.run({ kind: 'service', app: 'order' }, settle, { ids: [order.id] });
  expect(data.settleBeforeClosing).toMatchObject([{ settledMinor: 1_234 }]);
  expect(Math.abs(Date.parse(data.settleBeforeClosing[0].paidAt) - paidAtMs)).toBeLessThan(1_100);
});

test('a forged, an old and a foreign notification of a refund change nothing', async () => {
  const payment = await paid();
  const trade = alipay.trade(payment);
  const change = { gmt_refund: '2026-11-30 12:00:00.000', refund_fee: '12.34', out_biz_no: 'dashboard1' };
  const { post, server, keys } = alipay;
  const bodies = {
    400: [
      server.notification(trade, change, keys.stranger.privateKey),
      server.notification(trade, { ...change, notify_time: '2026-11-30 00:00:00' }),
      server.notification(trade, { ...change, seller_id: '2088000000000009' }),
      server.notification(trade, { ...change, app_id: '2021000000000009' }),
      server.notification(trade, change).replace('refund_fee=12.34', 'refund_fee=12.35'),
      `${server.notification(trade, change)}&refund_fee=1.00`,
    ],
    200: [
      server.notification(trade, { ...change, refund_fee: '-1.00' }),
      server.notification(trade, { ...change, refund_fee: '1e3' }),
      server.notification(trade, { ...change, refund_fee: '0.00' }),
      // More than came in: nobody knows of it, and it is tried again.
      server.notification(trade, { ...change, refund_fee: '99.99' }),
    ],
  };
  for (const [status, all] of Object.entries(bodies))
    for (const body of all) expect((await post(body)).status).toBe(Number(status));
  expect(await read(payment)).toMatchObject({ state: 'SETTLED', refunded: { amount: 0 }, refunds: [] });
});
