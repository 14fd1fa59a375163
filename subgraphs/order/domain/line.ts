import type { Line } from './order-model.ts';

export type ProductKind = 'STOCKED' | 'BOOKABLE' | 'DIGITAL';

/** A line as the client asks for it. */
export type LineInput = {
  readonly productId: string;
  readonly quantity: number;
  readonly addOns?: readonly string[] | null | undefined;
  readonly stayFrom?: string | null | undefined;
  readonly stayTo?: string | null | undefined;
  readonly guests?: number | null | undefined;
  readonly expectedUnitPrice?: number | null | undefined;
};

/** The nights of a line: from the first one up to the day of departure, and the guests of all its rooms together. */
export type Stay = { readonly from: string; readonly to: string; readonly guests: number };

/** An add-on as the line keeps it; amounts in minor units of the order's currency. */
export type LineAddOn = {
  readonly code: string;
  readonly name: string;
  readonly unitPriceMinor: number;
  readonly quantity: number;
};

/** A line with what was agreed when the order was placed; amounts in minor units of its currency. */
export type PricedLine = Line & {
  readonly productId: string;
  readonly sellerId: string | null;
  readonly sku: string;
  readonly kind: ProductKind;
  readonly title: string;
  readonly subtitle: string | null;
  readonly cover: string | null;
  /** Its nights and guests; null for what is not booked by nights. */
  readonly stay: Stay | null;
  readonly unitPriceMinor: bigint;
  readonly marketPriceMinor: bigint | null;
  readonly addOns: readonly LineAddOn[];
  /** Before discounts. */
  readonly subtotalMinor: bigint;
  /** What is taken off it, positive. */
  readonly discountMinor: bigint;
};
