import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addDays, datesBetween } from '../../../subgraphs/shared/values/local-date.ts';
import {
  type StockLine,
  goodsOf,
  maxNightsPerOrder,
  nightsOf,
  runsOf,
  staysAreFine,
} from '../../../subgraphs/product/domain/nights.ts';

const stay = (productId: string, stayFrom: string, stayTo: string, quantity = 1): StockLine => ({
  productId,
  quantity,
  stayFrom,
  stayTo,
});
const anyStay = fc
  .record({
    productId: fc.constantFrom('a', 'b', 'c'),
    first: fc.integer({ min: 0, max: 20 }),
    nights: fc.integer({ min: 1, max: 6 }),
    quantity: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ productId, first, nights, quantity }) =>
    stay(productId, addDays('2027-03-20', first), addDays('2027-03-20', first + nights), quantity),
  );
const stays = fc.array(anyStay, { maxLength: 8 });

describe('the nights of stays', () => {
  test('have as many rooms as all stays over them together', () => {
    fc.assert(
      fc.property(stays, (lines) => {
        const nights = nightsOf(lines);
        for (const { productId, night, quantity } of nights) {
          const over = lines.filter(
            (line) => line.productId === productId && (line.stayFrom ?? '') <= night && night < (line.stayTo ?? ''),
          );
          expect(quantity).toBe(over.reduce((sum, line) => sum + line.quantity, 0));
          expect(quantity).toBeGreaterThan(0);
        }
        const roomNights = lines.reduce(
          (sum, line) => sum + line.quantity * datesBetween(line.stayFrom ?? '', line.stayTo ?? '').length,
          0,
        );
        expect(nights.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(roomNights);
      }),
    );
  });

  test('come by product and night, each once, whatever the order of the lines: locks are taken so', () => {
    fc.assert(
      fc.property(stays, (lines) => {
        const nights = nightsOf(lines);
        const keys = nights.map(({ productId, night }) => `${productId} ${night}`);
        expect(keys).toEqual([...new Set(keys)].toSorted());
        expect(nightsOf(lines.toReversed())).toEqual(nights);
      }),
    );
  });

  test('as runs they are the same nights, and no two runs could be one', () => {
    fc.assert(
      fc.property(stays, (lines) => {
        const nights = nightsOf(lines);
        const runs = runsOf(nights);
        expect(runs.flatMap(({ from, to, ...units }) => datesBetween(from, to).map((night) => ({ ...units, night })))).toEqual(nights); // prettier-ignore
        for (const [index, run] of runs.entries()) {
          const next = runs[index + 1];
          expect(next?.productId === run.productId && next.from === run.to && next.quantity === run.quantity).toBe(
            false,
          );
        }
      }),
    );
  });

  test('of a single stay are one run', () => {
    expect(runsOf(nightsOf([stay('a', '2027-03-27', '2027-03-30', 2)]))).toEqual([
      { productId: 'a', from: '2027-03-27', to: '2027-03-30', quantity: 2 },
    ]);
  });
});

describe('lines', () => {
  const goods = { productId: 'mug', quantity: 3 };

  test('without a stay are goods', () => {
    expect(goodsOf([goods, stay('a', '2027-01-01', '2027-01-02'), { ...goods, stayFrom: null, stayTo: null }])).toEqual(
      [goods, { ...goods, stayFrom: null, stayTo: null }],
    );
    expect(nightsOf([goods])).toEqual([]);
  });

  test('have both dates of a stay or none, real ones, the later one second', () => {
    expect(staysAreFine([goods, stay('a', '2027-01-01', '2027-01-02')])).toBe(true);
    for (const wrong of [
      { ...goods, stayFrom: '2027-01-01' },
      { ...goods, stayTo: '2027-01-01' },
      stay('a', '2027-01-01', '2027-01-01'),
      stay('a', '2027-01-02', '2027-01-01'),
      stay('a', '2027-02-29', '2027-03-02'),
      stay('a', 'soon', 'later'),
    ])
      expect(staysAreFine([wrong])).toBe(false);
  });

  test(`have ${maxNightsPerOrder} nights together at most`, () => {
    const longest = stay('a', '2027-01-01', addDays('2027-01-01', maxNightsPerOrder));
    expect(staysAreFine([longest])).toBe(true);
    expect(staysAreFine([longest, stay('b', '2027-01-01', '2027-01-02')])).toBe(false);
  });
});
