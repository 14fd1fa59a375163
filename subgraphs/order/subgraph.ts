import type { NamedMigration } from '../shared/database/database.ts';
import { withDeadLetters } from '../shared/engine/dead-letters.ts';
import { startEventConsumer } from '../shared/events/event-consumer.ts';
import { type Loop, startLoop } from '../shared/process/loop.ts';
import { withinDeadline } from '../shared/calls/link.ts';
import { startOutboxRelay } from '../shared/events/outbox-relay.ts';
import { typeDefsOf } from '../../schema/type-defs.ts';
import { checkReady } from '../shared/process/readiness.ts';
import type { Runtime } from '../shared/process/runtime.ts';
import { openService } from '../shared/engine/service.ts';
import { realTime } from '../shared/time/time.ts';
import { type Subgraph, createEngine } from '../shared/engine/subgraph.ts';
import { advanceOrders } from './commands/advance-order.ts';
import { expireOrders } from './commands/expire-orders.ts';
import { readOrderConfig } from './config.ts';
import { paymentHandlers } from './consumers.ts';
import type { OrderContext } from './context.ts';
import type { OrderDeps } from './deps.ts';
import { openFeedWatch } from './feed.ts';
import { defineJobs, expireJob, listDelayedJobs } from './jobs.ts';
import { createLoaders } from './loaders.ts';
import { InitialOrderMigration } from './migrations/2026-11-21-initial.ts';
import { JournalFeedMigration } from './migrations/2026-11-21-journal-feed.ts';
import { BookingsMigration } from './migrations/2026-11-22-bookings.ts';
import { WaitingAndReferencesMigration } from './migrations/2026-11-30-waiting-and-references.ts';
import { OpenOrdersMigration } from './migrations/2026-11-30-open-orders.ts';
import { OutboxMarkMigration } from './migrations/2026-11-30-outbox-mark.ts';
import { orderEntities } from './records.ts';
import { resolvers } from './resolvers.ts';
import { recoverSagas } from './saga.ts';
import { creditTopUp } from './top-up-credit.ts';
import { orderTypes } from './types/registry.ts';

const migrations: readonly NamedMigration[] = [
  { name: '2026-11-21-initial', class: InitialOrderMigration },
  { name: '2026-11-21-journal-feed', class: JournalFeedMigration },
  { name: '2026-11-22-bookings', class: BookingsMigration },
  { name: '2026-11-30-waiting-and-references', class: WaitingAndReferencesMigration },
  { name: '2026-11-30-open-orders', class: OpenOrdersMigration },
  { name: '2026-11-30-outbox-mark', class: OutboxMarkMigration },
];

/** The schema that this subgraph owns, for `ops/migrate.ts`. */
export const orderSchema = { name: 'order', entities: orderEntities, migrations } as const;

const relayChannel = 'relay:order';
/** The net under Agenda, whose store may be away, or keep a job for the clock of another worker. */
const dueWorkEveryMs = 5_000;

/** The subgraph, with what its commands need, so that a program can call these without GraphQL. */
export type OrderSubgraph = Subgraph & { readonly deps: OrderDeps };

/** The order subgraph over a process's runtime. Throws ConfigError for a configuration that can't work. */
export async function createOrderSubgraph(runtime: Runtime): Promise<OrderSubgraph> {
  const config = readOrderConfig(runtime.env);
  const service = await openService(runtime, orderSchema);
  const { live, jobs, log, metrics, now, newId } = runtime;
  let relay: Loop | undefined;
  let advance: Loop | undefined;
  let sweeps: readonly Loop[] = [];
  let consumer: { stop(): Promise<void> } | undefined;
  let stopListening: (() => void) | undefined;

  const feed = openFeedWatch({ db: service.db, live, log });
  const deps: OrderDeps = {
    db: service.db,
    call: service.call,
    live, log, metrics, now, newId, config, feed,
    types: orderTypes({ creditTopUp: creditTopUp(service.call) }),
    processId: newId(),
    time: realTime,
    wakeExpiry: (at) => {
      jobs.wakeAt(expireJob, at).catch((error: Error) => log.debug({ err: error.message }, 'expiry job not scheduled; the sweep will find the order'));
    },
    kickRelay: () => (relay ? relay.kick() : live.publish(relayChannel, '')),
    kickAdvance: () => advance?.kick(),
  }; // prettier-ignore
  const engine = createEngine<OrderContext>({
    name: 'order',
    typeDefs: typeDefsOf('order'),
    resolvers: withDeadLetters(resolvers, 'order', () => ({ db: service.db, ...paymentHandlers(deps) })),
    authenticate: service.authenticate,
    context: (call) => ({
      ...call,
      deps: withinDeadline(deps, call.deadline),
      loaders: createLoaders(() => service.db.em()),
      listJobs: () => listDelayedJobs(jobs, now()),
    }),
    answering: runtime.answering,
    log,
    metrics,
  });

  return {
    ...engine,
    deps,
    async startWorker() {
      relay = startOutboxRelay({ service: 'order', db: service.db, redis: runtime.redis, log, metrics });
      stopListening = live.listen(relayChannel, () => relay?.kick());
      const sweep = (name: string, work: (due: OrderDeps) => Promise<unknown>) =>
        startLoop({ name, everyMs: dueWorkEveryMs, log, turn: async () => void (await work(deps)) });
      advance = sweep('advance paid orders', advanceOrders);
      sweeps = [advance, sweep('expire unpaid orders', expireOrders), sweep('recover sagas', recoverSagas)];
      consumer = startEventConsumer({
        service: 'order',
        sources: ['payment'],
        ...paymentHandlers(deps),
        db: service.db,
        redis: runtime.redis,
        log,
        metrics,
      });
      defineJobs(deps, jobs);
      jobs.start();
    },
    ready: () => checkReady({ database: service.db.ping }),
    async close() {
      stopListening?.();
      await consumer?.stop();
      await Promise.all(sweeps.map((loop) => loop.stop()));
      await relay?.stop();
      await feed.close();
      await service.close();
    },
  };
}
