import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  idFromBytes,
  idToBytes,
  isId,
  isNumber,
  newId,
  newNumber,
  routeOf,
  routes,
  typedNumber,
} from '../../../../subgraphs/shared/values/ids.ts';

describe('ids', () => {
  test('are new, canonical, and in the order in which they were made', () => {
    const ids = Array.from({ length: 10_000 }, () => newId());
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every(isId)).toBe(true);
    expect(ids.toSorted()).toEqual(ids);
  });

  test('[ZO-11] of what is a user’s have the user’s route, and are new all the same', () => {
    const owners = Array.from({ length: 2_000 }, () => newId());
    for (const owner of owners) {
      const id = newId(newId(owner));
      expect(isId(id) && id !== owner && routeOf(id) === routeOf(owner)).toBe(true);
    }
    expect(new Set(Array.from({ length: 10_000 }, () => newId(owners[0]))).size).toBe(10_000);
    // Users spread over the routes: of 2,000 in 16 parts, each part has 125 in the mean.
    const parts = Map.groupBy(owners, (owner) => Math.floor(routeOf(owner) / (routes / 16)));
    expect(parts.size).toBe(16);
    for (const part of parts.values()) expect(part.length).toBeGreaterThan(60);
  });

  test('go through 16 bytes and back, and bytes sort like the text', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), (left, right) => {
        expect(idFromBytes(idToBytes(left))).toBe(left);
        expect(Math.sign(Buffer.compare(idToBytes(left), idToBytes(right)))).toBe(
          left < right ? -1 : left > right ? 1 : 0,
        );
      }),
    );
  });

  test('bytes inside a larger buffer are read where they are', () => {
    const id = newId();
    const larger = Buffer.concat([Buffer.alloc(5, 1), idToBytes(id), Buffer.alloc(5, 2)]);
    expect(idFromBytes(larger.subarray(5, 21))).toBe(id);
  });

  test.each([
    '',
    'x',
    newId().toUpperCase(),
    `${newId()} `,
    `{${newId()}}`,
    newId().replaceAll('-', ''),
    `${newId()}\n`,
  ])('%j is none', (text) => {
    expect(isId(text)).toBe(false);
    expect(() => idToBytes(text)).toThrow(RangeError);
  });

  test('what is no text is none either', () => {
    for (const value of [null, undefined, 1, {}, []]) expect(isId(value)).toBe(false);
  });
});

describe('numbers', () => {
  const at = new Date('2026-11-21T23:59:59Z');
  const seeds = fc.uint8Array({ minLength: 8, maxLength: 8 });

  test('[LL-5] carry prefix, UTC date and a check character', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const number = newNumber('SO', at, seed);
        expect(number).toMatch(/^SO261121[0-9A-HJKMNP-TV-Z]{9}$/);
        expect(isNumber(number, 'SO')).toBe(true);
        expect(newNumber('SO', at, seed)).toBe(number);
      }),
    );
  });

  test('one wrong character is noticed wherever it is', () => {
    fc.assert(
      fc.property(
        seeds,
        fc.integer({ min: 2, max: 16 }),
        fc.constantFrom(...'0123456789ABCDEFGHJKMNPQRSTVWXYZ'.split('')),
        (seed, position, character) => {
          const number = newNumber('SO', at, seed);
          const wrong = number.slice(0, position) + character + number.slice(position + 1);
          expect(isNumber(wrong, 'SO')).toBe(wrong === number);
        },
      ),
    );
  });

  test('are known as people type them', () => {
    fc.assert(
      fc.property(seeds, fc.constantFrom('SO', 'BO', 'PM', 'TU', 'HB'), (seed, prefix) => {
        const number = newNumber(prefix, at, seed);
        const spaced = number.replaceAll(/(.{4})/g, '$1 ');
        const misread = number.slice(0, 2) + number.slice(2).replaceAll('0', 'o').replaceAll('1', seed[0]! % 2 ? 'l' : 'I'); // prettier-ignore
        const typed = [number.toLowerCase(), spaced, ` ${number}\n`, spaced.replaceAll(' ', '-'), spaced.replaceAll(' ', '\u2011'), misread, number.replace('O', '0'), number.replaceAll(/[!-~]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)), `\u202a${number}\u202c`]; // prettier-ignore
        for (const text of typed) expect(typedNumber(text)).toBe(number);
        expect(typedNumber(misread.slice(0, 9))).toBe(number.slice(0, 9));
      }),
    );
  });

  test('of another prefix, or of no form, are none', () => {
    const number = newNumber('SO', at);
    for (const text of [number.slice(1), `${number}0`, number.toLowerCase(), '', 'SO'])
      expect(isNumber(text, 'SO')).toBe(false);
    expect(isNumber(number, 'HB')).toBe(false);
  });

  test('random ones differ', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => newNumber('SO', at))).size).toBe(1_000);
  });
});
