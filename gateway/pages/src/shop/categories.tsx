import { useQuery } from 'urql';
import { CategoriesDocument, type CategoriesQuery } from '../../../../schema/generated/operations.ts';
import { t } from '../language/catalogue.ts';

export type Category = CategoriesQuery['categories'][number];

/** The catalogue's tree; empty until it is known. */
export function useCategories(): readonly Category[] {
  const [{ data }] = useQuery({ query: CategoriesDocument });
  return data?.categories ?? [];
}

/** What can be chosen next: the ways back up, and what is directly below, or beside where nothing is. */
export function stepsFrom(
  categories: readonly Category[],
  slug: string,
): { readonly path: readonly Category[]; readonly below: readonly Category[] } {
  const path: Category[] = [];
  let here = categories.find((category) => category.slug === slug);
  // A tree has five levels: a loop in it would be the server's fault, and must not hang the page.
  while (here !== undefined && !path.includes(here)) {
    path.unshift(here);
    const parentId = here.parent?.id;
    here = categories.find(({ id }) => id === parentId);
  }
  const childrenOf = (id: string | null) => categories.filter(({ parent }) => (parent?.id ?? null) === id);
  const below = childrenOf(path.at(-1)?.id ?? null);
  return { path, below: below.length > 0 ? below : childrenOf(path.at(-2)?.id ?? null) };
}

/** Walks the tree of categories. '' is everything. */
export function CategoryBar({ slug, onChange }: { slug: string; onChange: (slug: string) => void }) {
  const categories = useCategories();
  if (categories.length === 0) return null;
  const { path, below } = stepsFrom(categories, slug);
  const isLeaf = below.some((category) => category.slug === slug);
  const upwards = isLeaf ? path.slice(0, -1) : path;
  const step = (target: string, name: string) => (
    <li key={target}>
      <button
        type="button"
        className="chip"
        aria-current={target === slug ? 'true' : undefined}
        onClick={() => onChange(target)}
      >
        {name}
      </button>
    </li>
  );
  return (
    <nav className="categories" aria-label={t().shop.categories}>
      <ul>
        {step('', t().shop.everything)}
        {upwards.map((category) => step(category.slug, category.name))}
        {upwards.length > 0 && (
          <li aria-hidden="true" className="muted">
            ›
          </li>
        )}
        {below.map((category) => step(category.slug, category.name))}
      </ul>
    </nav>
  );
}
