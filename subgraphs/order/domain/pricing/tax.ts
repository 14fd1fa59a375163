import { foldedOf } from '../../../shared/values/text.ts';
import type { OrderTax } from '../charges.ts';
import { roundTogether } from './shares.ts';

/*
 * Which taxes an order has and how they are rounded. Each rate is rounded once, half up, on the whole order: on what is left
 * of all lines and of shipping after discounts. It is then split over lines and shipping by largest remainder, so that every
 * sum agrees to the minor unit.
 */

/** Parts per million: 190,000 is 19 %. */
const whole = 1_000_000n;
/** 100 %. */
export const maxRatePpm = 1_000_000;

/** A rate that is due. Several may be due on the same thing: they add up. */
export type Rate = { readonly id: string; readonly name: string; readonly ratePpm: number };

/** The rates that are due at one place at one moment, by tax category. A category that is not there is exempt. */
export type RatesByCategory = ReadonlyMap<string, readonly Rate[]>;

/** A rate of the table. */
export type TaxRate = Rate & {
  readonly countryCode: string;
  /** Null for the whole country. */
  readonly region: string | null;
  readonly category: string;
  readonly validFrom: Date;
  /** From then on it does not count any more; null for no end. */
  readonly validTo: Date | null;
  readonly active: boolean;
  readonly version: number;
};

/** Where something goes, for taxes and shipping. */
export type Place = { readonly countryCode: string; readonly region: string | null };

/** Whether these are one region, or both none: in whatever case and with whatever accents it was typed. */
export const isSameRegion = (one: string | null, other: string | null): boolean =>
  one === null || other === null ? one === other : foldedOf(one) === foldedOf(other);

/** The table's rates at a place and a moment. Where a region has rates of a category, they stand in for the country's. */
export function ratesAt(table: readonly TaxRate[], place: Place, at: Date): RatesByCategory {
  const valid = table.filter(
    (rate) =>
      rate.active &&
      rate.countryCode === place.countryCode &&
      (rate.region === null || isSameRegion(rate.region, place.region)) &&
      rate.validFrom.getTime() <= at.getTime() &&
      (rate.validTo === null || at.getTime() < rate.validTo.getTime()),
  );
  const byCategory = new Map<string, readonly Rate[]>();
  for (const [category, rates] of Map.groupBy(valid, (rate) => rate.category)) {
    const regional = rates.filter((rate) => rate.region !== null);
    byCategory.set(category, regional.length > 0 ? regional : rates);
  }
  return byCategory;
}

/** A line, or shipping: what is left of it after discounts, and the rates that are due on it. */
export type TaxedItem = { readonly amountMinor: bigint; readonly rates: readonly Rate[] };

export type Taxes = {
  /** By rate, the highest first. */
  readonly taxes: readonly OrderTax[];
  /** The tax of each item, in the items' sequence. */
  readonly perItem: readonly bigint[];
  readonly totalMinor: bigint;
};

/** The taxes of an order's items: contained in their amounts, or to be added. Amounts are not negative. */
export function taxesOf(items: readonly TaxedItem[], pricesIncludeTax: boolean): Taxes {
  const rates = new Map(items.flatMap((item) => item.rates).map((rate) => [rate.id, rate]));
  const sorted = [...rates.values()].toSorted(
    (one, other) => other.ratePpm - one.ratePpm || (one.id < other.id ? -1 : 1),
  );
  const perItem = items.map(() => 0n);
  const split = sorted.map((rate) => {
    // Prices that contain several taxes have no more of them, together, than they come to.
    const room = items.map(({ amountMinor }, at) => amountMinor - (perItem[at] ?? 0n));
    const own = splitTax(rate, items, pricesIncludeTax ? room : null);
    for (const [at, tax] of own.entries()) perItem[at] = (perItem[at] ?? 0n) + tax;
    return own;
  });
  const taxes = sorted.map(({ id, name, ratePpm }, at): OrderTax => {
    const amountMinor = (split[at] ?? []).reduce((sum, each) => sum + each, 0n);
    const taxableMinor = items.reduce((sum, item, index) => {
      if (!item.rates.some((rate) => rate.id === id)) return sum;
      return sum + item.amountMinor - (pricesIncludeTax ? (perItem[index] ?? 0n) : 0n);
    }, 0n);
    return { name, ratePpm, taxableMinor: Number(taxableMinor), amountMinor: Number(amountMinor) };
  });
  return { taxes, perItem, totalMinor: perItem.reduce((sum, each) => sum + each, 0n) };
}

/** One rate's tax on each item: contained in its amount, of which `room` is what other taxes have left; null to be added. */
function splitTax(rate: Rate, items: readonly TaxedItem[], room: readonly bigint[] | null): bigint[] {
  // Prices that contain several taxes contain each as a part of all: amounts with other rates beside it have other divisors.
  const divisors = items.map((item) =>
    room !== null ? item.rates.reduce((sum, { ratePpm }) => sum + BigInt(ratePpm), whole) : whole,
  );
  const common = [...new Set(divisors)].reduce((product, divisor) => product * divisor, 1n);
  const exact = items.map((item, at) =>
    item.rates.some(({ id }) => id === rate.id)
      ? (item.amountMinor * BigInt(rate.ratePpm) * common) / (divisors[at] ?? whole)
      : 0n,
  );
  return roundTogether(exact, common, room ?? undefined);
}
