import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { processIdentity } from '../../ops/lock-directory.mjs';
import { type Platform, startPlatform } from '../support/platform.ts';
import { createProduct, logInAsAdmin, placeOrder, register } from '../support/shop.ts';
import { until } from '../support/until.ts';

/** Generous for a busy test machine; alone it takes about two seconds. */
const warmStartMs = 30_000;

const run = async (
  env: Record<string, string>,
  ...args: string[]
): Promise<{ code: number | null; output: string }> => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'ops/dev.ts', ...args], {
    env: {
      PATH: process.env['PATH'],
      MYSQL_URL: process.env['TEST_MYSQL_URL'],
      REDIS_URL: process.env['TEST_REDIS_URL'],
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
};

describe('npm start', () => {
  let platform: Platform | undefined;
  afterEach(async () => {
    await platform?.stop();
    platform = undefined;
  }, 60_000);

  test('says which variable to change when the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((listening) => other.listen(0, listening));
    const { port } = other.address() as AddressInfo;
    const { code, output } = await run({ PORT: String(port) });
    await new Promise((closed) => other.close(closed));
    expect(code).toBe(1);
    expect(output).toContain(`PORT: ${port} is taken by another program`);
    expect(output).not.toMatch(/\bat .+:\d+/);
  });

  test('refuses an argument that it does not know', async () => {
    expect(await run({}, '--spilt')).toMatchObject({ code: 1, output: expect.stringContaining('--spilt') });
  });

  test('refuses development secrets in production, and names all variables at once', async () => {
    const { code, output } = await run({ PORT: '0', NODE_ENV: 'production', IDENTITY_SECRET: 'one of our own' });
    expect(code).toBe(1);
    const named = [...output.matchAll(/^ *([A-Z_]+): /gm)].map((match) => match[1]);
    expect(new Set(named)).toEqual(
      new Set([
        'SERVICE_TOKENS',
        'JWT_PRIVATE_JWK',
        'WEBHOOK_ENCRYPTION_KEY',
        'DATABASE_PASSWORD',
        'SIMULATED_WEBHOOK_SECRET',
        'SIMULATED_API_KEY',
        'ALLOW_SIMULATED_PROVIDER',
      ]),
    );
    expect(named).toHaveLength(7);
  }, 30_000);

  // What can be told without servers and ports is in check-configuration.unit.test.ts.
  test.each([
    ['PORT', 'abc', 'is not a whole number from 0 to 65535'],
    ['MYSQL_URL', 'mysql://root@127.0.0.1:1', 'no database answers at 127.0.0.1:1 (ECONNREFUSED)'],
    ['USER_DATABASE_URL', 'mysql://user@127.0.0.1:1/schema', 'no database answers at 127.0.0.1:1 (ECONNREFUSED)'],
    ['SUPERGRAPH_PATH', 'schema/order.graphql', 'schema/order.graphql is not a supergraph'],
    ['GATEWAY_HOST', '1.2.3.4', '1.2.3.4 is no address of this machine'],
    ['SUBGRAPH_HOST', '1.2.3.4', '1.2.3.4 is no address of this machine'],
  ])(
    '%s=%j is refused by name, with exit code 1 and no stack',
    async (variable, value, why) => {
      const { code, output } = await run({ PORT: '0', DATABASE_PREFIX: 'never_made', [variable]: value });
      expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining(`${variable}: ${why}`) });
      expect(output).not.toMatch(/^\s+at |^ready/m);
    },
    30_000,
  );

  test.each([
    ['/proc/nope', 'is no directory that can be written to'],
    [resolve('package.json'), 'is no directory that can be written to'],
    ['/tmp/a:b', 'has a colon'],
  ])(
    'DATA_DIR=%s is refused by name',
    async (directory, why) => {
      const { code, output } = await run({ PORT: '0', DATA_DIR: directory, MYSQL_URL: '', REDIS_URL: '' });
      expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining(why) });
      expect(output).toMatch(/^DATA_DIR: /m);
      expect(output).not.toMatch(/^\s+at |^ready/m);
    },
    30_000,
  );

  test('keeps the data, starts again quickly, ends with exit code 0 and tells a made-up password only once', async () => {
    platform = await startPlatform({ shape: 'one', env: { ADMIN_PASSWORD: '' } });
    const shown = /administrator: mobile 10000000000, password (\S+) \(shown once\)/;
    expect(platform.logs()).toMatch(shown);
    const buyer = await register(platform);
    expect(await platform.terminate()).toBe(0);
    const before = platform.logs();
    const startedAt = performance.now();
    await platform.restart();
    expect(performance.now() - startedAt).toBeLessThan(warmStartMs);
    expect(platform.logs().slice(before.length)).not.toMatch(/migrated|seeded|password/);
    expect((await platform.gql<{ me: { id: string } }>('{ me { id } }', {}, { token: buyer.token })).data?.me.id).toBe(
      buyer.id,
    );
  }, 150_000);

  test('two signals end it as cleanly as one', async () => {
    platform = await startPlatform({ shape: 'one' });
    const exit = platform.terminate();
    process.kill(platform.pid(), 'SIGINT');
    expect(await exit).toBe(0);
    expect(platform.logs()).toMatch(/stopped\n$/);
  }, 150_000);

  test('--split starts a service again that died, and leaves no process behind', async () => {
    platform = await startPlatform({ shape: 'split', env: { LOG_LEVEL: 'info' } });
    const running = platform;
    const pidOf = (name: string): number =>
      Number(
        running
          .logs()
          .matchAll(new RegExp(`^\\[${name}\\] .*"pid":(\\d+)`, 'gm'))
          .toArray()
          .at(-1)?.[1],
      );
    const died = pidOf('product');
    process.kill(died, 'SIGKILL');
    await until(() => pidOf('product') !== died, { timeoutMs: 20_000, what: 'another product process' });
    expect(running.logs()).toContain('[product] ended with SIGKILL; starting it again in 250 ms');
    await until(async () => (await fetch(`${running.url}/health/ready`)).ok, { timeoutMs: 20_000, what: 'readiness' });
    const product = await createProduct(running, await logInAsAdmin(running));
    await placeOrder(running, await register(running), [{ productId: product.id, quantity: 1 }]);
    const pids = ['user', 'product', 'order', 'payment', 'gateway'].map(pidOf);
    expect(await running.terminate()).toBe(0);
    expect(pids.filter((pid) => processIdentity(pid) !== undefined)).toEqual([]);
  }, 150_000);

  test('--split ends its services when it is killed itself', async () => {
    platform = await startPlatform({ shape: 'split', env: { LOG_LEVEL: 'info' } });
    const pids = [
      ...new Set(
        platform
          .logs()
          .matchAll(/^\[[a-z-]+\] .*"pid":(\d+)/gm)
          .map((match) => Number(match[1])),
      ),
    ];
    expect(pids.length).toBeGreaterThanOrEqual(4);
    await platform.kill9();
    await until(() => pids.every((pid) => processIdentity(pid) === undefined), {
      timeoutMs: 20_000,
      what: 'the end of all services',
    });
  }, 150_000);
});
