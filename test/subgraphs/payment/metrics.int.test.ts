import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type PaymentWorld,
  bytes,
  cards,
  confirm,
  create,
  documents,
  openPaymentWorld,
  paymentIn,
  staff,
  user,
} from './support/payment-world.ts';
import { event, postEvent } from './support/webhook-events.ts';
import { until } from '../../support/until.ts';

let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld();
});
afterAll(async () => {
  await world?.close();
});

/** What Prometheus reads of a metric: its values by their labels, in the order of the page. */
async function metric(name: string): Promise<Record<string, number>> {
  const page = await world.runtime.metrics.registry.metrics();
  const lines = page.split('\n').filter((line) => line.startsWith(`${name}{`));
  return Object.fromEntries(lines.map((line) => [/\{(.*)\}/.exec(line)?.[1] ?? '', Number(line.split(' ').at(-1))]));
}
const open = async () => {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  return { buyer, order, payment: await create(world, buyer, order.id) };
};
/** Only of what has happened. */
const happened = async (name: string): Promise<Record<string, number>> =>
  Object.fromEntries(Object.entries(await metric(name)).filter(([, value]) => value > 0));
const card = 'provider="simulated",method="SIMULATED_CARD"';

test('of what has not happened yet are there from the start, so that an alert sees the first time', async () => {
  const [attempts, refunds, webhooks] = [await metric('payment_attempts_total'), await metric('payment_refunds_total'), await metric('payment_webhooks_total')]; // prettier-ignore
  for (const outcome of ['refused', 'returned']) expect(refunds[`${card},outcome="${outcome}"`]).toBe(0);
  for (const outcome of ['failed', 'succeeded']) expect(attempts[`${card},outcome="${outcome}"`]).toBe(0);
  for (const outcome of ['ERROR', 'UNAVAILABLE', 'REJECTED_SIGNATURE'])
    expect(webhooks[`provider="simulated",outcome="${outcome}"`]).toBe(0);
});

test('of payments, refunds and money are what has happened', async () => {
  const [paid, late, expired] = [await open(), await open(), await open()];
  await confirm(world, paid.payment, cards.declines);
  await paymentIn(world, paid.payment.id, 'FAILED');
  await confirm(world, paid.payment);
  await paymentIn(world, paid.payment.id, 'SETTLED');
  const input = { paymentId: paid.payment.id, amount: { amount: 234, currency: 'EUR' }, reason: 'broken' };
  await world.run(staff, documents.refund, { input, key: newId() });

  // Money for a payment that was closed by its order: by an event, in whose transaction this is written.
  const closed = { customerId: late.buyer.userId, state: 'EXPIRED', reason: 'PAYMENT_TIMEOUT' };
  world.providerProxy.cut();
  await world.orders.tell('order.closed', late.order.id, closed, 2);
  await paymentIn(world, late.payment.id, 'EXPIRED');
  await confirm(world, late.payment);
  await until(async () => (await world.rows('select id from refund where payment_id = ?', [bytes(late.payment.id)])).length > 0); // prettier-ignore
  world.providerProxy.mend();
  await paymentIn(world, late.payment.id, 'REFUNDED', 20_000);
  await world.orders.tell('order.closed', expired.order.id, closed);
  await paymentIn(world, expired.payment.id, 'EXPIRED');

  expect(await happened('payment_attempts_total')).toEqual({
    [`${card},outcome="started"`]: 3,
    [`${card},outcome="failed"`]: 1,
    [`${card},outcome="succeeded"`]: 1,
    [`${card},outcome="expired"`]: 2,
    [`${card},outcome="late"`]: 1,
  });
  expect(await happened('payment_refunds_total')).toEqual({
    [`${card},outcome="requested"`]: 2,
    [`${card},outcome="succeeded"`]: 2,
  });
  expect(await metric('payment_amount_minor_total')).toEqual({
    'currency="EUR",method="SIMULATED_CARD",movement="captured"': 2_468,
    'currency="EUR",method="SIMULATED_CARD",movement="refunded"': 1_468,
  });
}, 60_000);

test('of webhooks are their outcomes, their lag, and what was not kept', async () => {
  const before = await metric('payment_webhooks_total');
  const lagBefore = (await metric('payment_webhook_lag_seconds_count'))['provider="simulated"'] ?? 0;
  const { payment } = await open();
  const told = event(payment.attempts[0].providerTransactionId, payment.attempts[0].id);
  told.created -= 40;
  for (const body of [told, told, event('pi_nobody', newId()), '{']) await postEvent(world.webhookUrl, body);
  await Promise.all(Array.from({ length: 130 }, () => postEvent(world.webhookUrl, told, { header: 't=1,v1=0' })));
  world.databaseProxy.cut();
  await postEvent(world.webhookUrl, event('pi_nobody', newId()));
  world.databaseProxy.mend();

  const after = await metric('payment_webhooks_total');
  const more = (outcome: string) => {
    const labels = `provider="simulated",outcome="${outcome}"`;
    return (after[labels] ?? 0) - (before[labels] ?? 0);
  };
  expect(['APPLIED', 'DUPLICATE', 'UNKNOWN_PAYMENT', 'ERROR', 'REJECTED_SIGNATURE', 'UNAVAILABLE'].map(more)).toEqual([
    1, 1, 1, 1, 130, 1,
  ]);
  // Two minutes at most, when the flood falls on their border.
  expect((await metric('payment_webhooks_not_kept_total'))['provider="simulated",kind="forged"']).toBeGreaterThanOrEqual(10); // prettier-ignore
  expect((await metric('payment_webhook_lag_seconds_count'))['provider="simulated"']).toBe(lagBefore + 1);
  const buckets = await metric('payment_webhook_lag_seconds_bucket');
  expect((buckets['le="60",provider="simulated"'] ?? 0) - (buckets['le="15",provider="simulated"'] ?? 0)).toBe(1);
});

test('of wallets are the ledger’s totals, and of reconciliation the differences of the last week', async () => {
  const own = await openPaymentWorld({ worker: false });
  try {
    const credit = `mutation ($id: ID!, $amount: MoneyInput!, $key: String!) { creditWallet(userId: $id, amount: $amount, reason: "gift", idempotencyKey: $key) { userErrors { code: __typename } } }`;
    for (const amount of [500, 700])
      await own.run(staff, credit, { id: newId(), amount: { amount, currency: 'EUR' }, key: newId() });
    const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    await own.rows("insert into reconciliation values (?, 'simulated', 7, 3, 0, 1, '[]', utc_timestamp(3)), ('2001-09-09', 'simulated', 7, 9, 9, 9, '[]', utc_timestamp(3))", [day]); // prettier-ignore
    const page = await own.runtime.metrics.registry.metrics();
    expect(page).toContain('wallet_balance_minor{kind="AVAILABLE",currency="EUR"} 1200');
    expect(page).toContain('wallet_balance_minor{kind="CREDITS",currency="EUR"} -1200');
    expect(page).toContain('payment_reconciliation_differences{provider="simulated",kind="missing_here"} 3');
    expect(page).toContain('payment_reconciliation_differences{provider="simulated",kind="missing_at_provider"} 0');
    expect(page).toContain('payment_reconciliation_differences{provider="simulated",kind="amount_mismatch"} 1');
  } finally {
    await own.close();
  }
});

test('are there while the database is away, but for those that are read from it', async () => {
  const own = await openPaymentWorld({ worker: false });
  try {
    own.databaseProxy.cut();
    expect(await own.runtime.metrics.registry.metrics()).toContain('# TYPE payment_attempts_total counter');
  } finally {
    own.databaseProxy.mend();
    await own.close();
  }
});
