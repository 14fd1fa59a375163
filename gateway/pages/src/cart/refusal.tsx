import { Link } from 'wouter';
import { formatMoney } from '../format.ts';
import type { PlaceOrderRefusal } from '../types.ts';
import { setQuantity } from './cart.ts';
import type { CartProducts } from './use-cart-products.ts';

/** Why the order was not placed, and the one press that mends it where there is one. */
export function Refusal({
  refusal,
  products,
  onMended,
}: {
  refusal: PlaceOrderRefusal;
  products: CartProducts;
  onMended: () => void;
}) {
  const nameOf = (id: string) => products.get(id)?.name ?? 'A product';
  switch (refusal.__typename) {
    case 'InsufficientStockError':
      return (
        <div className="notice bad" role="alert">
          <p>
            <strong>There is not enough left.</strong> Nothing was ordered.
          </p>
          <ul>
            {refusal.shortages.map(({ product, requested, available }) => (
              <li key={product.id}>
                {product.name}: you want {requested}, {available === 0 ? 'none is left' : `${available} left`}
              </li>
            ))}
          </ul>
          <button
            type="button"
            className="button quiet"
            onClick={() => {
              for (const { product, available } of refusal.shortages) setQuantity(product.id, available);
              onMended();
            }}
          >
            Take what is left
          </button>
        </div>
      );
    case 'PriceChangedError':
      return (
        <div className="notice wait" role="alert">
          <p>
            <strong>A price has changed.</strong> {nameOf(refusal.productId)} costs {formatMoney(refusal.actual)} now,
            instead of {formatMoney(refusal.expected)}. Nothing was ordered: look at the new total, and place the order
            if it suits you.
          </p>
        </div>
      );
    case 'TotalChangedError':
      return (
        <div className="notice wait" role="alert">
          <p>
            <strong>The total has changed.</strong> It is {formatMoney(refusal.quote.total)} now. Nothing was ordered:
            place the order if that suits you.
          </p>
        </div>
      );
    case 'ProductUnavailableError':
      return (
        <div className="notice bad" role="alert">
          <p>
            <strong>{nameOf(refusal.productId)} can’t be bought any more.</strong> Nothing was ordered.
          </p>
          <button
            type="button"
            className="button quiet"
            onClick={() => {
              setQuantity(refusal.productId, 0);
              onMended();
            }}
          >
            Take it out of the cart
          </button>
        </div>
      );
    case 'OpenOrderLimitError':
      return (
        <div className="notice wait" role="alert">
          <p>
            <strong>There is too much that is not paid yet.</strong> {refusal.message} Nothing was ordered.
          </p>
          <Link href="/orders" className="button quiet">
            See your orders
          </Link>
        </div>
      );
    default:
      return (
        <p className="notice bad" role="alert">
          {refusal.message}
        </p>
      );
  }
}
