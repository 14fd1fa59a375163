import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../shared/database/database.ts';
import type { Product } from './domain/product.ts';
import type { Stock } from './domain/stock.ts';
import { stocksByProductIds } from './stock-store.ts';
import { productsByIds } from './product-store.ts';

/**
 * Reads for all stock subscriptions of a process: what they ask for within 20 ms is one statement over the distinct ids,
 * so that a change that thousands watch costs as much as one that a single client watches.
 */
export type StockReader = {
  /** The counters by product id, of these products and perhaps of more; they are read after the call. */
  stocks(productIds: readonly string[]): Promise<ReadonlyMap<string, Stock>>;
  /** The products by id, of these and perhaps of more; they are read after the call. */
  products(ids: readonly string[]): Promise<ReadonlyMap<string, Product>>;
  /** Wakes about every 5 s, all listeners at once: the net under lost notices. Returns the end of it. */
  onPoll(wake: () => void): () => void;
  close(): void;
};

const coalesceMs = 20;
const pollMs = 5_000;
/** Of `pollMs`: the processes that began together don't poll together. */
const pollJitter = 0.2;
const maxIdsPerStatement = 1_000;

export function openStockReader(db: Database): StockReader {
  const wakes = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;

  function schedulePoll(): void {
    timer = setTimeout(
      () => {
        schedulePoll();
        for (const wake of wakes) wake();
      },
      pollMs * (1 + pollJitter * (2 * Math.random() - 1)),
    );
  }
  function stopPoll(): void {
    clearTimeout(timer);
    timer = undefined;
  }

  return {
    stocks: coalesced(coalesceMs, async (ids) => keyed(await stocksByProductIds(db.em(), ids), (stock) => stock.productId)), // prettier-ignore
    // Those who waited for the same counters ask for their products at once.
    products: coalesced(0, async (ids) => keyed(await productsByIds(db.em(), ids), (product) => product.id)),
    onPoll(wake) {
      wakes.add(wake);
      if (!timer) schedulePoll();
      return () => {
        wakes.delete(wake);
        if (wakes.size === 0) stopPoll();
      };
    },
    close() {
      wakes.clear();
      stopPoll();
    },
  };
}

const keyed = <Item>(items: readonly Item[], keyOf: (item: Item) => string): [string, Item][] =>
  items.map((item) => [keyOf(item), item]);

type Batch<Item> = { readonly ids: Set<string>; readonly answer: Promise<ReadonlyMap<string, Item>> };

/** Gathers ids for `waitMs`, and for as long as the batch before is being read: one read at a time, for all who asked. */
function coalesced<Item>(
  waitMs: number,
  read: (ids: readonly string[]) => Promise<readonly [string, Item][]>,
): (ids: readonly string[]) => Promise<ReadonlyMap<string, Item>> {
  let open: Batch<Item> | undefined;
  let previous: Promise<unknown> = Promise.resolve();

  function openBatch(): Batch<Item> {
    const ids = new Set<string>();
    const answer = (async () => {
      await Promise.all([sleep(waitMs), previous]);
      open = undefined;
      const all = [...ids];
      const found = new Map<string, Item>();
      for (let from = 0; from < all.length; from += maxIdsPerStatement) {
        for (const [id, item] of await read(all.slice(from, from + maxIdsPerStatement))) found.set(id, item);
      }
      return found;
    })();
    // Its failure is told to those who asked; the next batch only waits for its end.
    previous = answer.catch(() => undefined);
    return { ids, answer };
  }

  return (ids) => {
    open ??= openBatch();
    for (const id of ids) open.ids.add(id);
    return open.answer;
  };
}
