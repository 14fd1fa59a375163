import { decimalText, minorDigits } from '../../../subgraphs/shared/values/currencies.ts';
import type { Money } from './types.ts';
import { locale, t } from './language/catalogue.ts';

/**
 * Money in the reader's own way of writing. Its digits are ISO 4217's, not `Intl`'s, and it is formatted from its decimal
 * text, because a number above 2^53 / 100 would be rounded.
 */
export function formatMoney({ amount, currency }: Money): string {
  const digits = minorDigits(currency);
  const options = {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  } as const;
  return new Intl.NumberFormat(locale(), options).format(decimalText(amount, currency) as Intl.StringNumericLiteral);
}

/** An amount without its currency, with the reader's own decimal sign, e.g. `1234,50`: for a field of another page. */
export function decimalOf(amount: number, currency: string): string {
  const sign = new Intl.NumberFormat(locale()).formatToParts(0.1).find(({ type }) => type === 'decimal')?.value ?? '.';
  return decimalText(amount, currency).replace('.', sign);
}

const hoursInDays = 48;

/** Time left as `m:ss`, `h:mm:ss` from an hour on, in days from two days on; never below zero. */
export function formatTimeLeft(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes >= hoursInDays * 60) return t().pay.days(Math.floor(minutes / 1_440));
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** A moment with its date, in the reader's own way of writing. */
export const formatDateTime = (at: string): string =>
  new Date(at).toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'short' });

/** A moment in the reader's own way of writing: today's only by its time. */
export function formatMoment(at: string): string {
  const moment = new Date(at);
  const today = moment.toDateString() === new Date().toDateString();
  return today ? moment.toLocaleTimeString(locale(), { timeStyle: 'medium' }) : formatDateTime(at);
}

/** Digits in groups of four, as on the card. */
export const formatCard = (digits: string): string => digits.replace(/(\d{4})(?=\d)/g, '$1 ');

const fewSeconds = 90;

/** How long something takes, e.g. `15 minutes`; never less than it does. */
export const durationText = (seconds: number): string =>
  seconds < fewSeconds ? t().pay.seconds(Math.ceil(seconds)) : t().pay.minutes(Math.ceil(seconds / 60));
