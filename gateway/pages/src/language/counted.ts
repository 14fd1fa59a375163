/** A count with its noun in the form that the language wants, e.g. `counted('en')(2, 'piece', 'pieces')` is `2 pieces`. */
export const counted = (language: string) => {
  const rules = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  return (count: number, one: string, other: string): string =>
    `${numbers.format(count)} ${rules.select(count) === 'one' ? one : other}`;
};
