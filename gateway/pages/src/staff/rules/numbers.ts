import { minorDigits, minorFromDecimal } from '../../../../../subgraphs/shared/values/currencies.ts';

const ppmDigits = 4;

/** Parts per million of a percentage as typed, e.g. `5.5` → 55000; null where it is none. */
export function ppmOf(percent: string): number | null {
  const [, whole, part = ''] = /^(\d{1,3})(?:[.,](\d{1,4}))?$/.exec(percent.trim()) ?? [];
  return whole === undefined ? null : Number(whole + part.padEnd(ppmDigits, '0'));
}

/** A percentage to be typed, e.g. 55000 → `5.5`. */
export function percentOf(ppm: number): string {
  const digits = String(ppm).padStart(ppmDigits + 1, '0');
  return `${digits.slice(0, -ppmDigits)}.${digits.slice(-ppmDigits)}`.replace(/\.?0+$/, '');
}

/** A whole number as typed; null where nothing is. */
export const numberOf = (text: string): number | null => (/^\d{1,10}$/.test(text.trim()) ? Number(text) : null);
export const textOf = (value: number | null): string => (value === null ? '' : String(value));

/** A number that may be left out, as the API takes it: what is none is sent as −1, which it refuses, and is never left out. */
export const optionalNumberOf = (text: string): number | null => (text.trim() === '' ? null : (numberOf(text) ?? -1));

/**
 * Minor units of an amount as typed, with a comma or a point: `12,50` and `12.5` are 1250 of EUR, `1,000` is none, as nobody
 * knows which is meant. Zero is an amount. Null for what is none.
 */
export function minorOf(text: string, currency: string): number | null {
  const decimal = text.trim().replace(',', '.');
  const [, part = ''] = /^0+(?:\.(0*))?$/.exec(decimal) ?? [];
  if (/^0+(\.0*)?$/.test(decimal)) return part.length <= minorDigits(currency) ? 0 : null;
  return minorFromDecimal(decimal, currency);
}

/** An amount as the API takes it: what is none is sent as −1, which it refuses, and is never left out. */
export const amountOf = (text: string, currency: string): { amount: number; currency: string } => ({
  amount: minorOf(text, currency) ?? -1,
  currency,
});

/** How an amount is typed, for people. */
export const amountHint = (currency: string): string => {
  const digits = minorDigits(currency);
  return digits === 0
    ? `Type an amount in whole ${currency}, e.g. 1250.`
    : `Type an amount such as ${(12.5).toFixed(digits)}, with at most ${digits} digits after the point.`;
};

/** The day of a moment where the reader is, as a date field has it; '' for none. */
export function dayOf(moment: string | null): string {
  if (moment === null) return '';
  const at = new Date(moment);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** When a day begins where the reader is; the moment that it was read from, as long as the day is the same. */
export const momentOf = (day: string, before: string | null): string | null =>
  day === '' ? null : day === dayOf(before) ? before : new Date(`${day}T00:00:00`).toISOString();
