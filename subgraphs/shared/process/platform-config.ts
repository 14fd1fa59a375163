import { z } from 'zod';
import { type AnswerLimits, defaultAnswerLimits } from '../answers/answer-size.ts';
import { subgraphNames } from '../values/subgraph-names.ts';
import { usualStartTimeoutMs } from './dependency.ts';
import { type Env, ConfigError, developmentValue, integer, readEnv, url } from './env.ts';
import { type OperationLevel, logFormats, operationLevels } from './telemetry.ts';

/** What a process needs that has a database of its own and nothing else of the platform. */
export type DatabaseConfig = {
  readonly mysqlUrl: string;
  /** Begins the name of every schema, database user and job key, so that several platforms can share a database server; each needs a Redis of its own. */
  readonly prefix: string;
  readonly logLevel: string;
  /** How long a process that starts waits for Redis and for its database. */
  readonly startWaitMs: number;
};

/** Configuration that every process of the platform needs. docs/configuration.md lists the variables. */
export type PlatformConfig = DatabaseConfig & {
  readonly redisUrl: string;
  readonly mongoUrl: string | undefined;
  /** The level of the line for each operation and job. */
  readonly logOperations: OperationLevel;
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

const databaseShape = {
  MYSQL_URL: url('mysql').describe('root URL of MySQL 8.4 or MariaDB, e.g. mysql://root:secret@localhost:3306'),
  DATABASE_PREFIX: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,20}$/)
    .default('orders'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  LOG_FORMAT: z.enum(logFormats, { error: `is neither ${logFormats.join(' nor ')}` }).optional(),
  NODE_ENV: z
    .enum(['production', 'development', 'test'], { error: 'is none of production, development and test' })
    .optional(),
  START_WAIT_SECONDS: integer(1, daySeconds).default(usualStartTimeoutMs / 1_000),
};

/** Throws ConfigError naming the variable and the mend. */
export function readDatabaseConfig(env: Env): DatabaseConfig {
  const given = readEnv(env, databaseShape);
  return {
    mysqlUrl: given.MYSQL_URL,
    prefix: given.DATABASE_PREFIX,
    logLevel: given.LOG_LEVEL,
    startWaitMs: given.START_WAIT_SECONDS * 1_000,
  };
}

/** Throws ConfigError naming the variable and the mend. */
export function readPlatformConfig(env: Env): PlatformConfig {
  const given = readEnv(env, {
    ...databaseShape,
    REDIS_URL: url('redis', 'rediss').describe('URL of Redis, e.g. redis://localhost:6379'),
    MONGODB_URL: url('mongodb', 'mongodb+srv').optional(),
    LOG_OPERATIONS: z.enum(operationLevels, { error: `is none of ${operationLevels.join(', ')}` }).default('info'),
    PORT: integer(0, 65_535).default(4000),
    PUBLIC_URL: url('http', 'https')
      .refine((text) => !URL.canParse(text) || isOrigin(new URL(text)), {
        error: 'is more than an origin such as https://shop.example: the platform answers at the root of its host',
      })
      .optional(),
    RPC_AUTH_STRICT: z.enum(['true', 'false']).default('true'),
    RPC_AUTH_GRACE_SECONDS: integer(0, daySeconds).default(3_600),
  });
  return {
    ...readDatabaseConfig(env),
    redisUrl: given.REDIS_URL,
    mongoUrl: given.MONGODB_URL,
    logOperations: given.LOG_OPERATIONS,
    publicUrl: (given.PUBLIC_URL ?? `http://localhost:${given.PORT}`).replace(/\/$/, ''),
    identitySecret: developmentValue(env, 'IDENTITY_SECRET', 'development-identity-secret-not-for-production'),
    serviceTokens: parseTokens(developmentValue(env, 'SERVICE_TOKENS', developmentTokens)),
    strictServiceAuth: given.RPC_AUTH_STRICT === 'true',
    serviceAuthGraceMs: given.RPC_AUTH_GRACE_SECONDS * 1_000,
    answerLimits: readAnswerLimits(env),
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
export function databaseUrl(env: Env, config: Pick<DatabaseConfig, 'mysqlUrl' | 'prefix'>, name: string): string {
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
