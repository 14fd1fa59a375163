import { type Checked, accept, refuse } from './checked.ts';

/** Shown as nothing: direction marks and zero-width characters, which come along when a number is copied. */
const invisible = /\p{Default_Ignorable_Code_Point}/gu;
/** What people write between digits: white space, dots, slashes, dashes (the minus sign, too), brackets. */
const between = /[\s./()\p{Pd}\u2212]/gu;
/** The trunk zero that is dialled within the country only: `+49 (0)151 …`. */
const trunkZero = /^(\+|00)(.*?)\(\s*0\s*\)/su;
const decimalDigit = /\p{Nd}/u;

/** Digits stand in rows of ten from zero, at most six rows one after the other. */
const maxRow = 60;

/** The value of a decimal digit of any script. */
function digitValue(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let before = 0;
  while (before < maxRow && decimalDigit.test(String.fromCodePoint(code - before - 1))) before += 1;
  return String(before % 10);
}

/** The number without what people write around and between its digits, and without the `+` or `00` before a country code. */
const bareMobile = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(invisible, '')
    .trim()
    .replace(/^tel:/i, '')
    .replace(/\p{Nd}/gu, digitValue)
    .replace(trunkZero, '$1$2')
    .replace(between, '')
    .replace(/^\+?(?:00)*/, '');

/**
 * A mobile number as it is stored and compared: 5 to 15 digits (E.164's limit). `+39…`, `0039…` and `39…` are one number;
 * digits of other scripts are digits; `tel:`, white space, dots, slashes, dashes, brackets and what is not seen go. Null
 * for anything else. Applying it twice changes nothing.
 */
export function normaliseMobile(text: string): string | null {
  const digits = bareMobile(text);
  return /^[0-9]{5,15}$/.test(digits) ? digits : null;
}

/** The beginning of a mobile number as it is stored, for searches; null when the text can't be one. */
export function mobilePrefix(text: string): string | null {
  const digits = bareMobile(text);
  return /^[0-9]{1,15}$/.test(digits) ? digits : null;
}

export function checkMobile(text: string, path: readonly string[]): Checked<string> {
  const mobile = normaliseMobile(text);
  return mobile === null
    ? refuse('A mobile number must have 5 to 15 digits, optionally after a + or 00.', path)
    : accept(mobile);
}
