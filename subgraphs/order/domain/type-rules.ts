import type { z } from 'zod';
import type { ProductKind } from './line.ts';

/** What an order type says about what it takes; `types/order-type.ts` adds how it is named, paid and delivered. */
export type TypeRules = {
  /** Stable code in capitals, stored with every order. */
  readonly code: string;
  /** The only kind of product that it takes; null for any but BOOKABLE, whose orders are by nights. */
  readonly productKind: ProductKind | null;
  /** Shape of the order's extension; null when it takes none. */
  readonly extension: z.ZodType | null;
  /** Paid, it waits for `redeemOrder` with its confirmation code, or lapses; else it is delivered. */
  readonly redeemable: boolean;
  /** Whether taxes are due on its orders. Money for a wallet is none: what is bought with it is taxed. */
  readonly taxed: boolean;
  /** Why it does not take a product of its kind, in words for the buyer; null when it does. */
  refuses(product: { readonly sku: string; readonly name: string }): string | null;
  /** Whether pieces of this kind of product have to be shipped by hand before the order is complete. */
  needsFulfilment(kind: ProductKind): boolean;
};

/** Largest extension, as JSON text. */
export const maxExtensionBytes = 8 * 1024;
