import { describe, expect, test } from '@jest/globals';
import { firstOf, foldedOf, lengthOf, typedIdentifier } from '../../../../subgraphs/shared/values/text.ts';

test.each([
  ['CAFÉ', 'cafe'], ['CAFE\u0301', 'cafe'], ['GRÖSSE', 'grosse'], ['Größe', 'grosse'], ['ﬁn', 'fin'], ['ＴＥＡ', 'tea'], ['Ørsted Łódź', 'orsted lodz'], ['İstanbul ılık', 'istanbul ilik'], ['ΟΔΟΣ', 'οδοσ'], ['οδός', 'οδοσ'], ['ŒUVRE', 'oeuvre'], ['co\u00adop', 'coop'],
])('%j is compared as %j', (text, folded) => expect(foldedOf(text)).toBe(folded)); // prettier-ignore

test.each([
  [' F-100\n', 'F-100'], ['\u202aF-100\u202c', 'F-100'], ['F\u200b-100', 'F-100'], ['\ufeffF-100', 'F-100'], ['Ｆ－１００', 'F-100'], ['\u200b \u2060', ''], ['f-100', 'f-100'],
])('an identifier typed as %j is %j', (text, typed) => expect(typedIdentifier(text)).toBe(typed)); // prettier-ignore

describe('characters are code points', () => {
  test('counted', () => expect([lengthOf('😀a'), lengthOf('')]).toEqual([2, 0]));
  test('and cut whole', () => expect([firstOf('😀😀a', 1), firstOf('ab', 5)]).toEqual(['😀', 'ab']));
});
