/*
 * Calendar dates as text, `YYYY-MM-DD`: days without a time or a zone, as hotels count nights. Arithmetic is on UTC days,
 * which are all 24 hours long, so a change to summer time neither adds nor takes a night. Texts sort as their dates do.
 */

const dayMs = 86_400_000;
const format = /^\d{4}-\d{2}-\d{2}$/;

const epochMs = (date: string): number => Date.parse(`${date}T00:00:00.000Z`);
const textOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** True for a day that the calendar has: not for `2027-02-29`. */
export const isLocalDate = (text: unknown): text is string =>
  typeof text === 'string' && format.test(text) && !Number.isNaN(epochMs(text)) && textOf(epochMs(text)) === text;

/** The date so many days later, or earlier. Throws a RangeError outside the calendar of four digits. */
export function addDays(date: string, days: number): string {
  const text = textOf(epochMs(date) + days * dayMs);
  if (!format.test(text)) throw new RangeError('a year has four digits');
  return text;
}

/** Days from one date to another: the nights of a stay. Negative when `to` is earlier. */
export const daysBetween = (from: string, to: string): number => Math.round((epochMs(to) - epochMs(from)) / dayMs);

/** The dates that were asked for last: a list of rooms asks for the same nights of each. */
let latestDates: { readonly from: string; readonly to: string; readonly dates: readonly string[] } | undefined;

/** Every date from `from` up to the day before `to`. */
export function datesBetween(from: string, to: string): readonly string[] {
  if (latestDates?.from !== from || latestDates.to !== to) {
    const length = Math.max(0, daysBetween(from, to));
    latestDates = { from, to, dates: Array.from({ length }, (_, index) => addDays(from, index)) };
  }
  return latestDates.dates;
}

/** The instant at which the date begins in UTC. */
export const startOfDay = (date: string): Date => new Date(epochMs(date));

/** True for an IANA time zone that there is. */
export function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('sv-SE', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The format that was used last: making one costs as much as a statement to the database, and a process has one zone. */
let latest: { readonly timeZone: string; readonly format: Intl.DateTimeFormat } | undefined;

/** What date it is at `at` in an IANA time zone, e.g. `Europe/Berlin`. Throws a RangeError for a zone that there isn't. */
export function dateIn(timeZone: string, at: Date): string {
  // The Swedish form of a date is the ISO one.
  if (latest?.timeZone !== timeZone)
    latest = { timeZone, format: new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }) };
  return latest.format.format(at);
}
