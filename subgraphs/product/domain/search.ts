import { stemmer } from 'stemmer';
import { badUserInput } from '../../shared/errors/errors.ts';
import { firstOf, foldedOf, lengthOf } from '../../shared/values/text.ts';
import type { Product } from './product.ts';

export type SearchedText = Pick<Product, 'name' | 'subtitle' | 'sku' | 'description'>;

const maxQueryLength = 200;
const maxQueryWords = 10;
/** Characters of a word that are compared. */
const maxWordLength = 64;
/** Of a text without spaces that is longer than a word, so much comes in two words. */
const overlap = 16;
/** Different words of one product that are searched: its name, SKU and subtitle, then its description as far as it goes. */
const maxIndexedWords = 600;
/** Bytes of a column of type TEXT, of which a character takes up to four. */
const maxSearchLength = 16_000;
/** Shorter words are taken as they are typed: too much else would be one letter away. */
const minForgivenLength = 5;
const maxForgivenLength = 24;
/** Shorter parts of words are found at their beginning only. */
const minPartLength = 3;

/** Writing that puts no spaces between words. */
const unspaced = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`;
const runs = new RegExp(`[${unspaced}]+|(?:(?![${unspaced}])[\\p{L}\\p{N}])+`, 'gu');
const unspacedRun = new RegExp(`^[${unspaced}]`, 'u');
const isUnspaced = (word: string): boolean => unspacedRun.test(word);

/** Runs of letters and digits of a folded text. */
const wordsIn = (folded: string): readonly string[] => folded.match(runs) ?? [];
/** Porter's stems of English; words of other alphabets stay as they are. */
const stemOf = (word: string): string => (/^[a-z]+$/.test(word) ? stemmer(word) : word);

/** A run as words of the index: one, but for text without spaces that is longer. */
function indexedParts(run: string): string[] {
  const characters = Array.from(run);
  if (characters.length <= maxWordLength || !isUnspaced(run)) return [characters.slice(0, maxWordLength).join('')];
  const parts: string[] = [];
  for (let from = 0; from < characters.length - overlap; from += maxWordLength - overlap)
    parts.push(characters.slice(from, from + maxWordLength).join(''));
  return parts;
}

/** All that a product says, folded: where characters that are no letters or digits are looked for. */
export function searchTextOf({ name, subtitle, sku, description }: SearchedText): string {
  const folded = foldedOf(`${name} ${subtitle ?? ''} ${sku} ${description}`)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return firstOf(folded, maxSearchLength);
}

/** What a word counts for, by where it stands. */
const fieldWeights = { name: 6, sku: 6, subtitle: 3, description: 1 } as const satisfies Record<keyof SearchedText, number>; // prettier-ignore

/** A word of the index: as it is written, what its forms share, and what it counts for. */
export type IndexedWord = { readonly word: string; readonly stem: string; readonly weight: number };

/** The words by which a product is found, in their own order. */
export function indexedWords(product: SearchedText): IndexedWord[] {
  const weights = new Map<string, number>();
  for (const field of ['name', 'sku', 'subtitle', 'description'] as const)
    for (const word of wordsIn(foldedOf(product[field] ?? '')).flatMap(indexedParts))
      if (!weights.has(word) && weights.size < maxIndexedWords) weights.set(word, fieldWeights[field]);
  return [...weights].map(([word, weight]) => ({ word, stem: stemOf(word), weight })).toSorted((one, other) => (one.word < other.word ? -1 : 1)); // prettier-ignore
}

/**
 * A word with one letter left out, each way there is. Two words that share one of these, or are one of the other's, are a
 * typo apart: a letter too few, too many, another one, or two exchanged. None for words that are too short or have digits.
 */
export function formsOf(word: string): readonly string[] {
  const letters = Array.from(word);
  if (letters.length < minForgivenLength || letters.length > maxForgivenLength) return [];
  if (!/^\p{L}+$/u.test(word) || isUnspaced(word)) return [];
  return [...new Set(letters.map((_, index) => [...letters.slice(0, index), ...letters.slice(index + 1)].join('')))];
}

/** One word of a search: a run of letters and digits, or what has none and is looked for as it stands. */
export type SearchWord =
  | {
      readonly word: string;
      readonly stem: string;
      readonly forms: readonly string[];
      /** Found within words, too. */
      readonly isPart: boolean;
    }
  | { readonly literal: string };

const tooLong = () =>
  badUserInput(`filter.query: must have at most ${maxQueryLength} characters and ${maxQueryWords} words.`);

/** The words of a search. Throws BAD_USER_INPUT beyond 200 characters or 10 words. */
export function wordsOf(query: string): SearchWord[] {
  const parts = foldedOf(firstOf(query, maxQueryLength)).split(/\s+/).filter(Boolean);
  if (lengthOf(query) > maxQueryLength || parts.length > maxQueryWords) throw tooLong();
  const words = new Map<string, SearchWord>();
  for (const part of parts) {
    const found = wordsIn(part);
    if (found.length === 0) words.set(part, { literal: part });
    for (const run of found)
      for (const word of queriedParts(run, maxQueryWords - words.size)) words.set(word, searchWord(word));
  }
  if (words.size > maxQueryWords) throw tooLong();
  return [...words.values()];
}

const searchWord = (word: string): SearchWord => ({
  word,
  stem: stemOf(word),
  forms: formsOf(word),
  isPart: isUnspaced(word) || lengthOf(word) >= minPartLength,
});

const segmenter = new Intl.Segmenter('zh', { granularity: 'word' });

/** Text without spaces is looked for word by word, as many as there may be, else as a whole. */
function queriedParts(run: string, most: number): string[] {
  const whole = firstOf(run, maxWordLength);
  if (!isUnspaced(run)) return [whole];
  const parts = Array.from(segmenter.segment(run), ({ segment }) => firstOf(segment, maxWordLength));
  return parts.length > most ? [whole] : parts;
}

/** How well a word of a search fits one of the index; multiplied by the word's weight. */
export const fits = { same: 8, form: 6, beginning: 4, part: 2, typo: 1 } as const;
/** What a product's category counts for whose name has the word. */
export const categoryScore = 10;

/** True where a text has the word, by the rules of the index. */
export function hasWord(text: string, search: SearchWord): boolean {
  if ('literal' in search) return foldedOf(text).includes(search.literal);
  const { word, stem, forms, isPart } = search;
  return wordsIn(foldedOf(text))
    .flatMap(indexedParts)
    .some((each) => {
      if (each.startsWith(word) || stemOf(each) === stem || (isPart && each.includes(word))) return true;
      const others = formsOf(each);
      return others.includes(word) || (others.length > 0 && forms.includes(each)) || others.some((form) => forms.includes(form)); // prettier-ignore
    });
}
