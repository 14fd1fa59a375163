import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Env } from '../../subgraphs/shared/process/env.ts';
import { type SubgraphName, subgraphNames } from '../../subgraphs/shared/values/subgraph-names.ts';
import { mariaDb } from '../embedded/mariadb.ts';
import { redis as redisKind } from '../embedded/redis.ts';
import { freePort } from '../embedded/servers.ts';
import { migrate } from '../migrate.ts';
import { seedAlone } from '../seed.ts';
import { type Supervised, supervise } from '../supervise.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { type FleetServer, startFleetServer } from './server.ts';

export type ServiceName = SubgraphName | 'gateway' | 'worker' | 'simulated-provider';

/** One of a service's processes, and what stands between it and its servers. */
export type FleetProcess = {
  /** E.g. `order-2`. */
  readonly name: string;
  readonly service: ServiceName;
  /** The process that runs now; undefined between two. */
  pid(): number | undefined;
  /** Sends a signal to the process that runs now; false where none does. One that ends by it is started again. */
  signal(signal: NodeJS.Signals): boolean;
  /** Puts its wall clock so far from the right time, also after it was started again; 0 puts it right. */
  shiftClock(offsetMs: number): Promise<void>;
  /** Answers 200 when it is ready. */
  readonly readyUrl: string;
  /** Where it serves its metrics, on this machine. */
  readonly metricsPort: number;
  /** Resolves when it says that it is ready. */
  ready(): Promise<void>;
  /** Between this process and MariaDB. */
  readonly mariadb: Balancer;
  /** Between this process and Redis. */
  readonly redis: Balancer;
};

/** A platform with several of every process behind balancers, on servers of its own. */
export type Fleet = {
  /** Origin of the balancer before the gateways. */
  readonly url: string;
  readonly wsUrl: string;
  /** Origin of the balancer before the simulated providers. */
  readonly providerUrl: string;
  /** What `audit` needs, straight to the servers. */
  readonly env: Record<string, string>;
  readonly processes: readonly FleetProcess[];
  /** Before the processes of each service that others call. */
  readonly balancers: ReadonlyMap<Exclude<ServiceName, 'worker'>, Balancer>;
  readonly mariadb: FleetServer;
  readonly redis: FleetServer;
  /** Resolves when every process is ready. */
  ready(): Promise<void>;
  /** Ends it and throws its data away. */
  stop(): Promise<void>;
};

const root = resolve(import.meta.dirname, '..', '..');
const services: readonly ServiceName[] = ['simulated-provider', ...subgraphNames, 'worker', 'gateway'];
const entries: Readonly<Record<ServiceName, string>> = {
  user: 'subgraphs/user/server.ts',
  product: 'subgraphs/product/server.ts',
  order: 'subgraphs/order/server.ts',
  payment: 'subgraphs/payment/server.ts',
  worker: 'ops/worker.ts',
  'simulated-provider': 'subgraphs/payment/simulated-provider/server.ts',
  gateway: 'gateway/server.ts',
};
const adminMobile = '10000000000';
/** The first administrator of every fleet. */
export const fleetAdmin = { mobile: adminMobile, password: 'fleet-administrator-1' };

type FleetServers = { readonly mariadb: FleetServer; readonly redis: FleetServer };

/**
 * Starts `copies` of every process, each supervised as by `npm start -- --split`, behind plain TCP balancers, on a MariaDB
 * and a Redis of its own with throw-away data that is as durable as in production. Each process reaches its servers through
 * a balancer of its own, so that one alone can be cut off. Resolves when all are ready.
 *
 * @param options.env more variables, e.g. `{ PAYMENT_WINDOW_SECONDS: '30' }`
 * @param options.servers others than those of its own; they stay when the fleet is stopped
 * @param options.print gets every line that the processes print, with the process's name
 * @param options.onGiveUp told when the supervisor gives a process up
 */
export async function startFleet(options: {
  copies?: number;
  env?: Readonly<Record<string, string>>;
  servers?: FleetServers;
  print?: (process: string, line: string) => void;
  onGiveUp?: (error: Error) => void;
}): Promise<Fleet> {
  const { copies = 2, print = () => undefined, onGiveUp = () => undefined } = options;
  const closers: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.toReversed()) await close();
  };
  try {
    const dataDir = await mkdtemp(join(tmpdir(), 'order-platform-fleet-'));
    closers.push(() => rm(dataDir, { recursive: true, force: true }));
    const { mariadb, redis } =
      options.servers ?? (await startServersOf(dataDir, closers, (line) => print('servers', line)));
    const balancer = async (...ports: { port: number; liveUrl?: string }[]): Promise<Balancer> => {
      const opened = await startBalancer({ backEnds: ports });
      closers.push(() => opened.close());
      return opened;
    };
    const ports = new Map<ServiceName, number[]>();
    const balancers = new Map<Exclude<ServiceName, 'worker'>, Balancer>();
    for (const service of services) {
      const own = await Promise.all(Array.from({ length: copies }, () => freePort()));
      ports.set(service, own);
      if (service === 'worker') continue;
      balancers.set(
        service,
        await balancer(...own.map((port) => ({ port, liveUrl: `http://127.0.0.1:${port}/health/live` }))),
      );
    }
    const urlOf = (service: Exclude<ServiceName, 'worker'>): string =>
      `http://127.0.0.1:${balancers.get(service)?.port ?? 0}`;
    const env: Record<string, string> = {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '/tmp',
      ...(process.env['NODE_COMPILE_CACHE'] && { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
      APOLLO_TELEMETRY_DISABLED: 'true',
      LOG_LEVEL: 'warn',
      ADMIN_MOBILE: fleetAdmin.mobile,
      ADMIN_PASSWORD: fleetAdmin.password,
      DATABASE_PREFIX: 'fleet',
      DEMO_SHOP: 'products',
      MYSQL_URL: `mysql://root@127.0.0.1:${mariadb.port}`,
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      PUBLIC_URL: urlOf('gateway'),
      SIMULATED_PROVIDER_URL: urlOf('simulated-provider'),
      SIMULATED_WEBHOOK_URL: `${urlOf('gateway')}/webhooks/simulated`,
      GATEWAY_HOST: '127.0.0.1',
      ...Object.fromEntries(subgraphNames.map((name) => [`${name.toUpperCase()}_URL`, urlOf(name)])),
      ...options.env,
    };
    await migrate(env);
    await seedAlone(env);

    const processes: (FleetProcess & { supervised: Supervised })[] = [];
    for (const service of services) {
      for (const [index, port] of (ports.get(service) ?? []).entries()) {
        const name = `${service}-${index + 1}`;
        const started = await startProcess({
          name,
          service,
          env,
          port,
          clockFile: join(dataDir, `${name}.clock`),
          mariadb: await balancer({ port: mariadb.port }),
          redis: await balancer({ port: redis.port }),
          print,
          onGiveUp,
        });
        processes.push(started);
        // What they do is thrown away: nothing is worth waiting for.
        closers.push(async () => {
          const stopped = started.supervised.stop();
          started.signal('SIGKILL');
          await stopped;
        });
      }
    }
    const ready = async (): Promise<void> => {
      await Promise.all(processes.map((one) => one.ready()));
    };
    await ready();
    return {
      url: urlOf('gateway'),
      wsUrl: `${urlOf('gateway').replace('http', 'ws')}/graphql`,
      providerUrl: urlOf('simulated-provider'),
      env,
      processes,
      balancers,
      mariadb,
      redis,
      ready,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startServersOf(
  dataDir: string,
  closers: (() => Promise<void>)[],
  log: (line: string) => void,
): Promise<FleetServers> {
  const packagesDir = join(resolve(root, process.env['DATA_DIR'] || '.data'), 'packages');
  const kinds = { dataDir, packagesDir, durable: true, log };
  const start = async (kind: Awaited<ReturnType<typeof mariaDb>>): Promise<FleetServer> => {
    if (!kind) throw new Error('MariaDB and Redis must be on PATH, or be had from the distribution with apt.');
    const server = await startFleetServer(kind, { dataDir, log });
    // The servers are in a session of their own: they would stay when this process exits.
    const atExit = (): void => server.signal('SIGKILL');
    process.once('exit', atExit);
    closers.push(async () => {
      server.signal('SIGCONT');
      await server.end('SIGTERM');
      process.off('exit', atExit);
    });
    return server;
  };
  return { mariadb: await start(await mariaDb(kinds)), redis: await start(await redisKind(kinds)) };
}

async function startProcess(options: {
  name: string;
  service: ServiceName;
  env: Record<string, string>;
  port: number;
  clockFile: string;
  mariadb: Balancer;
  redis: Balancer;
  print: (process: string, line: string) => void;
  onGiveUp: (error: Error) => void;
}): Promise<FleetProcess & { supervised: Supervised }> {
  const { name, service, port, clockFile, mariadb, redis } = options;
  const metricsPort = await freePort();
  const preload = pathToFileURL(join(import.meta.dirname, 'shifted-clock.ts')).href;
  const portName = service === 'gateway' ? 'PORT' : `${service.toUpperCase().replaceAll('-', '_')}_PORT`;
  await writeFile(clockFile, '0');
  const env: Env = {
    ...options.env,
    [portName]: String(port),
    METRICS_PORT: String(metricsPort),
    MYSQL_URL: `mysql://root@127.0.0.1:${mariadb.port}`,
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    NODE_OPTIONS: `--import ${preload}`,
    FLEET_CLOCK_FILE: clockFile,
  };
  const program = {
    name,
    file: resolve(root, entries[service]),
    env,
    readyUrl: `http://127.0.0.1:${port}/health/ready`,
  };
  const supervised = supervise(program, {
    print: (line) => options.print(name, line),
    onGiveUp: options.onGiveUp,
  });
  const signal = (what: NodeJS.Signals): boolean => {
    const pid = supervised.pid();
    return pid !== undefined && process.kill(pid, what);
  };
  return {
    name,
    service,
    supervised,
    pid: supervised.pid,
    signal,
    async shiftClock(offsetMs) {
      await writeFile(clockFile, String(offsetMs));
      signal('SIGUSR2');
    },
    readyUrl: program.readyUrl,
    metricsPort,
    ready: () => supervised.ready(),
    mariadb,
    redis,
  };
}
