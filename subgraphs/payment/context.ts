import type { Database, Sql } from '../shared/database/database.ts';
import type { Env } from '../shared/process/env.ts';
import type { Live } from '../shared/process/live.ts';
import type { ServiceCaller } from '../shared/calls/link.ts';
import type { CallContext } from '../shared/engine/subgraph.ts';
import type { Time } from '../shared/time/time.ts';
import type { Logger } from '../shared/process/telemetry.ts';
import type { CaptureMode } from './config.ts';
import type { PaymentLoaders } from './loaders.ts';
import { type Journalled, type PaymentMetrics, countJournalled } from './metrics.ts';
import type { PaymentProvider } from './providers/provider.ts';
import type { PaymentMethod } from './records.ts';

/** What the payment service works with. */
export type PaymentDeps = {
  readonly env: Env;
  readonly db: Database;
  readonly live: Live;
  readonly log: Logger;
  readonly now: () => Date;
  /** What waiting for a provider is measured by. */
  readonly time: Time;
  readonly newId: () => string;
  readonly metrics: PaymentMetrics;
  /** Calls other subgraphs as the service `payment`. */
  readonly call: ServiceCaller;
  /** By the method that they serve: the methods that can be used here. */
  readonly providers: ReadonlyMap<PaymentMethod, PaymentProvider>;
  /** Whether money is taken at once, or held until staff capture it, where the provider can. */
  readonly capture: CaptureMode;
  /** What one member of staff may credit or refund without a second person, in minor units of whichever currency. */
  readonly staffApprovalAboveMinor: bigint;
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
  /** A payment's journal has grown: count it. */
  journalled(written: Journalled): void;
};

/** Runs `work` in one transaction and tells afterwards what it wanted told; nothing is told of one that was rolled back. */
export async function transact<T>(deps: PaymentDeps, work: (unit: Unit) => Promise<T>): Promise<T> {
  let orders = new Set<string>();
  let wakes = new Set<Work>();
  let journalled: Journalled[] = [];
  const result = await deps.db.transaction((sql) => {
    // A try that the database aborted has told nothing.
    orders = new Set();
    wakes = new Set();
    journalled = [];
    return work({
      sql,
      changed: (orderId) => orders.add(orderId),
      wake: (name) => wakes.add(name),
      journalled: (written) => journalled.push(written),
    });
  });
  for (const orderId of orders) deps.live.publish(`payment:${orderId}`, '');
  for (const name of wakes) deps.wake(name);
  for (const written of journalled) count(deps, written);
  return result;
}

/** Counts what a transaction wrote, once it has committed. A method that no provider serves, as the wallet, stands for itself. */
export function count(deps: Pick<PaymentDeps, 'metrics' | 'providers'>, written: Journalled): void {
  const { method } = written.payment;
  countJournalled(deps.metrics, deps.providers.get(method)?.name ?? method.toLowerCase(), written);
}

/** The provider of a stored attempt. Throws when it is no longer configured. */
export function providerNamed(deps: PaymentDeps, name: string): PaymentProvider {
  for (const provider of deps.providers.values()) if (provider.name === name) return provider;
  throw new Error(`the payment provider ${name} is not configured here`);
}
