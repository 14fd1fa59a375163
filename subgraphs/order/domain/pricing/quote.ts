import { type Refusal, validationError } from '../../../shared/errors/errors.ts';
import { maxAmountMinor } from '../../../shared/values/money.ts';
import type { Adjustment, ChosenShipping, OrderCharges } from '../charges.ts';
import type { PricedLine } from '../line.ts';
import type { AppliedPromotion } from './apply-promotions.ts';
import { type PricedItem, totalTooLarge } from './price-lines.ts';
import { type Parcel, type PricedMethod, type ShippingMethod, methodsFor, shippingRefusal } from './shipping.ts';
import { type Place, type RatesByCategory, type TaxedItem, taxesOf } from './tax.ts';

/*
 * The whole price of an order: one pure function, by which quotes and orders are priced alike. In this sequence:
 *
 * 1. lines at their products' prices (price-lines.ts),
 * 2. discounts on lines,
 * 3. shipping, whose rates look at the subtotal after the discounts on lines,
 * 4. the discount on shipping,
 * 5. taxes, on what is left of lines and shipping.
 */

/** By line id; lines without a discount are left out. */
type LineDiscounts = ReadonlyMap<string, bigint>;

/** What promotions take off an order. */
export type Discounts = {
  /** Each at most its line's subtotal. */
  readonly lineDiscounts: LineDiscounts;
  /** At most the price of shipping. */
  readonly shippingDiscountMinor: bigint;
  /** Their sum is that of all these discounts, negative. */
  readonly adjustments: readonly Adjustment[];
  /** The promotions that give them, each of which the order uses once. */
  readonly uses: readonly AppliedPromotion[];
  readonly refusals: readonly Refusal[];
};

/** `shippingMinor` tells the price of shipping lines with these discounts; null where no method takes them. */
export type DiscountRule = (
  items: readonly PricedItem[],
  shippingMinor: (lineDiscounts: LineDiscounts) => bigint | null,
) => Discounts;

export const noDiscounts: DiscountRule = () => ({
  lineDiscounts: new Map(),
  shippingDiscountMinor: 0n,
  adjustments: [],
  uses: [],
  refusals: [],
});

/** All that an order is priced by beside its lines. */
export type Terms = {
  readonly currency: string;
  readonly pricesIncludeTax: boolean;
  /** Where the order goes: the shop's own country while that is not known. */
  readonly destination: Place;
  /** The address that it is shipped to is known, or one was given and is refused by itself. */
  readonly hasAddress: boolean;
  /** The shop's active ones; none: nothing is asked for shipping, and no address is needed. */
  readonly methods: readonly ShippingMethod[];
  /** The code that was asked for; null for the cheapest. */
  readonly shippingMethod: string | null;
  /** Rates where the order goes, and where the shop is: stays are taxed there. None where the order's type is not taxed. */
  readonly rates: { readonly destination: RatesByCategory; readonly shop: RatesByCategory };
  readonly discountsOf: DiscountRule;
};

export type Quote = OrderCharges & {
  /** With discount, tax and total. */
  readonly lines: readonly PricedLine[];
  readonly uses: readonly AppliedPromotion[];
  /** What would be refused; the rest is priced all the same. */
  readonly refusals: readonly Refusal[];
};

/** True for what is sent to an address. */
export const isShipped = ({ kind, needsFulfilment }: PricedLine): boolean => kind === 'STOCKED' && needsFulfilment;

/** Prices an order of these lines on these terms. */
export function quoteOf(items: readonly PricedItem[], terms: Terms): Quote {
  const shipment = shipmentOf(items, terms);
  const discounts = terms.discountsOf(items, (lineDiscounts) =>
    shipment === null ? 0n : (shipment(lineDiscounts).chosen?.priceMinor ?? null),
  );
  const shipped = shipment?.(discounts.lineDiscounts) ?? null;
  const quote = withTaxes(items, terms, discounts, shipped?.chosen ?? null);
  const refusals = [...shippingRefusals(items, terms, shipped?.parcel ?? null), ...discounts.refusals];
  if (quote.totalMinor > maxAmountMinor)
    return {
      ...withTaxes(
        [],
        terms,
        noDiscounts([], () => 0n),
        null,
      ),
      refusals: [totalTooLarge()],
    };
  return { ...quote, refusals };
}

/** Every way to ship the order, the cheapest first, each with the tax that it would have. */
export function shippingOptionsOf(items: readonly PricedItem[], terms: Terms): ChosenShipping[] {
  const shipment = shipmentOf(items, terms);
  if (shipment === null) return [];
  return terms.methods
    .flatMap(({ code }) => {
      const { shippingMethod } = quoteOf(items, { ...terms, shippingMethod: code });
      return shippingMethod?.code === code ? [shippingMethod] : [];
    })
    .toSorted((one, other) => one.priceMinor - other.priceMinor || (one.code < other.code ? -1 : 1));
}

type Shipment = (lineDiscounts: LineDiscounts) => {
  readonly parcel: Parcel;
  /** The method that was asked for, or the cheapest; null where none takes it. */
  readonly chosen: PricedMethod | null;
};

/** How the order is shipped; null where nothing is, or the shop has no methods. */
function shipmentOf(items: readonly PricedItem[], terms: Terms): Shipment | null {
  const shipped = items.filter(({ line }) => isShipped(line));
  if (shipped.length === 0 || terms.methods.length === 0) return null;
  const weightGrams = shipped.reduce((sum, { line, product }) => sum + line.quantity * (product.weightGrams ?? 0), 0);
  const { currency, destination, shippingMethod } = terms;
  return (lineDiscounts) => {
    const subtotalMinor = items.reduce(
      (sum, { line }) => sum + line.subtotalMinor - (lineDiscounts.get(line.id) ?? 0n),
      0n,
    );
    const parcel: Parcel = { countryCode: destination.countryCode, weightGrams, subtotalMinor, currency };
    const fitting = methodsFor(terms.methods, parcel);
    const chosen = shippingMethod === null ? fitting[0] : fitting.find(({ method }) => method.code === shippingMethod);
    return { parcel, chosen: chosen ?? null };
  };
}

function shippingRefusals(items: readonly PricedItem[], terms: Terms, parcel: Parcel | null): Refusal[] {
  const { shippingMethod, methods, hasAddress } = terms;
  if (parcel === null) {
    if (shippingMethod === null) return [];
    const why = items.some(({ line }) => isShipped(line))
      ? 'The shop has no shipping methods.'
      : 'Nothing of this order is shipped; leave the shipping method out.';
    return [validationError(why, ['input', 'shippingMethod'])];
  }
  const refused = shippingRefusal(methods, parcel, shippingMethod);
  if (hasAddress) return refused === null ? [] : [refused];
  const isUnknown = shippingMethod !== null && !methods.some(({ code }) => code === shippingMethod);
  return [
    validationError('An order with something to ship needs an address.', ['input', 'shippingAddress']),
    ...(refused !== null && isUnknown ? [refused] : []),
  ];
}

/** The rates that are due on a line. A stay is taxed where it is, everything else where it goes. */
const ratesOf = ({ line, product }: PricedItem, { rates }: Terms) =>
  (line.kind === 'BOOKABLE' ? rates.shop : rates.destination).get(product.taxCategory) ?? [];

function withTaxes(
  items: readonly PricedItem[],
  terms: Terms,
  { lineDiscounts, shippingDiscountMinor, adjustments, uses }: Discounts,
  shipping: PricedMethod | null,
): Omit<Quote, 'refusals'> {
  const { pricesIncludeTax } = terms;
  const discountOf = ({ line }: PricedItem): bigint => lineDiscounts.get(line.id) ?? 0n;
  const shippingMinor = shipping?.priceMinor ?? 0n;
  const taxed: TaxedItem[] = items.map((item) => ({
    amountMinor: item.line.subtotalMinor - discountOf(item),
    rates: ratesOf(item, terms),
  }));
  if (shipping !== null)
    taxed.push({
      amountMinor: shippingMinor - shippingDiscountMinor,
      rates: terms.rates.destination.get(shipping.method.taxCategory) ?? [],
    });
  const { taxes, perItem, totalMinor: taxMinor } = taxesOf(taxed, pricesIncludeTax);
  const lines = items.map((item, at): PricedLine => {
    const discountMinor = discountOf(item);
    const lineTaxMinor = perItem[at] ?? 0n;
    const totalMinor = item.line.subtotalMinor - discountMinor + (pricesIncludeTax ? 0n : lineTaxMinor);
    return { ...item.line, discountMinor, taxMinor: lineTaxMinor, totalMinor };
  });
  const shippingTaxMinor = shipping === null ? 0n : (perItem.at(-1) ?? 0n);
  const subtotalMinor = lines.reduce((sum, line) => sum + line.subtotalMinor, 0n);
  const discountMinor = lines.reduce((sum, line) => sum + line.discountMinor, shippingDiscountMinor);
  return {
    lines,
    subtotalMinor,
    discountMinor,
    shippingMinor,
    shippingDiscountMinor,
    shippingTaxMinor,
    taxMinor,
    pricesIncludeTax,
    totalMinor: subtotalMinor - discountMinor + shippingMinor + (pricesIncludeTax ? 0n : taxMinor),
    taxes: taxes.length > 0 ? taxes : null,
    adjustments: adjustments.length > 0 ? adjustments : null,
    uses,
    shippingMethod: shipping && chosenOf(shipping, shippingTaxMinor),
  };
}

const chosenOf = ({ method, priceMinor }: PricedMethod, taxMinor: bigint): ChosenShipping => ({
  code: method.code,
  name: method.name,
  priceMinor: Number(priceMinor),
  taxMinor: Number(taxMinor),
  minDays: method.minDays,
  maxDays: method.maxDays,
});
