import { useId } from 'react';
import type { ProductKind, ProductOrder } from '../../../../schema/generated/operations.ts';
import { SearchField } from '../ui/search-field.tsx';
import { type Category, CategoryBar } from './categories.tsx';
import type { ShelfQuery } from './shelf.tsx';
import { t } from '../language/catalogue.ts';

/** As much as the API takes. */
const longestSearch = 100;

type Label = 'newest' | 'popular' | 'cheapest' | 'dearest' | 'byName';
const orders: Readonly<Record<string, { label: Label; order: ProductOrder }>> = {
  newest: { label: 'newest', order: { by: 'CREATED_AT', direction: 'DESC' } },
  popular: { label: 'popular', order: { by: 'POPULARITY', direction: 'DESC' } },
  cheapest: { label: 'cheapest', order: { by: 'PRICE', direction: 'ASC' } },
  dearest: { label: 'dearest', order: { by: 'PRICE', direction: 'DESC' } },
  name: { label: 'byName', order: { by: 'NAME', direction: 'ASC' } },
};
const kinds: Readonly<Record<string, ProductKind>> = { goods: 'STOCKED', stays: 'BOOKABLE', digital: 'DIGITAL' };

/** What to show, as in the address: empty is the default. `kind` is for addresses that others hand out. */
export type Choice = {
  readonly q: string;
  readonly kind: string;
  readonly category: string;
  readonly sort: string;
  readonly stock: string;
};

/** Values that mean nothing here count as the default. */
export const choiceOf = (params: URLSearchParams): Choice => {
  const [kind, sort] = [params.get('kind') ?? '', params.get('sort') ?? ''];
  return {
    q: (params.get('q') ?? '').slice(0, longestSearch),
    kind: kind in kinds ? kind : '',
    category: params.get('category') ?? '',
    sort: sort in orders ? sort : '',
    stock: params.get('stock') === 'in' ? 'in' : '',
  };
};

/** Null while it is not known which category the address means. */
export function queryOf(
  { q, kind, category, sort, stock }: Choice,
  categories: readonly Category[],
): ShelfQuery | null {
  const place = categories.find(({ slug }) => slug === category);
  if (category !== '' && categories.length === 0) return null;
  return {
    filter: {
      status: ['ON_SALE'],
      ...(q.trim() === '' ? {} : { query: q.trim() }),
      ...(kinds[kind] === undefined ? {} : { kind: [kinds[kind]] }),
      ...(place === undefined ? {} : { categoryId: place.id }),
      ...(stock === 'in' ? { inStock: true } : {}),
    },
    // Without a wish, a search shows first what fits best.
    ...(orders[sort] === undefined ? {} : { orderBy: orders[sort].order }),
  };
}

/** Search, categories and filters over the shelf. */
export function Filters({ choice, onChange }: { choice: Choice; onChange: (changed: Partial<Choice>) => void }) {
  const id = useId();
  return (
    <form className="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <SearchField
        label={t().shop.search}
        maxLength={longestSearch}
        value={choice.q}
        onChange={(q) => onChange({ q })}
      />
      <label className="switch">
        <input
          type="checkbox"
          checked={choice.stock === 'in'}
          onChange={(event) => onChange({ stock: event.target.checked ? 'in' : '' })}
        />
        <span>{t().shop.inStock}</span>
      </label>
      <div className="field sort">
        <label className="hidden-visually" htmlFor={`${id}-sort`}>
          {t().shop.sortBy}
        </label>
        <select id={`${id}-sort`} value={choice.sort} onChange={(event) => onChange({ sort: event.target.value })}>
          <option value="">{choice.q.trim() === '' ? t().shop.newest : t().shop.fitsBest}</option>
          {Object.entries(orders)
            .filter(([name]) => name !== 'newest' || choice.q.trim() !== '')
            .map(([name, { label }]) => (
              <option key={name} value={name}>
                {t().shop[label]}
              </option>
            ))}
        </select>
      </div>
      <CategoryBar slug={choice.category} onChange={(category) => onChange({ category, kind: '' })} />
    </form>
  );
}
