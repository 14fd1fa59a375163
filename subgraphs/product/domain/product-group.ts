import { type Refusal, validationError } from '../../shared/errors/errors.ts';
import { brokenTextRule, firstOf, foldedOf } from '../../shared/values/text.ts';

export type ProductOption = { readonly name: string; readonly value: string };

/** Products that are forms of one. */
export type ProductGroup = {
  readonly id: string;
  readonly name: string;
  /** What tells the products apart, in the order in which it is chosen. */
  readonly optionNames: readonly string[];
  /** Who sells all of them; null for the platform. */
  readonly sellerId: string | null;
};

export type GroupedProduct = { readonly productId: string; readonly options: readonly ProductOption[] };
export type GroupContent = Pick<ProductGroup, 'name' | 'optionNames'> & {
  readonly products: readonly GroupedProduct[];
};

export const maxOptionNames = 5;
const maxGroupedProducts = 100;
const maxOptionLength = 64;
const maxNameLength = 200;

const maxKeyLength = 255;
const keyOf = (text: string): string => firstOf(foldedOf(text.trim()).replaceAll(/\s+/g, ' '), maxKeyLength);
/** An option as it is compared: upper and lower case, accents and spaces alike. */
export const foldedOption = ({ name, value }: ProductOption): ProductOption => ({
  name: keyOf(name),
  value: keyOf(value),
});

/** What no two products of a group share: their values, in the order of the group's options. */
export const optionKeyOf = (options: readonly ProductOption[]): string =>
  JSON.stringify(options.map(foldedOption).map(({ name, value }) => [name, value]));

/** The product's options in the order of the group's names; null unless it has exactly one for each of them. */
export function orderedOptions(
  optionNames: readonly string[],
  options: readonly ProductOption[],
): readonly ProductOption[] | null {
  const given = new Map(options.map((option) => [keyOf(option.name), option.value.trim()]));
  if (given.size !== options.length || options.length !== optionNames.length) return null;
  const ordered = optionNames.map((name) => ({ name: name.trim(), value: given.get(keyOf(name)) }));
  return ordered.every((option): option is ProductOption => option.value !== undefined) ? ordered : null;
}

/** Every rule that a group breaks; empty when it is fine. */
export function checkGroup({ name, optionNames, products }: GroupContent): Refusal[] {
  const problems: Refusal[] = [];
  const problem = (message: string, ...path: string[]): void => void problems.push(validationError(message, path));
  const checkText = (text: string, max: number, ...path: string[]): void => {
    const broken = brokenTextRule(text, { min: 1, max, lines: false });
    if (broken !== null) problem(`${path.join('.')} ${broken}.`, ...path);
  };
  checkText(name, maxNameLength, 'name');
  if (optionNames.length < 1 || optionNames.length > maxOptionNames)
    problem(`optionNames must have 1 to ${maxOptionNames} entries.`, 'optionNames');
  for (const [index, optionName] of optionNames.entries()) checkText(optionName, maxOptionLength, 'optionNames', String(index)); // prettier-ignore
  if (new Set(optionNames.map(keyOf)).size < optionNames.length) problem('optionNames must differ.', 'optionNames');
  if (products.length < 1 || products.length > maxGroupedProducts)
    problem(`products must have 1 to ${maxGroupedProducts} entries.`, 'products');
  if (problems.length > 0) return problems;
  const ids = new Set<string>();
  const keys = new Set<string>();
  for (const [index, { productId, options }] of products.entries()) {
    const at = ['products', String(index)];
    if (ids.has(productId)) problem('This product is given twice.', ...at, 'productId');
    ids.add(productId);
    for (const [place, { value }] of options.entries()) checkText(value, maxOptionLength, ...at, 'options', String(place), 'value'); // prettier-ignore
    const ordered = orderedOptions(optionNames, options);
    if (ordered === null) problem('A product has one value for each of optionNames.', ...at, 'options');
    else if (keys.has(optionKeyOf(ordered)))
      problem('Another product of the group has the same options.', ...at, 'options'); // prettier-ignore
    else keys.add(optionKeyOf(ordered));
  }
  return problems;
}
