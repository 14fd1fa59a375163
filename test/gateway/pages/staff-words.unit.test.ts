import { expect, test } from '@jest/globals';
import { csvOf } from '../../../gateway/pages/src/staff/csv.ts';
import { numberOf, percentOf, ppmOf } from '../../../gateway/pages/src/staff/rules/numbers.ts';

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

test('CSV quotes what has to be, and no cell is a formula', () => {
  expect(csvOf([['Name', 'Net'], ['Bread, "slow"', 9.9], ['two\nlines', -3], ['=1+1', 0], ['-x', 0], ['@a', 0]])).toBe(
    'Name,Net\r\n"Bread, ""slow""",9.9\r\n"two\nlines",-3\r\n\'=1+1,0\r\n\'-x,0\r\n\'@a,0\r\n',
  );
}); // prettier-ignore
