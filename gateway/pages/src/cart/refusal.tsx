import { Link } from 'wouter';
import { formatMoney } from '../format.ts';
import type { PlaceOrderRefusal } from '../types.ts';
import { setQuantity } from './cart.ts';
import type { CartProducts } from './use-cart-products.ts';
import { t } from '../language/catalogue.ts';
import { refusalText } from '../language/refusals.ts';

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
  const nameOf = (id: string) => products.get(id)?.name ?? t().cart.aProduct;
  switch (refusal.__typename) {
    case 'InsufficientStockError':
      return (
        <div className="notice bad" role="alert">
          <p>
            <strong>{t().cart.notEnough}</strong> {t().cart.nothingOrdered}
          </p>
          <ul>
            {refusal.shortages.map(({ product, requested, available }) => (
              <li key={product.id}>{t().cart.shortage(product.name, requested, available)}</li>
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
            {t().cart.takeWhatIsLeft}
          </button>
        </div>
      );
    case 'PriceChangedError':
      return (
        <div className="notice wait" role="alert">
          <p>
            <strong>{t().cart.aPriceChanged}</strong>{' '}
            {t().cart.costsNow(nameOf(refusal.productId), formatMoney(refusal.actual), formatMoney(refusal.expected))}
          </p>
        </div>
      );
    case 'TotalChangedError':
      return (
        <div className="notice wait" role="alert">
          <p>
            <strong>{t().cart.totalChanged}</strong> {t().cart.totalNow(formatMoney(refusal.quote.total))}
          </p>
        </div>
      );
    case 'ProductUnavailableError':
      return (
        <div className="notice bad" role="alert">
          <p>
            <strong>{t().cart.unbuyable(nameOf(refusal.productId))}</strong> {t().cart.nothingOrdered}
          </p>
          <button
            type="button"
            className="button quiet"
            onClick={() => {
              setQuantity(refusal.productId, 0);
              onMended();
            }}
          >
            {t().cart.takeOut}
          </button>
        </div>
      );
    case 'OpenOrderLimitError':
      return (
        <div className="notice wait" role="alert">
          <p>
            <strong>{t().cart.tooMuchOpen}</strong> {refusalText(refusal)} {t().cart.nothingOrdered}
          </p>
          <Link href="/orders" className="button quiet">
            {t().cart.seeOrders}
          </Link>
        </div>
      );
    default:
      return (
        <p className="notice bad" role="alert">
          {refusalText(refusal)}
        </p>
      );
  }
}
