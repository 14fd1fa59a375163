import { formatMoney } from '../format.ts';
import { t } from '../language/catalogue.ts';
import type { Order } from '../types.ts';
import { closedMoneyText, givenBackText, pendingPayment, pendingText } from './money-words.ts';
import { words } from './words.ts';

export type Outcome = { tone: 'good' | 'bad' | 'wait'; mark: string; title: string; text: string };

/** How the order ended, or null while it can still be paid. */
export function outcomeOf(order: Order): Outcome | null {
  const say = t().outcome;
  const end = (tone: Outcome['tone'], mark: string, title: string, text: string): Outcome => ({
    tone,
    mark,
    title,
    text,
  });
  const wentBack = order.paymentStatus === 'REFUNDED' || order.paymentStatus === 'PARTIALLY_REFUNDED';
  if (wentBack && order.state !== 'CANCELLED' && order.state !== 'FAILED') return refunded(order);
  switch (order.state) {
    case 'PLACING':
    case 'PENDING_PAYMENT':
      return null;
    case 'PAID':
    case 'PROCESSING':
      return end('good', '✓', order.paymentStatus === 'NOT_REQUIRED' ? say.free : say.paid, words(order).next);
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
      return end('wait', '!', say.weAreOnIt, `${say.onItText} ${heldMoneyText(order)}`.trim());
  }
}

/** Money that is back: because the goods are, because it came too late, or for another reason. */
function refunded(order: Order): Outcome {
  const say = t().outcome;
  const given = givenBackText(order) || say.givenBack(formatMoney(order.refundedTotal));
  const goesOn = order.state === 'PAID' || order.state === 'PROCESSING';
  const partly = order.paymentStatus === 'PARTIALLY_REFUNDED';
  const title =
    order.fulfilmentStatus === 'RETURNED' && !partly ? say.returned : partly ? say.partlyRefunded : say.refunded;
  return {
    tone: 'wait',
    mark: '↩',
    title,
    text: order.state === 'EXPIRED' ? say.lateText(given) : partly && goesOn ? `${given} ${words(order).next}` : given,
  };
}

/** Of an order that somebody looks after: what was received, the screen says itself. */
function heldMoneyText(order: Order): string {
  const pending = pendingPayment(order);
  if (pending !== null) return pendingText(pending);
  return order.payments.some(({ captured }) => captured.amount > 0) ? '' : t().outcome.nothingCharged;
}

/** Whether money came all the same decides what is to be said of it. */
function expiredText(order: Order): string {
  const came = order.payments.some(({ captured }) => captured.amount > 0);
  return came ? t().outcome.lateText(closedMoneyText(order)) : t().outcome.expiredText(closedMoneyText(order));
}

const reasonText = (order: Order, otherwise: string): string =>
  `${t().outcome.cancelReasons[order.cancelReason ?? ''] ?? otherwise} ${closedMoneyText(order)}`;
