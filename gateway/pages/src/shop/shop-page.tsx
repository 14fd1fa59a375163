import { useCallback, useState } from 'react';
import { useSearchParams } from 'wouter';
import { Empty, Skeleton, useTitle } from '../ui/parts.tsx';
import { useCategories } from './categories.tsx';
import { Filters, choiceOf, queryOf } from './filters.tsx';
import { Shelf, type ShelfQuery } from './shelf.tsx';

/** The shop: search, filters, and what is on sale. The choice is in the address, so it can be kept and shared. */
export function ShopPage() {
  const [params, setParams] = useSearchParams();
  const choice = choiceOf(params);
  const categories = useCategories();
  const query = queryOf(choice, categories);
  useTitle(categories.find(({ slug }) => slug === choice.category)?.name ?? 'Shop');
  return (
    <>
      <section className="hero">
        <h1>Good things for home</h1>
        <p className="lead">Thrown, woven and built by people we know. Sent within days, or booked by the night.</p>
      </section>
      <section aria-labelledby="products-title">
        <h2 id="products-title" className="hidden-visually">
          Products
        </h2>
        <Filters
          choice={choice}
          onChange={(changed) =>
            setParams(
              (known) => {
                const next = new URLSearchParams(known);
                for (const [name, value] of Object.entries(changed)) {
                  if (value === '') next.delete(name);
                  else next.set(name, value);
                }
                return next;
              },
              { replace: true },
            )
          }
        />
        {query === null ? (
          <Skeleton count={8} className="products" label="Loading products…" />
        ) : (
          <Shelves
            key={JSON.stringify(query)}
            query={query}
            isSearch={params.size > 0}
            onClear={() => setParams({}, { replace: true })}
          />
        )}
      </section>
    </>
  );
}

function Shelves({ query, isSearch, onClear }: { query: ShelfQuery; isSearch: boolean; onClear: () => void }) {
  const [starts, setStarts] = useState<readonly (string | null)[]>([null]);
  const [last, setLast] = useState<{ next: string | null; empty: boolean } | null>(null);
  const onPage = useCallback((page: { after: string | null; next: string | null; count: number }) => {
    setStarts((known) => {
      if (known.at(-1) === page.after) setLast({ next: page.next, empty: page.after === null && page.count === 0 });
      return known;
    });
  }, []);
  const next = last?.next ?? null;
  return (
    <>
      {starts.map((after) => (
        <Shelf key={after ?? ''} query={query} after={after} onPage={onPage} />
      ))}
      {last?.empty === true && (
        <Empty title={isSearch ? 'Nothing found' : 'The shop is still empty'}>
          {isSearch && (
            <>
              <p className="muted">No product fits this search.</p>
              <button type="button" className="button quiet" onClick={onClear}>
                Show everything
              </button>
            </>
          )}
        </Empty>
      )}
      {next !== null && (
        <p className="more">
          <button
            type="button"
            className="button quiet"
            onClick={() => {
              setLast(null);
              setStarts([...starts, next]);
            }}
          >
            Show more
          </button>
        </p>
      )}
    </>
  );
}
