import { dictionary } from '@zxcvbn-ts/language-common';
import { lengthOf } from '../../shared/values/text.ts';
import { type Checked, accept, refuse } from './checked.ts';

export const minPasswordLength = 8;
export const maxPasswordLength = 128;

/** Whose password it is: what others know of the person guesses the password first. */
export type PasswordOwner = { readonly names: readonly (string | null)[]; readonly mobile: string | null };

/** What is left of a password without its owner's name and number has at least this many characters. */
const minBesideOwner = 4;
const minOwnerWordLength = 3;
const minDifferentCharacters = 4;

/** The passwords that are tried first, from lists of stolen ones; those too short to be taken are left out. */
const commonPasswords: ReadonlySet<string> = new Set(
  dictionary['passwords-common'].filter((password) => password.length >= minPasswordLength),
);

/** Passwords are compared in Unicode's form NFKC, so that the same typing on another keyboard gives the same password. */
export const normalisePassword = (password: string): string => password.normalize('NFKC');

const unseen = /[\s\p{Default_Ignorable_Code_Point}\p{Cc}\u2800]/gu;
/** As a guesser tries it: in small letters, without what is not seen. */
const folded = (text: string): string => normalisePassword(text).replace(unseen, '').toLowerCase();

/**
 * A password as it is hashed, or why it is refused (NIST SP 800-63B §3.1.1.2): 8 characters that are seen, 128 at most, none
 * of the passwords that everybody tries, no row such as `abcdefgh`, and more than what is known of its owner.
 */
export function checkPassword(
  password: string,
  path: readonly string[],
  owner: PasswordOwner = { names: [], mobile: null },
): Checked<string> {
  const normal = normalisePassword(password);
  const guess = folded(normal);
  if (!normal.isWellFormed()) return refuse('A password must be valid Unicode.', path);
  if (lengthOf(guess) < minPasswordLength || lengthOf(normal) > maxPasswordLength)
    return refuse(
      `A password must have ${minPasswordLength} to ${maxPasswordLength} characters, at least ${minPasswordLength} of them visible.`,
      path,
    );
  if (commonPasswords.has(guess)) return refuse('This password is too common; choose another.', path);
  if (isRow(guess))
    return refuse('A password must be more than a repeated character or a sequence; choose another.', path);
  if (isOfOwner(guess, owner))
    return refuse('A password must be more than your name or mobile number; choose another.', path);
  return accept(normal);
}

/** `aaaaaaaa`, `abababab`, `abcdefgh`, `98765432`. */
function isRow(guess: string): boolean {
  const codes = Array.from(guess, (character) => character.codePointAt(0) ?? 0);
  const step = (codes[1] ?? 0) - (codes[0] ?? 0);
  const isEven = codes.every((code, index) => index === 0 || code - (codes[index - 1] ?? 0) === step);
  return new Set(codes).size < minDifferentCharacters || (isEven && Math.abs(step) <= 1);
}

/** The number, in whole or but for its beginning, or the names, with hardly anything beside. */
function isOfOwner(guess: string, { names, mobile }: PasswordOwner): boolean {
  if (mobile !== null && (guess === mobile || (/^\d+$/.test(guess) && mobile.endsWith(guess.replace(/^0+/, '')))))
    return true;
  const words = names.flatMap((name) => (name === null ? [] : [folded(name), ...name.split(/[^\p{L}\p{N}]+/u).map(folded)])); // prettier-ignore
  const known = [...words, mobile ?? ''].filter((word) => lengthOf(word) >= minOwnerWordLength);
  const longestFirst = known.toSorted((one, other) => other.length - one.length);
  const rest = longestFirst.reduce((left, word) => left.replaceAll(word, ''), guess);
  return lengthOf(rest) < minBesideOwner;
}
