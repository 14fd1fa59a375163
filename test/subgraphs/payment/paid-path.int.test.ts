import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type Sent, sentDuring, statementsTo } from '../../support/statements.ts';
import { until } from '../../support/until.ts';
import {
  type Loose,
  type PaymentWorld,
  bytes,
  confirm,
  create,
  documents,
  openPaymentWorld,
  user,
} from './support/payment-world.ts';

let world: PaymentWorld;
let databases: { payment: string; simulated: string };
beforeAll(async () => {
  // Without background work, whose statements would be counted.
  world = await openPaymentWorld({ worker: false });
  const nameOf = async (rows: PaymentWorld['rows']): Promise<string> =>
    (await rows('select database() as name'))[0].name;
  databases = { payment: await nameOf(world.rows), simulated: await nameOf(world.providerRows) };
});
afterAll(async () => {
  await world?.close();
});

/** What the provider looks for by itself, whatever is paid. */
const sweeps = /^select (?:timestampdiff|`id`, `type`, `body`, `copies`, `attempts` from `webhook`|`id` from `intent`)/;

/** Verb and table of each statement to a schema. */
const outlineOf = (sent: readonly Sent[], database: string): string[] =>
  statementsTo(database, sent)
    .filter((text) => !sweeps.test(text))
    .map((text) => text.replaceAll('`', '').replace(/^(\w+)(?:(?<!update).*? from| into)? (\w+).*$/s, '$1 $2'));

const commits = (sent: readonly Sent[], database: string): number =>
  sent.filter((one) => one.database === database).flatMap(({ statements }) => statements.filter((text) => text === 'commit')).length; // prettier-ignore

const roundTrips = (sent: readonly Sent[], database: string): number =>
  sent.filter((one) => one.database === database && !one.statements.some((text) => sweeps.test(text))).length;

const outcomesOf = (payment: Loose): Promise<Loose[]> =>
  world.rows('select outcome, attempts, next_try_at from webhook_inbox where payment_id = ?', [bytes(payment.id)]);

describe('what is asked of the database for one payment', () => {
  const buyer = user();
  let payment: Loose;

  test('when it is started: each row is written once, and none of them is read again', async () => {
    const order = world.orders.add({ customerId: buyer.userId });
    const sent = await sentDuring(async () => {
      const input = { orderId: order.id, method: 'SIMULATED_CARD' };
      const fields = 'id state attempts { id state providerTransactionId redirectUrl clientParams }';
      const document = `mutation ($input: CreatePaymentInput!, $key: String!) { createPayment(input: $input, idempotencyKey: $key) { replayed payment { ${fields} } userErrors { __typename } } }`;
      const { data } = await world.run(buyer, document, { input, key: newId() });
      payment = data.createPayment.payment;
    });
    expect(outlineOf(sent, databases.payment)).toEqual([
      'insert idempotency',
      'insert payment',
      'insert payment_event',
      'insert attempt',
      'insert outbox',
      'update payment',
      'insert payment_event',
      'update attempt',
    ]);
    expect(outlineOf(sent, databases.simulated)).toEqual(['insert intent']);
    expect(commits(sent, databases.payment)).toBe(2);
    expect(roundTrips(sent, databases.payment)).toBe(3);
    expect(payment).toMatchObject({ state: 'OPEN', attempts: [{ state: 'REQUIRES_ACTION' }] });
    // What was answered without reading is what is stored.
    const { data } = await world.run(buyer, documents.payment, { id: payment.id });
    expect(data.payment).toMatchObject(payment);
  });

  test('when it is paid: the provider takes the money once, and its webhook is one read and one batch of writes', async () => {
    const sent = await sentDuring(async () => {
      await confirm(world, payment);
      await until(async () => (await world.providerRows('select 1 from webhook where intent_id = ? and delivered_at is not null', [payment.attempts[0].providerTransactionId])).length > 0); // prettier-ignore
    });
    expect(await outcomesOf(payment)).toEqual([{ outcome: 'APPLIED', attempts: 1, next_try_at: null }]);
    expect(outlineOf(sent, databases.payment)).toEqual([
      'select attempt',
      'insert webhook_inbox',
      'update payment',
      'insert payment_event',
      'update attempt',
      'insert outbox',
    ]);
    expect(outlineOf(sent, databases.simulated)).toEqual([
      'select intent',
      'select behaviour',
      'update intent',
      'insert charge',
      'insert webhook',
      'update webhook',
    ]);
    expect(commits(sent, databases.payment)).toBe(1);
    expect(commits(sent, databases.simulated)).toBe(1);
    expect(roundTrips(sent, databases.payment)).toBe(3);
  });
});

describe('what was foreseen and is not so', () => {
  const pay = async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    const payment = await create(world, buyer, order.id);
    return { buyer, payment, intent: payment.attempts[0].providerTransactionId as string };
  };
  const journalOf = async (payment: Loose): Promise<string[]> =>
    (await world.rows('select type from payment_event where payment_id = ? order by seq', [bytes(payment.id)])).map(
      ({ type }) => type,
    );

  test('an answer of the provider that comes when the payment has been cancelled leaves it cancelled', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    world.providerProxy.delay(500);
    const input = { orderId: order.id, method: 'SIMULATED_CARD' };
    const started = world.run(buyer, documents.create, { input, key: newId() });
    try {
      // It is stored before its provider has answered.
      await until(async () => (await world.rows('select 1 from payment where order_id = ?', [bytes(order.id)])).length > 0); // prettier-ignore
      await world.rows(
        "update payment set state = 'CANCELLED', live_order_id = null, version = version + 1 where order_id = ?",
        [bytes(order.id)],
      );
      await started;
    } finally {
      world.providerProxy.mend();
    }
    const [attempt] = await until(async () => {
      const rows = await world.rows(
        'select p.state as payment, p.version, a.state, a.next_check_at <= utc_timestamp(3) as is_due from attempt a join payment p on p.id = a.payment_id where p.order_id = ? and a.provider_intent_id is not null',
        [bytes(order.id)],
      );
      return rows.length > 0 && rows;
    });
    // Its intent is to be called off.
    expect(attempt).toEqual({ payment: 'CANCELLED', version: 3, state: 'REQUIRES_ACTION', is_due: 1 });
  });

  test('deliveries of one event at the same time apply it once, and the others wait for it', async () => {
    const { payment, intent } = await pay();
    await world.provider('POST', '/v1/test/webhooks', { intent, duplicate: 7 });
    await confirm(world, payment);
    await until(async () => (await outcomesOf(payment))[0]?.attempts === 8);
    expect((await outcomesOf(payment)).filter(({ outcome }) => outcome === 'APPLIED')).toHaveLength(1);
    expect(await journalOf(payment)).toEqual(['PaymentCreated', 'AttemptReady', 'PaymentSettled']);
  });
});

describe('a repetition of the key', () => {
  test('goes on though the order takes no payment any more, or can not be asked', async () => {
    const buyer = user();
    const order = world.orders.add({ customerId: buyer.userId });
    const key = newId();
    const first = await create(world, buyer, order.id, key);
    await confirm(world, first);
    await until(async () => (await outcomesOf(first)).length > 0);
    order.state = 'PAID';
    order.balanceDueMinor = 0;
    const again = async (input: object) =>
      (await world.run(buyer, documents.create, { input: { orderId: order.id, ...input }, key })).data.createPayment;
    expect(await again({ method: 'SIMULATED_CARD' })).toMatchObject({
      replayed: true,
      userErrors: [],
      payment: { id: first.id, state: 'SETTLED', attempts: [{ state: 'SUCCEEDED' }] },
    });
    expect(await again({ method: 'WALLET' })).toMatchObject({
      payment: null,
      userErrors: [{ code: 'IDEMPOTENCY_CONFLICT' }],
    });
  });
});
