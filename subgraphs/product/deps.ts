import { type CacheVersions, catalogueTag, productTag } from '../shared/process/cache-versions.ts';
import type { Database } from '../shared/database/database.ts';
import type { Runtime } from '../shared/process/runtime.ts';
import type { SpanReference } from '../shared/tracing/span.ts';
import type { Tracing } from '../shared/tracing/tracing.ts';
import type { Lanes } from '../shared/queues/lanes.ts';
import type { ReserveStockInput, ReserveStockResult } from './domain/reservation.ts';

/** An order that asks for stock, and the span that it asks in. */
export type Asking = { readonly input: ReserveStockInput; readonly span?: SpanReference | undefined };

/** What commands and queries of this subgraph work with. */
export type ProductDeps = Pick<Runtime, 'now' | 'newId' | 'live' | 'log'> & {
  readonly db: Database;
  /** Told of every change of the catalogue (not of stock): gateways may keep answers. */
  readonly cacheVersions: CacheVersions;
  /** Has events published that a transaction has left, here or in another process. */
  readonly kickRelay: () => void;
  /** Where orders wait for a product that many want at once; by product id. */
  readonly reservations: Lanes<Asking, ReserveStockResult>;
  /** Undefined where traces are off. */
  readonly tracing?: Tracing | undefined;
};

/** Makes a change of a product's own fields, which also is one of the catalogue. */
export const changeProduct = <T>(
  deps: Pick<ProductDeps, 'cacheVersions' | 'kickRelay'>,
  id: string,
  work: () => Promise<T>,
): Promise<T> => changeCatalogue(deps, [id], work);

/** As `changeProduct` for something that many products show, and for these products beside. */
export async function changeCatalogue<T>(
  { cacheVersions, kickRelay }: Pick<ProductDeps, 'cacheVersions' | 'kickRelay'>,
  productIds: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const result = await cacheVersions.change([catalogueTag, ...productIds.map(productTag)], work);
  kickRelay();
  return result;
}

/** The channel of live notices about a product's stock. */
export const stockChannel = (productId: string): string => `stock:${productId}`;

/** Tells listeners that these stocks changed. Call it after the commit. */
export function announceStock(deps: Pick<ProductDeps, 'live'>, productIds: readonly string[]): void {
  for (const productId of productIds) deps.live.publish(stockChannel(productId), '');
}
