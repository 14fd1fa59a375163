import type { StockLine } from './nights.ts';
import type { Line, Stock } from './stock.ts';

/** What an order asks to be set aside for it, as a step of a saga. */
export type ReserveStockInput = {
  readonly sagaId: string;
  readonly branch: string;
  readonly orderId: string;
  readonly lines: readonly StockLine[];
  readonly expiresAt: Date;
};
/** What is short: units, or the rooms of one night. */
export type Shortage = {
  readonly productId: string;
  readonly requested: number;
  readonly available: number;
  readonly night?: string;
};
export type ReserveStockResult = { readonly ok: boolean; readonly shortages: readonly Shortage[] };

/** Branch of the barrier that the end of an order takes, whichever saga it had; see events.ts. */
export const orderBarrier = (orderId: string) => ({ sagaId: orderId, branch: 'order.closed' });

type Counters = Pick<Stock, 'onHand' | 'allocated' | 'version'>;
/** The counters of products that are on sale, by product id; null for one that has none and never runs out. */
export type Supply = ReadonlyMap<string, Counters | null>;

/** Units that an order gets, and the counters after it: `version` is the movement's place in the ledger. */
export type Hold = Line & { readonly after: Counters };
/** What one order gets: all that it asks for, or nothing and all that is short. */
export type Share = { readonly holds: readonly Hold[]; readonly shortages: readonly Shortage[] };

/** Gives orders what there is, first come, first served. Lines of one product are merged before. */
export function shareOut(supply: Supply, orders: readonly (readonly Line[])[]): Share[] {
  const counters = new Map(supply);
  return orders.map((lines) => {
    const shortages = lines.flatMap(({ productId, quantity }) => {
      const available = leftOf(counters.get(productId));
      return available < quantity ? [{ productId, requested: quantity, available }] : [];
    });
    if (shortages.length > 0) return { holds: [], shortages };
    const holds = lines.flatMap(({ productId, quantity }) => {
      const before = counters.get(productId);
      if (!before) return [];
      const after = { onHand: before.onHand, allocated: before.allocated + quantity, version: before.version + 1 };
      counters.set(productId, after);
      return [{ productId, quantity, after }];
    });
    return { holds, shortages };
  });
}

const leftOf = (counters: Counters | null | undefined): number => {
  if (counters === undefined) return 0;
  return counters === null ? Infinity : counters.onHand - counters.allocated;
};
