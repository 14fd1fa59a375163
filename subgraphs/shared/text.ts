/** Characters as people count them: a code point each, as MySQL's `varchar` does. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** The first `length` characters. */
export const firstOf = (text: string, length: number): string =>
  text.length <= length
    ? text
    : Array.from(text.slice(0, 2 * length))
        .slice(0, length)
        .join('');

/** Letters that Unicode has no simpler form of, though people type one. */
const likeOther: Readonly<Record<string, string>> = { æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ı: 'i', ς: 'σ' }; // prettier-ignore

/** Text in the one form in which it is compared: without case, accents and what only the font or the keyboard makes of it. */
export const foldedOf = (text: string): string =>
  text
    .normalize('NFKD')
    .replaceAll(/[\p{M}\p{Cf}]/gu, '')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[æœøłđðþıς]/g, (letter) => likeOther[letter] ?? letter);

/** Shown as nothing: direction marks, zero-width and other characters that come along when text is copied. */
const unseen = /\p{Default_Ignorable_Code_Point}/gu;

/** An identifier as it was typed or pasted, in the form in which it was given out: plain characters, without what is not seen. */
export const typedIdentifier = (text: string): string => text.normalize('NFKC').replaceAll(unseen, '').trim();
