import { decimalText, minorDigits } from '../../shared/values/currencies.ts';
import { type Locale, languageOf } from '../domain/locale.ts';

/** Values as people of a language write them. */
export type Format = {
  money(amountMinor: number, currency: string): string;
  number(value: number): string;
  /** A calendar day, e.g. `2026-12-24`. */
  day(date: string): string;
  /** A moment, in UTC. */
  moment(instant: string): string;
};

export function formatOf(locale: Locale): Format {
  const language = languageOf[locale];
  const dates = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' });
  const moments = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  const numbers = new Intl.NumberFormat(language);
  return {
    money(amountMinor, currency) {
      // The digits are ISO 4217's: Intl's own follow usage, and differ between releases.
      const digits = minorDigits(currency);
      const options = {
        style: 'currency',
        currency,
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      } as const;
      return new Intl.NumberFormat(language, options).format(decimalText(amountMinor, currency) as `${number}`);
    },
    number: (value) => numbers.format(value),
    day: (date) => dates.format(new Date(`${date}T00:00:00Z`)),
    moment: (instant) => `${moments.format(new Date(instant))} UTC`,
  };
}
