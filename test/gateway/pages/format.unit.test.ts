import { expect, test } from '@jest/globals';
import { durationText, formatTimeLeft } from '../../../gateway/pages/src/format.ts';

const minuteMs = 60_000;

test.each([
  [-1, '0:00'],
  [1, '0:01'],
  [59 * minuteMs, '59:00'],
  [60 * minuteMs, '1:00:00'],
  [48 * 60 * minuteMs - 1_000, '47:59:59'],
  [48 * 60 * minuteMs, '2 days'],
  [7 * 24 * 60 * minuteMs - 1_000, '6 days'],
])('%d ms are shown as %s', (leftMs, shown) => {
  expect(formatTimeLeft(leftMs)).toBe(shown);
});

test('a wait is told in seconds while they are few, and then in minutes that are enough', () => {
  expect([2, 89, 90, 895].map(durationText)).toEqual(['2 seconds', '89 seconds', '2 minutes', '15 minutes']);
});
