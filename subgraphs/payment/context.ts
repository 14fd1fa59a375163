import type { Database, Sql } from '../shared/database.ts';
import type { Env } from '../shared/env.ts';
import type { Live } from '../shared/live.ts';
import type { ServiceCaller } from '../shared/link.ts';
import type { CallContext } from '../shared/subgraph.ts';
import type { Logger } from '../shared/telemetry.ts';
import type { PaymentLoaders } from './loaders.ts';
import type { PaymentProvider } from './providers/provider.ts';
import type { PaymentMethod } from './records.ts';

/** What the payment service works with. */
export type PaymentDeps = {
  readonly env: Env;
  readonly db: Database;
  readonly live: Live;
  readonly log: Logger;
  readonly now: () => Date;
  readonly newId: () => string;
  /** Calls other subgraphs as the service `payment`. */
  readonly call: ServiceCaller;
  /** By the method that they serve: the methods that can be used here. */
  readonly providers: ReadonlyMap<PaymentMethod, PaymentProvider>;
  /** Wakes background work, here or in another process. A lost wake only costs the time to the next look. */
  readonly wake: (work: Work) => void;
};

/** Background work that may be woken: publishing events, asking providers about attempts, doing refunds. */
export const works = ['outbox', 'attempts', 'refunds'] as const;
export type Work = (typeof works)[number];

export type PaymentContext = CallContext & { readonly deps: PaymentDeps; readonly loaders: PaymentLoaders };

/** A transaction, with what is to be told once it has committed. */
export type Unit = {
  readonly sql: Sql;
  /** A payment of this order has changed: tell the subscribers. */
  changed(orderId: string): void;
  wake(work: Work): void;
};

/** Runs `work` in one transaction and tells afterwards what it wanted told; nothing is told of one that was rolled back. */
export async function transact<T>(deps: PaymentDeps, work: (unit: Unit) => Promise<T>): Promise<T> {
  let orders = new Set<string>();
  let wakes = new Set<Work>();
  const result = await deps.db.transaction((sql) => {
    // A try that the database aborted has told nothing.
    orders = new Set();
    wakes = new Set();
    return work({ sql, changed: (orderId) => orders.add(orderId), wake: (name) => wakes.add(name) });
  });
  for (const orderId of orders) deps.live.publish(`payment:${orderId}`, '');
  for (const name of wakes) deps.wake(name);
  return result;
}

/** The provider of a stored attempt. Throws when it is no longer configured. */
export function providerNamed(deps: PaymentDeps, name: string): PaymentProvider {
  for (const provider of deps.providers.values()) if (provider.name === name) return provider;
  throw new Error(`the payment provider ${name} is not configured here`);
}
