import { Link } from 'wouter';
import { formatMoment, formatMoney } from '../format.ts';
import { t } from '../language/catalogue.ts';
import type { Order } from '../types.ts';
import type { Outcome } from './outcome.ts';
import { subjectOf } from './words.ts';

/** How the order ended, on the page where it was paid. */
export const OutcomeScreen = ({ order, outcome }: { order: Order; outcome: Outcome }) => (
  <div className={`outcome ${outcome.tone}`}>
    <span className="mark" aria-hidden="true">
      {outcome.mark}
    </span>
    <h2>{outcome.title}</h2>
    <p>{outcome.text}</p>
    {order.paidAt !== null && order.paidTotal.amount > 0 && (
      <p className="small muted">{t().orders.received(formatMoney(order.paidTotal), formatMoment(order.paidAt))}</p>
    )}
    <div className="tools">
      <Link className="button quiet" href={`/orders/${order.id}`}>
        {t().orders.seeOrder}
      </Link>
      <Link className="button quiet" href={subjectOf(order) === 'topUp' ? '/wallet' : '/'}>
        {subjectOf(order) === 'topUp' ? t().orders.toWallet : t().orders.backToShop}
      </Link>
    </div>
  </div>
);
