import { stemmer } from 'stemmer';
import { badUserInput } from '../../shared/errors/errors.ts';
import { firstOf, foldedOf, lengthOf } from '../../shared/values/text.ts';
import type { Product } from './product.ts';

const maxQueryLength = 200;
const maxQueryWords = 10;
/** Bytes of a column of type TEXT, of which a character takes up to four. */
const maxSearchLength = 16_000;

const wordsIn = (folded: string): readonly string[] => folded.match(/[\p{L}\p{N}]+/gu) ?? [];
/** Porter's stems of English; words of other alphabets stay as they are. */
const stemOf = (word: string): string => (/^[a-z]+$/.test(word) ? stemmer(word) : word);

/** What a search looks into: all that a product says, folded, and the stems of its words, each between two spaces. */
export function searchTextOf(product: Pick<Product, 'name' | 'subtitle' | 'sku' | 'description'>): string {
  const { name, subtitle, sku, description } = product;
  const folded = foldedOf(`${name} ${subtitle ?? ''} ${sku} ${description}`)
    .replaceAll(/\s+/g, ' ')
    .trim();
  const words = new Set(wordsIn(folded));
  const stems = new Set([...words].map(stemOf));
  // What is cut off of an endless text are its last words.
  const half = maxSearchLength / 2;
  return ` ${firstOf([...stems].join(' '), half)} ${firstOf(folded, half)} `;
}

/** A word of a search: what it is part of, or the whole stem that it shares. */
export type SearchWord = { readonly part: string; readonly stem: string };

/** The words of a search. Throws BAD_USER_INPUT beyond 200 characters or 10 words. */
export function wordsOf(query: string): SearchWord[] {
  const parts = foldedOf(firstOf(query, maxQueryLength)).split(/\s+/).filter(Boolean);
  if (lengthOf(query) > maxQueryLength || parts.length > maxQueryWords)
    throw badUserInput(`filter.query: must have at most ${maxQueryLength} characters and ${maxQueryWords} words.`);
  return parts.map((part) => ({ part, stem: stemOf(part) }));
}
