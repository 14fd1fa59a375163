import { formatDay } from '../booking/dates.ts';
import { formatMoney } from '../format.ts';
import type { Money, Order } from '../types.ts';
import { includedTaxes, parts } from '../cart/sums.ts';
import { Picture } from '../ui/parts.tsx';
import { words } from './words.ts';
import { t } from '../language/catalogue.ts';

type Line = Order['lines'][number];

function stayText({ stayFrom, stayTo, nights, guests, quantity }: Line): string {
  const dates = `${formatDay(stayFrom ?? '')} – ${formatDay(stayTo ?? '')}`;
  const rooms = quantity > 1 ? `, ${t().booking.roomCount(quantity)}` : '';
  return `${dates}, ${t().booking.nights(nights ?? 0)}, ${t().booking.guestCount(guests ?? 0)}${rooms}`;
}

/** What was ordered and what it costs. */
export function OrderSummary({ order }: { order: Order }) {
  const sums: [label: string, money: Money, className?: string][] = [...parts(order), [t().orders.total, order.total]];
  if (order.pricesIncludeTax)
    sums.push(
      ...includedTaxes(order).map(([label, money]) => [label, money, 'small muted'] as [string, Money, string]),
    );
  if (order.paidTotal.amount > 0) sums.push([t().orders.paid, order.paidTotal]);
  if (order.refundedTotal.amount > 0) sums.push([t().orders.givenBack, order.refundedTotal]);
  if (order.refundPendingTotal.amount > 0) sums.push([t().orders.onItsWayBack, order.refundPendingTotal]);
  if (order.balanceDue.amount > 0 && order.balanceDue.amount !== order.total.amount) {
    sums.push([t().orders.stillToPay, order.balanceDue]);
  }
  return (
    <section className="card" aria-labelledby="summary-title">
      <h2 id="summary-title">{words(order).what}</h2>
      <ul className="lines">
        {order.lines.map((line) => (
          <li key={line.id}>
            <Picture cover={line.cover} name={line.title} />
            <div>
              <p>{line.title}</p>
              {line.cancelledQuantity > 0 && (
                <p className="small problem">
                  {line.cancelledQuantity === line.quantity
                    ? t().orders.takenOff
                    : t().orders.ofItTakenOff(line.cancelledQuantity)}
                </p>
              )}
              <p className="small muted">
                {line.nights === null ? `${line.quantity} × ${formatMoney(line.unitPrice)}` : stayText(line)}
              </p>
              {line.addOns.map((addOn) => (
                <p key={addOn.code} className="small muted">
                  {addOn.name}: {formatMoney(addOn.total)}
                </p>
              ))}
            </div>
            <span className="amount">{formatMoney(line.total)}</span>
          </li>
        ))}
      </ul>
      <dl className="totals">
        {sums.map(([label, money, className]) => (
          <div key={label} className={className}>
            <dt>{label}</dt>
            <dd>{formatMoney(money)}</dd>
          </div>
        ))}
      </dl>
      {order.shippingAddress !== null && (
        <address className="small muted" aria-label={t().orders.shippedTo}>
          {order.shippingAddress.formatted.map((line) => (
            <div key={line}>{line}</div>
          ))}
        </address>
      )}
      {order.confirmationCode !== null && (
        <p className="notice good code">
          {t().orders.checkInCode} <strong className="number">{order.confirmationCode}</strong>
        </p>
      )}
    </section>
  );
}
