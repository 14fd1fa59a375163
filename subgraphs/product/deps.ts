import type { Database } from '../shared/database.ts';
import type { Runtime } from '../shared/runtime.ts';

/** What commands and queries of this subgraph work with. */
export type ProductDeps = Pick<Runtime, 'now' | 'newId' | 'live' | 'log'> & { readonly db: Database };

/** The channel of live notices about a product's stock. */
export const stockChannel = (productId: string): string => `stock:${productId}`;

/** Tells listeners that these stocks changed. Call it after the commit. */
export function announceStock(deps: Pick<ProductDeps, 'live'>, productIds: readonly string[]): void {
  for (const productId of productIds) deps.live.publish(stockChannel(productId), '');
}
