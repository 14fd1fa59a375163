import { de } from './de.ts';
import { type Messages, en } from './en.ts';

/** A language of the pages, by its tag. */
export type Language = 'en' | 'de';
export const languages: readonly Language[] = ['en', 'de'];
export const isLanguage = (tag: string | undefined): tag is Language => tag === 'en' || tag === 'de';

const catalogues: Readonly<Record<Language, Messages>> = { en, de };

let current: Language = 'en';
let readersTags: readonly string[] = [];

/** The words of the language that is shown, e.g. `t().cart.empty`. */
export const t = (): Messages => catalogues[current];

export const shownLanguage = (): Language => current;

/** Words, amounts and dates are in this language from now on. `tags`: what the reader prefers, e.g. `de-AT`. */
export function showLanguage(language: Language, tags: readonly string[] = []): void {
  current = language;
  readersTags = tags;
}

/** The locale for `Intl`: the reader's own form of the language that is shown, where there is one. */
export const locale = (): string =>
  readersTags.find((tag) => tag === current || tag.toLowerCase().startsWith(`${current}-`)) ?? current;
