import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { idToBytes, newId } from '../../../../subgraphs/shared/values/ids.ts';
import { cleanUp } from '../../../../subgraphs/user/jobs.ts';
import { saveWebhookEndpoint } from '../../../../subgraphs/user/webhooks/change-endpoints.ts';
import { eventNames, testBody } from '../../../../subgraphs/user/webhooks/catalogue.ts';
import { newDelivery } from '../../../../subgraphs/user/webhooks/webhook-events.ts';
import { until } from '../../../support/until.ts';
import type { Person } from '../support.ts';
import { type Received, type Receiver, startReceiver, status, taken } from './receiver.ts';
import {
  type WebhookWorld,
  type Worker,
  endpointFields,
  openWebhookWorld,
  orderEvent,
  placedEvent,
  refundedEvent,
} from './webhook-world.ts';

const dayMs = 86_400_000;

let world: WebhookWorld;
let receiver: Receiver;
let admin: Person;
let worker: Worker;
beforeAll(async () => {
  world = await openWebhookWorld();
  receiver = await startReceiver();
  admin = await world.person('ADMIN');
  worker = world.work();
});
/** Endpoints of one test hear nothing of the next. */
afterEach(async () => {
  await world.platform.sql('delete from webhook_endpoint');
  receiver.answer = taken;
  receiver.received.length = 0;
  world.aheadMs = 0;
});
afterAll(async () => {
  await worker.stop();
  await world.close();
  await receiver.close();
});

const save = (given: Record<string, unknown> = {}, by = admin) =>
  world.mutate('saveWebhookEndpoint', { url: receiver.url, events: ['order.completed'], ...given }, by);
async function made(given: Record<string, unknown> = {}, by = admin): Promise<{ id: string; secret: string }> {
  const { webhookEndpoint, secret, userErrors } = await save(given, by);
  expect(userErrors).toEqual([]);
  return { id: webhookEndpoint.id, secret };
}
const list = async (by: Person | null = admin, fields = endpointFields) =>
  world.platform.run(`{ webhookEndpoints { ${fields} } }`, {}, by ? { viewer: by.viewer } : {});
const endpoint = async (id: string, by = admin) =>
  (await list(by)).data.webhookEndpoints.find((one: { id: string }) => one.id === id);
const deliveries = async (id: string, by = admin) =>
  (await endpoint(id, by)).deliveries.edges.map(({ node }: { node: unknown }) => node);
const messages = (count: number) => until(() => receiver.received.length >= count && receiver.received, { what: `${count} messages` }); // prettier-ignore
const dataOf = ({ body }: Received) => JSON.parse(body).data;
const settled = (id: string, state: string) =>
  until(async () => (await deliveries(id)).every((one: { state: string }) => one.state === state), { what: state });
const codes = ({ userErrors }: { userErrors: { code: string; path: string[] }[] }) => userErrors.map(({ code, path }) => [code, ...(path ?? [])].join(' ')); // prettier-ignore

describe('[PM-3] an endpoint', () => {
  it('hears of an order, in messages that the library verifies with the secret that was shown once', async () => {
    const events = [...eventNames];
    const idempotencyKey = newId();
    const first = await save({ events, description: ' ERP ', idempotencyKey });
    const { id, secretHint } = first.webhookEndpoint;
    expect(first).toMatchObject({
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
      replayed: false,
      webhookEndpoint: { url: receiver.url, events, description: 'ERP', active: true, disabledReason: null },
    });
    expect(first.secret.endsWith(secretHint)).toBe(true);
    const again = await save({ events, description: ' ERP ', idempotencyKey });
    expect(again).toMatchObject({ secret: null, replayed: true, webhookEndpoint: { id } });

    const orderId = newId();
    expect(await world.handle(orderEvent(orderId, 5), refundedEvent(orderId))).toEqual([true, true]);
    const { data } = await world.platform.run('{ webhookEvents { name schema } }');
    expect(data.webhookEvents.map(({ name }: { name: string }) => name)).toEqual(events);
    for (const { body, headers } of await messages(2)) {
      const verified = new Webhook(first.secret).verify(body, headers as Record<string, string>) as { type: string };
      const { schema } = data.webhookEvents.find(({ name }: { name: string }) => name === verified.type);
      expect(z.fromJSONSchema(schema).safeParse(verified).error?.issues ?? []).toEqual([]);
    }
    await settled(id, 'SENT');
    const shown = await deliveries(id);
    expect(shown.map(({ event }: { event: string }) => event)).toEqual(['payment.refunded', 'order.completed']);
    for (const one of shown) expect(one).toMatchObject({ attempts: 1, statusCode: 204, lastError: null, nextTryAt: null, responseMs: expect.any(Number) }); // prettier-ignore
    const kept = await world.platform.sql('select secret from webhook_endpoint');
    expect(JSON.stringify(kept)).not.toContain(first.secret.slice(6, 20));
    expect(await world.registry.metrics()).toContain('webhook_attempts_total{outcome="SENT"}');
  });

  it('has a message for each event once, however often the event comes', async () => {
    const [one, two] = [await made(), await made()];
    const event = orderEvent(newId(), 1);
    expect(await world.handle(event, event)).toEqual([true, false]);
    await Promise.all([settled(one.id, 'SENT'), settled(two.id, 'SENT')]);
    expect([await deliveries(one.id), await deliveries(two.id)]).toMatchObject([[{ attempts: 1 }], [{ attempts: 1 }]]);
  });

  it('hears what it asked for, and nothing while it is inactive', async () => {
    const { id } = await made({ events: ['order.cancelled'], active: false });
    const cancelled = () => orderEvent(newId(), 3, 'order.closed', { state: 'CANCELLED', reason: 'CUSTOMER' });
    await world.handle(cancelled());
    await save({ id, events: ['order.cancelled'] });
    await world.handle(orderEvent(newId(), 3, 'order.closed', { state: 'EXPIRED', reason: 'PAYMENT_TIMEOUT' }), cancelled());
    const [message] = await messages(1);
    expect(JSON.parse(message!.body)).toMatchObject({ type: 'order.cancelled', data: { reason: 'CUSTOMER' } });
    expect(await deliveries(id)).toHaveLength(1);
  }); // prettier-ignore

  it('gets a new secret, and for a day messages are signed with the one before, too', async () => {
    const { id, secret } = await made();
    const { secret: next } = await world.mutate('rotateWebhookSecret', { id }, admin);
    const signedWith = ({ body, headers }: Received) =>
      [secret, next].filter((key) => {
        try {
          return new Webhook(key).verify(body, headers as Record<string, string>);
        } catch {
          return false;
        }
      });
    await world.handle(orderEvent(newId(), 1));
    expect(signedWith((await messages(1))[0]!)).toEqual([secret, next]);
    await world.platform.sql('update webhook_endpoint set previous_until = utc_timestamp(3) where previous_until is not null');
    await world.handle(orderEvent(newId(), 1));
    expect(signedWith((await messages(2))[1]!)).toEqual([next]);
    expect(next.endsWith((await endpoint(id)).secretHint)).toBe(true);
  }); // prettier-ignore

  it('is tested and told again on demand, under the same webhook-id', async () => {
    const { id } = await made();
    const { delivery } = await world.mutate('sendTestWebhook', { id }, admin);
    expect(delivery).toMatchObject({
      event: 'webhook.test',
      payload: { type: 'webhook.test', data: { endpointId: id } },
    });
    await messages(1);
    await settled(id, 'SENT');
    const again = await world.mutate('redeliverWebhook', { deliveryId: delivery.id }, admin);
    expect(again).toMatchObject({ userErrors: [], delivery: { id: delivery.id }, webhookEndpoint: { id } });
    expect((await messages(2)).map((message) => message.id)).toEqual([delivery.id, delivery.id]);
    await settled(id, 'SENT');
    expect(await deliveries(id)).toMatchObject([{ attempts: 2 }]);
    await save({ id, active: false });
    expect(codes(await world.mutate('sendTestWebhook', { id }, admin))).toEqual(['VALIDATION id']);
    expect(codes(await world.mutate('redeliverWebhook', { deliveryId: delivery.id }, admin))).toEqual(['VALIDATION deliveryId']); // prettier-ignore
  });

  it('is removed with what waits for it', async () => {
    const { id } = await made({ url: 'http://127.0.0.1:1/hooks/s3cret?for=ada' });
    await world.handle(orderEvent(newId(), 1));
    expect(await world.mutate('removeWebhookEndpoint', { id }, admin)).toMatchObject({ webhookEndpoint: null, userErrors: [] });
    expect((await list()).data.webhookEndpoints).toEqual([]);
    expect(codes(await world.mutate('removeWebhookEndpoint', { id }, admin))).toEqual(['NOT_FOUND id']);
    const log = await world.platform.run('{ auditLog(first: 2) { edges { node { action subject before after actor { id } } } } }', {}, { viewer: admin.viewer });
    expect(log.data.auditLog.edges.map(({ node }: { node: unknown }) => node)).toMatchObject([
      { action: 'webhook_endpoint.removed', subject: `webhook_endpoint:${id}`, before: { origin: 'http://127.0.0.1:1', events: ['order.completed'], active: true }, actor: { id: admin.id } },
      { action: 'webhook_endpoint.saved', subject: `webhook_endpoint:${id}`, after: { active: true } },
    ]);
  }); // prettier-ignore

  it('refuses what can not be an endpoint', async () => {
    const refusedFor = async (given: Record<string, unknown>) => codes(await save(given));
    expect(await refusedFor({ url: 'ftp://files.example/' })).toEqual(['VALIDATION url']);
    expect(await refusedFor({ events: [] })).toEqual(['VALIDATION events']);
    expect(await refusedFor({ events: ['order.completed', 'order.eaten'] })).toEqual(['VALIDATION events 1']);
    expect(await refusedFor({ description: 'x'.repeat(257) })).toEqual(['VALIDATION description']);
    expect(await refusedFor({ id: newId() })).toEqual(['NOT_FOUND id']);
    expect(await refusedFor({ id: 'none' })).toEqual(['NOT_FOUND id']);
    const strict = { ...world.deps.webhooks, addresses: { allowPrivate: false, allowHttp: false } };
    for (const url of [receiver.url, 'https://169.254.169.254/', 'https://localhost/']) {
      const asker = { viewer: admin.viewer, traceId: '0'.repeat(32) };
      const input = { url, events: ['order.completed'] };
      const { userErrors } = await saveWebhookEndpoint({ ...world.deps, webhooks: strict }, asker, input, newId());
      expect(userErrors).toMatchObject([{ code: 'VALIDATION', path: ['url'] }]);
    }
    for (let count = 0; count < 20; count += 1) await made();
    expect(await refusedFor({})).toEqual(['VALIDATION url']);
  });
});

describe('[PM-3] who has endpoints', () => {
  it('administrators for the platform, merchants for themselves, and nobody else', async () => {
    const [merchant, other, operator, customer] = [await world.person('MERCHANT'), await world.person('MERCHANT'), await world.person('OPERATOR'), await world.person()]; // prettier-ignore
    const own = await made({}, merchant);
    const platforms = await made();
    await world.mutate('sendTestWebhook', { id: own.id }, merchant);
    const deliveryId = (await deliveries(own.id, merchant))[0].id;
    const idsOf = async (by: Person) =>
      (await list(by, 'id')).data.webhookEndpoints.map(({ id }: { id: string }) => id);
    expect([await idsOf(merchant), await idsOf(other), await idsOf(admin)]).toEqual([[own.id], [], [platforms.id]]);
    for (const by of [other, admin]) {
      expect(codes(await save({ id: own.id }, by))).toEqual(['NOT_FOUND id']);
      for (const name of ['rotateWebhookSecret', 'removeWebhookEndpoint', 'sendTestWebhook'])
        expect(codes(await world.mutate(name, { id: own.id }, by))).toEqual(['NOT_FOUND id']);
      expect(codes(await world.mutate('redeliverWebhook', { deliveryId }, by))).toEqual(['NOT_FOUND deliveryId']);
    }
    for (const by of [operator, customer]) {
      expect(codes(await save({}, by))).toEqual(['FORBIDDEN']);
      expect((await list(by, 'id')).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    }
    expect((await list(null, 'id')).errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
    await expect(world.mutate('removeWebhookEndpoint', { id: own.id }, null)).rejects.toThrow('UNAUTHENTICATED');
    // A token may be some seconds older than the end of a role.
    await world.platform.sql("update user_account set roles = 'CUSTOMER', highest_role = 'CUSTOMER' where id = unhex(?)", [merchant.id.replaceAll('-', '')]); // prettier-ignore
    expect(codes(await save({}, merchant))).toEqual(['FORBIDDEN']);
  });

  it('a merchant hears of orders that are all the merchant’s, while the account can be used', async () => {
    const [merchant, other] = [await world.person('MERCHANT'), await world.person('MERCHANT')];
    expect(codes(await save({ events: ['payment.refunded'] }, merchant))).toEqual(['VALIDATION events 0']);
    const { id } = await made({ events: ['order.placed', 'order.completed'] }, merchant);
    const [ownId, othersId, mixedId] = [newId(), newId(), newId()];
    await world.handle(placedEvent(ownId, merchant.id), placedEvent(othersId, other.id), placedEvent(mixedId, null));
    await world.handle(...[othersId, mixedId, ownId].map((orderId) => orderEvent(orderId, 3)));
    await messages(2);
    const heard = async () => (await deliveries(id, merchant)).map(({ payload }: { payload: { data: { orderId: string; seq: number } } }) => [payload.data.orderId, payload.data.seq]); // prettier-ignore
    expect(await heard()).toEqual([[ownId, 3], [ownId, 2]]); // prettier-ignore
    await world.platform.sql("update user_account set status = 'SUSPENDED' where id = unhex(?)", [merchant.id.replaceAll('-', '')]); // prettier-ignore
    await world.handle(orderEvent(ownId, 4));
    expect(await heard()).toHaveLength(2);
  });
});

describe('[PM-3] a receiver that fails', () => {
  const states = async (id: string) => (await deliveries(id)).map(({ state }: { state: string }) => state);

  it('gets the events of one order one after the other, and those of other orders meanwhile', async () => {
    const { id } = await made();
    const [slow, swift] = [newId(), newId()];
    let failures = 3;
    receiver.answer = (message, response) => {
      const isBad = dataOf(message).orderId === slow && dataOf(message).seq === 1 && (failures -= 1) >= 0;
      (isBad ? status(500) : taken)(message, response);
    };
    await world.handle(orderEvent(slow, 1), orderEvent(slow, 2), orderEvent(slow, 3), orderEvent(swift, 1));
    await settled(id, 'SENT');
    const heard = receiver.received.filter((message) => dataOf(message).orderId === slow).map((message) => dataOf(message).seq);
    expect(heard).toEqual([1, 1, 1, 1, 2, 3]);
    expect(new Set(receiver.received.filter((message) => dataOf(message).seq === 1).map((message) => message.id)).size).toBe(2);
    expect(receiver.received.findIndex((message) => dataOf(message).orderId === swift)).toBeLessThan(4);
    expect(await world.platform.sql('select failures, failing_since, paused_until from webhook_endpoint')).toEqual([{ failures: 0, failing_since: null, paused_until: null }]);
  }); // prettier-ignore

  it('is tried for three days, then the delivery is dead, the next one goes out, and it can be sent again', async () => {
    receiver.answer = (message, response) => (dataOf(message).seq === 1 ? status(400) : taken)(message, response);
    const { id } = await made();
    const orderId = newId();
    await world.handle(orderEvent(orderId, 1), orderEvent(orderId, 2));
    await until(async () => (await states(id)).includes('FAILED'));
    const failed = (await deliveries(id)).at(-1);
    expect(failed).toMatchObject({ state: 'FAILED', statusCode: 400, lastError: 'It answered 400: status 400' });
    expect(receiver.received.every((message) => dataOf(message).seq === 1)).toBe(true);
    // The endpoint itself has not failed for so long: it was told something else.
    await world.platform.sql('update outgoing_delivery set give_up_at = utc_timestamp(3) where id = unhex(?)', [failed.id.replaceAll('-', '')]);
    await until(async () => (await states(id)).join() === 'SENT,DEAD');
    receiver.answer = taken;
    await world.mutate('redeliverWebhook', { deliveryId: failed.id }, admin);
    await settled(id, 'SENT');
    expect((await endpoint(id)).active).toBe(true);
  }); // prettier-ignore

  it('keeps the order of an order beyond the three days of its first message, and tries the next one for as long', async () => {
    await worker.stop();
    worker = world.work({ firstRetryMs: 20, maxRetryMs: 20, firstPauseMs: 1, maxPauseMs: 1, leaseMs: 8_000, timeoutMs: 5_000 }); // prettier-ignore
    const refused = new Map([[1, Infinity], [2, 1]]); // prettier-ignore
    receiver.answer = (message, response) => {
      const { seq } = dataOf(message);
      const left = refused.get(seq) ?? 0;
      refused.set(seq, left - 1);
      (left > 0 ? status(400) : taken)(message, response);
    };
    const { id } = await made();
    const orderId = newId();
    await world.handle(orderEvent(orderId, 1), orderEvent(orderId, 2), orderEvent(orderId, 3));
    await until(async () => (await states(id)).includes('FAILED'));
    // The endpoint takes other things meanwhile.
    const later = 3 * dayMs + 60_000;
    await world.platform.sql('update webhook_endpoint set failing_since = ?', [new Date(Date.now() + later)]);
    world.aheadMs = later;
    await until(async () => (await states(id)).join() === 'SENT,SENT,DEAD', { timeoutMs: 20_000, what: 'the end' });
    const heard = receiver.received.map((message) => dataOf(message).seq);
    expect(heard.slice(heard.lastIndexOf(1) + 1)).toEqual([2, 2, 3]);
    const [last] = await world.platform.sql('select timestampdiff(hour, created_at, give_up_at) hours from outgoing_delivery where endpoint_id = unhex(?) order by place desc limit 1', [id.replaceAll('-', '')]); // prettier-ignore
    expect(Number(last?.['hours'])).toBeGreaterThan(140);
    await worker.stop();
    worker = world.work();
  });

  it('gets what waits once more by hand, which lets nothing else past its order', async () => {
    receiver.answer = (message, response) => (dataOf(message).seq === 2 ? status(503) : taken)(message, response);
    const { id } = await made();
    const orderId = newId();
    await world.handle(orderEvent(orderId, 1));
    await settled(id, 'SENT');
    const [first] = await deliveries(id);
    await world.handle(orderEvent(orderId, 2), orderEvent(orderId, 3));
    await until(async () => (await states(id)).includes('FAILED'));
    await world.mutate('redeliverWebhook', { deliveryId: first.id }, admin);
    const ofFirst = () => receiver.received.filter((message) => dataOf(message).seq === 1);
    await until(() => ofFirst().length === 2, { what: 'it again' });
    await until(async () => (await states(id)).join() === 'PENDING,FAILED,SENT');
    receiver.answer = taken;
    await settled(id, 'SENT');
    const heard = receiver.received.map((message) => dataOf(message).seq);
    expect(heard.lastIndexOf(2)).toBeLessThan(heard.indexOf(3));
  });

  it('gets what is sent by hand before its turn, and what is behind it, or new, in its turn all the same', async () => {
    receiver.answer = (message, response) => (dataOf(message).seq === 1 ? status(503) : taken)(message, response);
    const { id } = await made();
    const orderId = newId();
    await world.handle(orderEvent(orderId, 1), orderEvent(orderId, 2), orderEvent(orderId, 3));
    await until(async () => (await states(id)).includes('FAILED'));
    const [, second] = await deliveries(id);
    await world.mutate('redeliverWebhook', { deliveryId: second.id }, admin);
    await until(async () => (await states(id)).join() === 'PENDING,SENT,FAILED', { what: 'the second one' });
    await world.handle(orderEvent(orderId, 4));
    await until(() => receiver.received.filter((message) => dataOf(message).seq === 1).length > 4, {
      what: 'more tries',
    });
    expect((await states(id)).join()).toBe('PENDING,PENDING,SENT,FAILED');
    receiver.answer = taken;
    await settled(id, 'SENT');
    const heard = receiver.received.map((message) => dataOf(message).seq);
    expect(heard.filter((seq) => seq !== 1)).toEqual([2, 3, 4]);
    expect(heard.lastIndexOf(1)).toBeLessThan(heard.indexOf(3));
  });

  it('that refuses one kind of message takes the others at once', async () => {
    receiver.answer = (message, response) => (JSON.parse(message.body).type === 'order.cancelled' ? status(422) : taken)(message, response); // prettier-ignore
    const { id } = await made({ events: ['order.completed', 'order.cancelled'] });
    const cancelled = () => orderEvent(newId(), 3, 'order.closed', { state: 'CANCELLED', reason: 'CUSTOMER' });
    await world.handle(...Array.from({ length: 12 }, cancelled));
    await until(() => receiver.received.length >= 12);
    expect(await world.platform.sql('select failures, paused_until from webhook_endpoint')).toEqual([{ failures: 0, paused_until: null }]); // prettier-ignore
    // Since then it has taken nothing: in an hour it would be switched off.
    await world.platform.sql('update webhook_endpoint set failing_since = utc_timestamp(3) - interval 71 hour');
    await world.handle(orderEvent(newId(), 1));
    await until(async () => (await states(id)).includes('SENT'));
    const [{ hours } = {}] = await world.platform.sql('select timestampdiff(hour, failing_since, utc_timestamp(3)) hours from webhook_endpoint'); // prettier-ignore
    expect(Number(hours ?? 0)).toBe(0);
    receiver.answer = status(404);
    await until(async () => (await world.platform.sql('select 1 from webhook_endpoint where failing_since is not null')).length > 0, { what: 'a refusal since then' }); // prettier-ignore
    world.aheadMs = 3 * dayMs;
    await until(async () => !(await endpoint(id)).active, { what: 'the end of an endpoint that refuses all' });
  });

  it('that is slow with one order hears of others meanwhile', async () => {
    const slow = newId();
    let answer = (): void => undefined;
    receiver.answer = (message, response) => {
      if (dataOf(message).orderId === slow) answer = () => taken(message, response);
      else taken(message, response);
    };
    const { id } = await made();
    await world.handle(orderEvent(slow, 1));
    await messages(1);
    await world.handle(orderEvent(newId(), 1));
    await until(async () => (await states(id)).join() === 'SENT,PENDING');
    answer();
    await settled(id, 'SENT');
  });

  it('that answers late at an earlier URL is neither paused nor switched off at the new one', async () => {
    const former = await startReceiver();
    let answer = (): void => undefined;
    former.answer = (message, response) => (answer = () => status(410)(message, response));
    const { id } = await made({ url: former.url });
    await world.handle(orderEvent(newId(), 1));
    await until(() => former.received.length === 1);
    await save({ id });
    answer();
    await settled(id, 'SENT');
    expect(receiver.received).toHaveLength(1);
    expect(await endpoint(id)).toMatchObject({ active: true, disabledReason: null });
    expect(await world.platform.sql('select failures, failing_since, paused_until from webhook_endpoint')).toEqual([{ failures: 0, failing_since: null, paused_until: null }]); // prettier-ignore
    await former.close();
  });

  it('[PM-5] is not told the number of a parcel of somebody who was erased', async () => {
    await made({ events: ['order.shipped'] });
    const [ada, erased] = [await world.person('CUSTOMER'), await world.person('CUSTOMER')];
    await world.platform.sql("update user_account set status = 'ERASED' where id = ?", [idToBytes(erased.id)]);
    for (const { id: customerId } of [ada, erased])
      await world.handle(orderEvent(newId(), 1, 'order.shipped', { customerId, fulfilmentId: newId(), carrier: 'DHL', trackingNumber: 'T-1' })); // prettier-ignore
    const told = new Map((await messages(2)).map((one) => [dataOf(one).customerId, dataOf(one).trackingNumber]));
    expect(told).toEqual(new Map([[ada.id, 'T-1'], [erased.id, null]])); // prettier-ignore
  });

  it('has what waited for as long as a new message once it, or its merchant, is there again', async () => {
    receiver.answer = status(500);
    const merchant = await world.person('MERCHANT');
    const { id } = await made({ events: ['order.placed'] }, merchant);
    await world.handle(placedEvent(newId(), merchant.id));
    await until(async () => (await deliveries(id, merchant))[0].state === 'FAILED');
    const left = async () => Number((await world.platform.sql('select timestampdiff(hour, utc_timestamp(3), give_up_at) left_hours from outgoing_delivery where endpoint_id = unhex(?)', [id.replaceAll('-', '')]))[0]?.['left_hours']);
    const lapse = () => world.platform.sql('update outgoing_delivery set give_up_at = utc_timestamp(3) + interval 1 hour');
    const run = async (mutation: string) => {
      const { data } = await world.platform.run(`mutation ($id: ID!, $key: String!) { ${mutation} { userErrors { __typename } } }`, { id: merchant.id, key: newId() }, { viewer: admin.viewer });
      expect(Object.values(data)).toEqual([{ userErrors: [] }]);
    };
    await lapse();
    expect(await left()).toBeLessThan(2);
    await run('suspendUser(userId: $id, reason: "Checks.", idempotencyKey: $key)');
    await run('reinstateUser(userId: $id, idempotencyKey: $key)');
    expect(await left()).toBeGreaterThan(70);
    await lapse();
    await run('setRoles(userId: $id, roles: [CUSTOMER], idempotencyKey: $key)');
    await run('setRoles(userId: $id, roles: [CUSTOMER, MERCHANT], idempotencyKey: $key)');
    expect(await left()).toBeGreaterThan(70);
    await lapse();
    await save({ id, events: ['order.placed'], active: false }, merchant);
    expect(await left()).toBeLessThan(2);
    await save({ id, events: ['order.placed'] }, merchant);
    expect(await left()).toBeGreaterThan(70);
  }); // prettier-ignore

  it('is disabled after three days without a success, with the reason and an entry in the audit log', async () => {
    receiver.answer = status(500);
    const { id } = await made();
    await world.handle(orderEvent(newId(), 1));
    await until(async () => (await states(id)).includes('FAILED'));
    world.aheadMs = 3 * dayMs + 1_000;
    await until(async () => !(await endpoint(id)).active);
    const { disabledReason } = await endpoint(id);
    expect(disabledReason).toMatch(/^Nothing was delivered since \d{4}-.*Z\. It answered 500/);
    const log = await world.platform.run('{ auditLog(first: 1) { edges { node { action subject after actor { id } } } } }', {}, { viewer: admin.viewer });
    expect(log.data.auditLog.edges[0].node).toEqual({
      action: 'webhook_endpoint.disabled', subject: `webhook_endpoint:${id}`, actor: null, after: { origin: new URL(receiver.url).origin, reason: disabledReason },
    });
    const sent = receiver.received.length;
    await world.handle(orderEvent(newId(), 1));
    expect(await states(id)).toHaveLength(1);
    receiver.answer = taken;
    await save({ id });
    expect(await endpoint(id)).toMatchObject({ active: true, disabledReason: null });
    await world.handle(orderEvent(newId(), 1));
    await messages(sent + 1);
    expect(await world.registry.metrics()).toMatch(/webhook_endpoints_disabled_total [1-9]/);
  }); // prettier-ignore

  it('is disabled at once when it answers 410', async () => {
    receiver.answer = status(410);
    const { id } = await made();
    await world.handle(orderEvent(newId(), 1));
    await until(async () => !(await endpoint(id)).active);
    expect(await endpoint(id)).toMatchObject({ disabledReason: 'It answered 410: it wants to hear nothing more.' });
    expect(await states(id)).toEqual(['DEAD']);
  });

  it('[LL-10] tells its owner in the app and by mail that it was switched off', async () => {
    const [merchant, other] = [await world.person('MERCHANT'), await world.person('ADMIN')];
    for (const { mobile } of [merchant, other])
      await world.platform.sql('update user_account set email = ?, verified_email = ? where mobile = ?', [`${mobile}@mail.example`, `${mobile}@mail.example`, mobile]); // prettier-ignore
    const toldOf = async ({ viewer }: Person) =>
      (await world.platform.run('{ me { notifications { edges { node { kind title body deliveries { channel } } } } } }', {}, { viewer })).data.me.notifications.edges.map(({ node }: { node: unknown }) => node); // prettier-ignore
    receiver.answer = status(410);
    const { id } = await made({ events: ['order.placed'] }, merchant);
    await world.handle(placedEvent(newId(), merchant.id));
    await until(async () => !(await endpoint(id, merchant)).active);
    const { origin } = new URL(receiver.url);
    const told = {
      kind: 'WEBHOOK_DISABLED',
      title: `Your webhook endpoint at ${origin} was switched off`,
      body: expect.stringContaining('wants to hear nothing more'),
      deliveries: [{ channel: 'IN_APP' }, { channel: 'EMAIL' }],
    };
    expect([await toldOf(merchant), await toldOf(other)]).toEqual([[told], []]);
    const platforms = await made();
    await world.handle(orderEvent(newId(), 1));
    await until(async () => !(await endpoint(platforms.id)).active);
    expect([await toldOf(merchant), await toldOf(other)]).toEqual([[told], [told]]);
  });

  it('rests longer from failure to failure, and is asked with one delivery then', async () => {
    await worker.stop();
    receiver.answer = status(500);
    await made();
    await world.handle(...Array.from({ length: 30 }, () => orderEvent(newId(), 1)));
    worker = world.work({ firstPauseMs: 200, maxPauseMs: 200 });
    await messages(10);
    // The first burst, and then one by one.
    await until(() => receiver.received.length >= 12);
    expect(receiver.received.length).toBeLessThan(14);
    await worker.stop();
    worker = world.work();
  });
});

it('[PM-3] deliveries are kept for 30 days', async () => {
  const { id } = await made();
  await world.handle(orderEvent(newId(), 1), placedEvent(newId(), newId()));
  await settled(id, 'SENT');
  const rows = async () => (await world.platform.sql('select (select count(*) from outgoing_delivery) deliveries, (select count(*) from order_seller) sellers'))[0]; // prettier-ignore
  const before = await rows();
  await cleanUp({ ...world.deps, now: () => new Date(Date.now() + 29 * dayMs) });
  expect(await rows()).toEqual(before);
  await cleanUp({ ...world.deps, now: () => new Date(Date.now() + 35 * dayMs) });
  expect(await rows()).toMatchObject({ deliveries: 0, sellers: before!['sellers'] });
  await cleanUp({ ...world.deps, now: () => new Date(Date.now() + 405 * dayMs) });
  expect(await rows()).toMatchObject({ sellers: 0 });
});

it('[PM-5] deliveries and notifications are kept for as many days as is set', async () => {
  const { id } = await made();
  await world.handle(orderEvent(newId(), 1));
  await settled(id, 'SENT');
  await world.platform.sql("insert into notification (id, user_id, seq, kind, event_id, facts, in_app, created_at) values (?, ?, 1, 'ORDER_PAID', ?, '{}', true, utc_timestamp(3))", [idToBytes(newId()), idToBytes(admin.id), idToBytes(newId())]); // prettier-ignore
  const kept = async () => (await world.platform.sql('select (select count(*) from outgoing_delivery) deliveries, (select count(*) from notification where user_id = ?) notifications', [idToBytes(admin.id)]))[0]; // prettier-ignore
  const cleanUpAfter = (days: number) =>
    cleanUp({
      ...world.deps,
      config: { ...world.deps.config, retention: { webhookDays: 10, notificationDays: 40 } },
      now: () => new Date(Date.now() + days * dayMs),
    });
  await cleanUpAfter(9);
  expect(await kept()).toEqual({ deliveries: 1, notifications: 1 });
  await cleanUpAfter(11);
  expect(await kept()).toEqual({ deliveries: 0, notifications: 1 });
  await cleanUpAfter(41);
  expect(await kept()).toEqual({ deliveries: 0, notifications: 0 });
});

it('[PM-5] one that waits is due by itself once the one before it is forgotten', async () => {
  const deps = {
    ...world.deps,
    config: { ...world.deps.config, retention: { webhookDays: 10, notificationDays: 40 } },
  };
  const [at, waitsFor] = [new Date(), new Date(Date.now() - dayMs)];
  const about = { endpointId: newId(), eventId: newId(), subjectId: newId(), customerId: null, body: testBody(newId(), at), at }; // prettier-ignore
  const { nextTryAt } = newDelivery(deps, { ...about, last: { place: 1, waitsFor } });
  expect((nextTryAt?.getTime() ?? 0) - waitsFor.getTime()).toBe(11 * dayMs);
});

it('[PM-3] a list of deliveries is read page by page, by state', async () => {
  receiver.answer = (message, response) => (dataOf(message).seq === 1 ? status(410) : taken)(message, response);
  const { id } = await made({ active: true });
  const orders = [newId(), newId(), newId()];
  await world.handle(...orders.map((orderId) => orderEvent(orderId, 2)));
  await settled(id, 'SENT');
  const page = async (given: string) => (await list(admin, `deliveries(${given}) { edges { cursor node { payload } } pageInfo { hasNextPage endCursor } }`)).data.webhookEndpoints[0].deliveries; // prettier-ignore
  const first = await page('first: 2');
  expect(first.edges.map(({ node }: { node: { payload: { data: { orderId: string } } } }) => node.payload.data.orderId)).toEqual(orders.toReversed().slice(0, 2)); // prettier-ignore
  expect((await page(`first: 2, after: "${first.pageInfo.endCursor}"`)).edges).toHaveLength(1);
  expect((await page('state: SENT')).edges).toHaveLength(3);
  expect((await page('state: DEAD')).edges).toEqual([]);
  const foreign = await list(
    admin,
    `deliveries(state: DEAD, after: "${first.pageInfo.endCursor}") { edges { cursor } }`,
  );
  expect(foreign.errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
});
