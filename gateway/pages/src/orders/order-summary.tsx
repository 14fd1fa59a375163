import { formatDay } from '../booking/dates.ts';
import { formatMoney } from '../format.ts';
import type { Money, Order } from '../types.ts';
import { includedTaxes, parts, taxPrefix } from '../cart/sums.ts';
import { Picture } from '../ui/parts.tsx';
import { subjectOf, words } from './words.ts';

type Line = Order['lines'][number];

const count = (number: number | null, one: string): string => `${number ?? 0} ${one}${number === 1 ? '' : 's'}`;

function stayText({ stayFrom, stayTo, nights, guests, quantity }: Line): string {
  const dates = `${formatDay(stayFrom ?? '')} – ${formatDay(stayTo ?? '')}`;
  const rooms = quantity > 1 ? `, ${count(quantity, 'room')}` : '';
  return `${dates}, ${count(nights, 'night')}, ${count(guests, 'guest')}${rooms}`;
}

/** What was ordered and what it costs. */
export function OrderSummary({ order }: { order: Order }) {
  const sums: [label: string, money: Money][] = [...parts(order), ['Total', order.total]];
  if (order.pricesIncludeTax) sums.push(...includedTaxes(order));
  if (order.paidTotal.amount > 0) sums.push(['Paid', order.paidTotal]);
  if (order.refundedTotal.amount > 0) sums.push(['Given back', order.refundedTotal]);
  if (order.refundPendingTotal.amount > 0) sums.push(['On its way back', order.refundPendingTotal]);
  if (order.balanceDue.amount > 0 && order.balanceDue.amount !== order.total.amount) {
    sums.push(['Still to pay', order.balanceDue]);
  }
  return (
    <section className="card" aria-labelledby="summary-title">
      <h2 id="summary-title">{words[subjectOf(order)].what}</h2>
      <ul className="lines">
        {order.lines.map((line) => (
          <li key={line.id}>
            <Picture cover={line.cover} name={line.title} />
            <div>
              <p>{line.title}</p>
              {line.cancelledQuantity > 0 && (
                <p className="small problem">
                  {line.cancelledQuantity === line.quantity ? 'Taken off' : `${line.cancelledQuantity} of it taken off`}
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
        {sums.map(([label, money]) => (
          <div key={label} className={label.startsWith(taxPrefix) ? 'small muted' : undefined}>
            <dt>{label}</dt>
            <dd>{formatMoney(money)}</dd>
          </div>
        ))}
      </dl>
      {order.shippingAddress !== null && (
        <address className="small muted" aria-label="Shipped to">
          {order.shippingAddress.formatted.map((line) => (
            <div key={line}>{line}</div>
          ))}
        </address>
      )}
      {order.confirmationCode !== null && (
        <p className="notice good code">
          Your code for check-in: <strong className="number">{order.confirmationCode}</strong>
        </p>
      )}
    </section>
  );
}
