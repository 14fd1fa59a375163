import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { reconcileDue } from '../../../subgraphs/payment/commands/reconcile-day.ts';
import { simulatedProvider } from '../../../subgraphs/payment/providers/simulated.ts';
import { stripeProvider } from '../../../subgraphs/payment/providers/stripe.ts';
import { paymentSchema } from '../../../subgraphs/payment/subgraph.ts';
import { openDatabase } from '../../../subgraphs/shared/database/database.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
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

/** No worker: the webhooks come by themselves, and each day is compared when it is asked for. */
let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld({ worker: false });
});
afterAll(async () => {
  await world?.close();
});

const dayMs = 86_400_000;
const daysAgo = (count: number): string => new Date(Date.now() - count * dayMs).toISOString().slice(0, 10);
const document = `query ($day: String!) { reconciliation(day: $day) { day matched missingHere missingAtProvider amountMismatch items checkedAt } }`;
const ask = (day: string, viewer: Parameters<PaymentWorld['run']>[0] = staff) => world.run(viewer, document, { day });
/** Compared just now, not a moment ago. */
async function report(day: string): Promise<Loose> {
  await world.rows('update reconciliation set checked_at = checked_at - interval 1 minute where day = ?', [day]);
  const { data, errors } = await ask(day);
  expect(errors).toEqual([]);
  return data.reconciliation;
}
const clean = (matched: number) => ({ matched, missingHere: 0, missingAtProvider: 0, amountMismatch: 0, items: [] });

/** Moves what both sides have booked of a payment: its charge, and its refunds. */
async function move(payment: Loose, ours: string, theirs = ours): Promise<void> {
  const intent = payment.attempts[0].providerTransactionId;
  await world.rows('update attempt set finished_at = ? where payment_id = ?', [ours, bytes(payment.id)]);
  await world.rows('update refund set settled_at = ? where payment_id = ? and settled_at is not null', [ours, bytes(payment.id)]); // prettier-ignore
  for (const table of ['charge', 'refund'])
    await world.providerRows(`update ${table} set created_at = ? where intent_id = ?`, [theirs, intent]);
}

/** A payment that was really paid at the provider; `at` is when, by both clocks. */
async function paid(at: string): Promise<Loose> {
  const buyer = user();
  const payment = await create(world, buyer, world.orders.add({ customerId: buyer.userId }).id);
  await confirm(world, payment);
  const settled = await paymentIn(world, payment.id, 'SETTLED');
  await move(settled, at);
  return settled;
}
async function refund(payment: Loose, amount: number): Promise<Loose> {
  const input = { paymentId: payment.id, amount: { amount, currency: 'EUR' }, reason: 'broken' };
  const { data } = await world.run(staff, documents.refund, { input, key: newId() });
  expect(data.refundPayment).toMatchObject({ refund: { state: 'SUCCEEDED' } });
  return data.refundPayment.refund;
}
const intentOf = (payment: Loose): string => payment.attempts[0].providerTransactionId;

describe('a day of the statement and of our ledger', () => {
  test('that agree have no differences', async () => {
    const day = daysAgo(2);
    const at = `${day} 12:00:00.000`;
    const payments = [await paid(at), await paid(at), await paid(at)];
    await refund(payments[0], 234);
    await move(payments[0], at);
    expect(await report(day)).toMatchObject({ day, ...clean(4) });
    expect(await report(daysAgo(1))).toMatchObject(clean(0));
  });

  test('that differ show each difference of each kind, until it is mended', async () => {
    const day = daysAgo(3);
    const at = `${day} 12:00:00.000`;
    await paid(at);
    const [lost, gone, other, foreign, refunded] = [await paid(at), await paid(at), await paid(at), await paid(at), await paid(at)]; // prettier-ignore
    const [first, second, third] = [await refund(refunded, 100), await refund(refunded, 200), await refund(refunded, 300)]; // prettier-ignore
    await move(refunded, at);

    // Missing here: one that we don't believe was paid, one that we never heard of, and a refund made by hand at the provider.
    await world.rows("update attempt set state = 'PENDING' where payment_id = ?", [bytes(lost.id)]);
    await world.providerRows('insert into charge (id, intent_id, amount, currency, metadata, created_at) values (?, ?, 777, ?, ?, ?)', ['ch_stranger', 'pi_stranger', 'EUR', '{}', at]); // prettier-ignore
    await world.rows("update refund set state = 'PENDING', provider_refund_id = null where id = ?", [bytes(first.id)]);
    // Missing there: a charge and a refund that the provider does not know.
    await world.providerRows('delete from charge where intent_id = ?', [intentOf(gone)]);
    await world.providerRows('delete from refund where amount = 200 and intent_id = ?', [intentOf(refunded)]);
    // Other amounts, another currency.
    await world.providerRows('update charge set amount = 1233 where intent_id = ?', [intentOf(other)]);
    await world.providerRows("update charge set currency = 'USD' where intent_id = ?", [intentOf(foreign)]);
    await world.providerRows('update refund set amount = 299 where amount = 300 and intent_id = ?', [intentOf(refunded)]); // prettier-ignore

    const found = await report(day);
    expect(found).toMatchObject({ matched: 2, missingHere: 3, missingAtProvider: 2, amountMismatch: 3 });
    const money = (amount: number, currency = 'EUR') => ({ amount, currency });
    const of = (payment: Loose, amount = money(1234)) => expect.objectContaining({ id: payment.attempts[0].id, number: payment.attempts[0].number, paymentId: payment.id, amount }); // prettier-ignore
    const ofRefund = ({ id }: Loose, amount: number) => expect.objectContaining({ id, paymentId: refunded.id, amount: money(amount) }); // prettier-ignore
    const item = (kind: string, movement: string, statement: Loose, ours: Loose) =>
      expect.objectContaining({ kind, movement, provider: 'simulated', statement: statement && expect.objectContaining({ amount: statement }), ours }); // prettier-ignore
    expect(found.items).toHaveLength(8);
    expect(found.items).toEqual(
      expect.arrayContaining([
        item('MISSING_HERE', 'CHARGE', money(1234), of(lost)),
        item('MISSING_HERE', 'CHARGE', money(777), null),
        item('MISSING_HERE', 'REFUND', money(100), ofRefund(first, 100)),
        item('MISSING_AT_PROVIDER', 'CHARGE', null, of(gone)),
        item('MISSING_AT_PROVIDER', 'REFUND', null, ofRefund(second, 200)),
        item('AMOUNT_MISMATCH', 'CHARGE', money(1233), of(other)),
        item('AMOUNT_MISMATCH', 'CHARGE', money(1234, 'USD'), of(foreign)),
        item('AMOUNT_MISMATCH', 'REFUND', money(299), ofRefund(third, 300)),
      ]),
    );

    await world.rows("update attempt set state = 'SUCCEEDED' where payment_id = ?", [bytes(lost.id)]);
    await world.providerRows('update charge set amount = 1234 where intent_id = ?', [intentOf(other)]);
    expect(await report(day)).toMatchObject({ matched: 4, missingHere: 2, missingAtProvider: 2, amountMismatch: 2 });
  });

  test('agree over what moved at midnight, and over a webhook that came hours late', async () => {
    const [before, after] = [daysAgo(5), daysAgo(4)];
    await move(await paid(`${after} 12:00:00`), `${after} 00:00:00.100`, `${before} 23:59:59.900`);
    await move(await paid(`${after} 12:00:00`), `${before} 23:59:59.900`, `${after} 00:00:00.100`);
    await move(await paid(`${after} 12:00:00`), `${after} 06:00:00.000`, `${before} 20:00:00.000`);
    expect(await report(before)).toMatchObject(clean(2));
    expect(await report(after)).toMatchObject(clean(1));
  });

  test('with more differences than are listed are counted all the same', async () => {
    const day = daysAgo(6);
    const charges = Array.from({ length: 620 }, (_, index) => [`ch_many${index}`, `pi_many${index}`, 1, 'EUR', '{}', `${day} 10:00:00`]); // prettier-ignore
    await world.providerRows('insert into charge (id, intent_id, amount, currency, metadata, created_at) values ?', [charges]); // prettier-ignore
    expect(await report(day)).toMatchObject({ matched: 0, missingHere: 620, items: { length: 500 } });
  });

  test('of today agree as far as it has come', async () => {
    const before = (await report(daysAgo(0))).matched;
    const buyer = user();
    const payment = await create(world, buyer, world.orders.add({ customerId: buyer.userId }).id);
    await world.provider('POST', '/v1/test/webhooks', { intent: intentOf(payment), drop: true });
    await confirm(world, payment);
    // The webhook may still be on its way: that is no difference yet.
    expect(await report(daysAgo(0))).toMatchObject(clean(before));
    await world.provider('POST', '/v1/test/webhooks', { intent: intentOf(payment), drop: false, resend: true });
    await paymentIn(world, payment.id, 'SETTLED');
    expect(await report(daysAgo(0))).toMatchObject(clean(before + 1));
  });
});

describe('asking for a day', () => {
  test('is for staff', async () => {
    expect((await ask(daysAgo(0), user())).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect((await ask(daysAgo(0), { kind: 'anonymous' })).errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
  });

  test.each(['', 'yesterday', '2026-02-30', '2026-1-1', "2026-01-01' or '1' = '1"])('says no to %j', async (day) => {
    expect((await ask(day)).errors).toMatchObject([{ code: 'BAD_USER_INPUT', message: expect.stringContaining('YYYY-MM-DD') }]); // prettier-ignore
  });

  test('that has not begun, or of which there is no report, gives nothing', async () => {
    for (const day of [daysAgo(-2), daysAgo(40), '2001-09-09'])
      expect(await ask(day)).toMatchObject({ data: { reconciliation: null }, errors: [] });
  });

  test('older than a week gives the report of then', async () => {
    const day = daysAgo(30);
    await world.rows("insert into reconciliation values (?, 'simulated', 7, 1, 0, 0, '[{}]', '2026-01-01')", [day]);
    expect((await ask(day)).data.reconciliation).toMatchObject({ matched: 7, missingHere: 1, items: [{}] });
  });

  test('while the provider does not answer says so, and shows what is fresh', async () => {
    const day = daysAgo(2);
    await report(day);
    world.providerProxy.cut();
    try {
      expect((await ask(day)).errors).toEqual([]);
      await world.rows('update reconciliation set checked_at = checked_at - interval 1 minute where day = ?', [day]);
      expect((await ask(day)).errors).toMatchObject([{ code: 'SERVICE_UNAVAILABLE' }]);
    } finally {
      world.providerProxy.mend();
    }
  });
});

test('the daily job compares the days that are due, without being asked', async () => {
  const own = await openPaymentWorld({ worker: false, env: { RECONCILIATION_HOUR: '0' } });
  try {
    await own.providerRows('insert into charge (id, intent_id, amount, currency, metadata, created_at) values (?, ?, 5, ?, ?, ?)', ['ch_1', 'pi_1', 'EUR', '{}', `${daysAgo(1)} 09:00:00`]); // prettier-ignore
    await own.subgraph.startWorker();
    const rows = await until(
      async () => {
        const found = await own.rows('select day, missing_here from reconciliation order by day desc');
        return found.length === 7 && found;
      },
      { timeoutMs: 20_000 },
    );
    expect(rows[0]).toMatchObject({ day: daysAgo(1), missing_here: 1 });
    expect(rows.slice(1).every(({ missing_here: missing }) => missing === 0)).toBe(true);
  } finally {
    await own.close();
  }
}, 60_000);

test('a provider that gives no statement does not keep the others from being reconciled', async () => {
  const { env, log } = world.runtime;
  const { entities, migrations } = paymentSchema;
  const db = await openDatabase({ url: String(env['PAYMENT_DATABASE_URL']), entities, migrations, poolSize: 1, log });
  const url = String(env['SIMULATED_PROVIDER_URL']);
  const simulated = simulatedProvider({ url, apiKey: 'sk_simulated_development', webhookSecrets: [] }, { publicUrl: url });
  // Nobody listens there.
  const away = stripeProvider({ secretKey: 'sk_test_ofOurOwn', publishableKey: undefined, webhookSecrets: [], apiBase: 'http://127.0.0.1:1' });
  try {
    const providers = new Map([['STRIPE', away], ['SIMULATED_CARD', simulated]] as const);
    await world.rows('delete from reconciliation');
    await reconcileDue({ db, log, now: () => new Date(), providers }, 0);
    expect(await world.rows('select provider, count(*) days from reconciliation group by provider')).toMatchObject([{ provider: 'simulated', days: 7 }]);
  } finally {
    await Promise.all([simulated.close(), away.close(), db.close()]);
  }
}); // prettier-ignore
