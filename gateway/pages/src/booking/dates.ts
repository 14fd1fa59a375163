import { locale } from '../language/catalogue.ts';

/** Days of a calendar as texts, `YYYY-MM-DD`, as the API has them: without a time or a zone. */
const dayMs = 86_400_000;

const epochMs = (date: string): number => Date.parse(`${date}T00:00:00.000Z`);
const textOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Today where the reader is: the month that a calendar opens with. From which day on nights can be booked, the server says. */
export function readersToday(): string {
  const now = new Date();
  return textOf(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()));
}

export const addDays = (date: string, days: number): string => textOf(epochMs(date) + days * dayMs);
export const nightsBetween = (from: string, to: string): number => Math.round((epochMs(to) - epochMs(from)) / dayMs);
export const monthOf = (date: string): string => date.slice(0, 7);

/** The month so many months later, as `YYYY-MM`. */
export function addMonths(month: string, months: number): string {
  const first = new Date(`${month}-01T00:00:00.000Z`);
  first.setUTCMonth(first.getUTCMonth() + months);
  return monthOf(textOf(first.getTime()));
}

/** All days of a month, and how many days of its first week (from Monday) come before it. */
export function daysOf(month: string): { readonly days: string[]; readonly before: number } {
  const first = `${month}-01`;
  const count = nightsBetween(first, `${addMonths(month, 1)}-01`);
  return {
    days: Array.from({ length: count }, (_, index) => addDays(first, index)),
    before: (new Date(epochMs(first)).getUTCDay() + 6) % 7,
  };
}

const inWords = (date: string, options: Intl.DateTimeFormatOptions): string =>
  new Date(epochMs(date)).toLocaleDateString(locale(), { ...options, timeZone: 'UTC' });

export const formatDay = (date: string): string =>
  inWords(date, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
export const formatMonth = (month: string): string => inWords(`${month}-01`, { month: 'long', year: 'numeric' });
/** Monday to Sunday, as short as the language allows. */
export const weekdays = (): readonly string[] =>
  Array.from({ length: 7 }, (_, index) => inWords(addDays('2024-01-01', index), { weekday: 'short' }));
