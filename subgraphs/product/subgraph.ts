import { openCacheVersions } from '../shared/process/cache-versions.ts';
import type { NamedMigration } from '../shared/database/database.ts';
import { withDeadLetters } from '../shared/engine/dead-letters.ts';
import { startEventConsumer } from '../shared/events/event-consumer.ts';
import { startOutboxRelay } from '../shared/events/outbox-relay.ts';
import { recordAct } from '../shared/tables/staff-acts.ts';
import type { Loop } from '../shared/process/loop.ts';
import { typeDefsOf } from '../../schema/type-defs.ts';
import { checkReady } from '../shared/process/readiness.ts';
import type { Runtime } from '../shared/process/runtime.ts';
import { openService } from '../shared/engine/service.ts';
import { type Subgraph, createEngine } from '../shared/engine/subgraph.ts';
import { reserveAlone } from './commands/reserve-stock.ts';
import { openReservationLanes } from './commands/reserve-together.ts';
import type { ProductDeps } from './deps.ts';
import { eventHandlers, sources } from './events.ts';
import { defineJobs } from './jobs.ts';
import { createLoaders } from './loaders.ts';
import { productEntities } from './records.ts';
import { type ProductContext, resolvers } from './resolvers.ts';
import { openStockReader } from './stock-reader.ts';

export const entities = productEntities;
export const migrations: readonly NamedMigration[] = [
  {
    name: '0001-products-and-stock',
    load: async () => (await import('./migrations/0001-products-and-stock.ts')).ProductsAndStock,
  },
  { name: '2026-11-21-nights', load: async () => (await import('./migrations/2026-11-21-nights.ts')).Nights },
  { name: '2026-11-30-search', load: async () => (await import('./migrations/2026-11-30-search.ts')).Search },
  {
    name: '2026-12-01-categories',
    load: async () => (await import('./migrations/2026-12-01-categories.ts')).Categories,
  },
  {
    name: '2026-12-01-product-groups',
    load: async () => (await import('./migrations/2026-12-01-product-groups.ts')).ProductGroups,
  },
  {
    name: '2026-12-01-search-index',
    load: async () => (await import('./migrations/2026-12-01-search-index.ts')).SearchIndex,
  },
  { name: '2026-12-01-outbox', load: async () => (await import('./migrations/2026-12-01-outbox.ts')).Outbox },
  {
    name: '2026-12-01-low-stock',
    load: async () => (await import('./migrations/2026-12-01-low-stock.ts')).LowStock,
  },
];

const relayChannel = 'relay:product';

/** The product subgraph's schema, for ops/migrate.ts. */
export const productSchema = { name: 'product', entities, migrations } as const;

/** The subgraph, with what its commands need, so that a program can call these without GraphQL. */
export type ProductSubgraph = Subgraph & { readonly deps: ProductDeps };

/** Opens the product subgraph on its schema, which exists and is migrated. */
export async function createProductSubgraph(runtime: Runtime): Promise<ProductSubgraph> {
  const { log, metrics, redis, live, now, newId } = runtime;
  const {
    db,
    authenticate,
    close: closeService,
  } = await openService(runtime, { name: 'product', entities, migrations });
  let relay: Loop | undefined;
  let stopListening: (() => void) | undefined;
  const { tracing } = metrics;
  const parts = { db, live, now, newId, tracing };
  const deps: ProductDeps = {
    ...parts, log,
    reservations: openReservationLanes(parts, (input) => reserveAlone(parts, input)),
    cacheVersions: openCacheVersions(redis, log),
    kickRelay: () => (relay ? relay.kick() : live.publish(relayChannel, '')),
  }; // prettier-ignore
  const stockReader = openStockReader(db);
  const engine = createEngine<ProductContext>({
    name: 'product',
    typeDefs: typeDefsOf('product'),
    resolvers: withDeadLetters(resolvers, 'product', () => ({
      db,
      record: (tx, asker, act) => recordAct(tx, deps, asker, act),
      kickRelay: deps.kickRelay,
      ...eventHandlers(deps),
    })),
    authenticate,
    context: (call) => ({ ...call, deps, stockReader, loaders: createLoaders(db) }),
    answering: runtime.answering,
    log,
    metrics,
  });
  let consumer: ReturnType<typeof startEventConsumer> | undefined;

  return {
    ...engine,
    deps,
    async startWorker() {
      if (consumer) return;
      relay = startOutboxRelay({ service: 'product', db, redis, log, metrics });
      stopListening = live.listen(relayChannel, () => relay?.kick());
      consumer = startEventConsumer({ service: 'product', sources, ...eventHandlers(deps), db, redis, log, metrics });
      defineJobs(runtime, deps);
      runtime.jobs.start();
    },
    ready: () => checkReady({ database: db.ping, redis: () => redis.ping() }),
    async close() {
      stopListening?.();
      await consumer?.stop();
      await relay?.stop();
      stockReader.close();
      await closeService();
    },
  };
}
