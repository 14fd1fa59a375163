import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../../ops/embedded/daemon.ts';
import { migrate } from '../../ops/migrate.ts';
import { type TcpProxy, startTcpProxy } from '../faults/tcp-proxy.ts';
import { until } from '../support/until.ts';

const root = resolve(import.meta.dirname, '..', '..');
const usualWaitMs = 10_000;
const backWithinMs = 5_000;
/** A start takes two seconds, unless many others use the machine. */
const patienceMs = 90_000;

const gateBefore = (url: string): Promise<TcpProxy> => startTcpProxy({ host: new URL(url).hostname, port: Number(new URL(url).port) }); // prettier-ignore
const through = (url: string, gate: TcpProxy): string => Object.assign(new URL(url), { host: `127.0.0.1:${gate.port}` }).href; // prettier-ignore

let redis: TcpProxy;
let database: TcpProxy;
let env: Record<string, string>;
beforeAll(async () => {
  const [mysqlUrl, redisUrl] = [String(process.env['TEST_MYSQL_URL']), String(process.env['TEST_REDIS_URL'])];
  [redis, database] = await Promise.all([gateBefore(redisUrl), gateBefore(mysqlUrl)]);
  const own = { DATABASE_PREFIX: `t${randomBytes(4).toString('hex')}`, PATH: String(process.env['PATH']), LOG_LEVEL: 'warn' }; // prettier-ignore
  await migrate({ ...own, MYSQL_URL: mysqlUrl, REDIS_URL: redisUrl });
  env = {
    ...own,
    MYSQL_URL: through(mysqlUrl, database),
    REDIS_URL: through(redisUrl, redis),
    START_WAIT_SECONDS: '60',
  };
}, 60_000);
const running: ChildProcess[] = [];
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await Promise.all([redis?.close(), database?.close()]);
});

const programs = [
  ['product', 'subgraphs/product/server.ts', 'PRODUCT_PORT', ['redis', 'database']],
  ['worker', 'ops/worker.ts', 'WORKER_PORT', ['redis', 'database']],
  ['simulated provider', 'subgraphs/payment/simulated-provider/server.ts', 'SIMULATED_PROVIDER_PORT', ["provider's database"]], // prettier-ignore
] as const;

test('processes that start while Redis hangs and the database refuses wait for both, say for whom, and work within 5 s of the last', async () => {
  redis.stall();
  await database.refuse();
  const begunMs = performance.now();
  const starting = await Promise.all(
    programs.map(async ([name, file, variable, needs]) => {
      const port = await freePort();
      const lines: string[] = [];
      const child = fork(resolve(root, file), [], {
        cwd: root,
        env: { ...env, [variable]: String(port) },
        execArgv: ['--disable-warning=ExperimentalWarning'],
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      });
      running.push(child);
      for (const stream of [child.stdout, child.stderr])
        if (stream) createInterface({ input: stream }).on('line', (line) => void lines.push(line));
      const ask = async (path: string, init?: RequestInit) => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, init).catch(() => undefined); // not there yet
        return response && { status: response.status, headers: response.headers, text: await response.text() };
      };
      return { name, child, lines, needs, ask };
    }),
  );
  const waits = (dependency: string) =>
    Promise.all(
      starting
        .filter(({ needs }) => (needs as readonly string[]).includes(dependency))
        .map(({ name, ask }) =>
          until(async () => (await ask('/health/ready'))?.text.includes(`${dependency}: does not answer`), {
            timeoutMs: patienceMs,
            what: `${name} to wait for ${dependency}`,
          }),
        ),
    );
  await waits('redis');
  for (const { ask } of starting) {
    expect((await ask('/health/live'))?.status).toBe(200);
    const refused = await ask('/graphql', { method: 'POST', body: '{}' });
    expect([refused?.status, refused?.headers.get('retry-after')]).toEqual([503, '1']);
    expect(refused?.text).toContain('SERVICE_UNAVAILABLE');
  }
  redis.mend();
  await waits('database');
  await sleep(Math.max(0, usualWaitMs + 2_000 - (performance.now() - begunMs)));
  expect(starting.filter(({ child }) => child.exitCode !== null).map(({ name, lines }) => [name, lines])).toEqual([]);

  await database.accept();
  const backMs = performance.now();
  for (const { name, ask } of starting)
    await until(async () => (await ask('/health/ready'))?.status === 200, { timeoutMs: patienceMs, what: `${name} to be ready` }); // prettier-ignore
  expect(performance.now() - backMs).toBeLessThan(backWithinMs);
  for (const { lines, needs } of starting) {
    const said = lines.map((line) => JSON.parse(line) as { dependency?: string; msg: string });
    expect(said.map(({ dependency, msg }) => `${dependency}: ${msg}`)).toEqual(
      needs.flatMap((need) => [`${need}: a dependency is away`, `${need}: a dependency is back`]),
    );
  }
}, 300_000);

test('a process that is started as usual ends after 10 s, with the variable to mend', async () => {
  redis.stall();
  const { START_WAIT_SECONDS: _, ...usual } = env;
  const child = fork(resolve(root, 'subgraphs/product/server.ts'), [], {
    cwd: root,
    env: { ...usual, PRODUCT_PORT: String(await freePort()) },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += String(text)));
  const code = await new Promise((done) => child.once('exit', done));
  redis.mend();
  expect({ code, output }).toEqual({
    code: 1,
    output: expect.stringMatching(/^REDIS_URL: no Redis answers at 127\.0\.0\.1:\d+ \(it takes connections and does not answer\)\.\n$/), // prettier-ignore
  });
}, 60_000);
