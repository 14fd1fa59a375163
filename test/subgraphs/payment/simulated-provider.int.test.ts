import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openDatabase } from '../../../subgraphs/shared/database/database.ts';
import { createLogger } from '../../../subgraphs/shared/process/telemetry.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { simulatedSchema } from '../../../subgraphs/payment/simulated-provider/subgraph.ts';
import { type PaymentWorld, openPaymentWorld } from './support/payment-world.ts';
import { until } from '../../support/until.ts';
import { driftOf } from '../../support/schema-drift.ts';

let world: PaymentWorld;
beforeAll(async () => {
  // Without background work: the provider is looked at on its own.
  world = await openPaymentWorld({ worker: false });
});
afterAll(async () => {
  await world?.close();
});

const body = { amount: 500, currency: 'EUR', metadata: { attemptId: newId() } };
const make = (key = newId(), given: object = body) =>
  world.provider('POST', '/v1/payment_intents', given, { 'idempotency-key': key });
const card = (id: string, given: object) =>
  world.provider('POST', `/v1/payment_intents/${id}/confirm`, given, { authorization: '' });

describe('the simulated provider', () => {
  test('answers a repeated key with the same intent, and refuses other parameters', async () => {
    const key = newId();
    const answers = await Promise.all(Array.from({ length: 6 }, () => make(key)));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect((await make(key)).body).toEqual(answers[0]?.body);
    expect(await make(key, { ...body, amount: 501 })).toMatchObject({
      status: 400,
      body: { error: { code: 'idempotency_error' } },
    });
    expect((await world.provider('GET', `/v1/payment_intents?idempotency_key=${key}`)).body.data).toHaveLength(1);
    expect((await world.provider('GET', `/v1/payment_intents?idempotency_key=${newId()}`)).body.data).toEqual([]);
  });

  test('answers only its merchant, but for confirming', async () => {
    const { id } = (await make()).body;
    for (const [method, path] of [['POST', '/v1/payment_intents'], ['GET', `/v1/payment_intents/${id}`], ['POST', `/v1/payment_intents/${id}/cancel`], ['POST', '/v1/refunds'], ['GET', '/v1/journal'], ['GET', '/v1/statement'], ['POST', '/v1/test/webhooks']] as const) {
      for (const authorization of ['', 'Bearer wrong', 'sk_simulated_development']) {
        expect(await world.provider(method, path, method === 'POST' ? {} : undefined, { authorization })).toMatchObject({ status: 401, body: { error: { code: 'api_key_invalid' } } });
      }
    }
    expect((await card(id, { card: '4242424242424242' })).status).toBe(200);
  }); // prettier-ignore

  test('takes the money of an intent once, however many confirm it', async () => {
    const { id } = (await make()).body;
    const answers = await Promise.all(Array.from({ length: 8 }, () => card(id, { card: '4242424242424242' })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200,
      ...Array.from({ length: 7 }, () => 400),
    ]);
    const charges = (await world.provider('GET', '/v1/journal')).body.data.filter(
      (entry: { payment_intent: string }) => entry.payment_intent === id,
    );
    expect(charges).toMatchObject([{ type: 'charge', amount: 500, currency: 'EUR', metadata: body.metadata }]);
  });

  test('asks for one more confirmation, which needs no card', async () => {
    const { id } = (await make()).body;
    expect((await card(id, { confirm: true })).status).toBe(400);
    expect((await card(id, { card: '4000002760003184' })).body.status).toBe('requires_action');
    expect((await card(id, { confirm: true })).body.status).toBe('succeeded');
  });

  test('says no to wrong numbers without touching the intent', async () => {
    const { id } = (await make()).body;
    expect(await card(id, { card: '4242424242424241' })).toMatchObject({
      status: 402,
      body: { error: { code: 'invalid_number' } },
    });
    expect((await world.provider('GET', `/v1/payment_intents/${id}`)).body).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: null,
    });
  });

  test('says no to a client secret that is not the intent’s', async () => {
    const { id, client_secret: secret } = (await make()).body;
    expect((await card(id, { card: '4242424242424242', client_secret: 'wrong' })).status).toBe(401);
    expect((await card(id, { card: '4242424242424242', client_secret: secret })).status).toBe(200);
  });

  test('cancels once and for good, and never what was paid', async () => {
    const { id } = (await make()).body;
    const cancel = (intent: string) => world.provider('POST', `/v1/payment_intents/${intent}/cancel`, {});
    expect((await cancel(id)).body.status).toBe('canceled');
    expect((await cancel(id)).body.status).toBe('canceled');
    expect((await card(id, { card: '4242424242424242' })).body.error.code).toBe('payment_intent_unexpected_state');
    const paid = (await make()).body.id;
    await card(paid, { card: '4242424242424242' });
    expect((await cancel(paid)).status).toBe(400);
    expect((await cancel('pi_nobody')).status).toBe(404);
  });

  test('refunds once for a key and never more than came in', async () => {
    const { id } = (await make()).body;
    const refund = (amount: number, key = newId()) =>
      world.provider('POST', '/v1/refunds', { payment_intent: id, amount }, { 'idempotency-key': key });
    expect((await refund(1)).body.error.code).toBe('charge_missing');
    await card(id, { card: '4242424242424242' });
    const key = newId();
    const same = await Promise.all([refund(300, key), refund(300, key), refund(300, key)]);
    expect(new Set(same.map((answer) => answer.body.id)).size).toBe(1);
    expect((await refund(301, key)).body.error.code).toBe('idempotency_error');
    const rest = await Promise.all(Array.from({ length: 5 }, () => refund(100)));
    expect(rest.filter(({ status }) => status === 200)).toHaveLength(2);
    expect((await refund(300, key)).body.id).toBe(same[0]?.body.id);
  });

  test.each([
    ['no JSON', '{'], ['no object', '[]'], ['a fraction', { ...body, amount: 1.5 }], ['nothing', { ...body, amount: 0 }], ['a negative amount', { ...body, amount: -1 }], ['an amount beyond all bounds', { ...body, amount: 2 ** 53 }],
    ['a currency that is none', { ...body, currency: 'euro' }], ['a parameter that is not known', { ...body, capture: true }],
  ])('refuses %s with 400', async (_, given) => {
    expect((await world.provider('POST', '/v1/payment_intents', given)).status).toBe(400);
  }); // prettier-ignore

  test('refuses a body of more than 16 KiB and paths that it does not know', async () => {
    expect(
      (await world.provider('POST', '/v1/payment_intents', 'x'.repeat(16 * 1024 + 1)).catch(() => ({ status: 413 })))
        .status,
    ).toBe(413);
    expect((await world.provider('GET', '/v1/everything')).status).toBe(404);
    expect((await world.provider('GET', '/v1/payment_intents/pi_nobody')).status).toBe(404);
  });

  test('pages its journal', async () => {
    const all = (await world.provider('GET', '/v1/journal')).body.data;
    const rest = (await world.provider('GET', `/v1/journal?after=${all[0].id}`)).body.data;
    expect(rest).toEqual(all.slice(1));
  });

  test('states what moved within a period, by pages, and nothing else', async () => {
    const charges = Array.from({ length: 502 }, (_, index) => [`ch_s${index}`, `pi_s${index}`, 100, 'EUR', '{}', new Date(Date.UTC(2026, 0, 5, 0, 0, 0, index - 1))]); // prettier-ignore
    await world.providerRows('insert into charge (id, intent_id, amount, currency, metadata, created_at) values ?', [charges]); // prettier-ignore
    const period = 'from=2026-01-05T00:00:00.000Z&to=2026-01-05T00:00:00.500Z';
    const all = (await world.provider('GET', `/v1/statement?${period}`)).body;
    expect(all).toMatchObject({ has_more: false, data: { length: 500 } });
    const longer = 'from=2026-01-05T00:00:00.000Z&to=2026-01-06T00:00:00.000Z';
    const first = (await world.provider('GET', `/v1/statement?${longer}`)).body;
    expect(first).toMatchObject({ has_more: true, data: { length: 500 } });
    const rest = (await world.provider('GET', `/v1/statement?${longer}&after=${first.data.at(-1).id}`)).body;
    expect(rest).toMatchObject({ has_more: false, data: [{ id: 'ch_s501', type: 'charge', amount: 100 }] });
    for (const query of ['', 'from=yesterday&to=2026-01-06T00:00:00.000Z', 'from=2026-01-01T00:00:00.000Z&to=2026-03-01T00:00:00.000Z'])
      expect(await world.provider('GET', `/v1/statement?${query}`)).toMatchObject({ status: 400, body: { error: { code: 'parameter_invalid' } } }); // prettier-ignore
  });

  test('sends a webhook again until its merchant takes it', async () => {
    const { id } = (await make()).body;
    world.databaseProxy.cut();
    try {
      await card(id, { card: '4242424242424242' });
      await until(
        async () =>
          (await world.providerRows('select attempts, last_status from webhook where intent_id = ?', [id]))[0]
            .last_status === '503',
      );
    } finally {
      world.databaseProxy.mend();
    }
    const [webhook] = await until(async () => {
      const rows = await world.providerRows(
        'select attempts, last_status from webhook where intent_id = ? and delivered_at is not null',
        [id],
      );
      return rows.length > 0 && rows;
    });
    expect(webhook.last_status).toBe('200');
    expect(webhook.attempts).toBeGreaterThan(1);
  });
});

test('the schema of its records and of its migrations agree', async () => {
  const [row] = await world.providerRows('select database() as name');
  const url = new URL(String(process.env['TEST_MYSQL_URL']));
  url.pathname = `/${row.name}`;
  const { entities, migrations } = simulatedSchema;
  const log = createLogger('test', 'silent');
  const db = await openDatabase({ url: url.href, entities, migrations, poolSize: 1, log });
  const orm = await db.orm();
  const difference = await orm.schema.getUpdateSchemaSQL({ wrap: false });
  await orm.close();
  await db.close();
  const kernelTables = /^drop table if exists `(migration_lock|mikro_orm_migrations)`;?$/;
  expect(driftOf(difference, kernelTables)).toEqual([]);
});
