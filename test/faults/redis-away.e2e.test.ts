import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Platform, type Shape, startPlatform } from '../support/platform.ts';
import {
  type Person,
  createProduct,
  logInAsAdmin,
  newKey,
  operation,
  orderIn,
  pay,
  register,
  tryPlaceOrder,
} from '../support/shop.ts';
import { type TestServers, startTestServers } from '../support/test-servers.ts';
import { until } from '../support/until.ts';
import { type TcpProxy, startTcpProxy } from './tcp-proxy.ts';

const backWithinMs = 5_000;
/** Without asking Redis. */
const grantsAreRememberedMs = 6_000;

/** The processes of a platform that run, itself and its children. */
function processesOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return [pid, ...children];
}

describe.each<Shape>(['one', 'split'])('Redis away from the platform in the shape "%s"', (shape) => {
  let servers: TestServers;
  let proxy: TcpProxy;
  let platform: Platform;
  let buyer: Person;
  let productId: string;
  beforeAll(async () => {
    servers = await startTestServers({ mysqlUrl: String(process.env['TEST_MYSQL_URL']) });
    const redis = new URL(servers.redisUrl);
    proxy = await startTcpProxy({ host: redis.hostname, port: Number(redis.port) });
    platform = await startPlatform({
      shape,
      env: { REDIS_URL: `redis://127.0.0.1:${proxy.port}`, LOG_LEVEL: 'info' },
    });
    buyer = await register(platform);
    const staff = await logInAsAdmin(platform);
    productId = (await createProduct(platform, staff, { onHand: 100 })).id;
  }, 150_000);
  afterAll(async () => {
    proxy?.mend();
    await platform?.stop();
    await proxy?.close();
    await servers?.stop();
  }, 60_000);

  /** What needs no Redis. Signing in does: it counts the tries of all processes there. */
  async function expectToGoOn(): Promise<void> {
    const browsed = await platform.gql('{ products(first: 1) { edges { node { name } } } }');
    expect({ status: browsed.status, errors: browsed.errors }).toEqual({ status: 200, errors: undefined });
    const placed = await tryPlaceOrder(platform, buyer, [{ productId, quantity: 1 }]);
    const order = placed.data?.placeOrder.order;
    expect(order?.state).toBe('PENDING_PAYMENT');
    const read = await platform.gql(`{ order(id: "${order?.id}") { state lines { product { name } } } }`, {}, { token: buyer.token }); // prettier-ignore
    expect({ status: read.status, errors: read.errors }).toEqual({ status: 200, errors: undefined });
    const body = JSON.stringify({ query: operation('login'), variables: { mobile: buyer.mobile, password: buyer.password } }); // prettier-ignore
    const signIn = await fetch(`${platform.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }); // prettier-ignore
    expect([signIn.status, signIn.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await signIn.json()).toMatchObject({ errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] });
    const ready = await fetch(`${platform.url}/health/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ reason: expect.stringContaining('redis: ') });
    expect((await fetch(`${platform.url}/health/live`)).status).toBe(200);
  }

  // Shorter and longer absences are the matrix's.
  test.each([20_000])(
    'for %i ms ends no process, and an order is placed and paid within 5 s after',
    async (awayMs) => {
      const before = processesOf(platform.pid());
      const logged = platform.logs().length;
      proxy.cut();
      await sleep(awayMs);
      if (awayMs > grantsAreRememberedMs) await expectToGoOn();
      proxy.mend();

      const startedAt = performance.now();
      const key = newKey();
      const order = await until(
        async () =>
          (await tryPlaceOrder(platform, buyer, [{ productId, quantity: 1 }], { key })).data?.placeOrder.order,
        { timeoutMs: backWithinMs, everyMs: 200, what: 'an order' },
      );
      await until(async () => pay(platform, buyer, order.id).catch(() => undefined), {
        timeoutMs: backWithinMs,
        everyMs: 200,
        what: 'a payment',
      });
      await orderIn(platform, buyer, order.id, ['PAID', 'PROCESSING', 'COMPLETED']);
      expect(performance.now() - startedAt).toBeLessThan(backWithinMs);

      expect(processesOf(platform.pid())).toEqual(before);
      const lines = () => platform.logs().slice(logged).split('\n').filter(Boolean);
      expect(lines().filter((line) => !line.replace(/^\[[\w-]+\] /, '').startsWith('{'))).toEqual([]);
      // A process says once that it went, and once that it came.
      const said = (what: string) =>
        lines().filter((line) => line.includes('"dependency":"redis"') && line.includes(`"a dependency is ${what}"`));
      const processes = shape === 'one' ? 1 : 6; // the supervisor and the simulated provider have no Redis
      await until(() => said('back').length >= processes);
      expect({ away: said('away').length, back: said('back').length }).toEqual({ away: processes, back: processes });
    },
    60_000,
  );
});
