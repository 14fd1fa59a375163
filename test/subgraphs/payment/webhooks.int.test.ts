import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { purge } from '../../../subgraphs/payment/jobs.ts';
import { openDatabase } from '../../../subgraphs/shared/database/database.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
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
import { event, postEvent } from './support/webhook-events.ts';
import { until } from '../../support/until.ts';

let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld();
});
afterAll(async () => {
  await world?.close();
});

async function open() {
  const buyer = user();
  const order = world.orders.add({ customerId: buyer.userId });
  const payment = await create(world, buyer, order.id);
  return { buyer, order, payment, intent: payment.attempts[0].providerTransactionId as string };
}
const stateOf = async (id: string) => (await world.run(staff, documents.payment, { id })).data.payment.state;
const post = (body: unknown, options: { header?: string; url?: string; secret?: string } = {}) =>
  postEvent(options.url ?? world.webhookUrl, body, options);
const deliveriesOf = (eventId: string) =>
  world.rows(
    'select outcome, attempts, error, authentic_event_id from webhook_inbox where provider_event_id = ? order by id',
    [eventId],
  );

describe('a webhook', () => {
  test('that is forged pays nothing, is kept, and does not take the place of the real event', async () => {
    const { payment, intent } = await open();
    const real = event(intent, payment.attempts[0].id);
    expect(await post(real, { secret: 'whsec_of_somebody_else' })).toEqual({ status: 400, code: 'SIGNATURE_MISMATCH' });
    expect(await post(real, { header: '' })).toEqual({ status: 400, code: 'SIGNATURE_MISSING' });
    expect(await stateOf(payment.id)).toBe('OPEN');
    expect(await post(real)).toEqual({ status: 200, code: 'APPLIED' });
    expect(await stateOf(payment.id)).toBe('SETTLED');
    expect(await deliveriesOf(real.id)).toMatchObject([
      { outcome: 'REJECTED_SIGNATURE', error: 'SIGNATURE_MISMATCH', authentic_event_id: null },
      { outcome: 'REJECTED_SIGNATURE', error: 'SIGNATURE_MISSING', authentic_event_id: null },
      { outcome: 'APPLIED', authentic_event_id: real.id },
    ]);
  });

  test.each([['signature', 400], ['timestamp', 400], ['amount', 200]])('with a wrong %s pays nothing', async (kind, status) => {
    const { payment, intent } = await open();
    const { body } = await world.provider('POST', '/v1/test/webhooks', { intent, forge: kind });
    expect(body.status).toBe(status);
    expect(await stateOf(payment.id)).toBe('OPEN');
    const [delivery] = await deliveriesOf(body.event);
    expect(delivery.outcome).toBe(kind === 'amount' ? 'REJECTED_AMOUNT' : 'REJECTED_SIGNATURE');
  }); // prettier-ignore

  test.each([{ amount: 1233 }, { amount: 12_340 }, { amount: -1234 }, { currency: 'USD' }])(
    'with %o never marks a payment as paid',
    async (change) => {
      const { payment, intent } = await open();
      expect(await post(event(intent, payment.attempts[0].id, change))).toEqual({
        status: 200,
        code: 'REJECTED_AMOUNT',
      });
      expect(await stateOf(payment.id)).toBe('OPEN');
    },
  );

  test('that names the attempt of another intent is not applied', async () => {
    const [one, other] = [await open(), await open()];
    expect(await post(event(other.intent, one.payment.attempts[0].id))).toEqual({
      status: 200,
      code: 'UNKNOWN_PAYMENT',
    });
    expect([await stateOf(one.payment.id), await stateOf(other.payment.id)]).toEqual(['OPEN', 'OPEN']);
  });

  test('that comes again is counted, and nothing else', async () => {
    const { payment, intent } = await open();
    const told = event(intent, payment.attempts[0].id);
    expect(await post(told)).toEqual({ status: 200, code: 'APPLIED' });
    expect(await post(told)).toEqual({ status: 200, code: 'DUPLICATE' });
    expect(await deliveriesOf(told.id)).toMatchObject([
      { outcome: 'APPLIED', attempts: 2, authentic_event_id: told.id },
      { outcome: 'DUPLICATE', attempts: 1, authentic_event_id: null },
    ]);
    expect(await stateOf(payment.id)).toBe('SETTLED');
  });

  test('that our own fault keeps from being applied is kept as ERROR, and applied when it comes again', async () => {
    const { payment, intent } = await open();
    const told = event(intent, payment.attempts[0].id);
    await world.rows('rename table payment_event to payment_event_away');
    try {
      expect(await post(told)).toEqual({ status: 500, code: 'INTERNAL_SERVER_ERROR' });
      expect(await post(told)).toEqual({ status: 500, code: 'INTERNAL_SERVER_ERROR' });
      expect(await deliveriesOf(told.id)).toMatchObject([
        { outcome: 'ERROR', attempts: 2, error: expect.stringContaining('payment_event') },
      ]);
    } finally {
      await world.rows('rename table payment_event_away to payment_event');
    }
    expect(await post(told)).toEqual({ status: 200, code: 'APPLIED' });
    expect(await deliveriesOf(told.id)).toMatchObject([{ outcome: 'APPLIED', attempts: 3, error: null }]);
    expect(await stateOf(payment.id)).toBe('SETTLED');
  });

  test('of a failure that comes after the success is stale', async () => {
    const { payment, intent } = await open();
    await post(event(intent, payment.attempts[0].id));
    const failed = event(
      intent,
      payment.attempts[0].id,
      { status: 'requires_payment_method', last_payment_error: { code: 'card_declined', message: 'no' } },
      'payment_intent.payment_failed',
    );
    expect(await post(failed)).toEqual({ status: 200, code: 'STALE' });
    expect(
      await post(event(intent, payment.attempts[0].id, { status: 'canceled' }, 'payment_intent.canceled')),
    ).toEqual({ status: 200, code: 'STALE' });
    expect(await post(event(intent, payment.attempts[0].id))).toEqual({ status: 200, code: 'STALE' });
    expect(await stateOf(payment.id)).toBe('SETTLED');
  });

  test('that overtakes an earlier one leaves the same state', async () => {
    const { payment, intent } = await open();
    await world.provider('POST', '/v1/test/webhooks', { intent, reorder: true });
    await confirm(world, payment, '4000000000000002');
    await confirm(world, payment);
    await paymentIn(world, payment.id, 'SETTLED');
    await until(
      async () =>
        (
          await world.rows("select id from webhook_inbox where payment_id = ? and outcome = 'STALE'", [
            bytes(payment.id),
          ])
        ).length === 1,
    );
    expect(await stateOf(payment.id)).toBe('SETTLED');
  });

  test('that is lost is made up for by asking the provider', async () => {
    const { payment, intent } = await open();
    await world.provider('POST', '/v1/test/webhooks', { intent, drop: true });
    await confirm(world, payment);
    expect(await stateOf(payment.id)).toBe('OPEN');
    await world.rows('update attempt set next_check_at = utc_timestamp(3) where payment_id = ?', [bytes(payment.id)]);
    const settled = await paymentIn(world, payment.id, 'SETTLED', 15_000);
    expect(settled.events.edges.at(-1).node).toMatchObject({ type: 'PaymentSettled', source: 'poll' });
    await world.provider('POST', '/v1/test/webhooks', { intent, drop: false, resend: true });
    await until(
      async () =>
        (
          await world.rows("select id from webhook_inbox where payment_id = ? and outcome = 'STALE'", [
            bytes(payment.id),
          ])
        ).length === 1,
    );
  });

  test('that is delayed is applied when it comes', async () => {
    const { payment, intent } = await open();
    await world.provider('POST', '/v1/test/webhooks', { intent, delayMs: 400 });
    await confirm(world, payment);
    expect(await stateOf(payment.id)).toBe('OPEN');
    await paymentIn(world, payment.id, 'SETTLED');
  });

  test('of a payment that is not known is kept, and applied when that shows up', async () => {
    const { payment, intent } = await open();
    const attempt = bytes(payment.attempts[0].id);
    const elsewhere = bytes(newId());
    await world.rows('update attempt set id = ?, provider_intent_id = null where id = ?', [elsewhere, attempt]);
    const told = event(intent, payment.attempts[0].id);
    expect(await post(told)).toEqual({ status: 200, code: 'UNKNOWN_PAYMENT' });
    await world.rows('update attempt set id = ?, provider_intent_id = ? where id = ?', [attempt, intent, elsewhere]);
    await paymentIn(world, payment.id, 'SETTLED', 20_000);
    expect(await deliveriesOf(told.id)).toMatchObject([{ outcome: 'APPLIED' }]);
  }, 30_000);

  test('[PM-5] of a type that is not used is taken and left alone, and what it says is not kept', async () => {
    const id = `evt_${newId()}`;
    const told = { id, type: 'customer.created', data: { object: { name: 'Ada Lovelace' } } };
    expect(await post(told)).toEqual({ status: 200, code: 'STALE' });
    expect(await world.rows('select outcome, body, payment_id from webhook_inbox where provider_event_id = ?', [id])).toEqual([{ outcome: 'STALE', body: '', payment_id: null }]); // prettier-ignore
  });

  test.each([
    ['not JSON', '{'],
    ['no event', '{}'],
    ['an event without its object', '{"id":"evt_x","type":"payment_intent.succeeded","data":{"object":null}}'],
    ['empty', ''],
  ])('whose body is %s is refused though it is signed', async (_, body) => {
    expect(await post(body)).toEqual({ status: 400, code: 'BODY_UNREADABLE' });
  });

  test('[OB-5] of more than 64 KiB is refused, of 64 KiB is read', async () => {
    expect(await post('x'.repeat(64 * 1024 + 1))).toEqual({ status: 413, code: 'BODY_TOO_LARGE' });
    expect(await post('x'.repeat(64 * 1024))).toEqual({ status: 400, code: 'BODY_UNREADABLE' });
  });

  test('of a provider that is not known is refused', async () => {
    expect(await post({}, { url: world.webhookUrl.replace('simulated', 'nobody') })).toEqual({
      status: 404,
      code: 'UNKNOWN_PROVIDER',
    });
  });

  test('is refused with 503 while the database is away, and applied when it is back', async () => {
    const { payment, intent } = await open();
    const told = event(intent, payment.attempts[0].id);
    world.databaseProxy.cut();
    try {
      expect(await post(told)).toEqual({ status: 503, code: 'SERVICE_UNAVAILABLE' });
      expect((await confirm(world, payment)).status).toBe(200);
    } finally {
      world.databaseProxy.mend();
    }
    // The provider sends its own again by itself.
    const settled = await paymentIn(world, payment.id, 'SETTLED', 20_000);
    expect(settled.version).toBe(3);
    expect((await post(told)).code).toBe('STALE');
  }, 30_000);
});

describe('replaying', () => {
  const list = `query ($outcome: [WebhookOutcome!], $first: Int, $after: String) { webhookDeliveries(outcome: $outcome, first: $first, after: $after) { edges { node { id provider providerEventId type outcome attempts payment { id } receivedAt processedAt error } } pageInfo { hasNextPage endCursor } } }`;
  const deliveryId = async (eventId: string): Promise<string> => {
    const [row] = await world.rows('select lower(hex(id)) as id from webhook_inbox where provider_event_id = ?', [
      eventId,
    ]);
    return dashed(row.id);
  };
  const dashed = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

  test('applies what could not be applied before', async () => {
    const { payment, intent } = await open();
    const told = event(intent, payment.attempts[0].id);
    await post(told);
    await world.rows("update webhook_inbox set outcome = 'ERROR' where provider_event_id = ?", [told.id]);
    const id = await deliveryId(told.id);
    const key = newId();
    const first = await world.run(staff, documents.replay, { id, key });
    expect(first.data.replayWebhook).toMatchObject({
      replayed: false,
      userErrors: [],
      delivery: { outcome: 'STALE', attempts: 2 },
    });
    const again = await world.run(staff, documents.replay, { id, key });
    expect(again.data.replayWebhook).toMatchObject({ replayed: true, delivery: { attempts: 2 } });
  });

  test('of one that was applied changes nothing', async () => {
    const { payment, intent } = await open();
    const told = event(intent, payment.attempts[0].id);
    await post(told);
    const { data } = await world.run(staff, documents.replay, { id: await deliveryId(told.id) });
    expect(data.replayWebhook.delivery).toMatchObject({ outcome: 'APPLIED', payment: { id: payment.id } });
    expect((await world.run(staff, documents.payment, { id: payment.id })).data.payment.version).toBe(3);
  });

  test('of another amount is judged anew, and of a repetition or of a provider that is gone is refused', async () => {
    const { payment, intent } = await open();
    const told = event(intent, payment.attempts[0].id, { amount: 1233 });
    await post(told);
    await post(told);
    const [first, repetition] = await world.rows('select lower(hex(id)) as id from webhook_inbox where provider_event_id = ? order by id', [told.id]); // prettier-ignore
    const replay = async (id: string) =>
      (await world.run(staff, documents.replay, { id: dashed(id) })).data.replayWebhook;
    expect(await replay(first.id)).toMatchObject({ delivery: { outcome: 'REJECTED_AMOUNT', attempts: 3 } });
    expect(await stateOf(payment.id)).toBe('OPEN');
    // Somebody has corrected what was asked for.
    await world.rows('update payment set amount_minor = 1233 where id = ?', [bytes(payment.id)]);
    expect(await replay(first.id)).toMatchObject({ delivery: { outcome: 'APPLIED', attempts: 4 } });
    expect(await replay(first.id)).toMatchObject({ delivery: { outcome: 'APPLIED', attempts: 5 } });
    expect(await stateOf(payment.id)).toBe('SETTLED');
    expect(await replay(repetition.id)).toMatchObject({ delivery: null, userErrors: [{ code: 'VALIDATION' }] });
    await world.rows("update webhook_inbox set provider = 'gone' where provider_event_id = ?", [told.id]);
    expect(await replay(first.id)).toMatchObject({ delivery: null, userErrors: [{ code: 'VALIDATION' }] });
  });

  test('of late money keeps its outcome and gives nothing back twice', async () => {
    const { payment, intent, buyer } = await open();
    await world.run(buyer, documents.cancel, { id: payment.id, key: newId() });
    const told = event(intent, payment.attempts[0].id);
    expect((await post(told)).code).toBe('LATE_AUTO_REFUNDED');
    const { data } = await world.run(staff, documents.replay, { id: await deliveryId(told.id) });
    expect(data.replayWebhook.delivery).toMatchObject({ outcome: 'LATE_AUTO_REFUNDED', attempts: 2 });
    expect(await world.rows('select id from refund where payment_id = ?', [bytes(payment.id)])).toHaveLength(1);
  });

  test('of a forged one is refused, as of one that is none', async () => {
    const { payment, intent } = await open();
    const forged = event(intent, payment.attempts[0].id);
    await post(forged, { secret: 'whsec_of_somebody_else' });
    const { data } = await world.run(staff, documents.replay, { id: await deliveryId(forged.id) });
    expect(data.replayWebhook).toMatchObject({ delivery: null, userErrors: [{ code: 'VALIDATION' }] });
    for (const id of [newId(), 'nonsense']) {
      expect((await world.run(staff, documents.replay, { id })).data.replayWebhook).toMatchObject({
        userErrors: [{ code: 'NOT_FOUND' }],
      });
    }
    expect(await stateOf(payment.id)).toBe('OPEN');
  });

  test('and listing are for staff only', async () => {
    expect((await world.run(user(), documents.replay, { id: newId() })).data.replayWebhook.userErrors).toMatchObject([
      { code: 'FORBIDDEN' },
    ]);
    expect((await world.run(user(), list)).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect((await world.run({ kind: 'anonymous' }, list)).errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
    const { data } = await world.run(staff, list, { outcome: ['REJECTED_SIGNATURE'], first: 1 });
    expect(data.webhookDeliveries).toMatchObject({
      edges: [{ node: { outcome: 'REJECTED_SIGNATURE', provider: 'simulated' } }],
      pageInfo: { hasNextPage: true },
    });
    const next = await world.run(staff, list, {
      outcome: ['REJECTED_SIGNATURE'],
      first: 1,
      after: data.webhookDeliveries.pageInfo.endCursor,
    });
    expect(next.data.webhookDeliveries.edges[0].node.id).not.toBe(data.webhookDeliveries.edges[0].node.id);
  });
});

test('forged webhooks fill no disk: only the first sixty of a minute are kept', async () => {
  const before = (await world.rows("select count(*) as n from webhook_inbox where outcome = 'REJECTED_SIGNATURE'"))[0]
    .n;
  await Promise.all(Array.from({ length: 130 }, () => post({ id: 'evt_flood' }, { header: 't=1,v1=0' })));
  const after = (await world.rows("select count(*) as n from webhook_inbox where outcome = 'REJECTED_SIGNATURE'"))[0].n;
  // Two minutes at most, when the flood falls on their border.
  expect(Number(after) - Number(before)).toBeLessThanOrEqual(120);
});

test('[PM-5] what a provider sent is kept for as many days as is set, forgeries and repetitions for a week', async () => {
  const sent = [['APPLIED', 19], ['APPLIED', 21], ['UNKNOWN_PAYMENT', 19], ['ERROR', 21], ['REJECTED_SIGNATURE', 6], ['REJECTED_SIGNATURE', 8], ['DUPLICATE', 6], ['DUPLICATE', 8]] as const; // prettier-ignore
  for (const [outcome, days] of sent)
    await world.rows(
      "insert into webhook_inbox (id, provider, provider_event_id, type, outcome, attempts, body, received_at, tries) values (?, 'aged', ?, 'x', ?, 1, '{}', utc_timestamp(3) - interval ? day, 0)",
      [bytes(newId()), String(days), outcome, days],
    );
  const url = String(world.runtime.env['PAYMENT_DATABASE_URL']);
  const db = await openDatabase({ url, entities: [], migrations: [], poolSize: 1, log: world.runtime.log });
  try {
    await purge({ db, webhookRetentionDays: 20 });
  } finally {
    await db.close();
  }
  const left = await world.rows("select outcome, provider_event_id days from webhook_inbox where provider = 'aged'");
  expect(left.map(({ outcome, days }) => `${outcome} ${days}`).toSorted()).toEqual(['APPLIED 19', 'DUPLICATE 6', 'REJECTED_SIGNATURE 6', 'UNKNOWN_PAYMENT 19']); // prettier-ignore
});
