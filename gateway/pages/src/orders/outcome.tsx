import { Link } from 'wouter';
import { formatMoment, formatMoney } from '../format.ts';
import { t } from '../language/catalogue.ts';
import type { Order } from '../types.ts';
import { backText, closedMoneyText } from './money-words.ts';
import { subjectOf, words } from './words.ts';

type Outcome = { tone: 'good' | 'bad' | 'wait'; mark: string; title: string; text: string };

/** How the order ended, or null while it can still be paid. */
export function outcomeOf(order: Order): Outcome | null {
  const say = t().outcome;
  const end = (tone: Outcome['tone'], mark: string, title: string, text: string): Outcome => ({
    tone,
    mark,
    title,
    text,
  });
  if (order.paymentStatus === 'REFUNDED' || order.paymentStatus === 'PARTIALLY_REFUNDED') return refunded(order);
  switch (order.state) {
    case 'PLACING':
    case 'PENDING_PAYMENT':
      return null;
    case 'PAID':
    case 'PROCESSING':
      return end('good', '✓', say.paid, words(order).next);
    case 'COMPLETED':
      return end('good', '✓', say.completed, words(order).doneText);
    case 'LAPSED':
      return end('wait', '!', say.lapsed, say.nobodyCame);
    case 'EXPIRED':
      return end('bad', '×', say.expired, expiredText(order));
    case 'REFUNDED':
      return end('wait', '↩', say.refunded, closedMoneyText(order));
    case 'CANCELLED':
      return end('wait', '×', say.cancelled, reasonText(order, say.wasCancelled));
    case 'FAILED':
      return end('bad', '×', say.notPlaced, reasonText(order, say.couldNotBePlaced));
    case 'NEEDS_ATTENTION':
      return end('wait', '!', say.weAreOnIt, say.onItText);
  }
}

/** Money that is back: because the goods are, because it came too late, or for another reason. */
function refunded(order: Order): Outcome {
  const say = t().outcome;
  const given = say.givenBack(backText(order) || formatMoney(order.refundedTotal));
  const partly = order.paymentStatus === 'PARTIALLY_REFUNDED';
  const title =
    order.fulfilmentStatus === 'RETURNED' && !partly ? say.returned : partly ? say.partlyRefunded : say.refunded;
  return { tone: 'wait', mark: '↩', title, text: order.state === 'EXPIRED' ? say.lateText(given) : given };
}

/** Whether money came all the same decides what is to be said of it. */
function expiredText(order: Order): string {
  const came = order.payments.some(({ captured }) => captured.amount > 0);
  return came ? t().outcome.lateText(closedMoneyText(order)) : t().outcome.expiredText(closedMoneyText(order));
}

const reasonText = (order: Order, otherwise: string): string =>
  `${t().outcome.cancelReasons[order.cancelReason ?? ''] ?? otherwise} ${closedMoneyText(order)}`;

export const OutcomeScreen = ({ order, outcome }: { order: Order; outcome: Outcome }) => (
  <div className={`outcome ${outcome.tone}`}>
    <span className="mark" aria-hidden="true">
      {outcome.mark}
    </span>
    <h2>{outcome.title}</h2>
    <p>{outcome.text}</p>
    {order.paidAt !== null && (
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
