import { dictionary } from '@zxcvbn-ts/language-common';
import { lengthOf } from '../../shared/values/text.ts';
import { type Checked, accept, refuse } from './checked.ts';

export const minPasswordLength = 8;
export const maxPasswordLength = 128;

/** Whose password it is: what others know of the person guesses the password first. */
export type PasswordOwner = {
  readonly names: readonly (string | null)[];
  readonly mobile: string | null;
  readonly email?: string | null;
};

export const ownerOf = (user: {
  name: string;
  nickname: string | null;
  mobile: string | null;
  email: string | null;
}): PasswordOwner => ({ names: [user.name, user.nickname], mobile: user.mobile, email: user.email });

/** What is left of a password without its owner's name and number has at least this many characters. */
const minBesideOwner = 4;
const minOwnerWordLength = 3;
const minDifferentCharacters = 4;

/** The passwords that are tried first, from lists of stolen ones. */
const commonPasswords: ReadonlySet<string> = new Set(dictionary['passwords-common']);
/** What everybody knows of every account here. */
const platformWords = ['federated', 'order', 'platform'];
/** As much is tried at the beginning and the end of a common password: `Monkey2026!` is one, too. */
const aroundCommon = /^[^\p{L}]{0,2}(.*?)[^\p{L}]{0,5}$/u;
/** A word this short would make most passwords with digits common. */
const minCommonWordLength = 5;
/** Signs that are written for letters. */
const signs: Readonly<Record<string, string>> = {
  0: 'o',
  1: 'i',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/** Passwords are compared in Unicode's form NFKC, so that the same typing on another keyboard gives the same password. */
export const normalisePassword = (password: string): string => password.normalize('NFKC');

const unseen = /[\s\p{Default_Ignorable_Code_Point}\p{Cc}\u2800]/gu;
/** As a guesser tries it: in small letters, without what is not seen. */
const folded = (text: string): string => normalisePassword(text).replace(unseen, '').toLowerCase();

/**
 * A password as it is hashed, or why it is refused (NIST SP 800-63B §3.1.1.2): 8 characters that are seen, 128 at most, none
 * of the passwords that everybody tries, no row such as `abcdefgh`, and more than what is known of its owner and the platform.
 * No rule asks for kinds of characters, and no password ends with time: both make people choose worse ones.
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
  if (isCommon(guess)) return refuse('This password is too common; choose another.', path);
  if (isRow(guess))
    return refuse('A password must be more than a repeated character or a sequence; choose another.', path);
  if (isOfOwner(guess, owner))
    return refuse(
      'A password must be more than your name, mobile number or e-mail address, or the name of this platform; choose another.',
      path,
    );
  return accept(normal);
}

/** One of the passwords that everybody tries, as it is, with something at its ends, or with signs for letters. */
function isCommon(guess: string): boolean {
  const core = aroundCommon.exec(guess)?.[1] ?? '';
  const spelt = (text: string) => text.replaceAll(/[013457@$!]/g, (sign) => signs[sign] ?? sign);
  if (commonPasswords.has(guess) || commonPasswords.has(spelt(guess))) return true;
  return lengthOf(core) >= minCommonWordLength && (commonPasswords.has(core) || commonPasswords.has(spelt(core)));
}

/** `aaaaaaaa`, `abababab`, `abcdefgh`, `98765432`. */
function isRow(guess: string): boolean {
  const codes = Array.from(guess, (character) => character.codePointAt(0) ?? 0);
  const step = (codes[1] ?? 0) - (codes[0] ?? 0);
  const isEven = codes.every((code, index) => index === 0 || code - (codes[index - 1] ?? 0) === step);
  return new Set(codes).size < minDifferentCharacters || (isEven && Math.abs(step) <= 1);
}

/** The number, in whole or but for its beginning, or the names and the address, with hardly anything beside. */
function isOfOwner(guess: string, { names, mobile, email = null }: PasswordOwner): boolean {
  if (mobile !== null && (guess === mobile || (/^\d+$/.test(guess) && mobile.endsWith(guess.replace(/^0+/, '')))))
    return true;
  const given = [...names, email, email?.split('@')[0] ?? null, ...platformWords];
  const words = given.flatMap((name) => (name === null ? [] : [folded(name), ...name.split(/[^\p{L}\p{N}]+/u).map(folded)])); // prettier-ignore
  const known = [...words, mobile ?? ''].filter((word) => lengthOf(word) >= minOwnerWordLength);
  const longestFirst = known.toSorted((one, other) => other.length - one.length);
  const rest = longestFirst.reduce((left, word) => left.replaceAll(word, ''), guess);
  return lengthOf(rest) < minBesideOwner;
}
