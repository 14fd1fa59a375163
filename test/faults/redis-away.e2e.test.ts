import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Platform, type Shape, startPlatform } from '../support/platform.ts';
import {
  type Person,
  createProduct,
  logInAsAdmin,
  newKey,
  orderIn,
  pay,
  register,
  tryPlaceOrder,
} from '../support/shop.ts';
import { type TestServers, startTestServers } from '../support/test-servers.ts';
import { until } from '../support/until.ts';
import { type TcpProxy, startTcpProxy } from './tcp-proxy.ts';

const backWithinMs = 5_000;

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

  test.each([200, 3_000, 20_000])(
    'for %i ms ends no process, and an order is placed and paid within 5 s after',
    async (awayMs) => {
      const before = processesOf(platform.pid());
      const logged = platform.logs().length;
      proxy.cut();
      await sleep(awayMs);
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
