import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import {
  type Loose,
  type PaymentWorld,
  bytes,
  documents,
  openPaymentWorld,
  paymentIn,
  staff,
  user,
} from '../support/payment-world.ts';

import { postEvent, refundEvent } from '../support/webhook-events.ts';
import { until } from '../../../support/until.ts';

let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld({
    env: { BANK_TRANSFER_ACCOUNT: 'DE02120300000000202051', BANK_TRANSFER_HOLDER: 'The Shop', BANK_TRANSFER_BIC: '' },
  });
}, 60_000);
afterAll(async () => {
  await world?.close();
}, 30_000);

async function started(): Promise<{ buyer: ReturnType<typeof user>; payment: Loose }> {
  const buyer = user();
  const input = { orderId: world.orders.add({ customerId: buyer.userId }).id, method: 'BANK_TRANSFER' };
  return { buyer, payment: (await world.run(buyer, documents.create, { input, key: newId() })).data.createPayment.payment }; // prettier-ignore
}
const arrived = async (id: string, amount?: number, viewer = staff, key = newId()): Promise<Loose> => {
  const money = amount === undefined ? undefined : { amount, currency: 'EUR' };
  return (await world.run(viewer, documents.capture, { id, amount: money, key })).data.capturePayment;
};
const confirmRefund = async (id: string): Promise<Loose> => {
  const document = `mutation ($id: ID!, $key: String!) { confirmRefund(refundId: $id, reference: "SEPA 7", idempotencyKey: $key) { refund { state providerRefundId payment { state } } userErrors { __typename } } }`;
  return (await world.run(staff, document, { id, key: newId() })).data.confirmRefund;
};

test('a bank transfer tells where to send what, under a reference of its own', async () => {
  const { payment } = await started();
  const [attempt] = payment.attempts;
  expect(attempt).toMatchObject({ state: 'REQUIRES_ACTION', provider: 'bank_transfer', redirectUrl: null });
  expect(attempt.clientParams).toEqual({ account: 'DE02120300000000202051', holder: 'The Shop', reference: attempt.number, amountMinor: 1_234, currency: 'EUR' }); // prettier-ignore
});

test('it is paid when staff say that the whole amount has arrived, once', async () => {
  const { buyer, payment } = await started();
  expect(await arrived(payment.id, undefined, buyer)).toMatchObject({ userErrors: [{ code: 'FORBIDDEN' }] }); // prettier-ignore
  for (const amount of [1_233, 1_235, 0]) {
    expect(await arrived(payment.id, amount)).toMatchObject({ payment: null, userErrors: [{ code: 'AMOUNT_MISMATCH', expected: { amount: 1_234 } }] }); // prettier-ignore
  }
  const key = newId();
  expect(await arrived(payment.id, 1_234, staff, key)).toMatchObject({
    replayed: false,
    userErrors: [],
    payment: { state: 'SETTLED', captured: { amount: 1_234 }, attempts: [{ state: 'SUCCEEDED' }] },
  });
  expect(await arrived(payment.id, 1_234, staff, key)).toMatchObject({ replayed: true, payment: { state: 'SETTLED' } });
  expect(await arrived(payment.id)).toMatchObject({ userErrors: [{ code: 'VALIDATION' }] });
  const told = await world.rows("select data from outbox where type = 'payment.succeeded' and aggregate_id = ?", [bytes(payment.order.id)]); // prettier-ignore
  expect(told).toHaveLength(1);
});

test('a refund waits until staff have sent the money back', async () => {
  const { payment } = await started();
  await arrived(payment.id);
  const input = { paymentId: payment.id, amount: { amount: 234, currency: 'EUR' }, reason: 'goodwill' };
  const { refund } = (await world.run(staff, documents.refund, { input, key: newId() })).data.refundPayment;
  expect(refund).toMatchObject({ state: 'PENDING', payment: { state: 'SETTLED' } });
  expect(await confirmRefund(refund.id)).toMatchObject({
    userErrors: [],
    refund: { state: 'SUCCEEDED', providerRefundId: 'SEPA 7', payment: { state: 'PARTIALLY_REFUNDED' } },
  });
  expect(await confirmRefund(refund.id)).toMatchObject({ userErrors: [{ __typename: 'ConflictError' }] });
});

test('it ends with its order, or when it is cancelled, and takes no money afterwards', async () => {
  const [one, other] = [await started(), await started()];
  await world.orders.tell('order.closed', one.payment.order.id, { state: 'EXPIRED', reason: 'PAYMENT_TIMEOUT' });
  await until(async () => (await paymentIn(world, one.payment.id, 'EXPIRED')).attempts[0].state === 'EXPIRED');
  const { data } = await world.run(other.buyer, documents.cancel, { id: other.payment.id, key: newId() });
  expect(data.cancelPayment).toMatchObject({ payment: { state: 'CANCELLED' } });
  for (const { payment } of [one, other]) {
    expect(await arrived(payment.id)).toMatchObject({ payment: null, userErrors: [{ code: 'VALIDATION' }] });
  }
});

test('the word that money has arrived and the money are one step, so nothing comes between them', async () => {
  const { payment } = await started();
  // The attempt's row is what booking the money changes last.
  await world.rows('set session transaction isolation level read committed');
  await world.rows('start transaction');
  await world.rows('select 1 from attempt where payment_id = ? for update', [bytes(payment.id)]);
  const said = arrived(payment.id);
  try {
    const waiting =
      "select 1 from information_schema.processlist where command = 'Query' and time >= 1 and info like '%update `attempt` set%'";
    await until(async () => (await world.rows(waiting)).length > 0);
    const [row] = await world.rows('select state, capturing_minor from payment where id = ?', [bytes(payment.id)]);
    expect({ ...row }).toMatchObject({ state: 'OPEN', capturing_minor: 0 });
  } finally {
    await world.rows('rollback');
  }
  expect(await said).toMatchObject({ userErrors: [], payment: { state: 'SETTLED' } });
});

test('a webhook of another provider does not settle its refund', async () => {
  const { payment } = await started();
  await arrived(payment.id);
  const input = { paymentId: payment.id, amount: { amount: 234, currency: 'EUR' }, reason: 'goodwill' };
  const { refund } = (await world.run(staff, documents.refund, { input, key: newId() })).data.refundPayment;
  const told = await postEvent(world.webhookUrl, refundEvent('pi_1', refund.id, 234));
  expect(told).toEqual({ status: 200, code: 'UNKNOWN_PAYMENT' });
  expect((await paymentIn(world, payment.id, 'SETTLED')).refunds).toMatchObject([{ state: 'PENDING' }]);
});

test('nobody sends webhooks in its name', async () => {
  const answer = await fetch(world.webhookUrl.replace('/simulated', '/bank_transfer'), { method: 'POST', body: '{}' });
  expect(answer.status).toBe(404);
});
