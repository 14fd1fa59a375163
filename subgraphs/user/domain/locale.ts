/** Languages that people are told things in. */
export const locales = ['EN', 'DE'] as const;
export type Locale = (typeof locales)[number];

/** As `Intl` and HTML know it. */
export const languageOf: Readonly<Record<Locale, string>> = { EN: 'en', DE: 'de' };
