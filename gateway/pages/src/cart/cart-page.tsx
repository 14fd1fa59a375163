import { Link } from 'wouter';
import { Empty, Problem, Skeleton, useTitle } from '../ui/parts.tsx';
import { type CartLine, useCart } from './cart.ts';
import { Checkout } from './checkout.tsx';
import { useCartProducts } from './use-cart-products.ts';
import { CartLineRow } from './cart-line.tsx';
import { useLiveStock } from '../shop/use-live-stock.ts';

/** What is in the cart, at today's prices, and the way to order it. */
export function CartPage() {
  useTitle('Cart');
  const lines = useCart();
  return (
    <>
      <div className="page-head">
        <h1>Your cart</h1>
      </div>
      {lines.length === 0 ? (
        <Empty title="Your cart is empty">
          <Link className="button" href="/">
            Go to the shop
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
      <Skeleton count={lines.length} className="cart-skeleton" label="Loading your cart…" />
    ) : (
      <Problem what="The cart can’t be shown." why={problem} onRetry={() => void refresh()} />
    );
  }
  const currencies = [...new Set(lines.map((line) => products.get(line.productId)?.price.currency))].filter(
    (currency) => currency !== undefined,
  );
  return (
    <div className="cart">
      <ul className="card cart-lines" aria-label="Products in your cart">
        {lines.map((line) => {
          const product = products.get(line.productId);
          const available = live.get(line.productId) ?? product?.stock?.available ?? null;
          return <CartLineRow key={line.productId} line={line} product={product} available={available} />;
        })}
      </ul>
      <div className="aside">
        {problem !== null && <Problem what="Prices may be old." why={problem} onRetry={() => void refresh()} />}
        {currencies.length > 1 && <p className="notice">Each currency is an order of its own.</p>}
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
