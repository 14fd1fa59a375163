import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { until } from '../../../support/until.ts';
import { type Loose, bytes, documents, paymentIn, staff, user } from '../support/payment-world.ts';
import { type StripeWorld, openStripeWorld } from './stripe-world.ts';

let stripe: StripeWorld;
beforeAll(async () => {
  stripe = await openStripeWorld();
}, 60_000);
afterAll(async () => {
  await stripe?.close();
}, 30_000);
beforeEach(() => {
  Object.assign(stripe.server.webhooks, { dropped: false, copies: 1 });
  stripe.server.books.setRefunds('succeed');
});

const idOf = (payment: Loose): string => payment.attempts.at(-1).providerTransactionId;
async function started(of = stripe, returnUrl?: string): Promise<Loose> {
  const buyer = user();
  const order = of.world.orders.add({ customerId: buyer.userId });
  const input = { orderId: order.id, method: 'STRIPE', returnUrl };
  const { payment } = (await of.world.run(buyer, documents.create, { input, key: newId() })).data.createPayment;
  return { ...payment, buyer, orderId: order.id };
}
async function paid(): Promise<Loose> {
  const payment = await started();
  stripe.server.books.pay(idOf(payment), 'pays');
  return { ...payment, ...(await paymentIn(stripe.world, payment.id, 'SETTLED')) };
}
const read = async ({ id }: Loose): Promise<Loose> =>
  (await stripe.world.run(staff, documents.payment, { id })).data.payment;
const refund = async ({ id }: Loose, amount: number): Promise<Loose> => {
  const input = { paymentId: id, amount: { amount, currency: 'EUR' }, reason: 'goodwill' };
  return (await stripe.world.run(staff, documents.refund, { input, key: newId() })).data.refundPayment;
};
/** What the order service is told of: type, state and amount. */
const told = async ({ orderId }: Loose): Promise<Loose[]> =>
  (
    await stripe.world.rows(
      "select type, data from outbox where aggregate_id = ? and type in ('payment.refunded', 'payment.disputed') order by id",
      [bytes(orderId)],
    )
  )
    .map(({ type, data }) => ({ type, ...(typeof data === 'string' ? JSON.parse(data) : data) }))
    .map(({ type, state, amountMinor }) => (state === undefined ? [type, amountMinor] : [type, state, amountMinor]));
const disputesOf = async ({ id }: Loose): Promise<Loose[]> =>
  (
    await stripe.world.run(
      staff,
      'query ($id: ID!) { payment(id: $id) { disputes { state reason evidenceDueBy amount { amount currency } } } }',
      { id },
    )
  ).data.payment.disputes;
const refundsOf = async (payment: Loose): Promise<Loose[]> =>
  (await read(payment)).refunds.map(({ state, amount }: Loose) => [state, amount.amount]);
const originsOf = async ({ id }: Loose): Promise<string[]> =>
  (await stripe.world.rows('select origin from refund where payment_id = ? order by id', [bytes(id)])).map(
    ({ origin }) => origin,
  );
const journal = async (payment: Loose): Promise<string[]> => (await read(payment)).events.edges.map(({ node }: Loose) => node.type); // prettier-ignore

describe('a refund in the dashboard', () => {
  test('is booked once, however often and in whatever order its events come', async () => {
    stripe.server.webhooks.copies = 3;
    const payment = await paid();
    const made = stripe.server.books.refundInDashboard(idOf(payment), 234);
    await paymentIn(stripe.world, payment.id, 'PARTIALLY_REFUNDED');
    expect(await stripe.tell('refund.updated', made)).toBe('STALE');
    expect(await refundsOf(payment)).toEqual([['SUCCEEDED', 234]]);
    expect(await told(payment)).toEqual([['payment.refunded', 234]]);
    expect(await refund(payment, 1_001)).toMatchObject({ userErrors: [{ code: 'REFUND_LIMIT' }] });
  });

  test('that failed before its beginning was told has failed', async () => {
    const payment = await paid();
    stripe.server.webhooks.dropped = true;
    const made = stripe.server.books.refundInDashboard(idOf(payment), 234);
    expect(await stripe.tell('refund.failed', { ...made, status: 'failed', failure_reason: 'lost_or_stolen_card' })).toBe('APPLIED'); // prettier-ignore
    expect(await stripe.tell('refund.created', made)).toBe('STALE');
    expect(await read(payment)).toMatchObject({ state: 'SETTLED', refunded: { amount: 0 } });
    expect(await refundsOf(payment)).toEqual([['FAILED', 234]]);
    expect(await refund(payment, 1_234)).toMatchObject({ userErrors: [] });
  });

  test('that a bank sent back counts once when its success is told again afterwards', async () => {
    const payment = await paid();
    stripe.server.webhooks.dropped = true;
    const made = stripe.server.books.refundInDashboard(idOf(payment), 234);
    expect(await stripe.tell('refund.created', made)).toBe('APPLIED');
    const failed = { ...made, status: 'failed', failure_reason: 'expired_or_canceled_card' };
    expect(await stripe.tell('refund.failed', failed)).toBe('APPLIED');
    expect(await stripe.tell('refund.updated', made)).toBe('STALE');
    expect(await stripe.tell('refund.updated', failed)).toBe('STALE');
    expect(await read(payment)).toMatchObject({ refunded: { amount: 234 } });
    expect(await refundsOf(payment)).toEqual([['PENDING', 234]]);
    // It is owed again; who makes it in the dashboard once more has made that one.
    expect(await stripe.tell('refund.created', { ...made, id: 're_once_more' })).toBe('APPLIED');
    expect(await refundsOf(payment)).toEqual([['SUCCEEDED', 234]]);
    expect(await read(payment)).toMatchObject({ refunded: { amount: 234 } });
  });

  test('of which two events come at the same moment is booked once', async () => {
    for (let times = 0; times < 5; times += 1) {
      const payment = await paid();
      stripe.server.webhooks.dropped = true;
      const made = stripe.server.books.refundInDashboard(idOf(payment), 234);
      const events = ['refund.created', 'refund.updated', 'refund.updated', 'refund.updated'];
      const answers = await Promise.all(events.map((type) => stripe.tell(type, made)));
      expect(answers.toSorted()).toEqual(['APPLIED', 'STALE', 'STALE', 'STALE']);
      expect(await read(payment)).toMatchObject({ refunded: { amount: 234 } });
      const dispute = stripe.server.books.dispute(idOf(payment), 1_000);
      const told = ['charge.dispute.created', 'charge.dispute.funds_withdrawn', 'charge.dispute.updated'];
      const outcomes = await Promise.all(told.map((type) => stripe.tell(type, dispute)));
      expect(outcomes.toSorted()).toEqual(['APPLIED', 'STALE', 'STALE']);
      expect(await refundsOf(payment)).toEqual([['SUCCEEDED', 234], ['PENDING', 1_000]]); // prettier-ignore
      stripe.server.webhooks.dropped = false;
    }
  });

  test('of another system that names its refunds as we do is booked, too', async () => {
    const payment = await paid();
    stripe.server.webhooks.dropped = true;
    for (const metadata of [{ refundId: 'R-2026-1' }, { refundId: newId() }, {}, null]) {
      const made = stripe.server.books.refundInDashboard(idOf(payment), 100);
      await stripe.tell('refund.created', { ...made, metadata });
    }
    expect(await read(payment)).toMatchObject({ refunded: { amount: 400 } });
  });

  test('in another currency is refused, and changes nothing', async () => {
    const payment = await paid();
    stripe.server.webhooks.dropped = true;
    const made = stripe.server.books.refundInDashboard(idOf(payment), 234);
    expect(await stripe.tell('refund.created', { ...made, currency: 'usd' })).toBe('REJECTED_AMOUNT');
    expect(await read(payment)).toMatchObject({ state: 'SETTLED', refunded: { amount: 0 } });
  });

  test('of a second capture settles what is owed for that one, and leaves the first alone', async () => {
    const payment = await started();
    const [first] = payment.attempts;
    stripe.server.books.pay(first.providerTransactionId, 'declines');
    await paymentIn(stripe.world, payment.id, 'FAILED');
    await stripe.world.run(payment.buyer, documents.retry, { id: payment.id, key: newId() });
    const retried = await paymentIn(stripe.world, payment.id, 'OPEN');
    stripe.server.books.pay(idOf(retried), 'pays');
    await paymentIn(stripe.world, payment.id, 'SETTLED');
    // Stripe took the money of an intent that it had called off.
    stripe.server.books.setRefunds('refuse');
    const intent = stripe.server.books.getIntent(first.providerTransactionId);
    Object.assign(intent, { status: 'succeeded', amount_received: 1_234 });
    expect(await stripe.tell('payment_intent.succeeded', intent)).toBe('LATE_AUTO_REFUNDED');
    await until(async () => (await journal(payment)).includes('RefundRefused'));
    stripe.server.books.setRefunds('succeed');
    stripe.server.books.refundInDashboard(intent.id, 1_234);
    await until(async () => (await refundsOf(payment))[0]?.[0] === 'SUCCEEDED');
    expect(await refundsOf(payment)).toEqual([['SUCCEEDED', 1_234]]);
    expect(await read(payment)).toMatchObject({ state: 'SETTLED', refunded: { amount: 0 } });
    expect(await refund(payment, 1_234)).toMatchObject({ userErrors: [] });
  });
});

describe('a dispute', () => {
  test('holds the money, is told to the order, shown to staff alone, and takes it when it is lost', async () => {
    stripe.server.webhooks.copies = 3;
    const payment = await paid();
    const { id } = stripe.server.books.dispute(idOf(payment), 1_234, 'product_not_received');
    await until(async () => (await disputesOf(payment)).length > 0);
    expect(await disputesOf(payment)).toMatchObject([{ state: 'OPEN', reason: 'product_not_received', amount: { amount: 1_234, currency: 'EUR' } }]); // prettier-ignore
    const query = 'query ($id: ID!) { payment(id: $id) { disputes { id } } }';
    expect((await stripe.world.run(payment.buyer, query, { id: payment.id })).data.payment.disputes).toEqual([]);
    expect(await refund(payment, 1)).toMatchObject({ userErrors: [{ code: 'REFUND_LIMIT' }] });
    stripe.server.books.closeDispute(id, 'lost');
    await paymentIn(stripe.world, payment.id, 'REFUNDED');
    expect(await told(payment)).toEqual([['payment.disputed', 'OPEN', 1_234], ['payment.disputed', 'LOST', 1_234], ['payment.refunded', 1_234]]); // prettier-ignore
    expect(await refundsOf(payment)).toEqual([['SUCCEEDED', 1_234]]);
  });

  test('of which the end is told first is over', async () => {
    const payment = await paid();
    stripe.server.webhooks.dropped = true;
    const made = structuredClone(stripe.server.books.dispute(idOf(payment), 1_234));
    expect(await stripe.tell('charge.dispute.closed', { ...made, status: 'lost' })).toBe('APPLIED');
    expect(await stripe.tell('charge.dispute.funds_withdrawn', made)).toBe('STALE');
    expect(await stripe.tell('charge.dispute.created', made)).toBe('STALE');
    expect(await read(payment)).toMatchObject({ state: 'REFUNDED' });
    expect(await disputesOf(payment)).toMatchObject([{ state: 'LOST' }]);
  });

  test('that is lost and won on appeal is WON, and the order stays refunded', async () => {
    const payment = await paid();
    const { id } = stripe.server.books.dispute(idOf(payment), 1_000);
    stripe.server.books.closeDispute(id, 'lost');
    await paymentIn(stripe.world, payment.id, 'PARTIALLY_REFUNDED');
    stripe.server.books.closeDispute(id, 'won');
    await until(async () => (await disputesOf(payment))[0]?.state === 'WON');
    expect(await read(payment)).toMatchObject({ state: 'PARTIALLY_REFUNDED', refunded: { amount: 1_000 } });
    expect(await refund(payment, 235)).toMatchObject({ userErrors: [{ code: 'REFUND_LIMIT' }] });
  });

  test.each([
    ['an inquiry', 'warning_needs_response', [], []],
    ['one that was prevented without money', 'prevented', [], ['WON']],
    ['one that was prevented with the money', 'prevented', [{ amount: -1_234 }], ['LOST']],
    ['an appeal', 'appeal_under_review', [{ amount: -1_234 }], ['LOST']],
    ['a status of which nobody has heard', 'new_status', [], ['OPEN']],
  ])('as %s', async (_, status, balance_transactions, states) => {
    const payment = await paid();
    stripe.server.webhooks.dropped = true;
    const made = stripe.server.books.dispute(idOf(payment), 1_234);
    await stripe.tell('charge.dispute.updated', { ...made, status, balance_transactions });
    expect((await disputesOf(payment)).map(({ state }: Loose) => state)).toEqual(states);
  });

  test('that is lost takes what a refund of ours, which failed meanwhile, has not given back', async () => {
    const payment = await paid();
    stripe.server.books.setRefunds('pend');
    const own = await refund(payment, 1_000);
    const [made] = [...stripe.server.books.refunds.values()].slice(-1);
    stripe.server.books.setRefunds('succeed');
    const { id } = stripe.server.books.dispute(idOf(payment), 1_234);
    await until(async () => (await disputesOf(payment)).length > 0);
    expect(await refundsOf(payment)).toEqual([['PENDING', 1_000], ['PENDING', 234]]); // prettier-ignore
    stripe.server.books.settleRefund(String(made?.id), 'failed');
    await until(async () => (await refundsOf(payment))[0]?.[0] === 'FAILED');
    stripe.server.books.closeDispute(id, 'lost');
    await paymentIn(stripe.world, payment.id, 'REFUNDED');
    expect(await refundsOf(payment)).toEqual([
      ['FAILED', 1_000],
      ['SUCCEEDED', 234],
      ['SUCCEEDED', 1_000],
    ]);
    expect(own.refund.state).toBe('PENDING');
    const again = 'mutation ($id: ID!, $key: String!) { retryRefund(refundId: $id, idempotencyKey: $key) { userErrors { ... on UserError { code } } } }'; // prettier-ignore
    expect((await stripe.world.run(staff, again, { id: own.refund.id, key: newId() })).data.retryRefund.userErrors).toEqual([{ code: 'REFUND_LIMIT' }]); // prettier-ignore
  });

  test('that is lost settles a refund that is owed and that Stripe refuses for it', async () => {
    const payment = await started();
    await stripe.world.run(payment.buyer, documents.cancel, { id: payment.id, key: newId() });
    const intent = stripe.server.books.getIntent(idOf(payment));
    Object.assign(intent, { status: 'succeeded', amount_received: 1_234 });
    stripe.server.books.setRefunds('refuse');
    expect(await stripe.tell('payment_intent.succeeded', intent)).toBe('LATE_AUTO_REFUNDED');
    await until(async () => (await journal(payment)).includes('RefundRefused'));
    const { id } = stripe.server.books.dispute(intent.id, 1_234);
    await until(async () => (await disputesOf(payment)).length > 0);
    expect(await refundsOf(payment)).toEqual([['PENDING', 1_234]]);
    stripe.server.books.closeDispute(id, 'lost');
    await until(async () => (await refundsOf(payment))[0]?.[0] === 'SUCCEEDED');
    expect(await originsOf(payment)).toEqual(['DISPUTE']);
    expect(await read(payment)).toMatchObject({ refunded: { amount: 1_234 } });
  });

  test('of more than was paid, or in another currency, takes what is left and no more', async () => {
    for (const change of [{ amount: 2_000 }, { amount: 300, currency: 'usd' }]) {
      const payment = await paid();
      await refund(payment, 234);
      stripe.server.webhooks.dropped = true;
      const made = { ...stripe.server.books.dispute(idOf(payment), 1_000), ...change };
      expect(await stripe.tell('charge.dispute.created', made)).toBe('APPLIED');
      expect(await refundsOf(payment)).toEqual([['SUCCEEDED', 234], ['PENDING', 1_000]]); // prettier-ignore
      expect(await stripe.tell('charge.dispute.closed', { ...made, status: 'lost' })).toBe('APPLIED');
      expect(await read(payment)).toMatchObject({ state: 'REFUNDED', refunded: { amount: 1_234 } });
      stripe.server.webhooks.dropped = false;
    }
  });

  test('is in the reconciliation of its day: matched when it was told, missing when its webhook was lost', async () => {
    const payment = await paid();
    const { id } = stripe.server.books.dispute(idOf(payment), 1_234);
    stripe.server.books.closeDispute(id, 'won');
    await until(async () => (await disputesOf(payment))[0]?.state === 'WON');
    const other = await paid();
    stripe.server.webhooks.dropped = true;
    const lost = stripe.server.books.dispute(idOf(other), 1_000);
    const query = 'query ($day: String!) { reconciliation(day: $day) { matched missingHere missingAtProvider items } }';
    // What has just moved is not missed yet.
    for (const entry of stripe.server.books.balance) Object.assign(entry, { created: Number(entry['created']) - 30 });
    const day = new Date(Date.now() - 30_000).toISOString().slice(0, 10);
    const report = (await stripe.world.run(staff, query, { day })).data.reconciliation;
    expect(report.items.filter((item: Loose) => item.providerTransactionId === id)).toEqual([]);
    expect(report.items).toContainEqual(expect.objectContaining({ kind: 'MISSING_HERE', movement: 'DISPUTE', providerTransactionId: lost.id, ours: null })); // prettier-ignore
    expect(await stripe.tell('charge.dispute.created', lost)).toBe('APPLIED');
    await stripe.world.rows('update dispute set amount_minor = 999 where provider_dispute_id = ?', [lost.id]);
    await stripe.world.rows('update reconciliation set checked_at = checked_at - interval 1 hour');
    const again = (await stripe.world.run(staff, query, { day })).data.reconciliation;
    expect(again.items).toContainEqual(expect.objectContaining({ kind: 'AMOUNT_MISMATCH', movement: 'DISPUTE', providerTransactionId: lost.id })); // prettier-ignore
    await stripe.world.rows('update dispute set amount_minor = 1000 where provider_dispute_id = ?', [lost.id]);
  });
});

describe('before an order closes', () => {
  const settle = 'mutation ($ids: [ID!]!) { settleBeforeClosing(orderIds: $ids) { orderId settledMinor paidAt paymentId until } }'; // prettier-ignore
  const asked = async (orderId: string): Promise<Loose> =>
    (await stripe.world.run({ kind: 'service', app: 'order' }, settle, { ids: [orderId] })).data.settleBeforeClosing[0];

  test.each([
    ['an intent', undefined],
    ['a checkout', 'https://shop.test/back'],
  ])('Stripe is asked about %s whose webhook is late: it counts from when the customer paid', async (_, returnUrl) => {
    const payment = await started(stripe, returnUrl);
    stripe.server.webhooks.dropped = true;
    stripe.server.books.pay(idOf(payment), 'pays');
    const paidAtMs = Date.now();
    await new Promise((waited) => setTimeout(waited, 2_100));
    const told = await asked(payment.orderId);
    expect(told).toMatchObject({ settledMinor: 1_234, paymentId: null });
    expect(Math.abs(Date.parse(told.paidAt) - paidAtMs)).toBeLessThan(1_100);
    expect(await read(payment)).toMatchObject({ state: 'SETTLED' });
  });

  test('a debit that is on its way is waited for, and one that nobody has begun is not', async () => {
    const [processing, open] = [await started(), await started()];
    stripe.server.webhooks.dropped = true;
    stripe.server.books.pay(idOf(processing), 'processes');
    expect(await asked(processing.orderId)).toMatchObject({ settledMinor: 0, paymentId: processing.id });
    expect(await asked(open.orderId)).toMatchObject({ settledMinor: 0, paymentId: null, until: null });
  });

  test('Stripe that hangs is waited for about a second, and what it says is applied when it comes', async () => {
    const payment = await started();
    stripe.server.webhooks.dropped = true;
    stripe.server.books.pay(idOf(payment), 'pays');
    stripe.server.fail(/GET .v1.payment_intents/, 'hang');
    const beganMs = performance.now();
    expect(await asked(payment.orderId)).toMatchObject({ settledMinor: 0 });
    expect(performance.now() - beganMs).toBeLessThan(4_000);
    await paymentIn(stripe.world, payment.id, 'SETTLED', 30_000);
  }, 40_000);
});

describe('where money is held first', () => {
  let manual: StripeWorld;
  beforeAll(async () => {
    manual = await openStripeWorld({}, { PAYMENT_CAPTURE: 'manual' });
  }, 60_000);
  afterAll(async () => {
    await manual?.close();
  }, 30_000);

  test('a part that is captured in the dashboard counts, also where the holding is told after it', async () => {
    for (const order of ['holding first', 'capture first']) {
      const payment = await started(manual);
      manual.server.webhooks.dropped = true;
      manual.server.books.pay(idOf(payment), 'pays');
      const held = structuredClone(manual.server.books.getIntent(idOf(payment)));
      const captured = structuredClone(manual.server.books.captureIntent(held.id, { amount_to_capture: '500' }));
      const events = [['payment_intent.amount_capturable_updated', held], ['payment_intent.succeeded', captured]] as const; // prettier-ignore
      const outcomes: string[] = [];
      for (const [type, object] of order === 'holding first' ? events : events.toReversed())
        outcomes.push(await manual.tell(type, object));
      expect([order, outcomes]).toEqual([order, order === 'holding first' ? ['APPLIED', 'APPLIED'] : ['APPLIED', 'STALE']]); // prettier-ignore
      expect(await paymentIn(manual.world, payment.id, 'SETTLED')).toMatchObject({ captured: { amount: 500 } });
    }
  });

  test('more than was asked for is never taken, nor another currency', async () => {
    const payment = await started(manual);
    const intent = { ...manual.server.books.getIntent(idOf(payment)), status: 'succeeded' };
    expect(await manual.tell('payment_intent.succeeded', { ...intent, amount_received: 1_235 })).toBe(
      'REJECTED_AMOUNT',
    );
    expect(await manual.tell('payment_intent.succeeded', { ...intent, amount_received: 0 })).toBe('REJECTED_AMOUNT');
    expect(await manual.tell('payment_intent.succeeded', { ...intent, amount_received: 500, currency: 'usd' })).toBe('REJECTED_AMOUNT'); // prettier-ignore
  });
});
