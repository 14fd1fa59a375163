import { useId } from 'react';
import type { ProductKind, ProductOrder } from '../../../../schema/generated/operations.ts';
import { Chips } from '../ui/chips.tsx';
import { SearchField } from '../ui/search-field.tsx';
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
const kinds: Readonly<Record<string, { label: string; kind: ProductKind }>> = {
  goods: { label: 'Goods', kind: 'STOCKED' },
  stays: { label: 'Stays', kind: 'BOOKABLE' },
  digital: { label: 'Digital', kind: 'DIGITAL' },
};

/** What to show, as in the address: empty is the default. */
export type Choice = { readonly q: string; readonly kind: string; readonly sort: string; readonly stock: string };

/** Values that mean nothing here count as the default. */
export const choiceOf = (params: URLSearchParams): Choice => {
  const [kind, sort] = [params.get('kind') ?? '', params.get('sort') ?? ''];
  return {
    q: (params.get('q') ?? '').slice(0, longestSearch),
    kind: kind in kinds ? kind : '',
    sort: sort in orders ? sort : '',
    stock: params.get('stock') === 'in' ? 'in' : '',
  };
};

export function queryOf({ q, kind, sort, stock }: Choice): ShelfQuery {
  const chosen = kinds[kind];
  return {
    filter: {
      status: ['ON_SALE'],
      ...(q.trim() === '' ? {} : { query: q.trim() }),
      ...(chosen === undefined ? {} : { kind: [chosen.kind] }),
      ...(stock === 'in' ? { inStock: true } : {}),
    },
    ...(orders[sort] === undefined ? {} : { orderBy: orders[sort].order }),
  };
}

/** Search and filters over the shelf. */
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
      <div className="chips">
        <Chips
          legend="Kind"
          value={choice.kind}
          choices={Object.entries(kinds).map(([name, { label }]) => [name, label] as const)}
          onChange={(kind) => onChange({ kind })}
        />
        <label>
          <input
            type="checkbox"
            checked={choice.stock === 'in'}
            onChange={(event) => onChange({ stock: event.target.checked ? 'in' : '' })}
          />
          <span>In stock</span>
        </label>
      </div>
      <div className="field sort">
        <label className="hidden-visually" htmlFor={`${id}-sort`}>
          Sort by
        </label>
        <select
          id={`${id}-sort`}
          value={choice.sort || 'newest'}
          onChange={(event) => onChange({ sort: event.target.value === 'newest' ? '' : event.target.value })}
        >
          {Object.entries(orders).map(([name, { label }]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </div>
    </form>
  );
}
