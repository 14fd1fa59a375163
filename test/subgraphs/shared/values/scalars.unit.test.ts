import { describe, expect, test } from '@jest/globals';
import { parseValue } from 'graphql';
import { scalars } from '../../../../subgraphs/shared/values/scalars.ts';

const { JSON: json } = scalars;

describe('the scalar JSON', () => {
  test.each(['1e400', '-1e400', '[1, [{ a: 1e400 }]]', '{ a: { b: 1e400 } }'])('refuses %s as a literal', (text) => {
    expect(() => json.parseLiteral(parseValue(text))).toThrow('A number is too large.');
  });
  test('refuses an integer of 400 digits', () => {
    expect(() => json.parseLiteral(parseValue('9'.repeat(400)))).toThrow('A number is too large.');
  });
  test.each(['1e400', '-1e400', '[1, [{ "a": 1e400 }]]', '{ "a": { "b": 1e400 } }'])(
    'refuses %s in a variable',
    (text) => {
      expect(() => json.parseValue(JSON.parse(text))).toThrow('A number is too large.');
    },
  );
  test('takes all else as it comes', () => {
    const value = { a: [1, 1.5, 'x', null, true, [], {}], b: { c: 1e300 } };
    expect(json.parseValue(value)).toBe(value);
    expect(json.parseLiteral(parseValue('{ a: [1, 1.5, "x", null, true, [], {}], b: { c: 1e300 } }'))).toEqual(value);
    expect(json.parseValue(null)).toBe(null);
  });
  test('takes what is large or deep', () => {
    const many = Array.from({ length: 500_000 }, (_, index) => index);
    expect(json.parseValue(many)).toBe(many);
    let deep: unknown = [];
    for (let depth = 0; depth < 50_000; depth++) deep = [deep];
    expect(json.parseValue(deep)).toBe(deep);
  });
});
