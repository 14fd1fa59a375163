import { Link } from 'wouter';
import { formatMoney } from '../format.ts';
import { Picture } from '../ui/parts.tsx';
import { Stepper } from '../ui/stepper.tsx';
import { type CartLine, maxPieces, setQuantity } from './cart.ts';
import type { CartProduct } from './use-cart-products.ts';
import { t } from '../language/catalogue.ts';

/** One product in the cart. `product` undefined: not read yet; null: it can't be seen any more. */
export function CartLineRow({
  line,
  product,
  available,
}: {
  line: CartLine;
  product: CartProduct | null | undefined;
  available: number | null;
}) {
  const { productId, quantity } = line;
  const remove = (
    <button
      type="button"
      className="link"
      onClick={() => setQuantity(productId, 0)}
      aria-label={t().cart.removeOf(product?.name)}
    >
      {t().cart.remove}
    </button>
  );
  if (!product) {
    return (
      <li>
        <Picture cover={null} name="?" />
        <div className="what">
          <p className="muted">{product === null ? t().cart.gone : t().frame.loading}</p>
          {remove}
        </div>
      </li>
    );
  }
  const { name, price } = product;
  return (
    <li>
      <Picture cover={product.cover} name={name} />
      <div className="what">
        <p>
          <Link href={`/products/${productId}`}>{name}</Link>
        </p>
        <p className="small muted">
          {t().cart.each(formatMoney(price))} · {remove}
        </p>
        {product.status !== 'ON_SALE' && <p className="small problem">{t().cart.notOnSale}</p>}
        {available !== null && available < quantity && (
          <p className="small problem" role="alert">
            {available <= 0 ? t().cart.soldOut : t().cart.onlyLeft(available)}{' '}
            {available > 0 && (
              <button type="button" className="link" onClick={() => setQuantity(productId, available)}>
                {t().cart.take(available)}
              </button>
            )}
          </p>
        )}
      </div>
      <Stepper
        label={t().cart.quantityOf(name)}
        value={quantity}
        max={maxPieces}
        onChange={(wanted) => setQuantity(productId, wanted)}
      />
      <span className="amount">{formatMoney({ amount: price.amount * quantity, currency: price.currency })}</span>
    </li>
  );
}
