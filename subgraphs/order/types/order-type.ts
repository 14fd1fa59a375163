import { type z } from 'zod';
import type { StoredOrder } from '../rows.ts';

export type PayFlow = 'NONE' | 'PREPAY_WALLET' | 'ORDER_THEN_PAY' | 'MIXED';
export type ProductKind = 'STOCKED' | 'BOOKABLE' | 'DIGITAL';

/** The rules of one kind of order. Add a file beside this one and register it in `registry.ts`. */
export type OrderType = {
  /** Stable code in capitals, stored with every order. */
  readonly code: string;
  readonly name: string;
  /** One to four capitals that begin the order number; unique. */
  readonly numberPrefix: string;
  /** Seconds to pay; null takes PAYMENT_WINDOW_SECONDS. */
  readonly paymentWindowSeconds: number | null;
  readonly payFlow: PayFlow;
  /** The only kind of product that it takes; null for any but BOOKABLE, whose orders are by nights. */
  readonly productKind: ProductKind | null;
  /** Shape of the order's extension; null when it takes none. */
  readonly extension: z.ZodType | null;
  /** Paid, it waits for `redeemOrder` with its confirmation code, or lapses; else it is delivered. */
  readonly redeemable: boolean;
  /** Why it does not take a product of its kind, in words for the buyer; null when it does. */
  refuses(product: { readonly sku: string; readonly name: string }): string | null;
  /** Whether pieces of this kind of product have to be shipped by hand before the order is complete. */
  needsFulfilment(kind: ProductKind): boolean;
  /**
   * Delivers a paid order that needs no fulfilment. Called from a job, more than once after a crash, so it must be
   * re-entrant. Resolves when delivered; a rejection is tried again with back-off until the life time is over.
   */
  deliver(order: StoredOrder): Promise<void>;
  /** Seconds after payment within which delivery must succeed; then the order NEEDS_ATTENTION. */
  readonly deliveryLifeSeconds: number;
};

/** Largest extension, as JSON text. */
export const maxExtensionBytes = 8 * 1024;
