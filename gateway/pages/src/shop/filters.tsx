import { useId } from 'react';
import type { ProductKind, ProductOrder } from '../../../../schema/generated/operations.ts';
import { SearchField } from '../ui/search-field.tsx';
import { type Category, CategoryBar } from './categories.tsx';
import type { ShelfQuery } from './shelf.tsx';

/** As much as the API takes. */
const longestSearch = 100;

const orders: Readonly<Record<string, { label: string; order: ProductOrder }>> = {
  newest: { label: 'Newest', order: { by: 'CREATED_AT', direction: 'DESC' } },
  popular: { label: 'Most bought', order: { by: 'POPULARITY', direction: 'DESC' } },
  cheapest: { label: 'Price, low to high', order: { by: 'PRICE', direction: 'ASC' } },
  dearest: { label: 'Price, high to low', order: { by: 'PRICE', direction: 'DESC' } },
  name: { label: 'Name', order: { by: 'NAME', direction: 'ASC' } },
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
        label="Search products"
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
        <span>In stock</span>
      </label>
      <div className="field sort">
        <label className="hidden-visually" htmlFor={`${id}-sort`}>
          Sort by
        </label>
        <select id={`${id}-sort`} value={choice.sort} onChange={(event) => onChange({ sort: event.target.value })}>
          <option value="">{choice.q.trim() === '' ? 'Newest' : 'Fits best'}</option>
          {Object.entries(orders)
            .filter(([name]) => name !== 'newest' || choice.q.trim() !== '')
            .map(([name, { label }]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
        </select>
      </div>
      <CategoryBar slug={choice.category} onChange={(category) => onChange({ category, kind: '' })} />
    </form>
  );
}
