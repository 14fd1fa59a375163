import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import {
  type Person,
  createProduct,
  logInAsAdmin,
  newKey,
  orderIn,
  placeOrder,
  register,
  tryPlaceOrder,
} from '../support/shop.ts';
import { type TcpProxy, startTcpProxy } from './tcp-proxy.ts';
import { until } from '../support/until.ts';

describe('a database that is away', () => {
  let platform: Platform;
  let proxy: TcpProxy;
  let staff: Person;
  let buyer: Person;
  beforeAll(async () => {
    const direct = new URL(process.env['TEST_MYSQL_URL'] as string);
    proxy = await startTcpProxy({ host: direct.hostname, port: Number(direct.port) });
    const mysqlUrl = new URL(direct);
    mysqlUrl.hostname = '127.0.0.1';
    mysqlUrl.port = String(proxy.port);
    platform = await startPlatform({ shape: 'one', mysqlUrl: mysqlUrl.href });
    [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform)]);
  }, 150_000);
  afterAll(async () => {
    proxy?.mend();
    await platform?.stop();
    await proxy?.close();
  }, 60_000);

  test('makes every request a SERVICE_UNAVAILABLE without a stack trace, is told by readiness, and is forgotten when it is back', async () => {
    const product = await createProduct(platform, staff);
    const lines = [{ productId: product.id, quantity: 1 }];
    const key = newKey();
    proxy.cut();

    const placed = await tryPlaceOrder(platform, buyer, lines, { key });
    expect(placed.errors?.map(({ extensions }) => extensions.code)).toEqual(['SERVICE_UNAVAILABLE']);
    const read = await platform.gql('{ products { edges { node { name } } } }');
    expect(read.errors?.map(({ extensions }) => extensions.code)).toEqual(['SERVICE_UNAVAILABLE']);
    expect([placed.status, read.status]).toEqual([503, 503]);
    const asGet = await fetch(`${platform.url}/graphql?${new URLSearchParams({ query: '{ products { edges { node { name } } } }' }).toString()}`); // prettier-ignore
    expect([asGet.status, asGet.headers.get('retry-after')]).toEqual([503, '1']);
    await asGet.arrayBuffer();
    const webhook = await fetch(`${platform.url}/webhooks/simulated`, { method: 'POST', body: '{}' });
    expect(webhook.status).toBeLessThan(504); // refused for its signature, or for the database
    await webhook.arrayBuffer();
    // What needs no database is in the same answer: it is one.
    const partly = await platform.gql<{ __typename: string }>(`{ __typename order(id: "${product.id}") { id } }`, {}, { token: buyer.token }); // prettier-ignore
    expect({ status: partly.status, data: partly.data }).toMatchObject({ status: 200, data: { __typename: 'Query' } });
    expect(JSON.stringify([placed, read])).not.toMatch(/node_modules|\.ts:\d|stacktrace|ECONNRE/);
    const ready = await fetch(`${platform.url}/health/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ status: 'not ready', reason: expect.stringContaining('database: ') });
    expect((await fetch(`${platform.url}/health/live`)).status).toBe(200);

    proxy.mend();
    await until(async () => (await fetch(`${platform.url}/health/ready`)).ok, { what: 'readiness' });
    const again = await tryPlaceOrder(platform, buyer, lines, { key });
    const order = again.data?.placeOrder.order;
    await orderIn(platform, buyer, order?.id ?? '', ['PENDING_PAYMENT']);
    await expectCleanAudit(platform);
  }, 60_000);

  test('that stalls does not hang a request for ever', async () => {
    const product = await createProduct(platform, staff);
    proxy.stall();
    const startedAt = performance.now();
    const answer = await Promise.race([
      tryPlaceOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]),
      sleep(20_000, undefined),
    ]);
    const ready = await fetch(`${platform.url}/health/ready`);
    expect(await ready.json()).toMatchObject({ reason: expect.stringContaining('database: ') });
    const tookMs = performance.now() - startedAt;
    proxy.mend();
    expect(answer).toMatchObject({ status: 503, errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] });
    // 3 s by its limits; the machine may be busy.
    expect(tookMs).toBeLessThan(6_000);
    await until(async () => (await fetch(`${platform.url}/health/ready`)).ok, { what: 'readiness' });
    expect((await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }])).state).toBe('PENDING_PAYMENT');
  }, 60_000);
});
