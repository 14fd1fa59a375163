import { expect, test } from '@jest/globals';
import { kindOf } from '../../ops/torture/kind-of.ts';

test.each([
  ['order BO2611300MBGHHXKZ is CANCELLED and keeps 2281', 'order SO261130766M3M9BZ is CANCELLED and keeps 3'],
  ['saga 01a22c0a-2afa-76f0-b424-3a9a099bfd0a is RUNNING', 'saga 01a22c0b-0000-76f0-b424-3a9a099bfd0b is RUNNING'],
  ['I5 x: order.paid 01A22C0A2AFA76F0B4243A9A099BFD0A is not published', 'I5 x: order.paid 01A22C0A2AFA76F0B4243A9A099BFD0B is not published'],
  ['the buyer paid pi_0123456789abcdef0123 of order', 'the buyer paid pi_1123456789abcdef0129 of order'],
])('%s is of one kind with its like', (one, other) => {
  expect(kindOf(one)).toBe(kindOf(other));
}); // prettier-ignore

test('what is broken otherwise, or in another state, is of another kind', () => {
  expect(kindOf('order BO2611300MBGHHXKZ is EXPIRED and keeps 1')).not.toBe(kindOf('order BO2611300MBGHHXKZ is CANCELLED and keeps 1'));
  expect(kindOf('I3 a: order N is EXPIRED')).not.toBe(kindOf('I6 a: order N is EXPIRED'));
}); // prettier-ignore
