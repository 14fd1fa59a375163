import type { ReactNode } from 'react';
import { useQuery } from 'urql';
import { ProductsDocument, type ProductsQueryVariables } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import type { ShelfProduct } from '../types.ts';
import { More } from '../ui/more.tsx';
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

type Shown = {
  query: ShelfQuery;
  after: string | null;
  /** How many stand below one another, this one among them. */
  pages: number;
  onMore: (endCursor: string) => void;
  /** Instead of a list without any product. */
  empty: ReactNode;
};

/** One page of products with live stock, and below it those that follow. */
export function ShelfPages({ query, after, pages, onMore, empty }: Shown) {
  const [{ data, error }, reload] = useQuery({
    query: ProductsDocument,
    variables: shelfVariables(query, after),
    requestPolicy: 'cache-and-network',
  });
  const again = () => reload({ requestPolicy: 'network-only' });
  if (data === undefined && error !== undefined) {
    return <Problem what={t().shop.noProducts} why={toApiError(error).message} onRetry={again} />;
  }
  if (data === undefined) return <Skeleton count={8} className="products" label={t().shop.loadingProducts} />;
  const found = data.products.edges.map((edge) => edge.node);
  if (found.length === 0 && after === null) return empty;
  const { hasNextPage, endCursor } = data.products.pageInfo;
  const next = hasNextPage ? endCursor : null;
  return (
    <>
      <Shelf found={found} onGap={again} />
      {next !== null && pages > 1 && (
        <ShelfPages query={query} after={next} pages={pages - 1} onMore={onMore} empty={empty} />
      )}
      {next !== null && pages === 1 && <More label={t().shop.showMore} onMore={() => onMore(next)} />}
    </>
  );
}

function Shelf({ found, onGap }: { found: readonly ShelfProduct[]; onGap: () => void }) {
  // The forms of one thing are one card; which of them is chosen on its page.
  const products = found.filter(
    ({ group }, index) => group === null || found.findIndex((other) => other.group?.id === group.id) === index,
  );
  const live = useLiveStock(
    products.filter((product) => product.stock !== null).map((product) => product.id),
    onGap,
  );
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
