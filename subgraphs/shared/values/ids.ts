import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';

/** Of a canonical id the last digits, 12 bits, say where its row belongs: the same ones as its owner's. */
const routeDigits = 3;
/** How many places `routeOf` tells apart. */
export const routes = 16 ** routeDigits;

/**
 * A new UUIDv7 (RFC 9562), canonical lower-case text. Made by the application, so that an insert can be repeated.
 *
 * @param owner the id of the user that the row belongs to, or of another row of theirs: the new id has their route. 62
 *   random bits a millisecond are left
 */
export const newId = (owner?: string): string =>
  owner === undefined ? v7() : v7().slice(0, -routeDigits) + owner.slice(-routeDigits);

/** The least UUIDv7 that can be made at a moment: an id's first 48 bits are its milliseconds. */
export function firstIdAt(at: Date): string {
  const hex = Math.max(0, at.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-000000000000`;
}

/** A number below `routes` that a user's id has in common with the ids of their orders, payments and what is part of them. */
export const routeOf = (id: string): number => Number.parseInt(id.slice(-routeDigits), 16);

const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for a canonical UUID as `newId` makes them. Anything else can't be an id of ours: answer "not found". */
export const isId = (text: unknown): text is string => typeof text === 'string' && canonical.test(text);

/** The 16 bytes of `BINARY(16)` for a canonical id. Throws a RangeError for any other text. */
export function idToBytes(id: string): Buffer {
  if (!isId(id)) throw new RangeError('not a canonical UUID');
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

/** The canonical id of 16 bytes read from `BINARY(16)`. */
export function idFromBytes(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Crockford's base-32 alphabet: without letters that look like digits. */
export const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Luhn mod 32 over Crockford's alphabet: finds every single wrong character and nearly all neighbours swapped. */
function checkCharacter(body: string): string {
  let factor = 2;
  let sum = 0;
  for (let index = body.length - 1; index >= 0; index -= 1) {
    const addend = factor * crockford.indexOf(body.charAt(index));
    sum += Math.floor(addend / 32) + (addend % 32);
    factor = factor === 2 ? 1 : 2;
  }
  return crockford.charAt((32 - (sum % 32)) % 32);
}

const encode = (bytes: Uint8Array) => Array.from(bytes.subarray(0, 8), (byte) => crockford.charAt(byte & 31)).join('');

/**
 * A readable number: `<prefix><yyMMdd><8 Crockford base-32><check>`, the date in UTC, e.g. `SO261121K7Q2M9XA4`.
 * The 8 characters are random, or the first 40 bits of `seed` (at least 8 bytes) where the number must be reproducible.
 * 32^8 ≈ 10^12 a day and prefix: a unique index decides, and the caller tries again on a clash.
 */
export function newNumber(prefix: string, at: Date, seed: Uint8Array = randomBytes(8)): string {
  const date = at.toISOString().slice(2, 10).replaceAll('-', '');
  const body = encode(seed);
  return `${prefix}${date}${body}${checkCharacter(date + body)}`;
}

const prefixLength = 2;
const maxTypedLength = 64;

/** What people put between the characters of a number, seen or not. */
const separators = /[\s\p{Pd}\u2212\p{Default_Ignorable_Code_Point}._/]/gu;

/** Letters in either case, those that look like digits as these, without spaces and hyphens: Crockford's rule for what people type. */
export const typedCharacters = (text: string): string =>
  text.normalize('NFKC').replaceAll(separators, '').toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1');

/**
 * A number, or its beginning, as `newNumber` makes it, from what somebody typed. The two letters at its beginning are letters
 * whatever they look like.
 */
export function typedNumber(text: string): string {
  const plain = text.slice(0, maxTypedLength).normalize('NFKC').replaceAll(separators, '').toUpperCase();
  return plain.slice(0, prefixLength).replaceAll('0', 'O') + typedCharacters(plain.slice(prefixLength));
}

/** True when the check character of a number with this prefix fits: a mistyped number needs no query. */
export function isNumber(text: string, prefix: string): boolean {
  const rest = text.slice(prefix.length);
  if (!text.startsWith(prefix) || !/^\d{6}[0-9A-HJKMNP-TV-Z]{9}$/.test(rest)) return false;
  return checkCharacter(rest.slice(0, -1)) === rest.slice(-1);
}
