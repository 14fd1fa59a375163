import { useClient, useQuery } from 'urql';
import { Link } from 'wouter';
import { StaffProductDocument } from '../../../../../schema/generated/operations.ts';
import { toApiError } from '../../api.ts';
import { Loading, Problem, useTitle } from '../../ui/parts.tsx';
import { NotFound } from '../../ui/not-found.tsx';
import { FeedPages } from '../feed-page.tsx';
import { StockRow } from '../stock-row.tsx';
import { Movements } from './movements.tsx';
import { Nights } from './nights.tsx';
import type { StaffProduct } from './product-fields.ts';
import { ProductForm } from './product-form.tsx';
import { statusWords } from './words.ts';

const Back = () => (
  <p className="back">
    <Link href="/staff/products">← All products</Link>
  </p>
);

/** Where a product is made. */
export function NewProductPage() {
  useTitle('A new product');
  return (
    <>
      <Back />
      <div className="page-head">
        <h1>A new product</h1>
      </div>
      <section className="card">
        <ProductForm product={null} onSaved={() => Promise.resolve(null)} />
      </section>
    </>
  );
}

/** One product with all that staff can change of it: what it is, its stock or nights, the other forms of it, its orders. */
export function StaffProductPage({ id }: { id: string }) {
  const client = useClient();
  const [{ data, error }, again] = useQuery({
    query: StaffProductDocument,
    variables: { id },
    requestPolicy: 'cache-and-network',
  });
  const reload = () => again({ requestPolicy: 'network-only' });
  // Waited for: the form then begins anew with what is stored, and nothing that is typed afterwards is lost.
  const refresh = async () => {
    const answer = await client.query(StaffProductDocument, { id }, { requestPolicy: 'network-only' }).toPromise();
    return answer.data?.product ?? null;
  };
  const product = data?.product ?? null;
  return (
    <>
      <Back />
      {product === null && error !== undefined && toApiError(error).code === 'NOT_FOUND' && <NotFound />}
      {product === null && error !== undefined && toApiError(error).code !== 'NOT_FOUND' && (
        <Problem what="The product can’t be shown." why={toApiError(error).message} onRetry={reload} />
      )}
      {product === null && error === undefined && <Loading text="Loading the product…" />}
      {product !== null && <Shown product={product} onChange={refresh} />}
    </>
  );
}

function Shown({ product, onChange }: { product: StaffProduct; onChange: () => Promise<StaffProduct | null> }) {
  useTitle(product.name);
  const [status, tone] = statusWords[product.status];
  return (
    <>
      <div className="page-head">
        <h1>{product.name}</h1>
        <p>
          <span className={`badge ${tone}`}>{status}</span> <code>{product.sku}</code>{' '}
          <Link href={`/products/${product.id}`}>See it in the shop</Link>
        </p>
      </div>
      <div className="aside">
        {product.stock !== null && (
          <section aria-labelledby="stock-title">
            <h2 id="stock-title">Stock</h2>
            <ul className="stock-list">
              <StockRow product={product} />
            </ul>
            <Movements productId={product.id} version={product.stock.version} />
          </section>
        )}
        {product.kind === 'BOOKABLE' && <Nights productId={product.id} />}
        <section className="card" aria-labelledby="details-title">
          <h2 id="details-title">What it is</h2>
          <ProductForm product={product} onSaved={onChange} />
        </section>
        {product.group !== null && (
          <section className="card" aria-labelledby="forms-title">
            <h2 id="forms-title">Forms of {product.group.name}</h2>
            <ul className="entries">
              {product.group.products.map(({ id, name, options }) => (
                <li key={id}>
                  {id === product.id ? <strong>{name}</strong> : <Link href={`/staff/products/${id}`}>{name}</Link>}
                  <span className="small muted">{options.map(({ value }) => value).join(', ')}</span>
                </li>
              ))}
            </ul>
          </section>
        )}
        <section aria-labelledby="orders-title">
          <h2 id="orders-title">Orders with it</h2>
          <FeedPages filter={{ productId: product.id }} changes={0} />
        </section>
      </div>
    </>
  );
}
