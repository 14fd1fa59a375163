import { formatMoney } from '../format.ts';
import type { Money, Order, Payment } from '../types.ts';
import { t } from '../language/catalogue.ts';

const joined = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')}${t().orders.and}${parts.at(-1)}`;

/** Sums by where the money was paid from, in the order of the payments. */
function byPlace(order: Pick<Order, 'payments'>, amountOf: (payment: Payment) => Money): string[] {
  const sums = new Map<string, Money>();
  for (const payment of order.payments) {
    const { amount, currency } = amountOf(payment);
    const place = t().orders.backTo[payment.method];
    if (amount > 0) sums.set(place, { amount: amount + (sums.get(place)?.amount ?? 0), currency });
  }
  return [...sums].map(([place, money]) => t().orders.amountTo(formatMoney(money), place));
}

/** How much went back where, e.g. `€5.00 to your wallet and €7.34 to your card`; empty when nothing did. */
export const backText = (order: Pick<Order, 'payments'>): string => joined(byPlace(order, ({ refunded }) => refunded));

/** What went back, and what is on its way; empty where neither is. */
export function givenBackText(order: Pick<Order, 'payments' | 'refundPendingTotal'>): string {
  const back = backText(order);
  const pending = order.refundPendingTotal;
  return [
    ...(back === '' ? [] : [t().outcome.givenBack(back)]),
    ...(pending.amount > 0 ? [t().outcome.onItsWayBack(formatMoney(pending))] : []),
  ].join(' ');
}

/** What became of the money of an order that was closed. */
export function closedMoneyText(order: Pick<Order, 'payments' | 'refundPendingTotal'>): string {
  const back = givenBackText(order);
  if (back !== '') return back;
  const taken = order.payments.some(({ captured }) => captured.amount > 0);
  return taken ? t().outcome.goesBack : t().outcome.nothingCharged;
}

/** A payment that has come so far that its buyer can only wait; null when there is none. */
export const pendingPayment = (order: Pick<Order, 'payments'>): Payment | null =>
  order.payments.find(
    ({ state, method }) => method !== 'WALLET' && (state === 'PROCESSING' || state === 'AUTHORIZED'),
  ) ?? null;

/** What to tell who waits. */
export const pendingText = (payment: Payment): string =>
  payment.state === 'AUTHORIZED'
    ? t().outcome.setAside(formatMoney(payment.amount))
    : t().outcome.onTheirWay(formatMoney(payment.amount));
