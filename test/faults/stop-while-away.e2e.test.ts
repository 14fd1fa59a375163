import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Platform, startPlatform } from '../support/platform.ts';
import { createProduct, logInAsAdmin, placeOrder, register } from '../support/shop.ts';
import { type TestServers, startTestServers } from '../support/test-servers.ts';
import { type TcpProxy, startTcpProxy } from './tcp-proxy.ts';

/** Before `runProcess` gives a stop up, and a container's runtime kills. */
const stopsWithinMs = 25_000;

let servers: TestServers;
let redis: TcpProxy;
let database: TcpProxy;
let platform: Platform;
beforeAll(async () => {
  servers = await startTestServers({ mysqlUrl: String(process.env['TEST_MYSQL_URL']) });
  const [redisUrl, mysqlUrl] = [new URL(servers.redisUrl), new URL(servers.mysqlUrl)];
  redis = await startTcpProxy({ host: redisUrl.hostname, port: Number(redisUrl.port) });
  database = await startTcpProxy({ host: mysqlUrl.hostname, port: Number(mysqlUrl.port) });
  redisUrl.port = String(redis.port);
  mysqlUrl.hostname = '127.0.0.1';
  mysqlUrl.port = String(database.port);
  platform = await startPlatform({ shape: 'one', redisUrl: redisUrl.href, mysqlUrl: mysqlUrl.href });
}, 150_000);
afterAll(async () => {
  redis?.mend();
  database?.mend();
  await platform?.stop();
  await redis?.close();
  await database?.close();
  await servers?.stop();
}, 60_000);

test.each<[string, () => TcpProxy[]]>([
  ['Redis', () => [redis]],
  ['the database', () => [database]],
  ['both', () => [redis, database]],
])(
  'a process ends in order at SIGTERM while %s takes connections and answers nothing',
  async (_, hanging) => {
    const product = await createProduct(platform, await logInAsAdmin(platform));
    await placeOrder(platform, await register(platform), [{ productId: product.id, quantity: 1 }]);
    for (const proxy of hanging()) proxy.stall();
    const startedAt = performance.now();
    expect(await platform.terminate()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(stopsWithinMs);
    for (const proxy of hanging()) proxy.mend();
    expect(platform.logs()).not.toContain('did not end');
    await platform.restart();
  },
  120_000,
);
