import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type AnswerLimits, defaultAnswerLimits } from '../answers/answer-size.ts';
import { type Answering, openAnswering } from '../answers/answering.ts';
import { grantService, rpcAuthKey, type Authenticator, authenticator } from '../auth/auth.ts';
import { openClock } from './clock.ts';
import { type Database, type NamedMigration, openDatabase } from '../database/database.ts';
import { type Dependency, openDependency, usualStartTimeoutMs } from './dependency.ts';
import { type Env, ConfigError, developmentValue, integer, readEnv, url } from './env.ts';
import { newId } from '../values/ids.ts';
import { type Jobs, openJobs } from '../jobs/jobs.ts';
import {
  type ServiceCaller,
  type SubgraphLink,
  type SubgraphName,
  serviceCaller,
  subgraphNames,
} from '../calls/link.ts';
import { type Live, openLive } from './live.ts';
import { startLoop } from './loop.ts';
import { type Redis, openRedis } from './redis.ts';
import { type Address, openStartDoor } from './start-door.ts';
import { type Logger, type Metrics, createLogger, createMetrics } from './telemetry.ts';
import { untilAvailable } from './until-available.ts';

/** Configuration that every process needs. The README lists the variables. */
export type PlatformConfig = {
  readonly mysqlUrl: string;
  readonly redisUrl: string;
  readonly mongoUrl: string | undefined;
  /** Begins the name of every schema, database user and job key, so that several platforms can share a database server; each needs a Redis of its own. */
  readonly prefix: string;
  readonly logLevel: string;
  /** The origin under which browsers reach the gateway. */
  readonly publicUrl: string;
  readonly identitySecret: string;
  /** App → token, by which services know each other. */
  readonly serviceTokens: ReadonlyMap<string, string>;
  readonly strictServiceAuth: boolean;
  /** For how long the apps of SERVICE_TOKENS stay accepted while Redis is away. */
  readonly serviceAuthGraceMs: number;
  /** How much one answer may hold, in the gateway and in each subgraph. */
  readonly answerLimits: AnswerLimits;
  /** How long a process that starts waits for Redis and for its database. */
  readonly startWaitMs: number;
};

const developmentTokens =
  'gateway=development-gateway,user=development-user,product=development-product,order=development-order,payment=development-payment';

const daySeconds = 86_400;
const minAnswerValues = 100;
const maxAnswerValues = 10_000_000;
const minAnswerBytes = 1_024;
const maxAnswerBytes = 256 * 1024 * 1024;

/** Who calls whom: each of them needs a token. */
const apps: readonly string[] = ['gateway', ...subgraphNames];

/** How much one answer may hold. Throws ConfigError. */
export function readAnswerLimits(env: Env): AnswerLimits {
  const given = readEnv(env, {
    MAX_ANSWER_VALUES: integer(minAnswerValues, maxAnswerValues).default(defaultAnswerLimits.maxValues),
    MAX_ANSWER_BYTES: integer(minAnswerBytes, maxAnswerBytes).default(defaultAnswerLimits.maxBytes),
  });
  return { maxValues: given.MAX_ANSWER_VALUES, maxBytes: given.MAX_ANSWER_BYTES };
}

/** Throws ConfigError naming the variable and the mend. */
export function readPlatformConfig(env: Env): PlatformConfig {
  const given = readEnv(env, {
    MYSQL_URL: url('mysql').describe('root URL of MySQL 8.4 or MariaDB, e.g. mysql://root:secret@localhost:3306'),
    REDIS_URL: url('redis', 'rediss').describe('URL of Redis, e.g. redis://localhost:6379'),
    MONGODB_URL: url('mongodb', 'mongodb+srv').optional(),
    DATABASE_PREFIX: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,20}$/)
      .default('orders'),
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    PORT: integer(0, 65_535).default(4000),
    PUBLIC_URL: url('http', 'https')
      .refine((text) => !URL.canParse(text) || isOrigin(new URL(text)), {
        error: 'is more than an origin such as https://shop.example: the platform answers at the root of its host',
      })
      .optional(),
    NODE_ENV: z
      .enum(['production', 'development', 'test'], { error: 'is none of production, development and test' })
      .optional(),
    RPC_AUTH_STRICT: z.enum(['true', 'false']).default('true'),
    RPC_AUTH_GRACE_SECONDS: integer(0, daySeconds).default(3_600),
    START_WAIT_SECONDS: integer(1, daySeconds).default(usualStartTimeoutMs / 1_000),
  });
  return {
    mysqlUrl: given.MYSQL_URL,
    redisUrl: given.REDIS_URL,
    mongoUrl: given.MONGODB_URL,
    prefix: given.DATABASE_PREFIX,
    logLevel: given.LOG_LEVEL,
    publicUrl: (given.PUBLIC_URL ?? `http://localhost:${given.PORT}`).replace(/\/$/, ''),
    identitySecret: developmentValue(env, 'IDENTITY_SECRET', 'development-identity-secret-not-for-production'),
    serviceTokens: parseTokens(developmentValue(env, 'SERVICE_TOKENS', developmentTokens)),
    strictServiceAuth: given.RPC_AUTH_STRICT === 'true',
    serviceAuthGraceMs: given.RPC_AUTH_GRACE_SECONDS * 1_000,
    answerLimits: readAnswerLimits(env),
    startWaitMs: given.START_WAIT_SECONDS * 1_000,
  };
}

const isOrigin = ({ pathname, search, hash, username, password }: URL): boolean =>
  pathname === '/' && [search, hash, username, password].every((part) => part === '');

function parseTokens(text: string): ReadonlyMap<string, string> {
  const entries = text
    .split(',')
    .map((pair) => pair.split('=').map((part) => part.trim()) as [string, string | undefined]);
  if (entries.some(([app, token]) => !app || !token))
    throw new ConfigError('SERVICE_TOKENS: is not app=token,app=token,…');
  const tokens = new Map(entries as [string, string][]);
  const missing = apps.filter((app) => !tokens.has(app));
  if (missing.length > 0)
    throw new ConfigError(
      `SERVICE_TOKENS: has no token for ${missing.join(', ')}; add ${missing[0]}=<token> and so on.`,
    );
  return tokens;
}

/** The URL of one service's own schema with its own user: `<NAME>_DATABASE_URL`, or derived from MYSQL_URL and DATABASE_PASSWORD. */
export function databaseUrl(env: Env, config: PlatformConfig, name: string): string {
  const variable = `${name.toUpperCase()}_DATABASE_URL`;
  const own = readEnv(env, {
    [variable]: url('mysql')
      .refine((text) => !URL.canParse(text) || new URL(text).pathname.length > 1, { error: 'names no schema' })
      .optional()
      .describe('mysql://user:password@host:3306/schema'),
  })[variable];
  if (own !== undefined) return own;
  const derived = new URL(config.mysqlUrl);
  derived.username = `${config.prefix}_${name}`;
  derived.password = developmentValue(env, 'DATABASE_PASSWORD', 'development-only');
  derived.pathname = `/${config.prefix}_${name}`;
  return derived.href;
}

/** What the services of one process share. */
export type Runtime = {
  readonly env: Env;
  readonly config: PlatformConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly redis: Redis;
  /** What this process knows of its two servers; the job store is known to `jobs`. */
  readonly dependencies: { readonly redis: Dependency; readonly database: Dependency };
  readonly live: Live;
  readonly jobs: Jobs;
  readonly answering: Answering;
  /** The time by the clock of Redis, where this process's own is wrong: it is compared with times of other processes. */
  readonly now: () => Date;
  readonly newId: () => string;
  /** How other subgraphs are reached; resolved when used, since in one process they are made one after the other. */
  readonly link: (name: SubgraphName) => SubgraphLink;
  /** To be called by who will answer at `address`, right before it listens there. */
  closeDoor(): void;
  close(): Promise<void>;
};

/**
 * Connects to Redis and the job store. `name` is the process's name in logs and job locks. A process that waits for its
 * servers for longer than usual says at its `address` meanwhile for whom.
 */
export async function openRuntime(
  env: Env,
  options: { name: string; link: (name: SubgraphName) => SubgraphLink; log?: Logger; address?: Address },
): Promise<Runtime> {
  const config = readPlatformConfig(env);
  const log = options.log ?? createLogger(options.name, config.logLevel);
  const metrics = createMetrics();
  const dependencies = {
    redis: openDependency({ name: 'redis', setting: 'REDIS_URL', log }),
    database: openDependency({ name: 'database', setting: 'MYSQL_URL', log }),
  };
  const { startWaitMs } = config;
  const { address } = options;
  const door = address && (await openStartDoor({ address, startWaitMs, dependencies: Object.values(dependencies) }));
  const redis = await openRedis(config.redisUrl, log, { dependency: dependencies.redis, startTimeoutMs: startWaitMs });
  const live = await openLive(redis, log);
  const clock = await openClock({ readSharedMs: () => timeOf(redis), log });
  const jobs = await openJobs({
    mongoUrl: config.mongoUrl,
    redisUrl: config.redisUrl,
    name: `${options.name}-${process.pid}`,
    prefix: config.prefix,
    live,
    log,
    metrics,
  });
  return {
    env, config, log, metrics, redis, dependencies, live, jobs, newId,
    answering: openAnswering(config.answerLimits),
    now: clock.now,
    link: options.link,
    closeDoor: () => door?.close(),
    async close() {
      await jobs.stop();
      await clock.close();
      await live.close();
      if (redis.isOpen) redis.destroy();
    },
  }; // prettier-ignore
}

async function timeOf(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
}

/** One service's own things: its schema, its door, its voice. */
export type Service = {
  readonly db: Database;
  readonly authenticate: Authenticator;
  readonly call: ServiceCaller;
  close(): Promise<void>;
};

const defaultPoolSize = 30;
/** Much less than the grace of the platform's own apps. */
const refreshGrantsEveryMs = 30_000;

/** Opens a subgraph's schema (already created and migrated) and lets the known services call it. */
export async function openService(
  runtime: Runtime,
  options: {
    name: SubgraphName;
    entities: readonly unknown[];
    migrations: readonly NamedMigration[];
    poolSize?: number;
  },
): Promise<Service> {
  const { config, redis, log } = runtime;
  const { name } = options;
  const db = await openDatabase({
    url: databaseUrl(runtime.env, config, name),
    entities: options.entities,
    migrations: options.migrations,
    poolSize: options.poolSize ?? defaultPoolSize,
    log,
    dependency: runtime.dependencies.database,
    startTimeoutMs: config.startWaitMs,
  });
  const authenticate = authenticator({
    service: name,
    redis,
    identitySecret: config.identitySecret,
    strict: config.strictServiceAuth,
    now: runtime.now,
    reseed: () => seedGrants(redis, name, config.serviceTokens),
    standing: { tokens: config.serviceTokens, graceMs: config.serviceAuthGraceMs },
  });
  await untilAvailable(authenticate.refresh);
  const grants = startLoop({
    name: `grants of ${name}`,
    everyMs: refreshGrantsEveryMs,
    log,
    turn: authenticate.refresh,
  });
  return {
    db,
    authenticate,
    async close() {
      await grants.stop();
      await db.close();
    },
    call: serviceCaller({ app: name, token: config.serviceTokens.get(name) ?? '', link: runtime.link }),
  };
}

/**
 * Grants the apps of SERVICE_TOKENS once per life of the Redis data: a marker field tells a revoked grant, which stays
 * revoked, from one that Redis has lost.
 */
async function seedGrants(redis: Redis, service: string, tokens: ReadonlyMap<string, string>): Promise<void> {
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([...tokens]))
    .digest('hex');
  if ((await redis.hGet(rpcAuthKey(service), '*seeded*')) === fingerprint) return;
  for (const [app, token] of tokens) await grantService(redis, { app, service, token });
  await redis.hSet(rpcAuthKey(service), '*seeded*', fingerprint);
}
