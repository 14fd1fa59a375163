import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createConnection } from 'mysql2/promise';
import { createSchemaAndUser } from '../../ops/create-schema.ts';
import { freePort } from '../../ops/embedded/servers.ts';
import { fillSchema, schemaNames } from './schemas.ts';
import { startTestServers } from './test-servers.ts';
import { until } from './until.ts';

export type Shape = 'one' | 'split';

/** GraphQL's answer. */
export type Answer<Data = Record<string, unknown>> = {
  status: number;
  data: Data | null | undefined;
  errors?: { message: string; path?: (string | number)[]; extensions: { code: string; traceId?: string } }[];
};

/** What a client needs of a platform. */
export type Shop = Pick<Platform, 'url' | 'wsUrl' | 'gql'>;

/** A whole platform in processes of its own, as `npm start` runs it, with its own schemas and its own Redis. */
export type Platform = {
  readonly url: string;
  readonly wsUrl: string;
  /** The gateway's metrics; all of them in the shape `one`. */
  readonly metricsUrl: string;
  readonly mysqlUrl: string;
  readonly redisUrl: string;
  readonly prefix: string;
  /** The variables that it was started with: what `audit` needs to find its schemas. */
  readonly env: Record<string, string>;
  /** The process that was started: all of it (`one`) or the supervisor (`split`). */
  pid(): number;
  /** Runs an operation at `/graphql`. `Data` is the caller's word for what it selects. */
  gql<Data = Record<string, never>>(
    document: string,
    variables?: Record<string, unknown>,
    options?: { token?: string | undefined },
  ): Promise<Answer<Data>>;
  /** SIGTERM; resolves with the exit code. The schemas and Redis stay. */
  terminate(): Promise<number | null>;
  /** SIGKILL of everything that was started. */
  kill9(): Promise<void>;
  /** From now on it kills itself at this point (see `failPoint`), until it is started again. */
  dieAt(point: string): Promise<void>;
  /** When it has killed itself; an error when it hasn't within 30 s. In the shape `one`. */
  died(): Promise<void>;
  /** Starts it again on the same data, at the same port, in the same shape or another. */
  restart(env?: Record<string, string>, shape?: Shape): Promise<void>;
  /** What it has printed so far. */
  logs(): string;
  /** Whether the process that was started runs. */
  isRunning(): boolean;
  /** Ends it and throws its data away. */
  stop(): Promise<void>;
};

const root = resolve(import.meta.dirname, '..', '..');
const readyTimeoutMs = 120_000;

/** The first administrator of every test platform. */
export const admin = { mobile: '10000000000', password: 'test-administrator-1' };

/**
 * Starts a platform and waits until it is ready. Its schemas are on the test run's MariaDB, or on `mysqlUrl`; its Redis is
 * one of its own, or that of `redisUrl`. It finds its schemas migrated; `npm start` in test/ops/start.e2e.test.ts doesn't.
 *
 * @param options.pages true compiles the pages' own documents ahead, as `npm start` does: a fifth of the CPU of a start, for
 *   browsers alone
 * @param options.env more variables, e.g. `{ PAYMENT_WINDOW_SECONDS: '3' }`
 */
export async function startPlatform(options: {
  shape: Shape;
  pages?: boolean;
  env?: Record<string, string>;
  mysqlUrl?: string;
  redisUrl?: string;
}): Promise<Platform> {
  const mysqlUrl = options.mysqlUrl ?? process.env['TEST_MYSQL_URL'];
  if (!mysqlUrl) throw new Error('TEST_MYSQL_URL is not set: this test belongs into *.e2e.test.ts');
  // Streams and grants are not prefixed in Redis, so each platform has a Redis of its own: it starts in a blink.
  const servers = await startTestServers({ mysqlUrl, ...(options.redisUrl && { redisUrl: options.redisUrl }) });
  const prefix = `t${randomBytes(4).toString('hex')}`;
  const failPointFile = join(servers.dataDir, 'fail-point');
  await writeFile(failPointFile, '');
  const noDocuments = join(servers.dataDir, 'no-documents.json');
  await writeFile(
    noDocuments,
    JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations: [] }),
  );
  const port = Number(options.env?.['PORT'] ?? (await freePort()));
  const metricsPort = await freePort();
  const base: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '/tmp',
    PORT: String(port),
    METRICS_PORT: String(metricsPort),
    MYSQL_URL: mysqlUrl,
    REDIS_URL: servers.redisUrl,
    DATABASE_PREFIX: prefix,
    LOG_LEVEL: 'warn',
    ADMIN_MOBILE: admin.mobile,
    ADMIN_PASSWORD: admin.password,
    APOLLO_TELEMETRY_DISABLED: 'true',
    // Tests of races let one buyer place many, all from one address.
    OPEN_ORDERS_PER_CUSTOMER: '10000',
    OPEN_UNITS_PER_CUSTOMER: '100000',
    OPEN_ORDERS_PER_ADDRESS: '100000',
    OPEN_UNITS_PER_ADDRESS: '1000000',
    REGISTRATIONS_PER_ADDRESS: '10000',
    // What a test needs of shipping and taxes, it sets up itself.
    DEMO_SHOP: 'products',
    FAIL_POINT: failPointFile,
    ...(!options.pages && { TRUSTED_DOCUMENTS: noDocuments }),
    ...(process.env['NODE_COMPILE_CACHE'] && { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
    ...options.env,
  };
  const url = `http://127.0.0.1:${port}`;
  await createSchemas(mysqlUrl, prefix);
  let output = '';
  let child = await launch(base, options.shape);

  async function launch(env: Record<string, string>, shape: Shape): Promise<ChildProcess> {
    const started = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', 'ops/dev.ts', ...(shape === 'split' ? ['--split'] : [])],
      {
        cwd: root,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    await new Promise<void>((ready, reject) => {
      const timer = setTimeout(() => {
        started.kill('SIGKILL');
        reject(new Error(`the platform was not ready within ${readyTimeoutMs} ms:\n${output}`));
      }, readyTimeoutMs);
      for (const stream of [started.stdout, started.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          output += `${line}\n`;
          if (!line.startsWith('ready ')) return;
          clearTimeout(timer);
          ready();
        });
      }
      started.once('exit', (code, signal) => {
        clearTimeout(timer);
        reject(new Error(`the platform ended with ${code ?? signal} before it was ready:\n${output}`));
      });
    });
    return started;
  }

  const exited = async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('exit', done));
    return child.exitCode;
  };
  const terminate = (): Promise<number | null> => {
    child.kill('SIGTERM');
    return exited();
  };

  return {
    url,
    wsUrl: `ws://127.0.0.1:${port}/graphql`,
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
    mysqlUrl,
    redisUrl: servers.redisUrl,
    prefix,
    env: base,
    pid: () => child.pid as number,
    gql: (document, variables, { token } = {}) => post(`${url}/graphql`, { query: document, variables }, token),
    terminate,
    async kill9() {
      child.kill('SIGKILL');
      await exited();
    },
    dieAt: (point) => writeFile(failPointFile, point),
    async died() {
      await until(() => child.signalCode === 'SIGKILL', {
        timeoutMs: 30_000,
        what: `the kill at ${await readFile(failPointFile, 'utf8')}`,
      });
    },
    async restart(env = {}, shape = options.shape) {
      await writeFile(failPointFile, '');
      child = await launch({ ...base, ...env }, shape);
    },
    logs: () => output,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      await terminate();
      await dropSchemas(mysqlUrl, prefix);
      await servers.stop();
    },
  };
}

/** Runs an operation at a GraphQL endpoint. */
export async function post<Data>(url: string, body: unknown, token: string | undefined): Promise<Answer<Data>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  try {
    return { status: response.status, ...(JSON.parse(text) as object) } as Answer<Data>;
  } catch {
    throw new Error(`${response.status} ${text.slice(0, 300)}`);
  }
}

/** The services' schemas and users, as `npm run migrate` makes them. */
async function createSchemas(mysqlUrl: string, prefix: string): Promise<void> {
  const connection = await createConnection({ uri: mysqlUrl, multipleStatements: true });
  try {
    for (const name of schemaNames) {
      const schema = `${prefix}_${name}`;
      const own = new URL(mysqlUrl);
      own.username = schema;
      own.password = 'development-only';
      own.pathname = `/${schema}`;
      await createSchemaAndUser(mysqlUrl, own);
      await fillSchema(connection, schema, name);
    }
  } finally {
    await connection.end();
  }
}

async function dropSchemas(mysqlUrl: string, prefix: string): Promise<void> {
  const connection = await createConnection({ uri: mysqlUrl });
  try {
    for (const name of schemaNames) {
      await connection.query(`drop database if exists ${prefix}_${name}`);
      await connection.query(`drop user if exists '${prefix}_${name}'@'%'`);
    }
  } finally {
    await connection.end();
  }
}
