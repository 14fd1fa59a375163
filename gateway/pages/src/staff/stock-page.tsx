import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { useSearchParams } from 'wouter';
import { StockDocument } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { useLiveStock } from '../shop/use-live-stock.ts';
import { Empty, Problem, Skeleton, useTitle } from '../ui/parts.tsx';
import { SearchField } from '../ui/search-field.tsx';
import { StockRow } from './stock-row.tsx';

const pageSize = 20;
const longestSearch = 100;
/** Many changes in a row are asked for once. */
const settleMs = 250;

/** What lies on the shelves, and what is promised to orders; changes are shown as they happen. */
export function StockPage() {
  useTitle('Stock');
  const [params, setParams] = useSearchParams();
  const [starts, setStarts] = useState<readonly (string | null)[]>([null]);
  const query = params.get('q') ?? '';
  return (
    <>
      <div className="page-head">
        <h1>Stock</h1>
      </div>
      <div className="feed-filters">
        <SearchField
          label="Search products"
          maxLength={longestSearch}
          value={query}
          onChange={(value) => {
            setStarts([null]);
            setParams(value === '' ? {} : { q: value }, { replace: true });
          }}
        />
      </div>
      {starts.map((after) => (
        <StockPart
          key={`${query} ${after ?? ''}`}
          query={query}
          after={after}
          onMore={after === starts.at(-1) ? (next) => setStarts([...starts, next]) : null}
        />
      ))}
    </>
  );
}

function StockPart({
  query,
  after,
  onMore,
}: {
  query: string;
  after: string | null;
  onMore: ((next: string) => void) | null;
}) {
  const [{ data, error }, again] = useQuery({
    query: StockDocument,
    variables: {
      first: pageSize,
      after,
      filter: { kind: ['STOCKED'], ...(query.trim() === '' ? {} : { query: query.trim() }) },
      orderBy: { by: 'NAME', direction: 'ASC' },
    },
    requestPolicy: 'cache-and-network',
  });
  const products = data?.products.edges.map((edge) => edge.node) ?? [];
  const live = useLiveStock(
    products.map((product) => product.id),
    () => again({ requestPolicy: 'network-only' }),
  );
  // A change tells what is left; what is promised and what lies there comes with the answer.
  useEffect(() => {
    if (live.size === 0) return;
    const timer = setTimeout(() => again({ requestPolicy: 'network-only' }), settleMs);
    return () => clearTimeout(timer);
  }, [live, again]);

  if (data === undefined && error !== undefined) {
    const retry = () => again({ requestPolicy: 'network-only' });
    return <Problem what="The stock can’t be shown." why={toApiError(error).message} onRetry={retry} />;
  }
  if (data === undefined) return <Skeleton count={6} className="order-list" label="Loading the stock…" />;
  if (products.length === 0 && after === null) {
    return (
      <Empty title="Nothing found">
        <p className="muted">No product with a stock fits this search.</p>
      </Empty>
    );
  }
  const next = data.products.pageInfo.hasNextPage ? data.products.pageInfo.endCursor : null;
  return (
    <>
      <ul className="stock-list" aria-label="Products">
        {products.map((product) => (
          <StockRow key={product.id} product={product} />
        ))}
      </ul>
      {next !== null && onMore !== null && (
        <p className="more">
          <button type="button" className="button quiet" onClick={() => onMore(next)}>
            Show more
          </button>
        </p>
      )}
    </>
  );
}
