import { formatMoney } from '../format.ts';
import type { Money } from '../types.ts';

/** A price, and the higher one to compare it with. */
export const Price = ({ price, marketPrice }: { price: Money; marketPrice: Money | null }) => (
  <p className="price">
    <strong>{formatMoney(price)}</strong>
    {marketPrice !== null && marketPrice.amount > price.amount && (
      <s className="small muted">
        <span className="hidden-visually">instead of </span>
        {formatMoney(marketPrice)}
      </s>
    )}
  </p>
);
