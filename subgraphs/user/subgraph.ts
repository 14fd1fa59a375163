import { grantService } from '../shared/auth/grants.ts';
import { subgraphNames } from '../shared/values/subgraph-names.ts';
import { typeDefsOf } from '../../schema/type-defs.ts';
import { withinDeadline } from '../shared/calls/link.ts';
import { type DueWork, startDueWork } from '../shared/process/due-work.ts';
import { checkReady } from '../shared/process/readiness.ts';
import type { Runtime } from '../shared/process/runtime.ts';
import { withDeadLetters } from '../shared/engine/dead-letters.ts';
import { openService } from '../shared/engine/service.ts';
import { type Subgraph, createEngine, jsonResponse } from '../shared/engine/subgraph.ts';
import { startEventConsumer } from '../shared/events/event-consumer.ts';
import { untilAvailable } from '../shared/process/until-available.ts';
import { noteConfigured, readCredentialList } from './credential-store.ts';
import { createDependencies } from './create-dependencies.ts';
import type { UserContext, UserDeps } from './dependencies.ts';
import { recordOwn } from './administration/audit.ts';
import { staffActs } from './administration/log-staff-acts.ts';
import { readDueTime } from './erasure/erasure-store.ts';
import { openErasureMetrics } from './erasure/metrics.ts';
import { runErasures } from './erasure/run-erasures.ts';
import { combineParts, sources } from './events.ts';
import { defineJobs } from './jobs.ts';
import { createLoaders } from './loaders.ts';
import { migrations } from './migrations/list.ts';
import { entities } from './records.ts';
import { startResetCodes } from './password-reset/reset-worker.ts';
import { startDelivering } from './notifications/background.ts';
import { readNotificationConfig } from './notifications/config.ts';
import { notificationEvents } from './notifications/notification-events.ts';
import { resolvers } from './resolvers.ts';
import { openWebhookMetrics } from './webhooks/metrics.ts';
import { startWebhooks } from './webhooks/start-webhooks.ts';
import { webhookEvents } from './webhooks/webhook-events.ts';

const name = 'user';
const dueWorkEveryMs = 5_000;

/** The schema that has to be there, migrated, before `createUserSubgraph`. */
export const userSchema = { name, entities, migrations } as const;

/** Accounts, sessions, and which service may call which. Public keys are at `GET /.well-known/jwks.json`. */
export async function createUserSubgraph(runtime: Runtime): Promise<Subgraph> {
  const { db, call, authenticate, close: closeService } = await openService(runtime, userSchema);
  const deps = await createDependencies(runtime, db);
  await untilAvailable(() => noteConfiguredCredentials(deps));
  const metrics = openWebhookMetrics(runtime.metrics.registry, db, runtime.log);
  openErasureMetrics(runtime.metrics.registry, deps);
  let webhooks: ReturnType<typeof startWebhooks> | undefined;
  const events = combineParts([
    staffActs,
    notificationEvents({ ...deps, wake: () => deps.codes.wake() }),
    webhookEvents(deps, () => (webhooks ?? deps.webhooks).wake()),
  ]);
  const engine = createEngine<UserContext>({
    name,
    typeDefs: typeDefsOf(name),
    resolvers: withDeadLetters(resolvers, name, () => ({
      db,
      ...events,
      record: (tx, asker, act) => recordOwn(tx, deps, asker, act),
    })),
    authenticate,
    context: (context) => ({ ...context, deps: withinDeadline(deps, context.deadline), loaders: createLoaders(db) }),
    routes: { 'GET /.well-known/jwks.json': async () => jsonResponse(200, deps.accessTokens.jwks) },
    answering: runtime.answering,
    log: runtime.log,
    metrics: runtime.metrics,
  });
  let resetCodes: ReturnType<typeof startResetCodes> | undefined;
  let erasures: DueWork<'erasures'> | undefined;
  let consumer: ReturnType<typeof startEventConsumer> | undefined;
  let delivering: { stop(): Promise<void> } | undefined;

  return {
    ...engine,
    async startWorker() {
      webhooks ??= startWebhooks(deps, metrics);
      consumer ??= startEventConsumer({ ...runtime, service: name, sources, ...events, db });
      resetCodes ??= startResetCodes(deps);
      const notifications = readNotificationConfig(runtime.env);
      delivering ??= await startDelivering(runtime, deps, { call, notifications });
      erasures ??= startDueWork({
        name,
        everyMs: dueWorkEveryMs,
        log: runtime.log,
        look: () => readDueTime(db.em(), deps.now()),
        works: { erasures: () => runErasures(deps) },
      });
      defineJobs(runtime.jobs, deps);
      runtime.jobs.start();
    },
    ready: () => checkReady({ database: db.ping, redis: () => runtime.redis.ping() }),
    async close() {
      await consumer?.stop();
      await resetCodes?.stop();
      await webhooks?.stop();
      await delivering?.stop();
      await erasures?.stop();
      await closeService();
    },
  };
}

/** So that the grants of SERVICE_TOKENS are listed, and hold whatever was issued or revoked before. */
async function noteConfiguredCredentials({ db, redis, now, configuredTokens }: UserDeps): Promise<void> {
  const listed = await readCredentialList(db.em());
  for (const service of subgraphNames) {
    for (const [app, token] of configuredTokens) {
      const known = listed.find((each) => each.app === app && each.service === service);
      if (known && known.tokenHash === null && known.revokedAt === null) continue;
      if (await noteConfigured(db.em(), { app, service }, now())) await grantService(redis, { app, service, token });
    }
  }
}
