import { createHash } from 'node:crypto';
import { type Authenticator, authenticator } from '../auth/authenticator.ts';
import { grantService, rpcAuthKey } from '../auth/grants.ts';
import { type ServiceCaller, serviceCaller } from '../calls/link.ts';
import type { SubgraphName } from '../values/subgraph-names.ts';
import { type Database, type NamedMigration, openDatabase } from '../database/database.ts';
import { startLoop } from '../process/loop.ts';
import { databaseUrl } from '../process/platform-config.ts';
import type { Redis } from '../process/redis.ts';
import type { Runtime } from '../process/runtime.ts';
import { untilAvailable } from '../process/until-available.ts';

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
    onSent(statements) {
      runtime.metrics.databaseRoundTrips.inc({ service: name });
      runtime.metrics.databaseStatements.inc({ service: name }, statements);
    },
    traces: runtime.metrics.tracing && { tracing: runtime.metrics.tracing, service: name },
  });
  const unwatch = runtime.metrics.backlog.watch(
    async () =>
    Object.entries(db.connections?.() ?? {}).map(([state, value]) => ({ name: 'database_connections', labels: { service: name, state }, value })), // prettier-ignore
  );
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
      unwatch();
      await grants.stop();
      await db.close();
    },
    call: serviceCaller({
      app: name,
      token: config.serviceTokens.get(name) ?? '',
      link: runtime.link,
      tracing: runtime.metrics.tracing,
    }),
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
