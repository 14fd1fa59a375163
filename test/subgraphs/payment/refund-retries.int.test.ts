import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { idFromBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type Loose,
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

const payload = `{
  replayed refund { id state failureMessage refusals nextTryAt providerRefundId settledAt payment { id state } }
  userErrors { __typename ... on UserError { code } }
}`;
const settle = {
  retryRefund: `mutation ($id: ID!, $key: String!) { retryRefund(refundId: $id, idempotencyKey: $key) ${payload} }`,
  confirmRefund: `mutation ($id: ID!, $reference: String!, $key: String!) { confirmRefund(refundId: $id, reference: $reference, idempotencyKey: $key) ${payload} }`,
};
const retryRefund = async (id: string, key = newId()): Promise<Loose> =>
  (await world.run(staff, settle.retryRefund, { id, key })).data.retryRefund;
const confirmRefund = async (id: string, reference = 'SEPA 2026-11-22/7', key = newId()): Promise<Loose> =>
  (await world.run(staff, settle.confirmRefund, { id, reference, key })).data.confirmRefund;
const refund = async (paymentId: string, amount: number): Promise<Loose> => {
  const input = { paymentId, amount: { amount, currency: 'EUR' }, reason: 'goodwill' };
  return (await world.run(staff, documents.refund, { input, key: newId() })).data.refundPayment.refund;
};
const refundOf = async (paymentId: string): Promise<Loose> =>
  (
    await world.rows(
      'select id, state, refusals, failure, provider_refund_id providerId from refund where payment_id = ?',
      [bytes(paymentId)],
    )
  ).map(({ id, ...row }: Loose) => ({ ...row, refundId: idFromBytes(id) }))[0];
const control = (body: object) => world.provider('POST', '/v1/test/webhooks', body);
const intentOf = (payment: Loose): string => payment.attempts[0].providerTransactionId;
const refundedAtProvider = async (payment: Loose): Promise<number> =>
  (await world.provider('GET', `/v1/payment_intents/${intentOf(payment)}`)).body.amount_refunded;
const journalOf = async (payment: Loose, state: string): Promise<string[]> =>
  (await paymentIn(world, payment.id, state)).events.edges.map(({ node }: Loose) => node.type);

async function paid(): Promise<Loose> {
  const buyer = user();
  const payment = await create(world, buyer, world.orders.add({ customerId: buyer.userId }).id);
  await confirm(world, payment);
  return paymentIn(world, payment.id, 'SETTLED');
}
/** A payment that was made in time for an order that is closed then: its money is owed back, and the provider refuses. */
async function owed(): Promise<Loose> {
  const payment = await paid();
  await control({ intent: intentOf(payment), refunds: 'refuse' });
  await world.orders.tell('order.closed', payment.order.id, { state: 'EXPIRED', reason: 'PAYMENT_TIMEOUT' });
  await until(async () => (await refundOf(payment.id))?.refusals === 1);
  return payment;
}

describe('a refund that is owed', () => {
  test('is tried again after a refusal, with a key of its own, until it is done', async () => {
    const payment = await owed();
    expect(await refundOf(payment.id)).toMatchObject({ state: 'PENDING', failure: expect.stringContaining('refused') });
    const { refundId } = await refundOf(payment.id);
    expect((await retryRefund(refundId)).userErrors).toEqual([]);
    await until(async () => (await refundOf(payment.id)).refusals >= 2);
    const refused = `query { refunds(refused: true, first: 100) { edges { node { id automatic refusals failureMessage nextTryAt } } } }`;
    const { data } = await world.run(staff, refused);
    const listed = data.refunds.edges.find(({ node }: Loose) => node.id === refundId);
    expect(listed.node).toMatchObject({ automatic: true, failureMessage: expect.stringContaining('refused'), nextTryAt: expect.any(String) }); // prettier-ignore

    await control({ intent: intentOf(payment), refunds: 'succeed' });
    await retryRefund(refundId);
    expect(await journalOf(payment, 'REFUNDED')).toEqual([
      'PaymentCreated', 'AttemptReady', 'PaymentSettled', 'RefundRequested', 'RefundRefused', 'RefundSucceeded',
    ]); // prettier-ignore
    expect(await refundedAtProvider(payment)).toBe(1_234);
    expect(await retryRefund(refundId)).toMatchObject({ refund: null, userErrors: [{ code: 'CONFLICT' }] });
  });

  test('can be confirmed by staff who gave the money back themselves; the provider is never asked again', async () => {
    const payment = await owed();
    const { refundId } = await refundOf(payment.id);
    const key = newId();
    expect(await confirmRefund(refundId, ' ')).toMatchObject({ userErrors: [{ code: 'VALIDATION' }] });
    expect(await confirmRefund(refundId, 'SEPA 7', key)).toMatchObject({
      replayed: false,
      userErrors: [],
      refund: { state: 'SUCCEEDED', providerRefundId: 'SEPA 7', nextTryAt: null, payment: { state: 'REFUNDED' } },
    });
    expect(await confirmRefund(refundId, 'SEPA 7', key)).toMatchObject({
      replayed: true,
      refund: { state: 'SUCCEEDED' },
    });
    expect(await confirmRefund(refundId, 'SEPA 8', key)).toMatchObject({
      userErrors: [{ code: 'IDEMPOTENCY_CONFLICT' }],
    });
    expect(await refundedAtProvider(payment)).toBe(0);
    const told = await world.rows("select 1 from outbox where type = 'payment.refunded' and aggregate_id = ?", [
      bytes(payment.order.id),
    ]);
    expect(told).toHaveLength(1);
  });
});

describe('a refund', () => {
  test('that is pending at the provider is asked about until it is known, by webhook or by asking', async () => {
    const payment = await paid();
    await control({ intent: intentOf(payment), refunds: 'pend', drop: true });
    const { id, state } = await refund(payment.id, 100);
    expect(state).toBe('PENDING');
    expect(await confirmRefund(id)).toMatchObject({ userErrors: [{ code: 'CONFLICT' }] });
    await control({ settle: { refund: (await refundOf(payment.id)).providerId, as: 'succeeded' } });
    await retryRefund(id);
    await paymentIn(world, payment.id, 'PARTIALLY_REFUNDED');
    expect(await refundedAtProvider(payment)).toBe(100);
  });

  test('that comes back from the customer’s bank is made again and counted once', async () => {
    const payment = await paid();
    const { id, state } = await refund(payment.id, 1_234);
    expect(state).toBe('SUCCEEDED');
    const first = (await refundOf(payment.id)).providerId;
    await control({ settle: { refund: first, as: 'failed' } });
    await until(async () => (await refundOf(payment.id)).state === 'PENDING');
    expect(await refundedAtProvider(payment)).toBe(0);
    await retryRefund(id);
    await until(async () => (await refundOf(payment.id)).state === 'SUCCEEDED');
    expect(await refundedAtProvider(payment)).toBe(1_234);
    expect((await refundOf(payment.id)).providerId).not.toBe(first);
    expect((await journalOf(payment, 'REFUNDED')).slice(-3)).toEqual(['RefundSucceeded', 'RefundReturned', 'RefundRepeated']); // prettier-ignore
    // The first try's failure, told once more, is about the first try.
    await control({ intent: intentOf(payment), resend: true });
    await until(async () => {
      const rows = await world.rows(
        "select attempts from webhook_inbox where type = 'refund.failed' and json_value(body, '$.data.object.id') = ?",
        [first],
      );
      return rows[0]?.attempts >= 2;
    });
    expect(await refundOf(payment.id)).toMatchObject({ state: 'SUCCEEDED' });
  });

  test('that staff asked for is FAILED after a refusal, and retried or confirmed only while its amount is left', async () => {
    const payment = await paid();
    await control({ intent: intentOf(payment), refunds: 'refuse' });
    const { id, state } = await refund(payment.id, 1_000);
    expect(state).toBe('FAILED');
    await control({ intent: intentOf(payment), refunds: 'succeed' });
    const other = await refund(payment.id, 1_000);
    expect(other.state).toBe('SUCCEEDED');
    expect(await retryRefund(id)).toMatchObject({ userErrors: [{ __typename: 'RefundLimitError' }] });
    expect(await confirmRefund(id)).toMatchObject({ userErrors: [{ __typename: 'RefundLimitError' }] });

    await control({ intent: intentOf(payment), refunds: 'refuse' });
    const rest = await refund(payment.id, 200);
    await control({ intent: intentOf(payment), refunds: 'succeed' });
    expect(await retryRefund(rest.id)).toMatchObject({ userErrors: [], refund: { state: 'PENDING' } });
    await until(async () => (await refundedAtProvider(payment)) === 1_200);

    await control({ intent: intentOf(payment), refunds: 'refuse' });
    const last = await refund(payment.id, 34);
    expect(await confirmRefund(last.id)).toMatchObject({
      refund: { state: 'SUCCEEDED', payment: { state: 'REFUNDED' } },
    });
    expect(await refundedAtProvider(payment)).toBe(1_200);
  });

  test('is not confirmed while a try is unanswered: the provider may have made it', async () => {
    const payment = await owed();
    const { refundId } = await refundOf(payment.id);
    world.providerProxy.cut();
    try {
      await retryRefund(refundId);
      await until(async () => (await world.rows('select 1 from refund where payment_id = ? and tried_at is not null', [bytes(payment.id)])).length === 1); // prettier-ignore
      expect(await confirmRefund(refundId)).toMatchObject({ userErrors: [{ code: 'CONFLICT' }] });
    } finally {
      world.providerProxy.mend();
    }
  });

  test('is not confirmed when a try begins in the same moment', async () => {
    const payment = await owed();
    const { refundId } = await refundOf(payment.id);
    // As `executeRefund` notes its try, not yet committed.
    await world.rows('start transaction');
    await world.rows('update refund set tried_at = utc_timestamp(3) where id = ?', [bytes(refundId)]);
    const confirmed = confirmRefund(refundId);
    try {
      const waiting = "select 1 from information_schema.processlist where command = 'Query' and time >= 1 and info like 'select%refund%for update%'"; // prettier-ignore
      await until(async () => (await world.rows(waiting)).length > 0);
    } finally {
      await world.rows('commit');
    }
    expect(await confirmed).toMatchObject({ userErrors: [{ code: 'CONFLICT' }] });
  });

  test('of which the provider can’t say what became is neither failed nor made a second time', async () => {
    const payment = await paid();
    await control({ intent: intentOf(payment), refunds: 'pend', drop: true });
    const { id } = await refund(payment.id, 100);
    const { providerId } = await refundOf(payment.id);
    await world.rows('update refund set provider_refund_id = ? where id = ?', ['re_unknown_there', bytes(id)]);
    await retryRefund(id);
    await until(async () => (await world.rows('select 1 from refund where id = ? and tried_at is not null and tries > 0', [bytes(id)])).length === 1); // prettier-ignore
    const asked = async () => world.rows('select state, refusals, tries from refund where id = ?', [bytes(id)]);
    await until(async () => (await asked())[0].tries >= 2 || (await asked())[0].state === 'FAILED');
    expect((await asked())[0]).toMatchObject({ state: 'PENDING', refusals: 0 });
    await world.rows('update refund set provider_refund_id = ? where id = ?', [providerId, bytes(id)]);
    await control({ settle: { refund: providerId, as: 'succeeded' } });
    await retryRefund(id);
    await paymentIn(world, payment.id, 'PARTIALLY_REFUNDED');
    expect(await refundedAtProvider(payment)).toBe(100);
  }, 20_000);

  test('is settled by staff alone, and unknown ones by nobody', async () => {
    for (const document of Object.values(settle)) {
      const variables = { id: newId(), reference: 'x', key: newId() };
      const stranger = await world.run(user(), document, variables);
      expect(Object.values<Loose>(stranger.data)[0].userErrors).toMatchObject([{ code: 'FORBIDDEN' }]);
      const unknown = await world.run(staff, document, variables);
      expect(Object.values<Loose>(unknown.data)[0].userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    }
  });
});
