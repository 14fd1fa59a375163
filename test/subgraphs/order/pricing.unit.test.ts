import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type PlaceOrderInput,
  type WantedLine,
  checkInput,
  maxLineAddOns,
  maxLines,
  maxQuantity,
} from '../../../subgraphs/order/domain/pricing/check-input.ts';
import { type ProductSnapshot, priceLines } from '../../../subgraphs/order/domain/pricing/price-lines.ts';
import type { LineInput } from '../../../subgraphs/order/domain/line.ts';
import { digital } from '../../../subgraphs/order/types/digital.ts';
import { maxExtensionBytes } from '../../../subgraphs/order/domain/type-rules.ts';
import { standard } from '../../../subgraphs/order/types/standard.ts';
import { aType, anInput, snapshot } from './fixtures.ts';

/** The shop's date in these tests. */
const today = '2026-11-21';
const wantedOf = (input: PlaceOrderInput, type = standard): readonly WantedLine[] => {
  const checked = checkInput(input, type);
  if (checked.refusals.length > 0) throw new Error(JSON.stringify(checked.refusals));
  return checked.lines;
};
const refusalsOf = (input: PlaceOrderInput, type: typeof standard | null = standard) =>
  checkInput(input, type).refusals;
const price = (products: readonly ProductSnapshot[], lines: readonly LineInput[], type = standard, currency = 'EUR') =>
  priceLines(wantedOf(anInput({ lines }), type), new Map(products.map((product) => [product.id, product])), {
    currency,
    type,
    today,
    newId,
    seesDrafts: (sellerId) => sellerId === ownSeller,
  });
const ownSeller = newId();
const priced = (...args: Parameters<typeof price>) => {
  const result = price(...args);
  if (result.refusals.length > 0) throw new Error(JSON.stringify(result.refusals));
  const lines = result.items.map(({ line }) => line);
  return { lines, totalMinor: lines.reduce((sum, { subtotalMinor }) => sum + subtotalMinor, 0n) };
};
const pathOf = (...path: (string | number)[]) => ['input', ...path.map(String)];

test('a line takes so many add-ons, and no more', () => {
  const withAddOns = (count: number) =>
    refusalsOf(anInput({ lines: [{ productId: newId(), quantity: 1, addOns: Array.from({ length: count }, () => 'A') }] })); // prettier-ignore
  expect(withAddOns(maxLineAddOns)).toEqual([]);
  expect(withAddOns(maxLineAddOns + 1)).toMatchObject([{ path: pathOf('lines', 0, 'addOns') }]);
});

describe('equal lines', () => {
  const productId = newId();

  test('are merged: the same product with the same extras, in whatever sequence', () => {
    const lines = wantedOf(
      anInput({
        lines: [
          { productId, quantity: 1, addOns: ['b', 'a'] },
          { productId, quantity: 2, addOns: ['a', 'b', 'a'] },
          { productId, quantity: 4 },
          { productId, quantity: 8, addOns: [] },
          { productId, quantity: 16, addOns: null },
        ],
      }),
    );
    expect(lines).toMatchObject([{ index: 0, quantity: 3, addOns: ['a', 'b'] }, { index: 2, quantity: 28, addOns: [] }]); // prettier-ignore
  });

  test(`together have at most ${maxQuantity} pieces`, () => {
    expect(wantedOf(anInput({ lines: [{ productId, quantity: 9_999 }, { productId, quantity: 1 }] }))).toMatchObject([{ quantity: maxQuantity }]); // prettier-ignore
    expect(refusalsOf(anInput({ lines: [{ productId, quantity: 9_999 }, { productId, quantity: 2 }] }))).toMatchObject([{ code: 'VALIDATION', path: pathOf('lines', 1, 'quantity') }]); // prettier-ignore
  });
});

describe('input is refused', () => {
  const line = { productId: newId(), quantity: 1 };
  const cases: [string, Partial<PlaceOrderInput>, string[]][] = [
    ['without lines', { lines: [] }, pathOf('lines')],
    [`with more than ${maxLines} lines`, { lines: Array.from({ length: maxLines + 1 }, () => line) }, pathOf('lines')],
    ['with quantity 0', { lines: [line, { ...line, quantity: 0 }] }, pathOf('lines', 1, 'quantity')],
    ['with quantity -1', { lines: [{ ...line, quantity: -1 }] }, pathOf('lines', 0, 'quantity')],
    ['with quantity 10,001', { lines: [{ ...line, quantity: 10_001 }] }, pathOf('lines', 0, 'quantity')],
    ['with quantity 2^31 - 1', { lines: [{ ...line, quantity: 2 ** 31 - 1 }] }, pathOf('lines', 0, 'quantity')],
    ['in small letters for a currency', { currency: 'eur' }, pathOf('currency')],
    ['in no currency', { currency: '' }, pathOf('currency')],
    ['with 1,025 emoji of remark', { remark: '😀'.repeat(1_025) }, pathOf('remark')],
    ['with 1,025 characters of remark', { remark: 'x'.repeat(1_025) }, pathOf('remark')],
    ['with a remark that is no valid Unicode', { remark: 'half a \ud83d' }, pathOf('remark')],
    ['with more than 10 codes', { couponCodes: Array.from({ length: 11 }, () => 'FREE') }, pathOf('couponCodes')],
    ['with an empty reference', { clientReference: '' }, pathOf('clientReference')],
    ['with 65 characters of reference', { clientReference: 'x'.repeat(65) }, pathOf('clientReference')],
    ['with a line break in the reference', { clientReference: 'a\nb' }, pathOf('clientReference')],
  ];
  for (const [what, change, path] of cases)
    test(`${what}: a validation error`, () => {
      expect(refusalsOf(anInput(change))).toMatchObject([{ __typename: 'ValidationError', path }]);
    });

  test('of a type that does not exist', () => {
    expect(refusalsOf(anInput({ type: 'NONE' }), null)).toMatchObject([{ path: pathOf('type') }]);
  });

  test('with everything wrong at once tells everything', () => {
    const input = anInput({ currency: '?', remark: 'x'.repeat(2_000), lines: [{ ...line, quantity: 0 }] });
    expect(refusalsOf(input).map((refusal) => refusal['path'])).toEqual([
      pathOf('currency'),
      pathOf('remark'),
      pathOf('lines', 0, 'quantity'),
    ]);
  });
});

describe('[ZO-5] an extension', () => {
  test('that the type does not take is refused', () => {
    expect(refusalsOf(anInput({ extension: {} }), aType({ extension: null }))).toMatchObject([{ path: pathOf('extension') }]); // prettier-ignore
  });

  const type = aType({ extension: z.strictObject({ table: z.int(), note: z.string().optional() }) });

  test('is checked against its type', () => {
    expect(refusalsOf(anInput({ extension: { table: 4 } }), type)).toEqual([]);
    expect(refusalsOf(anInput({ extension: { table: 'four' } }), type)).toMatchObject([{ path: pathOf('extension', 'table') }]); // prettier-ignore
    expect(refusalsOf(anInput({ extension: { table: 4, other: 1 } }), type)).toHaveLength(1);
  });

  test(`has at most ${maxExtensionBytes} bytes as JSON`, () => {
    const filled = (bytes: number) => ({ table: 4, note: 'x'.repeat(bytes - '{"table":4,"note":""}'.length) });
    expect(refusalsOf(anInput({ extension: filled(maxExtensionBytes) }), type)).toEqual([]);
    expect(refusalsOf(anInput({ extension: filled(maxExtensionBytes + 1) }), type)).toHaveLength(1);
  });
});

describe('pricing', () => {
  const cake = {
    code: 'CAKE',
    name: 'Cake',
    unitPrice: { amount: 350, currency: 'EUR' },
    perPerson: false,
    perNight: false,
  };
  const wrap = {
    code: 'WRAP',
    name: 'Gift wrap',
    unitPrice: { amount: 200, currency: 'EUR' },
    perPerson: false,
    perNight: false,
  };

  test('multiplies price and extras by the quantity and keeps a snapshot', () => {
    const beans = snapshot({ addOns: [cake, wrap], marketPrice: { amount: 1_500, currency: 'EUR' } });
    const { lines, totalMinor } = priced([beans], [{ productId: beans.id, quantity: 3, addOns: ['WRAP'] }]);
    expect(totalMinor).toBe(3n * (1_290n + 200n));
    expect(lines).toMatchObject([
      {
        productId: beans.id, sku: 'BEANS-1', title: 'Espresso beans', unitPriceMinor: 1_290n, marketPriceMinor: 1_500n, quantity: 3, subtotalMinor: 4_470n,
        addOns: [{ code: 'WRAP', name: 'Gift wrap', unitPriceMinor: 200, quantity: 3 }], needsFulfilment: true,
      },
    ]); // prettier-ignore
  });

  test('sums whatever lines there are', () => {
    const amounts = fc.integer({ min: 1, max: 10_000_000 });
    const anyLine = fc.record({
      price: amounts,
      quantity: fc.integer({ min: 1, max: 100 }),
      extra: fc.option(amounts),
    });
    fc.assert(
      fc.property(fc.array(anyLine, { minLength: 1, maxLength: 100 }), (given) => {
        const products = given.map((line) =>
          snapshot({
            price: { amount: line.price, currency: 'EUR' },
            addOns: line.extra === null ? [] : [{ ...cake, unitPrice: { amount: line.extra, currency: 'EUR' } }],
          }),
        );
        const { lines, totalMinor } = priced(
          products,
          given.map((line, index) => ({
            productId: products[index]?.id ?? '',
            quantity: line.quantity,
            addOns: line.extra === null ? [] : ['CAKE'],
          })),
        );
        const expected = given.reduce((total, line) => total + (line.price + (line.extra ?? 0)) * line.quantity, 0);
        expect(totalMinor).toBe(BigInt(expected));
        expect(lines.reduce((total, line) => total + line.subtotalMinor, 0n)).toBe(totalMinor);
      }),
    );
  });

  test('a total beyond 2^53 − 1 is refused, a total of exactly that is not', () => {
    const dear = (amount: number) => snapshot({ price: { amount, currency: 'EUR' } });
    const largest = dear(Number.MAX_SAFE_INTEGER);
    expect(priced([largest], [{ productId: largest.id, quantity: 1 }]).totalMinor).toBe(9_007_199_254_740_991n);
    for (const [products, quantities] of [[[largest], [2]], [[largest, dear(1)], [1, 1]]] as const) // prettier-ignore
      expect(price(products, products.map((product, index) => ({ productId: product.id, quantity: quantities[index] ?? 1 })))).toMatchObject({ refusals: [{ code: 'VALIDATION', path: pathOf('lines') }] }); // prettier-ignore
  });

  test('another currency than the product is sold in is refused', () => {
    const beans = snapshot();
    expect(price([beans], [{ productId: beans.id, quantity: 1 }], standard, 'USD')).toMatchObject({ refusals: [{ code: 'VALIDATION', path: pathOf('currency') }] }); // prettier-ignore
  });

  test('an unknown product, one that is not on sale and one of another kind are refused, each with its line', () => {
    const old = snapshot({ status: 'ARCHIVED' });
    const goods = snapshot();
    const unknown = newId();
    const lines = [{ productId: unknown, quantity: 1 }, { productId: old.id, quantity: 1 }, { productId: goods.id, quantity: 1 }]; // prettier-ignore
    expect(price([old, goods], lines, digital)).toEqual({
      items: [],
      refusals: [
        expect.objectContaining({ __typename: 'NotFoundError', id: unknown, path: pathOf('lines', 0, 'productId') }),
        expect.objectContaining({ __typename: 'ProductUnavailableError', productId: old.id, path: pathOf('lines', 1, 'productId') }),
        expect.objectContaining({ __typename: 'ProductUnavailableError', productId: goods.id, path: pathOf('lines', 2, 'productId') }),
      ],
    }); // prettier-ignore
  });

  test('[CH-1] a draft is not there, but for who may see it: its name is nobody else’s to know', () => {
    const draft = snapshot({ status: 'DRAFT', name: 'Secret' });
    const refused = price([draft], [{ productId: draft.id, quantity: 1 }]);
    expect(refused).toMatchObject({ items: [], refusals: [{ __typename: 'NotFoundError', id: draft.id }] });
    expect(JSON.stringify(refused)).not.toContain('Secret');
    const own = { ...draft, seller: { id: ownSeller } };
    expect(price([own], [{ productId: own.id, quantity: 1 }])).toMatchObject({ refusals: [{ code: 'PRODUCT_UNAVAILABLE' }] }); // prettier-ignore
  });

  test('an unknown extra is refused', () => {
    const beans = snapshot({ addOns: [cake] });
    const refused = price([beans], [{ productId: beans.id, quantity: 1, addOns: ['CAKE', 'GOLD'] }]);
    expect(refused).toMatchObject({ refusals: [{ code: 'VALIDATION', path: pathOf('lines', 0, 'addOns') }] });
  });

  test('another price than the client showed is told with both', () => {
    const beans = snapshot();
    const line = { productId: beans.id, quantity: 1 };
    expect(priced([beans], [{ ...line, expectedUnitPrice: 1_290 }]).totalMinor).toBe(1_290n);
    // Merged with a line that expects the right price, the wrong one is still found.
    expect(
      price(
        [beans],
        [
          { ...line, expectedUnitPrice: 1_290 },
          { ...line, expectedUnitPrice: 990 },
        ],
      ),
    ).toMatchObject({
      refusals: [
        {
          __typename: 'PriceChangedError',
          expected: { amount: 990, currency: 'EUR' },
          actual: { amount: 1_290, currency: 'EUR' },
        },
      ],
    });
  });

  test('digital goods need no shipping', () => {
    const song = snapshot({ kind: 'DIGITAL' });
    expect(priced([song], [{ productId: song.id, quantity: 1 }]).lines[0]?.needsFulfilment).toBe(false);
    expect(priced([song], [{ productId: song.id, quantity: 1 }], digital).lines[0]?.needsFulfilment).toBe(false);
  });
});
