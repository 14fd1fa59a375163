import { useState } from 'react';
import { useQuery } from 'urql';
import { Link, useLocation } from 'wouter';
import { ProductDocument, type ProductQuery } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { BookingForm } from '../booking/booking-form.tsx';
import { addToCart, maxPieces, useCart } from '../cart/cart.ts';
import { announce } from '../ui/announcement.tsx';
import { NotFound } from '../ui/not-found.tsx';
import { Loading, Picture, Problem, useTitle } from '../ui/parts.tsx';
import { Stepper } from '../ui/stepper.tsx';
import { isTopUp } from '../wallet/top-up.ts';
import { Price } from './price.tsx';
import { StockBadge } from './stock-badge.tsx';
import { useLiveStock } from './use-live-stock.ts';
import { Variants } from './variants.tsx';
import { t } from '../language/catalogue.ts';

type Product = NonNullable<ProductQuery['product']>;

const unknownCodes = ['NOT_FOUND', 'BAD_USER_INPUT'];

/** One product with its live stock. */
export function ProductPage({ id }: { id: string }) {
  const [{ data, error, fetching }, reload] = useQuery({
    query: ProductDocument,
    variables: { id },
    requestPolicy: 'cache-and-network',
  });
  const refresh = () => reload({ requestPolicy: 'network-only' });
  const problem = error === undefined ? null : toApiError(error);
  const product = data?.product;
  // While another form of it is on its way, the one before stays.
  if (product && (product.id === id || fetching)) return <ShownProduct product={product} onGap={refresh} />;
  if ((problem === null && product === null) || (problem !== null && unknownCodes.includes(problem.code))) {
    return <NotFound title={t().shop.noSuchProduct} text={t().shop.offTheShelf} />;
  }
  if (problem !== null) return <Problem what={t().shop.productUnshown} why={problem.message} onRetry={refresh} />;
  return <Loading text={t().shop.loadingProduct} />;
}

function ShownProduct({ product, onGap }: { product: Product; onGap: () => void }) {
  const { id, name, kind } = product;
  const live = useLiveStock(product.stock === null ? [] : [id], onGap);
  const available = live.get(id) ?? product.stock?.available ?? null;
  useTitle(name);
  return (
    <article className="product-page">
      <Breadcrumbs category={product.category} />
      <Picture isMain className="card" cover={product.cover} name={name} />
      <div className="about">
        <h1>{name}</h1>
        {product.subtitle !== null && <p className="lead">{product.subtitle}</p>}
        <Price price={product.price} marketPrice={product.marketPrice} perNight={kind === 'BOOKABLE'} />
        {product.group !== null && <Variants product={product} group={product.group} />}
        <p aria-live="polite">{!isTopUp(product) && <StockBadge kind={kind} available={available} />}</p>
        <p className="description">{product.description}</p>
        {product.status !== 'ON_SALE' && <p className="notice wait">{t().shop.notOnSale}</p>}
        {product.status === 'ON_SALE' && kind === 'BOOKABLE' && (
          <BookingForm key={id} product={product} onChanged={onGap} />
        )}
        {product.status === 'ON_SALE' && kind !== 'BOOKABLE' && !isTopUp(product) && (
          <Buy product={product} available={available} />
        )}
        {product.status === 'ON_SALE' && isTopUp(product) && (
          <Link className="button" href="/wallet">
            {t().shop.topUpInWallet}
          </Link>
        )}
        <p className="small muted">
          {t().shop.item} <code>{product.sku}</code>
        </p>
      </div>
    </article>
  );
}

const Breadcrumbs = ({ category }: Pick<Product, 'category'>) => (
  <nav className="back" aria-label={t().shop.whereThisIs}>
    <Link href="/">{t().frame.shop}</Link>
    {[category?.parent ?? null, category].map(
      (place) =>
        place !== null && (
          <span key={place.slug}>
            <span className="muted" aria-hidden="true">
              ›
            </span>
            <Link href={`/?category=${place.slug}`}>{place.name}</Link>
          </span>
        ),
    )}
  </nav>
);

function Buy({ product, available }: { product: Product; available: number | null }) {
  const [quantity, setQuantity] = useState(1);
  const [, navigate] = useLocation();
  const inCart = useCart().find((line) => line.productId === product.id)?.quantity ?? 0;
  const most = Math.min(available ?? maxPieces, maxPieces);
  const add = (): boolean => {
    const added = addToCart(product.id, quantity);
    announce(added ? t().shop.addedPieces(quantity, product.name) : t().shop.cartIsFull);
    return added;
  };
  return (
    <>
      <div className="buy">
        <Stepper label={t().shop.quantity} value={quantity} max={most} onChange={setQuantity} />
        <button type="button" className="button" disabled={most <= 0} onClick={add}>
          {t().shop.addToCart}
        </button>
        <button
          type="button"
          className="button quiet"
          disabled={most <= 0}
          onClick={() => {
            if (add()) navigate('/cart');
          }}
        >
          {t().shop.addAndGo}
        </button>
      </div>
      {inCart > 0 && (
        <p className="small muted">
          {t().shop.inYourCart(inCart)}
          <Link href="/cart">{t().shop.yourCart}</Link>.
        </p>
      )}
    </>
  );
}
