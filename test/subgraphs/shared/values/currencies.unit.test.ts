import { describe, expect, test } from '@jest/globals';
import { formatMoney } from '../../../../gateway/pages/src/format.ts';
import {
  fromStripeAmount,
  stripeLimits,
  toStripeAmount,
} from '../../../../subgraphs/payment/providers/stripe-amounts.ts';
import {
  currencyCodes,
  decimalText,
  isCurrency,
  minorDigits,
  minorFromDecimal,
} from '../../../../subgraphs/shared/values/currencies.ts';

/** ISO 4217's currencies of another number of digits than two, funds codes too. */
const notTwo: Readonly<Record<string, number>> = {
  ...Object.fromEntries('BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ').map((code) => [code, 0])),
  ...Object.fromEntries('BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3])),
  CLF: 4, UYW: 4,
}; // prettier-ignore

test('each currency has the digits of ISO 4217, whatever a browser uses', () => {
  expect(currencyCodes.length).toBeGreaterThan(160);
  for (const code of currencyCodes) expect([code, minorDigits(code)]).toEqual([code, notTwo[code] ?? 2]);
  for (const code of Object.keys(notTwo)) expect(isCurrency(code)).toBe(true);
});

test.each(['XXX', 'XTS', 'XAU', 'XAG', 'XPT', 'XPD', 'XBA', 'XDR', 'XSU', 'XUA', 'ABC', 'AAA', 'ZZZ', 'eur', 'EU', 'EURO', '€', 'EUR ', 'E1R', '', '__proto__', 'constructor'])(
  '"%s" is no currency',
  (code) => expect(isCurrency(code)).toBe(false),
); // prettier-ignore

test('199900 minor units of HUF, COP, IDR, PKR, RSD and MGA are 1,999.00 and not 199,900', () => {
  for (const currency of ['HUF', 'COP', 'IDR', 'PKR', 'RSD', 'MGA']) {
    expect(decimalText(199_900, currency)).toBe('1999.00');
    expect(formatMoney({ amount: 199_900, currency }).replaceAll(/[^\d.,]/g, '')).toBe('1,999.00');
    expect(minorFromDecimal('1000', currency)).toBe(100_000);
  }
});

test('what pages show is the number that the server counts, in every currency and up to the largest amount', () => {
  const amounts = [0, 1, 9, 10, 99, 100, 12_345, 199_900, 1_234_567_890, Number.MAX_SAFE_INTEGER];
  for (const currency of currencyCodes) {
    for (const amount of amounts) {
      // Some currencies' signs have a point of their own.
      const shown = String(/\d[\d,]*(\.\d+)?/.exec(formatMoney({ amount, currency }))?.[0]).replaceAll(',', '');
      expect([currency, shown]).toEqual([currency, decimalText(amount, currency)]);
      if (amount > 0) expect(minorFromDecimal(shown, currency)).toBe(amount);
    }
  }
});

test('what is typed is read exactly, and what is no amount is none', () => {
  expect(minorFromDecimal('0.29', 'EUR')).toBe(29);
  expect(minorFromDecimal('1.15', 'EUR')).toBe(115);
  expect(minorFromDecimal('10.', 'EUR')).toBe(1_000);
  expect(minorFromDecimal(' 5 ', 'JPY')).toBe(5);
  expect(minorFromDecimal('1.5', 'KWD')).toBe(1_500);
  for (const typed of ['', '0', '-1', '1.234', '1e3', '.5', '1,5', 'x', 'NaN', '90071992547409.92', '99999999999999999']) {
    expect([typed, minorFromDecimal(typed, 'EUR')]).toEqual([typed, null]);
  }
  expect(minorFromDecimal('1.5', 'JPY')).toBeNull();
}); // prettier-ignore

test('a negative amount keeps its sign and its digits', () => {
  expect(decimalText(-5n, 'EUR')).toBe('-0.05');
  expect(decimalText(-1_234n, 'KWD')).toBe('-1.234');
});

describe("Stripe's amounts", () => {
  const zeroDecimal = 'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' ');
  const isZeroDecimal = (code: string): boolean => zeroDecimal.includes(code);

  test('say the same sum of money as ours, in every currency that it takes', () => {
    for (const currency of currencyCodes) {
      const limits = stripeLimits(currency);
      if (limits === null) continue;
      // Its own rule: no digits for the zero-decimal ones, three for the three-decimal ones, else two.
      const digits = isZeroDecimal(currency) ? 0 : minorDigits(currency) === 3 ? 3 : 2;
      const amount = 1_230n * limits.stepMinor;
      const asked = toStripeAmount({ amount, currency });
      expect([currency, asked / 10 ** digits]).toEqual([currency, Number(amount) / 10 ** minorDigits(currency)]);
      expect(fromStripeAmount(asked, currency.toLowerCase())).toEqual({ amount, currency });
    }
  });

  test.each([
    ['5 ISK are told as 500', 5n, 'ISK', 500],
    ['5 UGX are told as 500', 5n, 'UGX', 500],
    ['5.00 MGA are told as 5', 500n, 'MGA', 5],
    ['10.45 HUF are charged as they are', 1_045n, 'HUF', 1_045],
    ['10.45 TWD are charged as they are', 1_045n, 'TWD', 1_045],
    ['5.120 KWD are told as 5120', 5_120n, 'KWD', 5_120],
    ['500 JPY are told as 500', 500n, 'JPY', 500],
  ])('%s', (_, amount, currency, asked) => expect(toStripeAmount({ amount, currency })).toBe(asked));

  test('a fraction that Stripe has no number for is no amount there, nor here the other way round', () => {
    expect(stripeLimits('MGA')?.stepMinor).toBe(100n);
    expect(() => toStripeAmount({ amount: 501n, currency: 'MGA' })).toThrow(RangeError);
    expect(() => fromStripeAmount(501, 'isk')).toThrow(RangeError);
    for (const currency of ['BHD', 'JOD', 'KWD', 'OMR', 'TND']) expect(stripeLimits(currency)?.stepMinor).toBe(10n);
  });

  test.each(['GHS', 'IQD', 'LYD', 'CLF', 'XXX', 'ABC'])('%s is not taken', (currency) =>
    expect(stripeLimits(currency)).toBeNull(),
  );
});
