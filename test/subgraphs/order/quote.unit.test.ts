import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { checkInput } from '../../../subgraphs/order/domain/pricing/check-input.ts';
import {
  type PricedItem,
  type ProductSnapshot,
  priceLines,
} from '../../../subgraphs/order/domain/pricing/price-lines.ts';
import { promotionDiscounts } from '../../../subgraphs/order/domain/pricing/discount-rule.ts';
import {
  type DiscountRule,
  type Terms,
  noDiscounts,
  quoteOf,
  shippingOptionsOf,
} from '../../../subgraphs/order/domain/pricing/quote.ts';
import type { ShippingMethod } from '../../../subgraphs/order/domain/pricing/shipping.ts';
import type { Rate, RatesByCategory } from '../../../subgraphs/order/domain/pricing/tax.ts';
import { booking } from '../../../subgraphs/order/types/booking.ts';
import { standard } from '../../../subgraphs/order/types/standard.ts';
import { anInput, snapshot } from './fixtures.ts';
import { aPromotion, at, freeShipping } from './promotion-fixtures.ts';

const today = '2026-11-21';
const germany = { countryCode: 'DE', region: null };
const rate = (name: string, ratePpm: number): Rate => ({ id: `${name} ${ratePpm}`, name, ratePpm });
const vat19 = rate('VAT 19 %', 190_000);
const vat7 = rate('VAT 7 %', 70_000);
const german: RatesByCategory = new Map([['standard', [vat19]], ['books', [vat7]]]); // prettier-ignore

const aMethod = (change: Partial<ShippingMethod> = {}): ShippingMethod => ({
  id: newId(),
  code: 'parcel',
  name: 'Parcel',
  description: null,
  countries: [],
  rates: [{ priceMinor: 490, currency: 'EUR', upToWeightGrams: null, fromSubtotalMinor: null }],
  taxCategory: 'standard',
  minDays: 1,
  maxDays: 3,
  active: true,
  version: 1,
  ...change,
});

const terms = (change: Partial<Terms> = {}): Terms => ({
  currency: 'EUR',
  pricesIncludeTax: true,
  destination: germany,
  hasAddress: true,
  methods: [],
  shippingMethod: null,
  rates: { destination: german, shop: german },
  discountsOf: noDiscounts,
  ...change,
});

/** Items of these products, so many of each. */
function itemsOf(products: readonly ProductSnapshot[], quantities: readonly number[] = [], currency = 'EUR') {
  const lines = products.map(({ id }, at) => ({ productId: id, quantity: quantities[at] ?? 1 }));
  const known = new Map(products.map((product) => [product.id, product]));
  const checked = checkInput(anInput({ lines, currency }), standard);
  const priced = priceLines(checked.lines, known, { currency, type: standard, today, newId, seesDrafts: () => true });
  expect([...checked.refusals, ...priced.refusals]).toEqual([]);
  return priced.items;
}

const costing = (amount: number, change: Partial<ProductSnapshot> = {}, currency = 'EUR') =>
  snapshot({ price: { amount, currency }, ...change });

const minor = (number: bigint) => Number(number);
const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, each) => total + each, 0n);

describe('taxes', () => {
  test('are contained in prices that include them: 19 % of 11.90 are 1.90', () => {
    const quote = quoteOf(itemsOf([costing(1_190)]), terms());
    expect(quote).toMatchObject({ totalMinor: 1_190n, taxMinor: 190n, taxes: [{ name: 'VAT 19 %', ratePpm: 190_000, taxableMinor: 1_000, amountMinor: 190 }] }); // prettier-ignore
    expect(quote.lines).toMatchObject([{ subtotalMinor: 1_190n, taxMinor: 190n, totalMinor: 1_190n }]);
  });

  test('are added to prices that exclude them', () => {
    const quote = quoteOf(itemsOf([costing(1_000)]), terms({ pricesIncludeTax: false }));
    expect(quote).toMatchObject({ subtotalMinor: 1_000n, totalMinor: 1_190n, taxMinor: 190n });
    expect(quote.lines).toMatchObject([{ taxMinor: 190n, totalMinor: 1_190n }]);
  });

  test('are rounded once for the whole order, half up, and split by largest remainder', () => {
    // 19 % of 3 × 0.03 are 1.71 cents: 2, while each line by itself would have 0.57, which is 1, and 3 in all.
    const three = quoteOf(itemsOf([costing(3), costing(3), costing(3)]), terms({ pricesIncludeTax: false }));
    expect(three.taxMinor).toBe(2n);
    expect(three.lines.map(({ taxMinor }) => taxMinor)).toEqual([1n, 1n, 0n]);
    // 50 % of 1 is exactly one half.
    const half = new Map([['standard', [rate('Half', 500_000)]]]);
    expect(quoteOf(itemsOf([costing(1)]), terms({ pricesIncludeTax: false, rates: { destination: half, shop: half } })).taxMinor).toBe(1n); // prettier-ignore
  });

  test('differ by category; what has no rate is exempt', () => {
    const products = [costing(1_190), costing(1_070, { taxCategory: 'books' }), costing(500, { taxCategory: 'none' })];
    const quote = quoteOf(itemsOf(products), terms());
    expect(quote.taxes).toEqual([
      { name: 'VAT 19 %', ratePpm: 190_000, taxableMinor: 1_000, amountMinor: 190 },
      { name: 'VAT 7 %', ratePpm: 70_000, taxableMinor: 1_000, amountMinor: 70 },
    ]);
    expect(quote.lines.map(({ taxMinor }) => taxMinor)).toEqual([190n, 70n, 0n]);
  });

  test('of several rates on one thing add up, also inside a price', () => {
    const both = new Map([['standard', [rate('GST', 50_000), rate('QST', 99_750)]]]);
    const rates = { destination: both, shop: both };
    expect(quoteOf(itemsOf([costing(10_000)]), terms({ pricesIncludeTax: false, rates }))).toMatchObject({ taxMinor: 1_498n, totalMinor: 11_498n }); // prettier-ignore
    // 114.98 contain 5 / 114.975 and 9.975 / 114.975 of themselves.
    expect(quoteOf(itemsOf([costing(11_498)]), terms({ rates })).taxes).toEqual([
      { name: 'QST', ratePpm: 99_750, taxableMinor: 10_000, amountMinor: 998 },
      { name: 'GST', ratePpm: 50_000, taxableMinor: 10_000, amountMinor: 500 },
    ]);
  });

  test('of several rates inside tiny prices are never more than the price of a line', () => {
    const rates = new Map([['standard', [rate('One', 100_000), rate('Two', 100_000)]]]);
    const { lines, taxes } = quoteOf(itemsOf(Array.from({ length: 6 }, () => costing(1))), terms({ rates: { destination: rates, shop: rates } })); // prettier-ignore
    expect(lines.map(({ taxMinor }) => minor(taxMinor))).toEqual([1, 1, 0, 0, 0, 0]);
    expect(taxes?.map(({ amountMinor, taxableMinor }) => [amountMinor, taxableMinor])).toEqual([[1, 4], [1, 4]]); // prettier-ignore
  });

  test('are due on what a discount leaves', () => {
    const items = itemsOf([costing(2_380)]);
    const discountsOf: DiscountRule = ([item]) => ({ ...noDiscounts([], () => 0n), lineDiscounts: new Map([[item?.line.id ?? '', 1_190n]]) }); // prettier-ignore
    expect(quoteOf(items, terms({ discountsOf }))).toMatchObject({ totalMinor: 1_190n, discountMinor: 1_190n, taxMinor: 190n }); // prettier-ignore
  });

  test('of a stay are those of the shop, wherever its guest lives', () => {
    const room = snapshot({ kind: 'BOOKABLE', maxGuests: 2, price: { amount: 10_700, currency: 'EUR' } });
    const line = { productId: room.id, quantity: 1, stayFrom: '2027-03-27', stayTo: '2027-03-28', guests: 2 };
    const checked = checkInput(anInput({ type: 'BOOKING', lines: [line] }), booking);
    const { items } = priceLines(checked.lines, new Map([[room.id, room]]), { currency: 'EUR', type: booking, today, newId, seesDrafts: () => true }); // prettier-ignore
    const there = new Map([['standard', [rate('Abroad', 250_000)]]]);
    const here = new Map([['standard', [vat7]]]);
    expect(quoteOf(items, terms({ rates: { destination: there, shop: here } })).taxes).toEqual([{ name: 'VAT 7 %', ratePpm: 70_000, taxableMinor: 10_000, amountMinor: 700 }]); // prettier-ignore
  });
});

describe('shipping', () => {
  const goods = itemsOf([costing(2_000, { weightGrams: 600 })], [2]);
  const pathOf = (...path: string[]) => ['input', ...path];

  test('costs what the first rate says that fits weight and subtotal', () => {
    const rates = [
      { priceMinor: 0, currency: 'EUR', upToWeightGrams: null, fromSubtotalMinor: 5_000 },
      { priceMinor: 300, currency: 'EUR', upToWeightGrams: 1_199, fromSubtotalMinor: null },
      { priceMinor: 490, currency: 'EUR', upToWeightGrams: 1_200, fromSubtotalMinor: null },
      { priceMinor: 990, currency: 'EUR', upToWeightGrams: null, fromSubtotalMinor: null },
    ];
    const methods = [aMethod({ rates })];
    const priceOf = (items: readonly PricedItem[], change: Partial<Terms> = {}) => minor(quoteOf(items, terms({ methods, ...change })).shippingMinor); // prettier-ignore
    expect(priceOf(goods)).toBe(490);
    expect(priceOf(itemsOf([costing(2_000, { weightGrams: 600 })]))).toBe(300);
    expect(priceOf(itemsOf([costing(2_000, { weightGrams: null })]))).toBe(300);
    expect(priceOf(itemsOf([costing(1_000, { weightGrams: 601 })], [2]))).toBe(990);
    expect(priceOf(itemsOf([costing(2_500, { weightGrams: 601 })], [2]))).toBe(0);
    // Free shipping looks at what is left after discounts.
    const discountsOf: DiscountRule = ([item]) => ({ ...noDiscounts([], () => 0n), lineDiscounts: new Map([[item?.line.id ?? '', 1n]]) }); // prettier-ignore
    expect(priceOf(itemsOf([costing(2_500, { weightGrams: 601 })], [2]), { discountsOf })).toBe(990);
  });

  test('is taxed by the category of its method, and its discount before', () => {
    const quote = quoteOf(goods, terms({ methods: [aMethod()] }));
    expect(quote).toMatchObject({ shippingMinor: 490n, shippingTaxMinor: 78n, totalMinor: 4_490n, shippingMethod: { code: 'parcel', name: 'Parcel', priceMinor: 490, taxMinor: 78, minDays: 1, maxDays: 3 } }); // prettier-ignore
    const free: DiscountRule = (_, shippingMinor) => ({ ...noDiscounts([], () => 0n), shippingDiscountMinor: shippingMinor(new Map()) ?? 0n }); // prettier-ignore
    expect(quoteOf(goods, terms({ methods: [aMethod()], discountsOf: free }))).toMatchObject({ shippingMinor: 490n, shippingDiscountMinor: 490n, discountMinor: 490n, shippingTaxMinor: 0n, totalMinor: 4_000n }); // prettier-ignore
    expect(quoteOf(goods, terms({ methods: [aMethod({ taxCategory: 'none' })] }))).toMatchObject({ shippingTaxMinor: 0n }); // prettier-ignore
  });

  test('offers every method that takes the order, the cheapest first, and takes that one unless another is asked for', () => {
    const express = aMethod({ code: 'express', rates: [{ priceMinor: 1_290, currency: 'EUR', upToWeightGrams: null, fromSubtotalMinor: null }] }); // prettier-ignore
    const swiss = aMethod({ code: 'swiss', countries: ['CH'] });
    const dollars = aMethod({ code: 'dollars', rates: [{ priceMinor: 1, currency: 'USD', upToWeightGrams: null, fromSubtotalMinor: null }] }); // prettier-ignore
    const methods = [express, swiss, aMethod(), dollars];
    expect(shippingOptionsOf(goods, terms({ methods }))).toMatchObject([{ code: 'parcel', priceMinor: 490, taxMinor: 78 }, { code: 'express', priceMinor: 1_290, taxMinor: 206 }]); // prettier-ignore
    expect(quoteOf(goods, terms({ methods })).shippingMethod?.code).toBe('parcel');
    expect(quoteOf(goods, terms({ methods, shippingMethod: 'express' }))).toMatchObject({ totalMinor: 5_290n, refusals: [] }); // prettier-ignore
  });

  test('of every method is told with discounts that are computed once for all of them', () => {
    let looks = 0;
    const items = itemsOf([costing(1_000)]).map(({ line, product }) => ({
      line,
      product: { ...product, get categoryIds() { looks += 1; return []; } },
    })); // prettier-ignore
    const methods = Array.from({ length: 50 }, (_, at) => aMethod({ code: `m${at}`, rates: [{ priceMinor: 500 + at, currency: 'EUR', upToWeightGrams: null, fromSubtotalMinor: null }] })); // prettier-ignore
    const promotions = [aPromotion({ code: null }), freeShipping({ code: null })];
    const discountsOf = promotionDiscounts({ promotions, codes: [], currency: 'EUR', at, isTaken: true });
    const asked = terms({ methods, discountsOf });
    // Each is free; the cheapest is taken.
    expect(quoteOf(items, asked)).toMatchObject({ shippingMinor: 500n, shippingDiscountMinor: 500n, discountMinor: 600n, totalMinor: 900n }); // prettier-ignore
    expect(quoteOf(items, { ...asked, shippingMethod: 'm49' })).toMatchObject({ shippingDiscountMinor: 549n, totalMinor: 900n }); // prettier-ignore
    expect(shippingOptionsOf(items, asked)).toHaveLength(50);
    expect(looks).toBe(1);
  });

  test.each<[string, Partial<Terms>, string[], string]>([
    ['without an address', { hasAddress: false }, pathOf('shippingAddress'), 'address'],
    ['by an unknown method', { shippingMethod: 'pigeon' }, pathOf('shippingMethod'), 'no such'],
    [
      'to a country that no method serves',
      { destination: { countryCode: 'US', region: 'CA' } },
      pathOf('shippingAddress', 'countryCode'),
      'US',
    ],
    [
      'by a method that does not serve the country',
      { destination: { countryCode: 'CH', region: null }, shippingMethod: 'eu' },
      pathOf('shippingMethod'),
      'CH',
    ],
    ['by a method that does not take the weight', { shippingMethod: 'letter' }, pathOf('shippingMethod'), 'weight'],
    ['in a currency that no method has', { currency: 'USD' }, pathOf('lines'), 'currency'],
  ])('is refused %s, and the rest is priced', (_, change, path, words) => {
    const rates = (upToWeightGrams: number | null) => [{ priceMinor: 490, currency: 'EUR', upToWeightGrams, fromSubtotalMinor: null }]; // prettier-ignore
    const methods = [
      aMethod({ code: 'eu', countries: ['AT', 'DE'], rates: rates(null) }),
      aMethod({ code: 'letter', countries: ['CH', 'DE'], rates: rates(1_000) }),
    ];
    const quote = quoteOf(goods, terms({ methods, ...change }));
    expect(quote.refusals).toEqual([expect.objectContaining({ code: 'VALIDATION', path, message: expect.stringContaining(words) })]); // prettier-ignore
    expect(quote.subtotalMinor).toBe(4_000n);
  });

  test('is nothing where nothing is shipped, or the shop has no methods; then a method is refused', () => {
    const file = itemsOf([costing(500, { kind: 'DIGITAL' })]);
    expect(quoteOf(file, terms({ methods: [aMethod()], hasAddress: false }))).toMatchObject({ shippingMinor: 0n, shippingMethod: null, refusals: [] }); // prettier-ignore
    expect(quoteOf(goods, terms({ hasAddress: false }))).toMatchObject({ shippingMinor: 0n, refusals: [] });
    for (const [items, methods] of [[file, [aMethod()]], [goods, []]] as const) // prettier-ignore
      expect(quoteOf(items, terms({ methods, shippingMethod: 'parcel' })).refusals).toMatchObject([{ path: pathOf('shippingMethod') }]); // prettier-ignore
  });

  test('and tax beyond 2^53 − 1 are refused, and nothing else is told', () => {
    const largest = itemsOf([costing(Number.MAX_SAFE_INTEGER)]);
    expect(quoteOf(largest, terms()).refusals).toEqual([]);
    for (const change of [{ methods: [aMethod()] }, { pricesIncludeTax: false }])
      expect(quoteOf(largest, terms(change))).toMatchObject({ lines: [], totalMinor: 0n, refusals: [{ code: 'VALIDATION', path: ['input', 'lines'] }] }); // prettier-ignore
  });
});

describe('any order', () => {
  const categories = ['standard', 'books', 'food', 'none'] as const;
  const ppm = fc.oneof(fc.constantFrom(0, 50_000, 70_000, 99_750, 190_000, 200_000, 1_000_000), fc.integer({ min: 0, max: 1_000_000 })); // prettier-ignore
  const aTable = fc.record({ one: ppm, two: ppm, three: ppm }).map(({ one, two, three }): RatesByCategory => {
    const [first, second] = [rate('One', one), rate('Two', two)];
    // Two categories share a rate, and one has it beside another.
    return new Map([['standard', [first]], ['books', [second]], ['food', [first, rate('Three', three)]]]); // prettier-ignore
  });
  const anAmount = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 200_000 }));
  const anOrder = fc.record({
    currency: fc.constantFrom('JPY', 'EUR', 'KWD'),
    pricesIncludeTax: fc.boolean(),
    table: aTable,
    cart: fc.array(
      fc.record({
        amount: anAmount,
        quantity: fc.integer({ min: 1, max: 40 }),
        taxCategory: fc.constantFrom(...categories),
        kind: fc.constantFrom('STOCKED' as const, 'DIGITAL' as const),
        weightGrams: fc.option(fc.integer({ min: 0, max: 4_000 })),
        offPpm: fc.oneof(fc.constantFrom(0, 0, 1_000_000), fc.integer({ min: 0, max: 1_000_000 })),
      }),
      { minLength: 1, maxLength: 12 },
    ),
    methods: fc.array(
      fc.record({ price: anAmount, taxCategory: fc.constantFrom(...categories), upTo: fc.option(fc.integer({ min: 0, max: 60_000 })), from: fc.option(anAmount) }), // prettier-ignore
      { maxLength: 3 },
    ),
    freeShipping: fc.boolean(),
  });

  test('[GM-3] of 5,000: its total is the sum of lines and shipping, less discounts, with taxes; all sums agree to the minor unit', () => {
    let shipped = 0;
    fc.assert(
      fc.property(anOrder, ({ currency, pricesIncludeTax, table, cart, methods: drawn, freeShipping }) => {
        const products = cart.map(({ amount, taxCategory, kind, weightGrams }) => costing(amount, { taxCategory, kind, weightGrams }, currency)); // prettier-ignore
        const items = itemsOf(products, cart.map(({ quantity }) => quantity), currency); // prettier-ignore
        const methods = drawn.map(
          ({ price, taxCategory, upTo, from }, at) =>
          aMethod({ code: `m${at}`, taxCategory, rates: [{ priceMinor: price, currency, upToWeightGrams: upTo, fromSubtotalMinor: from }] }), // prettier-ignore
        );
        const discountsOf: DiscountRule = (all, shippingMinor) => {
          const lineDiscounts = new Map(all.map(({ line }, at) => [line.id, (line.subtotalMinor * BigInt(cart[at]?.offPpm ?? 0)) / 1_000_000n])); // prettier-ignore
          const shippingDiscountMinor = freeShipping ? (shippingMinor(lineDiscounts) ?? 0n) : 0n;
          return { lineDiscounts, shippingDiscountMinor, adjustments: [], uses: [], refusals: [] };
        };
        const asked = terms({ currency, pricesIncludeTax, methods, discountsOf, rates: { destination: table, shop: table } }); // prettier-ignore
        const quote = quoteOf(items, asked);
        if (quote.shippingMethod !== null) shipped += 1;
        const { lines, taxMinor } = quote;
        const added = pricesIncludeTax ? 0n : taxMinor;
        const shippingLeft = quote.shippingMinor - quote.shippingDiscountMinor;

        expect(quote.totalMinor).toBe(quote.subtotalMinor - quote.discountMinor + quote.shippingMinor + added);
        expect(sum(lines.map(({ totalMinor }) => totalMinor)) + shippingLeft + (pricesIncludeTax ? 0n : quote.shippingTaxMinor)).toBe(quote.totalMinor); // prettier-ignore
        expect(sum(lines.map((line) => line.taxMinor)) + quote.shippingTaxMinor).toBe(taxMinor);
        expect(sum(lines.map(({ discountMinor }) => discountMinor)) + quote.shippingDiscountMinor).toBe(quote.discountMinor); // prettier-ignore
        expect(sum((quote.taxes ?? []).map(({ amountMinor }) => BigInt(amountMinor)))).toBe(taxMinor);
        for (const line of lines) {
          expect(line.totalMinor >= 0n && line.taxMinor >= 0n).toBe(true);
          if (pricesIncludeTax) expect(line.taxMinor <= line.totalMinor).toBe(true);
        }

        // Each rate by itself, computed another way: fractions of all that it is due on, added up exactly.
        const taxed = [
          ...items.map(({ product }, at) => ({ category: product.taxCategory, left: (lines[at]?.subtotalMinor ?? 0n) - (lines[at]?.discountMinor ?? 0n), tax: lines[at]?.taxMinor ?? 0n })), // prettier-ignore
          ...methods.filter(({ code }) => code === quote.shippingMethod?.code).map(({ taxCategory }) => ({ category: taxCategory, left: shippingLeft, tax: quote.shippingTaxMinor })), // prettier-ignore
        ];
        for (const each of new Set([...table.values()].flat())) {
          let [over, under] = [0n, 1n];
          for (const { category, left } of taxed) {
            const own = table.get(category) ?? [];
            if (!own.includes(each)) continue;
            const divisor = 1_000_000n + (pricesIncludeTax ? sum(own.map(({ ratePpm }) => BigInt(ratePpm))) : 0n);
            [over, under] = [over * divisor + left * BigInt(each.ratePpm) * under, under * divisor];
          }
          const told = (quote.taxes ?? []).find(({ name }) => name === each.name);
          const amount = BigInt(told?.amountMinor ?? 0);
          // Half up: amount − 1/2 ≤ exact < amount + 1/2.
          expect((2n * amount - 1n) * under <= 2n * over && 2n * over < (2n * amount + 1n) * under).toBe(true);
        }
        // No line is further from its exact tax than one minor unit for each of its rates.
        for (const { category, left, tax } of taxed) {
          const own = table.get(category) ?? [];
          const all = sum(own.map(({ ratePpm }) => BigInt(ratePpm)));
          const divisor = 1_000_000n + (pricesIncludeTax ? all : 0n);
          const difference = tax * divisor - left * all;
          expect((difference < 0n ? -difference : difference) < divisor * BigInt(Math.max(1, own.length))).toBe(true);
        }
        // What is offered is what it would cost; the one that is taken is among it.
        const options = shippingOptionsOf(items, asked);
        if (quote.shippingMethod) expect(options[0]).toEqual(quote.shippingMethod);
        else expect(options).toEqual([]);
      }),
      { numRuns: 5_000 },
    );
    expect(shipped).toBeGreaterThan(1_000);
  }, 120_000);
});
