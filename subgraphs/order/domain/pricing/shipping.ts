import { type Refusal, validationError } from '../../../shared/errors/errors.ts';

/** What a method costs up to a weight, or from a subtotal; amounts in minor units of `currency`. */
export type ShippingRate = {
  readonly priceMinor: number;
  readonly currency: string;
  /** Null for any weight. */
  readonly upToWeightGrams: number | null;
  /** Null for any subtotal. */
  readonly fromSubtotalMinor: number | null;
};

/** A way to ship, as staff have set it up. */
export type ShippingMethod = {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  readonly description: string | null;
  /** Where it ships to; none for everywhere. */
  readonly countries: readonly string[];
  /** The first that fits counts. */
  readonly rates: readonly ShippingRate[];
  readonly taxCategory: string;
  readonly minDays: number | null;
  readonly maxDays: number | null;
  readonly active: boolean;
  readonly version: number;
};

/** What is to be shipped, as far as its price depends on it. */
export type Parcel = {
  readonly countryCode: string;
  /** Of the lines that are shipped. A product without a weight counts as weighing nothing. */
  readonly weightGrams: number;
  /** Of all lines, after their discounts. */
  readonly subtotalMinor: bigint;
  readonly currency: string;
};

export type PricedMethod = { readonly method: ShippingMethod; readonly priceMinor: bigint };

const serves = ({ countries }: ShippingMethod, countryCode: string): boolean =>
  countries.length === 0 || countries.includes(countryCode);

function priceOf(method: ShippingMethod, parcel: Parcel): bigint | null {
  const rate = method.rates.find(
    ({ currency, upToWeightGrams, fromSubtotalMinor }) =>
      currency === parcel.currency &&
      (upToWeightGrams === null || parcel.weightGrams <= upToWeightGrams) &&
      (fromSubtotalMinor === null || parcel.subtotalMinor >= BigInt(fromSubtotalMinor)),
  );
  return rate ? BigInt(rate.priceMinor) : null;
}

/** The methods that take the parcel, the cheapest first; by code among equals. */
export const methodsFor = (methods: readonly ShippingMethod[], parcel: Parcel): PricedMethod[] =>
  methods
    .flatMap((method) => {
      const priceMinor = serves(method, parcel.countryCode) ? priceOf(method, parcel) : null;
      return priceMinor === null ? [] : [{ method, priceMinor }];
    })
    .toSorted((one, other) =>
      one.priceMinor === other.priceMinor
        ? one.method.code < other.method.code
          ? -1
          : 1
        : one.priceMinor < other.priceMinor
          ? -1
          : 1,
    );

/** Why no method takes the parcel, or not the one that was asked for; null when one does. */
export function shippingRefusal(
  methods: readonly ShippingMethod[],
  parcel: Parcel,
  code: string | null,
): Refusal | null {
  const fitting = methodsFor(methods, parcel);
  if (code === null ? fitting.length > 0 : fitting.some(({ method }) => method.code === code)) return null;
  const { countryCode } = parcel;
  const method = methods.find((each) => each.code === code);
  if (code !== null && method === undefined)
    return validationError('There is no such shipping method; see shippingOptions of quoteOrder.', [
      'input',
      'shippingMethod',
    ]);
  if (!methods.some((method) => serves(method, countryCode)))
    return validationError(`Nothing is shipped to ${countryCode}.`, ['input', 'shippingAddress', 'countryCode']);
  if (method === undefined)
    return validationError('No shipping method takes an order of this weight, subtotal and currency.', [
      'input',
      'lines',
    ]);
  const why = serves(method, countryCode)
    ? `${method.name} does not take an order of this weight, subtotal and currency.`
    : `${method.name} does not ship to ${countryCode}.`;
  return validationError(why, ['input', 'shippingMethod']);
}
