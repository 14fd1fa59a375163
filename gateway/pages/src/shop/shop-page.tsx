import { useCallback, useState } from 'react';
import { useSearchParams } from 'wouter';
import { Empty, useTitle } from '../ui/parts.tsx';
import { type Choice, Filters, choiceOf, queryOf } from './filters.tsx';
import { Shelf } from './shelf.tsx';

/** The shop: search, filters, and what is on sale. The choice is in the address, so it can be kept and shared. */
export function ShopPage() {
  const [params, setParams] = useSearchParams();
  const choice = choiceOf(params);
  useTitle('Shop');
  return (
    <>
      <section className="hero">
        <h1>Good things for home, ordered live</h1>
        <p className="lead">
          Place an order, pay it, and watch it change. A demo of a frontend on one federated GraphQL API: prices, stock
          and every change come from <a href="/graphiql">the graph</a>.
        </p>
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
        <Shelves key={JSON.stringify(choice)} choice={choice} onClear={() => setParams({}, { replace: true })} />
      </section>
    </>
  );
}

function Shelves({ choice, onClear }: { choice: Choice; onClear: () => void }) {
  const [starts, setStarts] = useState<readonly (string | null)[]>([null]);
  const [last, setLast] = useState<{ next: string | null; empty: boolean } | null>(null);
  const onPage = useCallback((page: { after: string | null; next: string | null; count: number }) => {
    setStarts((known) => {
      if (known.at(-1) === page.after) setLast({ next: page.next, empty: page.after === null && page.count === 0 });
      return known;
    });
  }, []);
  const query = queryOf(choice);
  const next = last?.next ?? null;
  return (
    <>
      {starts.map((after) => (
        <Shelf key={after ?? ''} query={query} after={after} onPage={onPage} />
      ))}
      {last?.empty === true && (
        <Empty title="Nothing found">
          <p className="muted">No product fits this search.</p>
          <button type="button" className="button quiet" onClick={onClear}>
            Show everything
          </button>
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
