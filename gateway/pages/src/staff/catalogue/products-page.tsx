import { Link } from 'wouter';
import {
  type ListedProductFragment,
  LowStockDocument,
  type ProductStatus,
  StaffProductsDocument,
} from '../../../../../schema/generated/operations.ts';
import { formatMoney } from '../../format.ts';
import { Chips } from '../../ui/chips.tsx';
import { Picture, useTitle } from '../../ui/parts.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { NothingHere, PagedList } from '../paged-list.tsx';
import { useSearch } from '../use-search.ts';
import { statusWords } from './words.ts';

const pageSize = 25;
const longestSearch = 200;
const lowStock = 'low';

const choices = [
  ...Object.entries(statusWords).map(([status, [text]]) => [status, text] as const),
  [lowStock, 'Little left'] as const,
];

const isStatus = (text: string): text is ProductStatus => text in statusWords;

/** All products, also those that are not on sale. */
export function ProductsPage() {
  useTitle('Products');
  const [valueOf, set] = useSearch();
  const [query, show] = [valueOf('q'), valueOf('show')];
  const list = { what: 'products', className: 'feed', row: (product: ListedProductFragment) => <ProductRow key={product.id} product={product} /> }; // prettier-ignore
  return (
    <>
      <div className="page-head">
        <h1>Products</h1>
        <Link className="button" href="/staff/products/new">
          Add a product
        </Link>
      </div>
      <div className="feed-filters products">
        {show !== lowStock && (
          <SearchField
            label="Name, SKU or description"
            maxLength={longestSearch}
            value={query}
            onChange={(text) => set('q', text)}
          />
        )}
        <Chips legend="Which products" value={show} choices={choices} onChange={(value) => set('show', value)} />
      </div>
      {show === lowStock ? (
        <PagedList
          {...list}
          document={LowStockDocument}
          variables={{ first: pageSize }}
          pageOf={(data) => data.lowStock}
          empty={<NothingHere title="Enough of everything" text="A product is listed here when its stock is low." />}
        />
      ) : (
        <PagedList
          {...list}
          document={StaffProductsDocument}
          variables={{
            first: pageSize,
            filter: {
              ...(query.trim() === '' ? {} : { query: query.trim() }),
              ...(isStatus(show) ? { status: [show] } : {}),
            },
          }}
          pageOf={(data) => data.products}
          empty={<NothingHere title="Nothing found" text="No product fits this search." />}
        />
      )}
    </>
  );
}

const ProductRow = ({ product }: { product: ListedProductFragment }) => {
  const [status, tone] = statusWords[product.status];
  const { stock } = product;
  const isLow = stock !== null && stock.available <= stock.lowStockThreshold;
  return (
    <li className="product">
      <Picture cover={product.cover} name={product.name} />
      <div className="what">
        <p>
          <Link href={`/staff/products/${product.id}`}>{product.name}</Link>
        </p>
        <p className="small muted">
          <code>{product.sku}</code>
          {stock !== null && (isLow ? ` · only ${stock.available} left` : ` · ${stock.available} left`)}
        </p>
      </div>
      <span className={`badge ${tone}`}>{status}</span>
      <span className="amount">{formatMoney(product.price)}</span>
    </li>
  );
};
