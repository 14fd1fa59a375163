import { Link } from 'wouter';
import { Empty, Problem, Skeleton, useTitle } from '../ui/parts.tsx';
import { type CartLine, useCart } from './cart.ts';
import { Checkout } from './checkout.tsx';
import { useCartProducts } from './use-cart-products.ts';
import { CartLineRow } from './cart-line.tsx';
import { useLiveStock } from '../shop/use-live-stock.ts';
import { t } from '../language/catalogue.ts';
import { SignInGate } from '../account/sign-in-gate.tsx';
import { useSessionEnded } from '../session.ts';

/** What is in the cart, at today's prices, and the way to order it. */
export function CartPage() {
  useTitle(t().cart.title);
  const lines = useCart();
  // The account's cart waits for its owner: it is not empty.
  if (useSessionEnded() && lines.length === 0) {
    return (
      <SignInGate title={t().cart.yours} reason={t().cart.signInForIt}>
        {() => null}
      </SignInGate>
    );
  }
  return (
    <>
      <div className="page-head">
        <h1>{t().cart.yours}</h1>
      </div>
      {lines.length === 0 ? (
        <Empty title={t().cart.empty}>
          <Link className="button" href="/">
            {t().frame.toTheShop}
          </Link>
        </Empty>
      ) : (
        <FilledCart lines={lines} />
      )}
    </>
  );
}

function FilledCart({ lines }: { lines: readonly CartLine[] }) {
  const ids = lines.map((line) => line.productId);
  const { products, problem, refresh } = useCartProducts(ids);
  const live = useLiveStock(ids, () => void refresh());
  if (products === null) {
    return problem === null ? (
      <Skeleton count={lines.length} className="cart-skeleton" label={t().cart.loading} />
    ) : (
      <Problem what={t().cart.unshown} why={problem} onRetry={() => void refresh()} />
    );
  }
  const currencies = [...new Set(lines.map((line) => products.get(line.productId)?.price.currency))].filter(
    (currency) => currency !== undefined,
  );
  return (
    <div className="cart">
      <ul className="card cart-lines" aria-label={t().cart.products}>
        {lines.map((line) => {
          const product = products.get(line.productId);
          const available = live.get(line.productId) ?? product?.stock?.available ?? null;
          return <CartLineRow key={line.productId} line={line} product={product} available={available} />;
        })}
      </ul>
      <div className="aside">
        {problem !== null && <Problem what={t().cart.pricesOld} why={problem} onRetry={() => void refresh()} />}
        {currencies.length > 1 && <p className="notice">{t().cart.eachCurrency}</p>}
        {currencies.map((currency) => (
          <Checkout
            key={currency}
            currency={currency}
            lines={lines.filter((line) => products.get(line.productId)?.price.currency === currency)}
            products={products}
            onChanged={refresh}
          />
        ))}
      </div>
    </div>
  );
}
