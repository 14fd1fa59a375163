/** What the demo shop charges beside its prices, and where its customers live: a shop in Germany whose prices contain the tax. */
const euros = (amount: number) => ({ amount, currency: 'EUR' });
const heavyGrams = 10_000;

/** Inputs of `saveShippingMethod`. The parcel goes anywhere; the cheapest method is taken where none is chosen. */
export const demoShippingMethods = [
  {
    code: 'PARCEL',
    name: 'Parcel',
    description: 'With tracking, to your door. Free from €100.',
    countries: [],
    rates: [
      { price: euros(0), upToWeightGrams: heavyGrams, fromSubtotal: 10_000 },
      { price: euros(490), upToWeightGrams: heavyGrams },
      { price: euros(990) },
    ],
    minDays: 2,
    maxDays: 4,
  },
  {
    code: 'EXPRESS',
    name: 'Express',
    description: 'Handed over before noon of the next working day.',
    countries: ['DE'],
    rates: [{ price: euros(1_290), upToWeightGrams: heavyGrams }],
    maxDays: 1,
  },
] as const;

const day = '2020-01-01T00:00:00.000Z';
const rate = (countryCode: string, category: 'standard' | 'reduced', name: string, ratePpm: number) => ({
  countryCode, category, name, ratePpm, validFrom: day,
}); // prettier-ignore

/** Inputs of `saveTaxRate`: those of the shop's country and of some of its neighbours. */
export const demoTaxRates = [
  rate('DE', 'standard', 'VAT 19 %', 190_000),
  rate('DE', 'reduced', 'VAT 7 %', 70_000),
  rate('AT', 'standard', 'VAT 20 %', 200_000),
  rate('AT', 'reduced', 'VAT 10 %', 100_000),
  rate('FR', 'standard', 'VAT 20 %', 200_000),
  rate('FR', 'reduced', 'VAT 5.5 %', 55_000),
  rate('NL', 'standard', 'VAT 21 %', 210_000),
  rate('NL', 'reduced', 'VAT 9 %', 90_000),
];

/** Inputs of `savePromotion`. */
export const demoPromotions = [{ name: 'Welcome: 10 % off', kind: 'PERCENT', valuePpm: 100_000, code: 'WELCOME10' }];

/** Where the demo accounts live, in their order: goes into their address books, so that their orders need nothing more. */
export const demoAddresses = [
  { line1: 'Lindenstraße 12', postalCode: '10969', city: 'Berlin', countryCode: 'DE' },
  { line1: 'Rua da Rosa 45', postalCode: '1200-382', city: 'Lisboa', countryCode: 'PT' },
  { line1: 'Praterstraße 70', postalCode: '1020', city: 'Wien', countryCode: 'AT' },
  { line1: 'Am Sandtorkai 3', postalCode: '20457', city: 'Hamburg', countryCode: 'DE' },
] as const;
