import { formatMoney } from '../format.ts';
import type { Quote } from '../types.ts';
import { includedTaxes, parts } from './sums.ts';
import { t } from '../language/catalogue.ts';

/** What the order would cost in all, and what that is made of. */
export function QuoteTotals({ quote }: { quote: Quote }) {
  return (
    <dl className="totals">
      {parts(quote).map(([label, money]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{formatMoney(money)}</dd>
        </div>
      ))}
      <div>
        <dt>{t().cart.total}</dt>
        <dd className="large">{formatMoney(quote.total)}</dd>
      </div>
      {quote.pricesIncludeTax &&
        includedTaxes(quote).map(([label, money]) => (
          <div key={label} className="small muted">
            <dt>{label}</dt>
            <dd>{formatMoney(money)}</dd>
          </div>
        ))}
    </dl>
  );
}
