import { formatMoney } from '../format.ts';
import type { Money } from '../types.ts';
import { t } from '../language/catalogue.ts';

/** A price, and the higher one to compare it with. */
export const Price = ({
  price,
  marketPrice,
  perNight = false,
}: {
  price: Money;
  marketPrice: Money | null;
  perNight?: boolean;
}) => (
  <p className="price">
    <strong>{formatMoney(price)}</strong>
    {perNight && <span className="small muted">{t().shop.aNight}</span>}
    {marketPrice !== null && marketPrice.amount > price.amount && (
      <s className="small muted">
        <span className="hidden-visually">{t().shop.insteadOf}</span>
        {formatMoney(marketPrice)}
      </s>
    )}
  </p>
);
