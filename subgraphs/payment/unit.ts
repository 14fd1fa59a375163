import type { Sql } from '../shared/database/database.ts';
import type { PaymentDeps, Work } from './deps.ts';
import { type Journalled, countJournalled } from './metrics.ts';

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
