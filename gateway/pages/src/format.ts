import type { Money } from './types.ts';

/** How many digits a currency's minor units are: 2 for EUR, 0 for JPY. */
export const currencyDigits = (currency: string): number =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;

/** Money in the reader's own way of writing; minor units have the currency's own number of digits. */
export const formatMoney = ({ amount, currency }: Money): string =>
  new Intl.NumberFormat(undefined, { style: 'currency', currency }).format(amount / 10 ** currencyDigits(currency));

/** Time left as `m:ss`, or `h:mm:ss` from an hour on; never below zero. */
export function formatTimeLeft(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** A moment in the reader's own way of writing: today's only by its time. */
export function formatMoment(at: string): string {
  const moment = new Date(at);
  const today = moment.toDateString() === new Date().toDateString();
  return today
    ? moment.toLocaleTimeString(undefined, { timeStyle: 'medium' })
    : moment.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

/** Digits in groups of four, as on the card. */
export const formatCard = (digits: string): string => digits.replace(/(\d{4})(?=\d)/g, '$1 ');
