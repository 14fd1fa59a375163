import type { NamedMigration } from '../shared/database/database.ts';
import { withDeadLetters } from '../shared/engine/dead-letters.ts';
import { startEventConsumer } from '../shared/events/event-consumer.ts';
import type { Loop } from '../shared/process/loop.ts';
import { withinDeadline } from '../shared/calls/link.ts';
import { forgetAll } from '../shared/events/forget-events.ts';
import { startOutboxRelay } from '../shared/events/outbox-relay.ts';
import { recordAct } from '../shared/tables/staff-acts.ts';
import { typeDefsOf } from '../../schema/type-defs.ts';
import { checkReady } from '../shared/process/readiness.ts';
import type { Runtime } from '../shared/process/runtime.ts';
import { type Service, openService } from '../shared/engine/service.ts';
import { type Subgraph, createEngine } from '../shared/engine/subgraph.ts';
import { realTime } from '../shared/time/time.ts';
import { readPaymentConfig } from './config.ts';
import type { PaymentContext } from './context.ts';
import { type PaymentDeps, type Work, works } from './deps.ts';
import { startJobs } from './jobs.ts';
import { createLoaders } from './loaders.ts';
import { openPaymentMetrics } from './metrics.ts';
import { orderEvents } from './order-events.ts';
import { openProviders } from './providers/open-providers.ts';
import { entities } from './records.ts';
import { createResolvers } from './resolvers.ts';
import { webhookRoute } from './webhooks.ts';

const migrations: readonly NamedMigration[] = [
  {
    name: '2026-11-21-initial',
    load: async () => (await import('./migrations/2026-11-21-initial.ts')).InitialPaymentMigration,
  },
  {
    name: '2026-11-22-live-slot',
    load: async () => (await import('./migrations/2026-11-22-live-slot.ts')).LiveSlotMigration,
  },
  { name: '2026-11-22-ledger', load: async () => (await import('./migrations/2026-11-22-ledger.ts')).LedgerMigration },
  {
    name: '2026-11-22-barrier',
    load: async () => (await import('./migrations/2026-11-22-barrier.ts')).BarrierMigration,
  },
  {
    name: '2026-11-22-refund-tries',
    load: async () => (await import('./migrations/2026-11-22-refund-tries.ts')).RefundTriesMigration,
  },
  {
    name: '2026-11-22-reconciliation',
    load: async () => (await import('./migrations/2026-11-22-reconciliation.ts')).ReconciliationMigration,
  },
  {
    name: '2026-11-23-capture',
    load: async () => (await import('./migrations/2026-11-23-capture.ts')).CaptureMigration,
  },
  {
    name: '2026-11-30-own-doings',
    load: async () => (await import('./migrations/2026-11-30-own-doings.ts')).ProviderDoingsMigration,
  },
  {
    name: '2026-11-30-outbox-mark',
    load: async () => (await import('./migrations/2026-11-30-outbox-mark.ts')).OutboxMarkMigration,
  },
  {
    name: '2026-12-01-refund-requests',
    load: async () => (await import('./migrations/2026-12-01-refund-requests.ts')).RefundRequestsMigration,
  },
  {
    name: '2026-12-01-instrument',
    load: async () => (await import('./migrations/2026-12-01-instrument.ts')).InstrumentMigration,
  },
  { name: '2026-12-01-payer', load: async () => (await import('./migrations/2026-12-01-payer.ts')).PayerMigration },
];

/** The payment service's schema as it is to be. */
export const paymentSchema = { name: 'payment', entities, migrations } as const;

/** The channel by which a process that only answers requests wakes the one that does the background work, by a name of `works`. */
export const wakeChannel = 'payment-work';

/** Payments, refunds and webhooks: a subgraph that runs in this process. Its schema must exist and be migrated. */
export async function createPaymentSubgraph(runtime: Runtime): Promise<Subgraph> {
  const { log, metrics, live, now, newId } = runtime;
  const service = await openService(runtime, paymentSchema);
  const config = readPaymentConfig(runtime.env);
  const providers = await openProviders(config, { ...runtime.config, log, tracing: metrics.tracing });
  if (providers.size === 0) {
    log.warn(
      'no payment provider: set STRIPE_SECRET_KEY, ALIPAY_APP_ID or WX_PAY_MCH_ID, or ALLOW_SIMULATED_PROVIDER=true with NODE_ENV=production',
    );
  }
  const work = backgroundWork(runtime, service, () => deps);
  const deps: PaymentDeps = {
    env: runtime.env,
    db: service.db,
    call: service.call,
    live,
    log,
    now,
    time: realTime,
    newId,
    metrics: openPaymentMetrics(metrics.registry, { db: service.db, log, served: providers }),
    providers,
    capture: config.capture,
    staffApprovalAboveMinor: config.staffApprovalAboveMinor,
    webhookRetentionDays: config.webhookRetentionDays,
    forget: (orderIds) => forgetAll({ service: 'payment', redis: runtime.redis }, service.db.em(), orderIds),
    wake: work.wake,
  };

  const engine = createEngine<PaymentContext>({
    name: 'payment',
    typeDefs: typeDefsOf('payment'),
    resolvers: withDeadLetters(createResolvers(runtime.config.publicUrl), 'payment', () => ({
      db: service.db,
      record: (tx, asker, act) => recordAct(tx, deps, asker, act),
      kickRelay: () => deps.wake('outbox'),
      ...orderEvents(deps),
    })),
    authenticate: service.authenticate,
    context: (call) => ({
      ...call,
      deps: withinDeadline(deps, call.deadline),
      loaders: createLoaders(service.db),
    }),
    routes: { 'POST /webhooks/:provider': webhookRoute(deps) },
    answering: runtime.answering,
    log,
    metrics,
  });
  return {
    ...engine,
    startWorker: work.start,
    ready: () => checkReady({ database: service.db.ping, redis: () => runtime.redis.ping() }),
    async close() {
      await work.stop();
      await Promise.all([...providers.values()].map((provider) => provider.close()));
      await service.close();
    },
  };
}

/** Relay, consumer and jobs, once started here; until then `wake` reaches whichever process has them. */
function backgroundWork({ redis, live, jobs, log, metrics }: Runtime, { db }: Service, deps: () => PaymentDeps) {
  let loops: Readonly<Record<Work, Loop>> | undefined;
  let stopLoops: (() => Promise<unknown>) | undefined;
  let stopConsumer: (() => Promise<void>) | undefined;
  let stopListening: (() => void) | undefined;
  return {
    wake(work: Work): void {
      if (loops) loops[work].kick();
      else live.publish(wakeChannel, work);
    },
    async start(): Promise<void> {
      const outbox = startOutboxRelay({ service: 'payment', db, redis, log, metrics });
      const { attempts, refunds, stop } = startJobs(deps(), jobs);
      loops = { outbox, attempts, refunds };
      stopLoops = () => Promise.all([outbox.stop(), stop()]);
      const consumer = startEventConsumer({
        service: 'payment',
        sources: ['order'],
        ...orderEvents(deps()),
        db,
        redis,
        log,
        metrics,
      });
      stopConsumer = () => consumer.stop();
      stopListening = live.listen(wakeChannel, (message) => {
        // Without a message some may have been missed.
        for (const work of message === null ? works : works.filter((name) => name === message)) loops?.[work].kick();
      });
    },
    async stop(): Promise<void> {
      stopListening?.();
      await stopConsumer?.();
      await stopLoops?.();
    },
  };
}
