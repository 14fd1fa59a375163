import { useEffect } from 'react';
import { useQuery } from 'urql';
import { ProductsDocument, type ProductsQueryVariables } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { Problem, Skeleton } from '../ui/parts.tsx';
import { ProductCard } from './product-card.tsx';
import { useLiveStock } from './use-live-stock.ts';
import { t } from '../language/catalogue.ts';

export type ShelfQuery = Pick<ProductsQueryVariables, 'filter' | 'orderBy'>;

const pageSize = 24;

/** What a page of products is asked for with. */
export const shelfVariables = (query: ShelfQuery, after: string | null): ProductsQueryVariables => ({
  ...query,
  first: pageSize,
  after,
});

/** One page of products with live stock. `onPage` hears where the next one begins. */
export function Shelf({
  query,
  after,
  onPage,
}: {
  query: ShelfQuery;
  after: string | null;
  onPage: (page: { after: string | null; next: string | null; count: number }) => void;
}) {
  const [{ data, error }, reload] = useQuery({
    query: ProductsDocument,
    variables: shelfVariables(query, after),
    requestPolicy: 'cache-and-network',
  });
  const found = data?.products.edges.map((edge) => edge.node) ?? [];
  // The forms of one thing are one card; which of them is chosen on its page.
  const products = found.filter(
    ({ group }, index) => group === null || found.findIndex((other) => other.group?.id === group.id) === index,
  );
  const live = useLiveStock(
    products.filter((product) => product.stock !== null).map((product) => product.id),
    () => reload({ requestPolicy: 'network-only' }),
  );

  const pageInfo = data?.products.pageInfo;
  const next = pageInfo?.hasNextPage ? pageInfo.endCursor : null;
  const count = found.length;
  const loaded = data !== undefined;
  useEffect(() => {
    if (loaded) onPage({ after, next, count });
  }, [loaded, after, next, count, onPage]);

  if (data === undefined && error !== undefined) {
    return (
      <Problem
        what={t().shop.noProducts}
        why={toApiError(error).message}
        onRetry={() => reload({ requestPolicy: 'network-only' })}
      />
    );
  }
  if (data === undefined) return <Skeleton count={8} className="products" label={t().shop.loadingProducts} />;
  if (count === 0) return null;
  return (
    <ul className="products">
      {products.map((product) => (
        <ProductCard
          key={product.id}
          product={product}
          available={live.get(product.id) ?? product.stock?.available ?? null}
        />
      ))}
    </ul>
  );
}
