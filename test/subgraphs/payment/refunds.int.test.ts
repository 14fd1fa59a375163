import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { idFromBytes, newId, routeOf } from '../../../subgraphs/shared/values/ids.ts';
import {
  type PaymentWorld,
  bytes,
  confirm,
  create,
  documents,
  openPaymentWorld,
  paymentIn,
  staff,
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

async function paid() {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  const payment = await create(world, buyer, order.id);
  await confirm(world, payment);
  await paymentIn(world, payment.id, 'SETTLED');
  return { buyer, order, payment };
}
const refund = async (
  paymentId: string,
  amount: number,
  more: { key?: string; currency?: string; reason?: string; viewer?: ReturnType<typeof user> } = {},
) => {
  const input = { paymentId, amount: { amount, currency: more.currency ?? 'EUR' }, reason: more.reason ?? 'goodwill' };
  return (await world.run(more.viewer ?? staff, documents.refund, { input, key: more.key ?? newId() })).data
    ?.refundPayment;
};
const refundedAtProvider = async (intent: string): Promise<number> =>
  (await world.provider('GET', `/v1/payment_intents/${intent}`)).body.amount_refunded;

describe('a refund', () => {
  test('[ZO-11] has the route of its payment, and both of the buyer', async () => {
    const { buyer, payment } = await paid();
    const { refund: made } = await refund(payment.id, 1);
    const attempts = await world.rows('select id from attempt where payment_id = ?', [bytes(payment.id)]);
    const ids = [payment.id, made.id, ...attempts.map(({ id }) => idFromBytes(id as Buffer))];
    expect(ids.map(routeOf)).toEqual(ids.map(() => routeOf(buyer.userId)));
  });

  test('of a part leaves the rest, and of the rest leaves nothing', async () => {
    const { payment } = await paid();
    expect(await refund(payment.id, 234)).toMatchObject({
      userErrors: [],
      refund: {
        state: 'SUCCEEDED',
        automatic: false,
        amount: { amount: 234 },
        payment: { state: 'PARTIALLY_REFUNDED' },
      },
    });
    expect(await refund(payment.id, 1_001)).toMatchObject({
      refund: null,
      userErrors: [{ __typename: 'RefundLimitError', refundable: { amount: 1_000, currency: 'EUR' } }],
    });
    expect(await refund(payment.id, 1_000)).toMatchObject({
      refund: { state: 'SUCCEEDED', payment: { state: 'REFUNDED' } },
    });
    expect(await refund(payment.id, 1)).toMatchObject({
      userErrors: [{ code: 'REFUND_LIMIT', refundable: { amount: 0 } }],
    });
    expect(await refundedAtProvider(payment.attempts[0].providerTransactionId)).toBe(1_234);
  });

  test('is done once for the same key', async () => {
    const { payment } = await paid();
    const key = newId();
    const first = await refund(payment.id, 100, { key });
    expect(await refund(payment.id, 100, { key })).toMatchObject({ replayed: true, refund: { id: first.refund.id } });
    expect(await refund(payment.id, 101, { key })).toMatchObject({
      userErrors: [{ __typename: 'IdempotencyConflictError' }],
    });
    expect(await refundedAtProvider(payment.attempts[0].providerTransactionId)).toBe(100);
  });

  test('never exceeds what came in, with twelve at the same time', async () => {
    const { payment } = await paid();
    const answers = await Promise.all(Array.from({ length: 12 }, () => refund(payment.id, 300)));
    expect(answers.filter((answer) => answer.refund !== null)).toHaveLength(4);
    expect(answers.filter((answer) => answer.userErrors[0]?.code === 'REFUND_LIMIT')).toHaveLength(8);
    const after = await until(async () => {
      const { data } = await world.run(staff, documents.payment, { id: payment.id });
      return data.payment.refunded.amount === 1_200 && data.payment;
    });
    expect(after.state).toBe('PARTIALLY_REFUNDED');
    expect(await refundedAtProvider(payment.attempts[0].providerTransactionId)).toBe(1_200);
    const seqs = after.events.edges.map(({ node }: { node: { seq: number } }) => node.seq);
    expect(seqs).toEqual(seqs.map((_: number, index: number) => index + 1));
  });

  test('that the provider can not be told of now is done by the job later', async () => {
    const { payment } = await paid();
    world.providerProxy.cut();
    const answer = await refund(payment.id, 50);
    expect(answer).toMatchObject({ userErrors: [], refund: { state: 'PENDING' } });
    world.providerProxy.mend();
    await world.rows('update refund set next_try_at = utc_timestamp(3) where payment_id = ?', [bytes(payment.id)]);
    await paymentIn(world, payment.id, 'PARTIALLY_REFUNDED', 15_000);
    expect(await refundedAtProvider(payment.attempts[0].providerTransactionId)).toBe(50);
  });

  test('that the provider refuses is FAILED and its amount free again', async () => {
    const { payment } = await paid();
    const intent = payment.attempts[0].providerTransactionId;
    // Refunded in the provider's own pages, of which nothing is heard yet.
    await world.provider('POST', '/v1/test/webhooks', { intent, drop: true });
    await world.provider('POST', '/v1/refunds', { payment_intent: intent, amount: 1_234 });
    expect(await refund(payment.id, 1_234)).toMatchObject({
      refund: { state: 'FAILED', payment: { state: 'SETTLED' } },
    });
    expect(await refund(payment.id, 1_235)).toMatchObject({ userErrors: [{ refundable: { amount: 1_234 } }] });
    await world.provider('POST', '/v1/test/webhooks', { intent, drop: false, resend: true });
    const [delivery] = await until(async () => {
      const rows = await world.rows(
        "select outcome, error from webhook_inbox where type = 'charge.refunded' and json_value(body, '$.data.object.payment_intent') = ?",
        [intent],
      );
      return rows.length > 0 && rows;
    });
    expect(delivery).toMatchObject({ outcome: 'APPLIED', error: null });
    await paymentIn(world, payment.id, 'REFUNDED', 15_000);
  });

  test.each([
    ['of nothing', 0, {}, 'VALIDATION'], ['of less than nothing', -1, {}, 'VALIDATION'], ['in another currency', 1, { currency: 'USD' }, 'VALIDATION'],
    ['without a reason', 1, { reason: ' ' }, 'VALIDATION'], ['with a reason that is too long', 1, { reason: 'x'.repeat(256) }, 'VALIDATION'], ['beyond all bounds', Number.MAX_SAFE_INTEGER, {}, 'REFUND_LIMIT'],
  ])('%s is refused', async (_, amount, more, code) => {
    const { payment } = await paid();
    expect(await refund(payment.id, amount, more)).toMatchObject({ refund: null, userErrors: [{ code }] });
  }); // prettier-ignore

  test('of a payment that is not paid, or is none, is refused', async () => {
    const buyer = user();
    const payment = await create(world, buyer, world.orders.add({ customerId: buyer.userId }).id);
    expect(await refund(payment.id, 1)).toMatchObject({ userErrors: [{ code: 'REFUND_LIMIT' }] });
    expect(await refund(newId(), 1)).toMatchObject({ userErrors: [{ code: 'NOT_FOUND' }] });
    expect(await refund('nonsense', 1)).toMatchObject({ userErrors: [{ code: 'NOT_FOUND' }] });
  });

  test('is for staff only', async () => {
    const { buyer, payment } = await paid();
    expect(await refund(payment.id, 1, { viewer: buyer })).toMatchObject({
      refund: null,
      userErrors: [{ code: 'FORBIDDEN' }],
    });
  });
});
