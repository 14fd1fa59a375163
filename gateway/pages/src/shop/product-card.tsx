import { Link } from 'wouter';
import { addToCart } from '../cart/cart.ts';
import type { ShelfProduct } from '../types.ts';
import { announce } from '../ui/announcement.tsx';
import { Picture } from '../ui/parts.tsx';
import { isTopUp } from '../wallet/top-up.ts';
import { Price } from './price.tsx';
import { StockBadge } from './stock-badge.tsx';
import { t } from '../language/catalogue.ts';

/** A product on the shelf. `available` is newer than the product's own word. */
export function ProductCard({ product, available }: { product: ShelfProduct; available: number | null }) {
  const { id, subtitle, kind, group } = product;
  const name = group?.name ?? product.name;
  const soldOut = available !== null && available <= 0;
  const add = () => announce(addToCart(id, 1) ? t().shop.isInCart(name) : t().shop.cartIsFull);
  return (
    <li className="card product">
      <Picture cover={product.cover} name={name} />
      <div className="text">
        <h3>
          <Link href={`/products/${id}`}>{name}</Link>
        </h3>
        {subtitle !== null && <p className="small muted subtitle">{subtitle}</p>}
        <Price price={product.price} marketPrice={product.marketPrice} perNight={kind === 'BOOKABLE'} />
        {!isTopUp(product) && group === null && (
          <p className="small">
            <StockBadge kind={kind} available={available} />
          </p>
        )}
        {isTopUp(product) ? (
          <Link className="button quiet" href="/wallet" aria-label={t().shop.topUpWith(name)}>
            {t().shop.topUp}
          </Link>
        ) : group !== null ? (
          <Link className="button quiet" href={`/products/${id}`} aria-label={t().shop.chooseOf(name)}>
            {t().shop.choose}
          </Link>
        ) : kind === 'BOOKABLE' ? (
          <Link className="button quiet" href={`/products/${id}`} aria-label={t().shop.chooseDatesOf(name)}>
            {t().shop.chooseDates}
          </Link>
        ) : (
          <button
            type="button"
            className="button quiet"
            disabled={soldOut}
            onClick={add}
            aria-label={t().shop.addOf(name)}
          >
            {t().shop.addToCart}
          </button>
        )}
      </div>
    </li>
  );
}
