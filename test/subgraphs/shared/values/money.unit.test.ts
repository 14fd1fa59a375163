import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  add,
  maxAmountMinor,
  money,
  moneyFromJson,
  moneyToJson,
  multiply,
  subtract,
  sum,
} from '../../../../subgraphs/shared/values/money.ts';

const amount = fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n });
const euro = (minor: bigint) => money(minor, 'EUR');

describe('money', () => {
  test('adds without loss: sums don’t depend on the order, and subtracting undoes adding', () => {
    fc.assert(
      fc.property(amount, amount, amount, (a, b, c) => {
        expect(add(euro(a), euro(b))).toEqual(add(euro(b), euro(a)));
        expect(add(add(euro(a), euro(b)), euro(c))).toEqual(add(euro(a), add(euro(b), euro(c))));
        expect(subtract(add(euro(a), euro(b)), euro(b))).toEqual(euro(a));
        expect(sum([euro(a), euro(b), euro(c)], 'EUR')).toEqual(euro(a + b + c));
      }),
    );
  });

  test('multiplying is adding that often', () => {
    fc.assert(fc.property(amount, fc.integer({ min: 0, max: 50 }), (a, times) => expect(multiply(euro(a), times)).toEqual(sum(Array.from({ length: times }, () => euro(a)), 'EUR')))); // prettier-ignore
  });

  test('goes through JSON and back unharmed up to 2^53 − 1', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -maxAmountMinor, max: maxAmountMinor }), (a) => {
        expect(moneyFromJson(JSON.parse(JSON.stringify(moneyToJson(euro(a)))))).toEqual(euro(a));
      }),
    );
  });

  test('different currencies are never added', () => {
    expect(() => add(euro(1n), money(1n, 'USD'))).toThrow("can't add USD to EUR");
    expect(() => sum([money(1n, 'USD')], 'EUR')).toThrow(RangeError);
  });

  test('beyond 2^53 − 1 it refuses instead of rounding', () => {
    expect(add(euro(maxAmountMinor - 1n), euro(1n)).amount).toBe(maxAmountMinor);
    expect(() => add(euro(maxAmountMinor), euro(1n))).toThrow(RangeError);
    expect(() => subtract(euro(-maxAmountMinor), euro(1n))).toThrow(RangeError);
    expect(() => multiply(euro(maxAmountMinor), 2)).toThrow(RangeError);
    expect(() => multiply(euro(1n), 1.5)).toThrow(RangeError);
    for (const value of [2 ** 53, 0.1, Number.NaN, Infinity])
      expect(() => moneyFromJson({ amount: value, currency: 'EUR' })).toThrow(RangeError);
  });
});
