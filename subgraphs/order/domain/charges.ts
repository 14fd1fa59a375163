/* What an order costs beside its lines, as it is kept with the order. Amounts in minor units of the order's currency. */

/** A discount or surcharge of the whole order; negative for a discount. */
export type Adjustment = { readonly source: string; readonly label: string; readonly amountMinor: number };

/** One tax of an order: what it is due on, without any tax, and how much it is. */
export type OrderTax = {
  readonly name: string;
  /** Parts per million: 190,000 is 19 %. */
  readonly ratePpm: number;
  readonly taxableMinor: number;
  readonly amountMinor: number;
};

/** A shipping method as it was when it was chosen. `priceMinor` is before discounts, `taxMinor` what is due after them. */
export type ChosenShipping = {
  readonly code: string;
  readonly name: string;
  readonly priceMinor: number;
  readonly taxMinor: number;
  readonly minDays: number | null;
  readonly maxDays: number | null;
};

/**
 * What an order costs. Always `total = subtotal − discount + shipping`, and `+ tax` where prices exclude it. The sum of the
 * lines' totals and of shipping, less its discount and with its tax where prices exclude it, is the total.
 */
export type OrderCharges = {
  /** Sum of the lines before discounts. */
  readonly subtotalMinor: bigint;
  /** All discounts, those on lines and that on shipping; positive. */
  readonly discountMinor: bigint;
  /** The price of shipping before its discount. */
  readonly shippingMinor: bigint;
  /** What of `discountMinor` is taken off shipping. */
  readonly shippingDiscountMinor: bigint;
  /** What of `taxMinor` is due on shipping. */
  readonly shippingTaxMinor: bigint;
  /** All taxes, that of shipping too. */
  readonly taxMinor: bigint;
  /** Whether subtotal and shipping contain the tax. */
  readonly pricesIncludeTax: boolean;
  readonly totalMinor: bigint;
  /** `taxMinor` by rate; null for none. */
  readonly taxes: readonly OrderTax[] | null;
  /** Null for none. */
  readonly adjustments: readonly Adjustment[] | null;
  /** Null where nothing is shipped, or the shop has no methods. */
  readonly shippingMethod: ChosenShipping | null;
};
