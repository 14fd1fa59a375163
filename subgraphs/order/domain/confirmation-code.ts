import { createHash, timingSafeEqual } from 'node:crypto';
import { crockford, typedCharacters } from '../../shared/values/ids.ts';

/** 8 characters of Crockford's base 32: 40 bits, of which `redeemOrder` lets nobody try more than a few. */
const codeLength = 8;

/** Wrong codes of one order within a window; then none is looked at until the window is over. */
export const maxWrongCodes = 5;
export const wrongCodeWindowMs = 15 * 60_000;

/** A confirmation code from as many random bytes, e.g. `7KQ2M9XA`. */
export const confirmationCodeOf = (random: Uint8Array): string =>
  Array.from(random.subarray(0, codeLength), (byte) => crockford.charAt(byte & 31)).join('');

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares in a time that tells nothing of the code. */
export const isConfirmationCode = (given: string, code: string): boolean =>
  timingSafeEqual(digest(typedCharacters(given)), digest(code));
