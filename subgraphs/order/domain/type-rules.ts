import type { z } from 'zod';
import type { MoneyJson } from '../../shared/values/money.ts';
import type { PricedLine, ProductKind, Stay } from './line.ts';

/** A line that is to be priced; `quantity` is that of the merged line. */
export type LineToPrice = {
  readonly product: {
    readonly id: string;
    readonly sku: string;
    readonly kind: ProductKind;
    readonly price: MoneyJson;
    readonly categoryIds: readonly string[];
  };
  readonly quantity: number;
  readonly stay: Stay | null;
};

/** A whole order as it would be placed. */
export type OrderDraft = {
  /** Null for a quote that nobody has signed in for. */
  readonly customerId: string | null;
  /** With discounts and taxes. */
  readonly lines: readonly PricedLine[];
  readonly currency: string;
  readonly totalMinor: bigint;
  /** As the type's schema has checked it; null where none is given, as in every quote. */
  readonly extension: unknown;
  /** The shop's date. */
  readonly today: string;
};

/** Why a type does not take an order: `cause` is for clients, in capitals, `message` for the buyer. */
export type Rejection = { readonly cause: string; readonly message: string; readonly path?: readonly string[] };

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
  /**
   * The price of one piece, of a stay one room for one night, in minor units of the product's currency and not negative. Pure:
   * quotes and orders ask alike. The type's null is the product's own price.
   */
  readonly price: ((line: LineToPrice) => bigint) | null;
  /**
   * Why an order of lines that each are taken is not taken as a whole; nothing where it is. Pure: asked by quotes and while
   * placing. The client gets a BusinessRejectedError for each, and nothing is placed. The type's null takes every order.
   */
  readonly validate: ((order: OrderDraft) => readonly Rejection[]) | null;
  /** Whether promotions apply; else codes are refused as NOT_APPLICABLE. */
  readonly takesPromotions: boolean;
  /** Whether pieces of this kind of product have to be shipped by hand before the order is complete. */
  needsFulfilment(kind: ProductKind): boolean;
};

/** Largest extension, as JSON text. */
export const maxExtensionBytes = 8 * 1024;
