import type { NamedMigration } from '../shared/database/database.ts';
import { withDeadLetters } from '../shared/engine/dead-letters.ts';
import { startEventConsumer } from '../shared/events/event-consumer.ts';
import { type DueWork, startDueWork } from '../shared/process/due-work.ts';
import { withinDeadline } from '../shared/calls/link.ts';
import { forgetAll } from '../shared/events/forget-events.ts';
import { type Relay, startOutboxRelay } from '../shared/events/outbox-relay.ts';
import { recordAct } from '../shared/tables/staff-acts.ts';
import { typeDefsOf } from '../../schema/type-defs.ts';
import { checkReady } from '../shared/process/readiness.ts';
import type { Runtime } from '../shared/process/runtime.ts';
import { openService } from '../shared/engine/service.ts';
import { realTime } from '../shared/time/time.ts';
import { type Subgraph, createEngine } from '../shared/engine/subgraph.ts';
import { advanceOrders } from './commands/advance-order.ts';
import { expireOrders } from './commands/expire-orders.ts';
import { readOrderConfig } from './config.ts';
import { openCouponGuesses } from './coupon-guesses.ts';
import { paymentHandlers } from './consumers.ts';
import type { OrderContext } from './context.ts';
import type { OrderDeps } from './deps.ts';
import { readDueTimes } from './due-store.ts';
import { openFeedWatch } from './feed.ts';
import { defineJobs, expireJob, listDelayedJobs } from './jobs.ts';
import { createLoaders } from './loaders.ts';
import { openPriceBook, tableTaxes } from './price-book.ts';
import { orderEntities } from './records.ts';
import { resolvers } from './resolvers.ts';
import { recoverSagas, recoveryBatch, sagaBacklog } from './saga.ts';
import { creditTopUp } from './top-up-credit.ts';
import type { OrderType } from './types/order-type.ts';
import { orderTypes, registerOrderTypes } from './types/registry.ts';

const migrations: readonly NamedMigration[] = [
  {
    name: '2026-11-21-initial',
    load: async () => (await import('./migrations/2026-11-21-initial.ts')).InitialOrderMigration,
  },
  {
    name: '2026-11-21-journal-feed',
    load: async () => (await import('./migrations/2026-11-21-journal-feed.ts')).JournalFeedMigration,
  },
  {
    name: '2026-11-22-bookings',
    load: async () => (await import('./migrations/2026-11-22-bookings.ts')).BookingsMigration,
  },
  {
    name: '2026-11-30-waiting-and-references',
    load: async () => (await import('./migrations/2026-11-30-waiting-and-references.ts')).WaitingAndReferencesMigration,
  },
  {
    name: '2026-11-30-open-orders',
    load: async () => (await import('./migrations/2026-11-30-open-orders.ts')).OpenOrdersMigration,
  },
  {
    name: '2026-11-30-outbox-mark',
    load: async () => (await import('./migrations/2026-11-30-outbox-mark.ts')).OutboxMarkMigration,
  },
  {
    name: '2026-12-01-charges',
    load: async () => (await import('./migrations/2026-12-01-charges.ts')).ChargesMigration,
  },
  {
    name: '2026-12-01-promotions',
    load: async () => (await import('./migrations/2026-12-01-promotions.ts')).PromotionsMigration,
  },
  {
    name: '2026-12-01-fulfilment',
    load: async () => (await import('./migrations/2026-12-01-fulfilment.ts')).FulfilmentMigration,
  },
  {
    name: '2026-12-01-order-types',
    load: async () => (await import('./migrations/2026-12-01-order-types.ts')).OrderTypesMigration,
  },
  {
    name: '2026-12-01-order-lists',
    load: async () => (await import('./migrations/2026-12-01-order-lists.ts')).OrderListsMigration,
  },
  {
    name: '2026-12-01-order-search',
    load: async () => (await import('./migrations/2026-12-01-order-search.ts')).OrderSearchMigration,
  },
  {
    name: '2026-12-01-price-rules',
    load: async () => (await import('./migrations/2026-12-01-price-rules.ts')).PriceRulesMigration,
  },
  {
    name: '2026-12-01-placed-by',
    load: async () => (await import('./migrations/2026-12-01-placed-by.ts')).PlacedByMigration,
  },
  {
    name: '2026-12-01-saga-lists',
    load: async () => (await import('./migrations/2026-12-01-saga-lists.ts')).SagaListsMigration,
  },
  {
    name: '2026-12-01-sold-lines',
    load: async () => (await import('./migrations/2026-12-01-sold-lines.ts')).SoldLinesMigration,
  },
  {
    name: '2026-12-01-sales',
    load: async () => (await import('./migrations/2026-12-01-sales.ts')).SalesMigration,
  },
  {
    name: '2026-12-01-after-sale',
    load: async () => (await import('./migrations/2026-12-01-after-sale.ts')).AfterSaleMigration,
  },
  {
    name: '2026-12-01-returns',
    load: async () => (await import('./migrations/2026-12-01-returns.ts')).ReturnsMigration,
  },
  {
    name: '2026-12-01-restocked',
    load: async () => (await import('./migrations/2026-12-01-restocked.ts')).RestockedMigration,
  },
  {
    name: '2026-12-01-erasure',
    load: async () => (await import('./migrations/2026-12-01-erasure.ts')).ErasureMigration,
  },
];

/** The schema that this subgraph owns, for `ops/migrate.ts`. */
export const orderSchema = { name: 'order', entities: orderEntities, migrations } as const;

const relayChannel = 'relay:order';
/** The net under Agenda, whose store may be away, or keep a job for the clock of another worker. */
const dueWorkEveryMs = 5_000;

/** The subgraph, with what its commands need, so that a program can call these without GraphQL. */
export type OrderSubgraph = Subgraph & { readonly deps: OrderDeps };

/**
 * The order subgraph over a process's runtime, with order types of a program's own beside the registered ones. Throws
 * ConfigError for a configuration that can't work.
 */
export async function createOrderSubgraph(runtime: Runtime, ...types: readonly OrderType[]): Promise<OrderSubgraph> {
  const config = readOrderConfig(runtime.env);
  const service = await openService(runtime, orderSchema);
  const { live, jobs, log, metrics, now, newId } = runtime;
  let relay: Relay | undefined;
  let dueWork: DueWork<'expire' | 'advance' | 'sagas'> | undefined;
  let consumer: { stop(): Promise<void> } | undefined;
  let stopListening: (() => void) | undefined;
  let unwatch: (() => void) | undefined;

  const feed = openFeedWatch({ db: service.db, live, log });
  const priceBook = openPriceBook({ db: service.db, live, time: realTime, now });
  const deps: OrderDeps = {
    db: service.db,
    call: service.call,
    live, log, metrics, now, newId, config, feed, priceBook,
    taxProvider: tableTaxes(priceBook),
    couponGuesses: openCouponGuesses({ redis: runtime.redis, log, limits: config.couponGuesses }),
    types: registerOrderTypes(...orderTypes({ creditTopUp: creditTopUp(service.call) }).all, ...types),
    processId: newId(),
    time: realTime,
    wakeExpiry: (at) => {
      jobs.wakeAt(expireJob, at).catch((error: Error) => log.debug({ err: error.message }, 'expiry job not scheduled; the sweep will find the order'));
    },
    kickRelay: (when) => {
      if (!relay) live.publish(relayChannel, when ?? '');
      else if (when === 'soon') relay.kickSoon();
      else relay.kick();
    },
    forget: (orderIds) => forgetAll({ service: 'order', redis: runtime.redis }, service.db.em(), orderIds),
    kickAdvance: () => dueWork?.advance.kick(),
  }; // prettier-ignore
  const engine = createEngine<OrderContext>({
    name: 'order',
    typeDefs: typeDefsOf('order'),
    resolvers: withDeadLetters(resolvers, 'order', () => ({
      db: service.db,
      record: (tx, asker, act) => recordAct(tx, deps, asker, act),
      kickRelay: deps.kickRelay,
      ...paymentHandlers(deps),
    })),
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
      stopListening = live.listen(relayChannel, (message) => (message === 'soon' ? relay?.kickSoon() : relay?.kick()));
      dueWork = startDueWork({
        name: 'order',
        everyMs: dueWorkEveryMs,
        log,
        look: () => readDueTimes(deps),
        works: {
          expire: () => expireOrders(deps),
          advance: () => advanceOrders(deps),
          async sagas() {
            while ((await recoverSagas(deps)) === recoveryBatch);
          },
        },
      });
      consumer = startEventConsumer({
        service: 'order',
        sources: ['payment'],
        ...paymentHandlers(deps),
        db: service.db,
        redis: runtime.redis,
        log,
        metrics,
      });
      unwatch = metrics.backlog.watch(() => sagaBacklog(deps));
      defineJobs(deps, jobs);
      jobs.start();
    },
    ready: () => checkReady({ database: service.db.ping }),
    async close() {
      stopListening?.();
      unwatch?.();
      await consumer?.stop();
      await dueWork?.stop();
      await relay?.stop();
      await feed.close();
      priceBook.close();
      await service.close();
    },
  };
}
