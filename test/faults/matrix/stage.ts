import { readFileSync } from 'node:fs';
import { type ChildProcess, fork } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../../ops/embedded/daemon.ts';
import { migrate } from '../../../ops/migrate.ts';
import type { Balancer } from '../../../ops/fleet/balancer.ts';
import { fleetAdmin, startFleet } from '../../../ops/fleet/fleet.ts';
import type { FleetServer } from '../../../ops/fleet/server.ts';
import { type Platform, type Shop, admin, post, startPlatform } from '../../support/platform.ts';
import { until } from '../../support/until.ts';
import { type TcpProxy, startTcpProxy } from '../tcp-proxy.ts';
import { type Server, startFerretDb, startMariaDb, startRedis } from './server.ts';
import type { Dependency, Shape } from './table.ts';

/** A way between the platform and a dependency. */
export type Gate = Pick<TcpProxy, 'cut' | 'refuse' | 'accept' | 'delay' | 'answer' | 'mend'>;
/** A process of the platform's own. */
export type Own = {
  readonly name: string;
  /** Answers 200 when it can work. */
  readonly readyUrl: string;
  pid(): number | undefined;
  signal(signal: NodeJS.Signals): void;
};
/** A line that a process printed. */
export type Line = { readonly process: string; readonly text: string };

/** Where Agenda keeps its jobs. */
export type Jobs = 'redis' | 'mongodb';

/** A platform whose dependencies can be taken away. */
export type Stage = {
  readonly shape: Shape;
  readonly shop: Shop;
  readonly admin: { readonly mobile: string; readonly password: string };
  /** For `audit`. */
  readonly env: Record<string, string>;
  readonly gates: ReadonlyMap<Dependency, Gate>;
  readonly servers: ReadonlyMap<Dependency, Server>;
  /** Those that run now. */
  processes(): readonly Own[];
  lines(): readonly Line[];
  stop(): Promise<void>;
};

const root = resolve(import.meta.dirname, '..', '..', '..');
const providerReadyMs = 30_000;
const services = ['user', 'product', 'order', 'payment'] as const;
/** What one buyer and one address may do in a whole run of the matrix. */
const generous = {
  MAX_OPERATIONS_PER_CLIENT: '500',
  ANONYMOUS_SOCKETS_PER_ADDRESS: '200',
  OPEN_ORDERS_PER_CUSTOMER: '100000',
  OPEN_UNITS_PER_CUSTOMER: '100000',
};

/** The servers of a stage and the gates before them, and how all of it is ended. */
type Ground = {
  readonly servers: Map<Dependency, Server>;
  readonly gates: Map<Dependency, TcpProxy>;
  readonly closers: (() => Promise<unknown>)[];
  /** Puts a gate before a port; its own port. */
  gate(dependency: Dependency, port: number): Promise<number>;
  stop(): Promise<void>;
};

/** MariaDB, Redis and, where it is to keep the jobs, a MongoDB of a stage's own, each behind a gate. */
async function openGround(jobs: Jobs): Promise<Ground> {
  const servers = new Map<Dependency, Server>();
  const gates = new Map<Dependency, TcpProxy>();
  const closers: (() => Promise<unknown>)[] = [];
  const ground: Ground = {
    servers,
    gates,
    closers,
    async gate(dependency, port) {
      const proxy = await startTcpProxy({ host: '127.0.0.1', port });
      gates.set(dependency, proxy);
      closers.push(() => proxy.close());
      return proxy.port;
    },
    async stop() {
      for (const gate of gates.values()) await gate.accept();
      for (const close of closers.toReversed()) await close();
    },
  };
  const starts = {
    database: startMariaDb,
    redis: startRedis,
    ...(jobs === 'mongodb' && { 'job store': startFerretDb }),
  };
  try {
    for (const [name, start] of Object.entries(starts)) {
      const server = await start();
      servers.set(name as Dependency, server);
      closers.push(() => server.stop());
      await ground.gate(name as Dependency, server.port);
    }
    return ground;
  } catch (error) {
    await ground.stop();
    throw error;
  }
}

/** What every platform on this ground is told. */
function environmentOf({ gates }: Ground): Record<string, string> {
  const mongo = gates.get('job store');
  return { ...generous, DATABASE_PREFIX: 'm', ...(mongo && { MONGODB_URL: `mongodb://127.0.0.1:${mongo.port}/jobs` }) };
}
const mysqlUrlOf = ({ gates }: Ground): string => `mysql://root@127.0.0.1:${gates.get('database')?.port}`;
const redisUrlOf = ({ gates }: Ground): string => `redis://127.0.0.1:${gates.get('redis')?.port}`;

/**
 * Starts a platform on servers of its own, with a gate before each of its dependencies.
 *
 * @param options.jobs where Agenda keeps its jobs
 */
export async function openStage(options: { shape: Shape; jobs: Jobs }): Promise<Stage> {
  const ground = await openGround(options.jobs);
  try {
    return await (options.shape === 'two' ? openFleet(ground) : openPlatform(ground, options.shape));
  } catch (error) {
    await ground.stop();
    throw error;
  }
}

async function openPlatform(ground: Ground, shape: 'one' | 'split'): Promise<Stage> {
  const { gates, servers, closers, gate, stop } = ground;
  const [mysqlUrl, redisUrl] = [mysqlUrlOf(ground), redisUrlOf(ground)];
  const providerPort = await freePort();
  const env: Record<string, string> = {
    ...environmentOf(ground),
    PORT: String(await freePort()),
    GATEWAY_HOST: '127.0.0.1',
    SIMULATED_PROVIDER_PORT: String(providerPort),
    SIMULATED_PROVIDER_URL: `http://127.0.0.1:${await gate('provider', providerPort)}`,
  };
  if (shape === 'split') {
    for (const name of services) {
      const port = await freePort();
      env[`${name.toUpperCase()}_PORT`] = String(port);
      env[`${name.toUpperCase()}_URL`] = `http://127.0.0.1:${await gate(name, port)}`;
    }
    env['WORKER_PORT'] = String(await freePort());
  }
  const lines: Line[] = [];
  const provider =
    shape === 'one' ? await startProvider({ ...env, MYSQL_URL: mysqlUrl, REDIS_URL: redisUrl }, lines) : undefined;
  if (provider) closers.push(() => provider.stop());
  const platform = await startPlatform({ shape, mysqlUrl, redisUrl, env });
  closers.push(() => platform.terminate());
  return {
    shape,
    shop: platform,
    admin,
    env: platform.env,
    gates,
    servers,
    processes: () => [...processesOf(platform, env), ...(provider ? [provider.own] : [])],
    lines: () => [...linesOf(platform), ...lines],
    stop,
  };
}

async function openFleet(ground: Ground): Promise<Stage> {
  const { gates, servers, closers, stop } = ground;
  const lines: Line[] = [];
  const behindGate = (name: 'database' | 'redis'): FleetServer => {
    const server = servers.get(name) as Server;
    return {
      port: (gates.get(name) as TcpProxy).port,
      signal: (signal) => server.signal(signal),
      end: () => server.kill(),
      start: () => server.start(),
    };
  };
  const fleet = await startFleet({
    env: environmentOf(ground),
    servers: { mariadb: behindGate('database'), redis: behindGate('redis') },
    print: (name, text) => void lines.push({ process: name, text }),
    onGiveUp: (error) => void lines.push({ process: 'supervisor', text: error.message }),
  });
  closers.push(() => fleet.stop());
  const ways = new Map<Dependency, Gate>(gates);
  for (const name of services) ways.set(name, gateOfBalancer(fleet.balancers.get(name) as Balancer));
  ways.set('provider', gateOfBalancer(fleet.balancers.get('simulated-provider') as Balancer));
  return {
    shape: 'two',
    shop: { url: fleet.url, wsUrl: fleet.wsUrl, gql: (document, variables, { token } = {}) => post(`${fleet.url}/graphql`, { query: document, variables }, token) }, // prettier-ignore
    admin: fleetAdmin,
    env: fleet.env,
    gates: ways,
    servers,
    processes: () =>
      fleet.processes
        .filter(({ pid }) => pid() !== undefined)
        .map(({ name, pid, signal, readyUrl }) => ({ name, pid, readyUrl, signal: (what) => void signal(what) })),
    lines: () => lines,
    stop,
  };
}

/** Behind a balancer a service that refuses is one whose connections are reset. */
const gateOfBalancer = (balancer: Balancer): Gate => ({
  cut: () => balancer.set({ kind: 'cut' }),
  refuse: async () => balancer.set({ kind: 'cut' }),
  delay: (delayMs) => balancer.set({ kind: 'slow', delayMs }),
  answer: (text) => balancer.set({ kind: 'answering', text }),
  accept: async () => balancer.set({ kind: 'open' }),
  mend() {
    balancer.set({ kind: 'open' });
    balancer.reset();
  },
});

/** The foreign payment company, in a process of its own that is started again when it ends. */
async function startProvider(env: Record<string, string>, lines: Line[]): Promise<{ own: Own; stop(): Promise<void> }> {
  await migrate(env);
  let child: ChildProcess | undefined;
  let stopping = false;
  const start = (): void => {
    if (stopping) return;
    // Forked: it ends when this process does, however that ends.
    child = fork(resolve(root, 'subgraphs/payment/simulated-provider/server.ts'), [], {
      cwd: root,
      env: { PATH: process.env['PATH'] ?? '', ...env },
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream)
        createInterface({ input: stream }).on('line', (text) => void lines.push({ process: 'provider', text }));
    }
    child.once('exit', start);
  };
  start();
  const readyUrl = `http://127.0.0.1:${env['SIMULATED_PROVIDER_PORT']}/health/ready`;
  await until(async () => (await fetch(readyUrl).catch(() => undefined))?.ok, {
    timeoutMs: providerReadyMs,
    everyMs: 100,
    what: 'the simulated provider',
  });
  return {
    own: {
      name: 'simulated-provider',
      readyUrl,
      pid: () => child?.pid,
      signal: (signal) => void child?.kill(signal),
    },
    async stop() {
      stopping = true;
      const ended = new Promise((done) => child?.once('exit', done));
      child?.kill('SIGCONT');
      child?.kill('SIGTERM');
      await ended;
    },
  };
}

/** The platform's own process, and in the split shape the services that it supervises. */
function processesOf(platform: Platform, ports: Readonly<Record<string, string>>): Own[] {
  const portOf = (name: string): string | undefined =>
    ports[name === 'platform' || name === 'gateway' ? 'PORT' : `${name.toUpperCase().replaceAll('-', '_')}_PORT`];
  const own = (name: string, pid: number): Own => ({
    name,
    readyUrl: `http://127.0.0.1:${portOf(name)}/health/ready`,
    pid: () => pid,
    signal: (signal) => void process.kill(pid, signal),
  });
  if (!platform.isRunning()) return [];
  const pid = platform.pid();
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return [own('platform', pid), ...children.map((child) => own(serviceOf(child), child))];
}

/** By its entry file: `subgraphs/order/server.ts` is `order`. */
function serviceOf(pid: number): string {
  const entry = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    .split('\0')
    .find((argument) => argument.endsWith('.ts'));
  const [file = '', folder = ''] = (entry ?? '').split('/').toReversed();
  return file === 'worker.ts' ? 'worker' : folder;
}

/** In the split shape the supervisor puts the service's name before each of its lines. */
const linesOf = (platform: Platform): Line[] =>
  platform
    .logs()
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [, process = 'platform', text = line] = /^\[([a-z-]+)\] (.*)$/.exec(line) ?? [];
      return { process, text };
    });
