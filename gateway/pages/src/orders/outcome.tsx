import { Link } from 'wouter';
import { formatMoment, formatMoney } from '../format.ts';
import type { Order } from '../types.ts';
import { backText, closedMoneyText } from './money-words.ts';
import { subjectOf, words } from './words.ts';

type Outcome = { tone: 'good' | 'bad' | 'wait'; mark: string; title: string; text: string };

const cancelReasons: Record<string, string> = {
  CUSTOMER: 'You cancelled this order.',
  MERCHANT: 'The shop cancelled this order.',
  OUT_OF_STOCK: 'What you ordered was no longer in stock.',
  PAYMENT_FAILED: 'The payment failed.',
  INSUFFICIENT_BALANCE: 'The wallet’s balance was too low.',
  BUSINESS_REJECTED: 'The shop could not accept this order.',
};

/** How the order ended, or null while it can still be paid. */
export function outcomeOf(order: Order): Outcome | null {
  if (order.paymentStatus === 'REFUNDED' || order.paymentStatus === 'PARTIALLY_REFUNDED') {
    const partly = order.paymentStatus === 'PARTIALLY_REFUNDED';
    return {
      tone: 'wait',
      mark: '↩',
      title: partly ? 'Partly refunded' : 'Refunded',
      text: `Given back: ${backText(order) || formatMoney(order.refundedTotal)}.`,
    };
  }
  switch (order.state) {
    case 'PLACING':
    case 'PENDING_PAYMENT':
      return null;
    case 'PAID':
    case 'PROCESSING':
      return { tone: 'good', mark: '✓', title: 'Paid', text: words[subjectOf(order)].next };
    case 'COMPLETED':
      return { tone: 'good', mark: '✓', title: 'Completed', text: words[subjectOf(order)].doneText };
    case 'LAPSED':
      return { tone: 'wait', mark: '!', title: 'Lapsed', text: 'The day of arrival is over, and nobody came.' };
    case 'EXPIRED':
      return {
        tone: 'bad',
        mark: '×',
        title: 'Expired',
        text: `The time to pay ran out, and others can have it now. ${closedMoneyText(order)} Money that still arrives is refunded by itself.`,
      };
    case 'REFUNDED':
      return { tone: 'wait', mark: '↩', title: 'Refunded', text: closedMoneyText(order) };
    case 'CANCELLED':
      return { tone: 'wait', mark: '×', title: 'Cancelled', text: reasonText(order, 'This order was cancelled.') };
    case 'FAILED':
      return {
        tone: 'bad',
        mark: '×',
        title: 'Not placed',
        text: reasonText(order, 'This order could not be placed.'),
      };
    case 'NEEDS_ATTENTION':
      return {
        tone: 'wait',
        mark: '!',
        title: 'We are on it',
        text: 'Somebody looks after this order. You need not do anything.',
      };
  }
}

const reasonText = (order: Order, otherwise: string): string =>
  `${cancelReasons[order.cancelReason ?? ''] ?? otherwise} ${closedMoneyText(order)}`;

export const OutcomeScreen = ({ order, outcome }: { order: Order; outcome: Outcome }) => (
  <div className={`outcome ${outcome.tone}`}>
    <span className="mark" aria-hidden="true">
      {outcome.mark}
    </span>
    <h2>{outcome.title}</h2>
    <p>{outcome.text}</p>
    {order.paidAt !== null && (
      <p className="small muted">
        {formatMoney(order.paidTotal)} received, {formatMoment(order.paidAt)}
      </p>
    )}
    <div className="tools">
      <Link className="button quiet" href={`/orders/${order.id}`}>
        See the order
      </Link>
      <Link className="button quiet" href={subjectOf(order) === 'topUp' ? '/wallet' : '/'}>
        {subjectOf(order) === 'topUp' ? 'To your wallet' : 'Back to the shop'}
      </Link>
    </div>
  </div>
);
