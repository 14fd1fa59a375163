import type { OrderState, ReturnState } from '../../../../schema/generated/operations.ts';
import { t } from '../language/catalogue.ts';
import type { Order, Payment } from '../types.ts';

/** What an order is about, in the words that its page uses. */
export type Subject = 'goods' | 'stay' | 'digital' | 'topUp';

const subjects: Readonly<Record<string, Subject>> = { BOOKING: 'stay', DIGITAL: 'digital', TOPUP: 'topUp' };

/** Goods beside downloads are goods: they are sent. */
export function subjectOf({ type, lines }: Pick<Order, 'type' | 'lines'>): Subject {
  const known = subjects[type.code];
  if (known !== undefined) return known;
  return lines.length > 0 && lines.every(({ product }) => product?.kind === 'DIGITAL') ? 'digital' : 'goods';
}

/** The words for what this order is about. */
export const words = (order: Pick<Order, 'type' | 'lines'>) => t().orders.subjects[subjectOf(order)];

/** How the delivery stands, for people; null where the state says it already. */
export function deliveryText(order: Pick<Order, 'type' | 'lines' | 'fulfilmentStatus' | 'state'>): string | null {
  if (subjectOf(order) !== 'goods') return null;
  return t().orders.deliveries[order.fulfilmentStatus] ?? null;
}

export const paymentText = ({ paymentStatus }: Pick<Order, 'paymentStatus'>): string =>
  t().orders.paymentStates[paymentStatus];

export const methodText = (method: Payment['method']): string => t().orders.methods[method];

/** States in which nothing more becomes of an order. */
export const isOver = (state: OrderState): boolean =>
  ['COMPLETED', 'LAPSED', 'CANCELLED', 'EXPIRED', 'FAILED', 'REFUNDED'].includes(state);

export const returnTones: Readonly<Record<ReturnState, 'good' | 'bad' | 'wait' | ''>> = {
  REQUESTED: 'wait',
  APPROVED: 'wait',
  REJECTED: 'bad',
  RECEIVED: 'good',
  REFUNDED: 'good',
  CANCELLED: '',
};
