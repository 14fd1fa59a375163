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

/** A character that leaves a mark: letters and symbols that are shown as nothing don't count. */
const visibleCharacter = /(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{N}\p{P}\p{S}]/u;
/** True for text of which people see something. */
const hasVisible = (text: string): boolean => visibleCharacter.test(text);

const controlCharacters = /\p{Cc}/u;
const controlsButLines = /(?![\n\r\t])\p{Cc}/u;

/** What text that people write may be: `lines` may have line ends and tabs; of `min` 1 or more something is seen. */
export type TextRule = { readonly min: number; readonly max: number; readonly lines: boolean };

/** Which rule the text breaks, as the end of a sentence: `has 1 to 200 characters`. Null for none. */
export function brokenTextRule(text: string, { min, max, lines }: TextRule): string | null {
  if (!text.isWellFormed()) return 'is not valid Unicode';
  if (lengthOf(text.trim()) < min || lengthOf(text) > max) return `has ${min} to ${max} characters`;
  if (min > 0 && !hasVisible(text)) return `has ${min} to ${max} characters, at least one of them visible`;
  if ((lines ? controlsButLines : controlCharacters).test(text))
    return `has no control characters${lines ? ' but line ends and tabs' : ''}`;
  return null;
}
