import { Link } from 'wouter';
import { addToCart } from '../cart/cart.ts';
import type { ShelfProduct } from '../types.ts';
import { announce } from '../ui/announcement.tsx';
import { Picture } from '../ui/parts.tsx';
import { isTopUp } from '../wallet/top-up.ts';
import { Price } from './price.tsx';
import { StockBadge } from './stock-badge.tsx';

/** A product on the shelf. `available` is newer than the product's own word. */
export function ProductCard({ product, available }: { product: ShelfProduct; available: number | null }) {
  const { id, subtitle, kind, group } = product;
  const name = group?.name ?? product.name;
  const soldOut = available !== null && available <= 0;
  const add = () => announce(addToCart(id, 1) ? `${name} is in the cart.` : 'The cart is full.');
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
          <Link className="button quiet" href="/wallet" aria-label={`Top up the wallet: ${name}`}>
            Top up
          </Link>
        ) : group !== null ? (
          <Link className="button quiet" href={`/products/${id}`} aria-label={`Choose: ${name}`}>
            Choose
          </Link>
        ) : kind === 'BOOKABLE' ? (
          <Link className="button quiet" href={`/products/${id}`} aria-label={`Choose dates: ${name}`}>
            Choose dates
          </Link>
        ) : (
          <button
            type="button"
            className="button quiet"
            disabled={soldOut}
            onClick={add}
            aria-label={`Add to cart: ${name}`}
          >
            Add to cart
          </button>
        )}
      </div>
    </li>
  );
}
