import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { type Connection, createConnection } from 'mysql2/promise';
import { Pool } from 'undici';
import type * as own from '../bootstrap.mjs';
import { freePort, startServers } from '../embedded/servers.ts';

const root = resolve(import.meta.dirname, '..', '..');

/** A platform, in one process unless asked otherwise, on databases of its own, as durable as in production, thrown away at the end. */
export type BenchPlatform = {
  readonly prefix: string;
  readonly url: string;
  readonly wsUrl: string;
  /** The gateway's metrics. */
  readonly metricsUrl: string;
  readonly mysqlUrl: string;
  readonly redisUrl: string;
  /** Process ids, by what they are. */
  readonly pids: Readonly<Record<string, number>>;
  /** As root. */
  readonly connection: Connection;
  /** Runs an operation; throws when the answer has errors. */
  gql<Data>(query: string, variables: Record<string, unknown>, token?: string): Promise<Data>;
  /** POSTs JSON to a URL of the platform, e.g. to confirm a payment. */
  post(url: string, body: unknown): Promise<void>;
  stop(): Promise<void>;
};

const prefix = 'bench';
export const benchAdmin = { mobile: '10000000000', password: 'bench-administrator' };

/**
 * `args` and `env` are passed to `ops/dev.ts`, e.g. `--split` and the ports of the subgraphs. `checkout` is the folder of
 * another version of the platform, with its packages installed; this one when not given.
 */
export async function startBenchPlatform(
  options: {
    args?: readonly string[];
    env?: Readonly<Record<string, string>>;
    checkout?: string;
    /** Where the databases are and stay; thrown away at the end when not given. */
    keep?: string;
    /** False where a crash may lose the data. */
    durable?: boolean;
  } = {},
): Promise<BenchPlatform> {
  const dataDir = options.keep ?? (await mkdtemp(join(tmpdir(), 'order-platform-bench-')));
  const cacheDir = resolve(root, process.env['DATA_DIR'] || '.data');
  const servers = await startServers({ dataDir, cacheDir, durable: options.durable ?? true, log: () => undefined });
  const port = await freePort();
  const metricsPort = await freePort();
  const cwd = options.checkout ?? root;
  const bootstrap = (await import(pathToFileURL(join(cwd, 'ops', 'bootstrap.mjs')).href)) as Partial<typeof own>;
  // Each version as its own `npm start` runs it.
  const nodeArguments = bootstrap.platformNodeArguments ?? ['--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...nodeArguments, 'ops/dev.ts', ...(options.args ?? [])], {
    cwd,
    env: {
      ...bootstrap.platformEnvironment,
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      // Another version may not know of sockets.
      MYSQL_URL: options.checkout === undefined ? servers.mysqlSocketUrl : servers.mysqlUrl,
      REDIS_URL: servers.redisUrl,
      DATABASE_PREFIX: prefix,
      LOG_LEVEL: 'warn',
      ADMIN_MOBILE: benchAdmin.mobile,
      ADMIN_PASSWORD: benchAdmin.password,
      APOLLO_TELEMETRY_DISABLED: 'true',
      // Bought without addresses, as in versions that had no shipping.
      DEMO_SHOP: 'products',
      // A few buyers at one address place more than people do.
      OPEN_ORDERS_PER_CUSTOMER: '1000000',
      OPEN_UNITS_PER_CUSTOMER: '1000000',
      OPEN_ORDERS_PER_ADDRESS: '1000000',
      OPEN_UNITS_PER_ADDRESS: '1000000',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await ready(child);
  const pids = {
    platform: child.pid as number,
    mariadb: await daemonPid(dataDir, 'mariadb'),
    redis: await daemonPid(dataDir, 'redis'),
  };
  const connection = await createConnection({ uri: servers.mysqlUrl });
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 64 });

  const post = async (
    path: string,
    body: unknown,
    headers: Record<string, string>,
  ): Promise<{ status: number; body: unknown }> => {
    const response = await pool.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.statusCode, body: await response.body.json() };
  };
  return {
    prefix,
    url: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}/graphql`,
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
    mysqlUrl: servers.mysqlUrl,
    redisUrl: servers.redisUrl,
    pids,
    connection,
    async gql<Data>(query: string, variables: Record<string, unknown>, token?: string) {
      const answer = await post('/graphql', { query, variables }, token ? { authorization: `Bearer ${token}` } : {});
      const { data, errors } = answer.body as { data?: Data; errors?: unknown };
      if (errors || !data) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
      return data;
    },
    async post(url, body) {
      const { status, body: answer } = await post(new URL(url).pathname, body, {});
      if (status !== 200) throw new Error(`${url}: ${status} ${JSON.stringify(answer)}`);
    },
    async stop() {
      await pool.close();
      await connection.end();
      const ended = new Promise((resolved) => child.once('exit', resolved));
      child.kill('SIGTERM');
      await ended;
      await servers.stop();
      if (options.keep === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** What a database of a million orders would have; the platform's own one has little, as it shares a machine with everything else. */
const bufferPoolMiB = 2_048;

/** Gives the database of a filled shop the memory that it needs. */
export const giveMemory = async ({ connection }: Pick<BenchPlatform, 'connection'>): Promise<void> => {
  await connection.query(`set global innodb_buffer_pool_size = ${bufferPoolMiB * 2 ** 20}`);
};

/** The process id of an embedded server. */
export const daemonPid = async (dir: string, name: 'mariadb' | 'redis'): Promise<number> =>
  Number.parseInt(
    (JSON.parse(await readFile(join(dir, `${name}.server.json`), 'utf8')) as { process: string }).process,
    10,
  );

const ready = (child: ChildProcess): Promise<void> =>
  new Promise((resolved, reject) => {
    child.once('exit', (code) => reject(new Error(`the platform ended with ${code} before it was ready`)));
    createInterface({ input: child.stdout as Readable }).on('line', (line) => {
      if (line.startsWith('ready ')) resolved();
    });
  });
