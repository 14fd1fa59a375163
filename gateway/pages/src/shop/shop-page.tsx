import { useCallback, useState } from 'react';
import { useSearchParams } from 'wouter';
import { Empty, Skeleton, useTitle } from '../ui/parts.tsx';
import { useCategories } from './categories.tsx';
import { Filters, choiceOf, queryOf } from './filters.tsx';
import { Shelf, type ShelfQuery } from './shelf.tsx';
import { t } from '../language/catalogue.ts';

/** The shop: search, filters, and what is on sale. The choice is in the address, so it can be kept and shared. */
export function ShopPage() {
  const [params, setParams] = useSearchParams();
  const choice = choiceOf(params);
  const categories = useCategories();
  const query = queryOf(choice, categories);
  useTitle(categories.find(({ slug }) => slug === choice.category)?.name ?? t().frame.shop);
  return (
    <>
      <section className="hero">
        <h1>{t().shop.title}</h1>
        <p className="lead">{t().shop.lead}</p>
      </section>
      <section aria-labelledby="products-title">
        <h2 id="products-title" className="hidden-visually">
          {t().shop.products}
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
          <Skeleton count={8} className="products" label={t().shop.loadingProducts} />
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
        <Empty title={isSearch ? t().shop.nothingFound : t().shop.stillEmpty}>
          {isSearch && (
            <>
              <p className="muted">{t().shop.nothingFits}</p>
              <button type="button" className="button quiet" onClick={onClear}>
                {t().shop.showEverything}
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
            {t().shop.showMore}
          </button>
        </p>
      )}
    </>
  );
}
