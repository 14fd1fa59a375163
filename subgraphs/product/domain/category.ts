import { type Refusal, validationError } from '../../shared/errors/errors.ts';
import { brokenTextRule, foldedOf } from '../../shared/values/text.ts';

/** A place in the catalogue. */
export type Category = {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  /** Null at the top. */
  readonly parentId: string | null;
};

/** Levels of the tree. `categoryPaths` joins so many. */
const maxCategoryDepth = 5;
/** So the whole tree is read in one short statement. */
const maxCategories = 500;
const maxChildren = 100;
const maxNameLength = 200;
const slugRule = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const maxSlugLength = 64;

export function checkCategory({ slug, name }: Pick<Category, 'slug' | 'name'>): Refusal[] {
  const problems: Refusal[] = [];
  if (slug.length > maxSlugLength || !slugRule.test(slug))
    problems.push(
      validationError(`slug must have 1 to ${maxSlugLength} characters of a-z 0-9, words joined by one hyphen.`, ['slug']),
    ); // prettier-ignore
  const broken = brokenTextRule(name, { min: 1, max: maxNameLength, lines: false });
  if (broken !== null) problems.push(validationError(`name ${broken}.`, ['name']));
  return problems;
}

/** All categories of the catalogue, as far as they are asked of each other. */
export type CategoryTree = {
  /** Parents before their children, these by name. */
  readonly all: readonly Category[];
  byId(id: string): Category | undefined;
  bySlug(slug: string): Category | undefined;
  childrenOf(id: string | null): readonly Category[];
  /** The category and all below it; nothing for an unknown one. */
  within(id: string): readonly string[];
  /** Levels below the category, itself included. */
  heightOf(id: string): number;
  /** Levels from the top down to the category, itself included. */
  depthOf(id: string): number;
};

const byName = (one: Category, other: Category): number => {
  const [a, b] = [foldedOf(one.name), foldedOf(other.name)];
  return a === b ? (one.id < other.id ? -1 : 1) : a < b ? -1 : 1;
};

export function categoryTree(categories: readonly Category[]): CategoryTree {
  const byId = new Map(categories.map((category) => [category.id, category]));
  const bySlug = new Map(categories.map((category) => [category.slug, category]));
  const children = Map.groupBy([...categories].toSorted(byName), ({ parentId }) => parentId);
  const childrenOf = (id: string | null): readonly Category[] => children.get(id) ?? [];
  const below = (parent: Category): Category[] => [parent, ...childrenOf(parent.id).flatMap(below)];
  const heightOf = (id: string): number => 1 + Math.max(0, ...childrenOf(id).map((child) => heightOf(child.id)));
  const depthOf = (id: string): number => {
    const parentId = byId.get(id)?.parentId ?? null;
    return 1 + (parentId === null ? 0 : depthOf(parentId));
  };
  return {
    all: childrenOf(null).flatMap(below),
    byId: (id) => byId.get(id),
    bySlug: (slug) => bySlug.get(slug),
    childrenOf,
    within: (id) => {
      const category = byId.get(id);
      return category ? below(category).map((each) => each.id) : [];
    },
    heightOf,
    depthOf,
  };
}

/** Why the category can't stand below this parent in the tree as it is; empty when it can. Null is the top. */
export function checkPlace(tree: CategoryTree, id: string, parentId: string | null): Refusal[] {
  const refused = (message: string): Refusal[] => [validationError(message, ['parentId'])];
  const isNew = tree.byId(id) === undefined;
  if (isNew && tree.all.length >= maxCategories) return [validationError(`There can be at most ${maxCategories} categories.`)]; // prettier-ignore
  if (parentId !== null && tree.within(id).includes(parentId)) return refused('A category can’t be part of itself.');
  const siblings = tree.childrenOf(parentId).filter((child) => child.id !== id);
  if (siblings.length >= maxChildren) return refused(`One category has at most ${maxChildren} directly below it.`);
  const levels = (parentId === null ? 0 : tree.depthOf(parentId)) + tree.heightOf(id);
  return levels <= maxCategoryDepth ? [] : refused(`The tree has at most ${maxCategoryDepth} levels.`);
}
