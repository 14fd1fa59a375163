import { type Refusal, validationError } from '../../../shared/errors/errors.ts';
import { isCurrency } from '../../../shared/values/currencies.ts';
import { type MoneyJson, maxAmountMinor } from '../../../shared/values/money.ts';
import { countryCodes, regionIn } from '../../../shared/values/postal-address.ts';
import { brokenTextRule } from '../../../shared/values/text.ts';
import type { ShippingMethod, ShippingRate } from './shipping.ts';
import { type TaxRate, isSameRegion, maxRatePpm } from './tax.ts';

/** Of the shop, whether active or not. */
export const maxShippingMethods = 50;
export const maxTaxRates = 1_000;
const maxShippingRates = 50;
const maxGrams = 2_000_000_000;
const maxDays = 365;

export type ShippingMethodInput = {
  readonly code: string;
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly countries: readonly string[];
  readonly rates: readonly ShippingRateInput[];
  readonly taxCategory: string;
  readonly minDays?: number | null | undefined;
  readonly maxDays?: number | null | undefined;
  readonly active: boolean;
  readonly expectedVersion?: number | null | undefined;
};

type ShippingRateInput = {
  readonly price: MoneyJson;
  readonly upToWeightGrams?: number | null | undefined;
  readonly fromSubtotal?: number | null | undefined;
};

export type TaxRateInput = {
  readonly countryCode: string;
  readonly region?: string | null | undefined;
  readonly category: string;
  readonly name: string;
  readonly ratePpm: number;
  readonly validFrom?: Date | null | undefined;
  readonly validTo?: Date | null | undefined;
  readonly active: boolean;
  readonly expectedVersion?: number | null | undefined;
};

/** Notes what is wrong with a field. */
type Invalid = (message: string, ...path: readonly string[]) => void;

const noting =
  (refusals: Refusal[]): Invalid =>
  (message, ...path) =>
    void refusals.push(validationError(message, ['input', ...path]));

const isBetween = (value: number | null | undefined, min: number, max: number): boolean =>
  value === null || value === undefined || (Number.isInteger(value) && value >= min && value <= max);

function checkText(invalid: Invalid, field: string, text: string, bounds: { min: number; max: number }): void {
  const broken = brokenTextRule(text, { ...bounds, lines: false });
  if (broken !== null) invalid(`${field}: ${broken}.`, field);
}

function checkCategory(invalid: Invalid, field: string, category: string): void {
  if (!/^[a-z0-9_-]{1,32}$/.test(category)) invalid(`${field}: has 1 to 32 characters of a-z 0-9 _ -.`, field);
}

/** The method that the input describes, or all that is wrong with it. */
export function checkShippingMethod(
  input: ShippingMethodInput,
): { readonly content: Omit<ShippingMethod, 'id' | 'version'> } | { readonly refusals: readonly Refusal[] } {
  const refusals: Refusal[] = [];
  const invalid = noting(refusals);
  const { code, countries, rates, taxCategory, active } = input;
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(code)) invalid('code: has 1 to 32 letters, digits, hyphens and underscores.', 'code'); // prettier-ignore
  const name = input.name.trim();
  checkText(invalid, 'name', name, { min: 1, max: 100 });
  const description = input.description?.trim() ?? '';
  checkText(invalid, 'description', description, { min: 0, max: 500 });
  checkCategory(invalid, 'taxCategory', taxCategory);
  const unknown = countries.find((country) => !countryCodes.has(country));
  if (unknown !== undefined || countries.length > countryCodes.size)
    invalid('countries: takes codes of ISO 3166-1, such as DE.', 'countries');
  if (rates.length < 1 || rates.length > maxShippingRates)
    invalid(`rates: takes 1 to ${maxShippingRates} rates.`, 'rates');
  for (const [index, rate] of rates.slice(0, maxShippingRates).entries()) checkRate(invalid, rate, index);
  for (const field of ['minDays', 'maxDays'] as const)
    if (!isBetween(input[field], 0, maxDays)) invalid(`${field}: must be between 0 and ${maxDays}.`, field);
  if ((input.minDays ?? 0) > (input.maxDays ?? maxDays)) invalid('maxDays: must be at least minDays.', 'maxDays');
  if (refusals.length > 0) return { refusals };
  return {
    content: {
      code,
      name,
      description: description === '' ? null : description,
      countries: [...new Set(countries)].toSorted(),
      rates: rates.map((rate): ShippingRate => ({
        priceMinor: rate.price.amount,
        currency: rate.price.currency,
        upToWeightGrams: rate.upToWeightGrams ?? null,
        fromSubtotalMinor: rate.fromSubtotal ?? null,
      })),
      taxCategory,
      minDays: input.minDays ?? null,
      maxDays: input.maxDays ?? null,
      active,
    },
  };
}

function checkRate(invalid: Invalid, { price, upToWeightGrams, fromSubtotal }: ShippingRateInput, index: number): void {
  const path = ['rates', String(index)];
  if (!isCurrency(price.currency)) invalid('currency: must be an ISO 4217 code, such as EUR.', ...path, 'price', 'currency'); // prettier-ignore
  if (!isBetween(price.amount, 0, Number(maxAmountMinor)))
    invalid('price: must be at least 0 minor units.', ...path, 'price', 'amount');
  if (!isBetween(upToWeightGrams, 0, maxGrams))
    invalid(`upToWeightGrams: must be between 0 and ${maxGrams}.`, ...path, 'upToWeightGrams');
  if (!isBetween(fromSubtotal, 0, Number(maxAmountMinor)))
    invalid('fromSubtotal: must be at least 0 minor units.', ...path, 'fromSubtotal');
}

/** The region as addresses have it, so that it is found by them; null for the whole country, and beside a refusal. */
function checkRegion(invalid: Invalid, { countryCode, region }: TaxRateInput): string | null {
  const typed = region?.normalize('NFC').trim() ?? '';
  const broken = brokenTextRule(typed, { min: 0, max: 100, lines: false });
  if (broken !== null) invalid(`region: ${broken}.`, 'region');
  if (broken !== null || typed === '' || !countryCodes.has(countryCode)) return null;
  const found = regionIn(countryCode, typed);
  if ('region' in found) return found.region;
  invalid(`region: ${found.problem}`, 'region');
  return null;
}

/** The rate that the input describes, or all that is wrong with it. `at`: when it begins where no time is given. */
export function checkTaxRate(
  input: TaxRateInput,
  at: Date,
): { readonly content: Omit<TaxRate, 'id' | 'version'> } | { readonly refusals: readonly Refusal[] } {
  const refusals: Refusal[] = [];
  const invalid = noting(refusals);
  const { countryCode, category, ratePpm, active } = input;
  if (!countryCodes.has(countryCode)) invalid('countryCode: must be a code of ISO 3166-1, such as DE.', 'countryCode');
  const region = checkRegion(invalid, input);
  checkCategory(invalid, 'category', category);
  const name = input.name.trim();
  checkText(invalid, 'name', name, { min: 1, max: 100 });
  if (!isBetween(ratePpm, 0, maxRatePpm)) invalid(`ratePpm: must be between 0 and ${maxRatePpm}.`, 'ratePpm');
  const validFrom = input.validFrom ?? at;
  const validTo = input.validTo ?? null;
  if (validTo !== null && validTo.getTime() <= validFrom.getTime())
    invalid('validTo: must be after validFrom.', 'validTo');
  if (refusals.length > 0) return { refusals };
  return {
    content: {
      countryCode,
      region,
      category,
      name,
      ratePpm,
      validFrom,
      validTo,
      active,
    },
  };
}

const endOf = ({ validTo }: TaxRate): number => validTo?.getTime() ?? Number.POSITIVE_INFINITY;

/** Why a rate can't be beside the others of its country: its namesake would count twice. */
export function overlapRefusal(rate: TaxRate, others: readonly TaxRate[]): Refusal | null {
  if (!rate.active) return null;
  const namesake = others.find(
    (other) =>
      other.id !== rate.id &&
      other.active &&
      other.category === rate.category &&
      other.name === rate.name &&
      isSameRegion(other.region, rate.region) &&
      rate.validFrom.getTime() < endOf(other) &&
      other.validFrom.getTime() < endOf(rate),
  );
  return namesake
    ? validationError(
        'Another rate of this name is valid at the same time for this country, region and category. End that one, or give this one another name: rates of different names add up.',
        ['input', 'validFrom'],
      )
    : null;
}
