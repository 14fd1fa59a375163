import { expect, test } from '@jest/globals';
import { csvOf } from '../../../gateway/pages/src/staff/csv.ts';
import {
  amountOf,
  dayOf,
  minorOf,
  momentOf,
  numberOf,
  optionalNumberOf,
  percentOf,
  ppmOf,
} from '../../../gateway/pages/src/staff/rules/numbers.ts';

test.each([
  ['19', 190_000, '19'],
  ['5.5', 55_000, '5.5'],
  ['5,5', 55_000, '5.5'],
  ['0.0001', 1, '0.0001'],
  ['100', 1_000_000, '100'],
  ['0', 0, '0'],
  ['10.10', 101_000, '10.1'],
])('%s percent are %d parts per million, and the other way round', (typed, ppm, shown) => {
  expect(ppmOf(typed)).toBe(ppm);
  expect(percentOf(ppm)).toBe(shown);
});

test.each(['', ' ', '-1', '1e2', '1.23456', 'ten', '1000'])('%j is no percentage', (typed) => {
  expect(ppmOf(typed)).toBeNull();
});

test('a number is typed in digits alone', () => {
  expect(['', '12', '1.5', '-1', 'x'].map(numberOf)).toEqual([null, 12, null, null, null]);
});

test.each([
  ['12.5', 'EUR', 1_250],
  ['12,50', 'EUR', 1_250],
  [' 0 ', 'EUR', 0],
  ['0,00', 'EUR', 0],
  ['12', 'JPY', 12],
  ['12,5', 'KWD', 12_500],
  ['1.234', 'KWD', 1_234],
])('%j of %s is an amount of %d minor units', (typed, currency, minor) => {
  expect(minorOf(typed, currency)).toBe(minor);
});

test.each([
  ['1,000', 'EUR'],
  ['1.000,50', 'EUR'],
  ['1,000.50', 'EUR'],
  ['0.000', 'EUR'],
  ['1e3', 'EUR'],
  ['-1', 'EUR'],
  ['12.5', 'JPY'],
  ['90071992547409.93', 'EUR'],
  ['', 'EUR'],
])('%j of %s is no amount, and is sent as one that the API refuses', (typed, currency) => {
  expect(minorOf(typed, currency)).toBeNull();
  expect(amountOf(typed, currency)).toEqual({ amount: -1, currency });
});

test('a number that may be left out is left out when nothing is typed, and never when something else is', () => {
  expect(['', ' ', '12', '1.000', 'many'].map(optionalNumberOf)).toEqual([null, null, 12, -1, -1]);
});

test('the end of a rule stays as it is, to the millisecond, however often it is saved', () => {
  const end = '2026-12-24T22:30:15.250Z';
  expect(momentOf(dayOf(end), end)).toBe(end);
  const saved = momentOf('2026-12-27', end);
  expect(dayOf(saved)).toBe('2026-12-27');
  expect(momentOf(dayOf(saved), saved)).toBe(saved);
  expect([momentOf('', end), dayOf(null)]).toEqual([null, '']);
});

test('CSV keeps formulas out where a spreadsheet splits at semicolons or tabs, and leaves numbers below zero alone', () => {
  expect(csvOf([['Eve;=HYPERLINK("x")', 'a\t+1', '\uFF1D1', '-5.00', '-5.00+1']])).toBe(
    `"Eve;'=HYPERLINK(""x"")","a\t'+1",'\uFF1D1,-5.00,'-5.00+1\r\n`,
  );
});

test('CSV quotes what has to be, and no cell is a formula', () => {
  expect(csvOf([['Name', 'Net'], ['Bread, "slow"', 9.9], ['two\nlines', -3], ['=1+1', 0], ['-x', 0], ['@a', 0]])).toBe(
    'Name,Net\r\n"Bread, ""slow""",9.9\r\n"two\nlines",-3\r\n\'=1+1,0\r\n\'-x,0\r\n\'@a,0\r\n',
  );
}); // prettier-ignore
