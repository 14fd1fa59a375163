import type { Refusal } from '../../shared/errors/errors.ts';
import type { Decision, Order } from './order-model.ts';
import { isGivenBack } from './paying.ts';

/*
 * Orders that are used by their confirmation code: a paid one is redeemed at check-in, or lapses when its time is over. One
 * whose money went back is neither: it is refunded.
 */

/** The buyer sees the confirmation code while it is good, and afterwards what it was. */
export const showsCode = (order: Order): boolean =>
  (order.state === 'PAID' || order.state === 'COMPLETED') && !isGivenBack(order);

/** A paid order is used; `refused` where it is not paid. */
export const decideRedemption = (order: Order, refused: Decision): Decision => {
  if (order.state === 'COMPLETED') return { events: [] };
  if (order.state !== 'PAID') return refused;
  return isGivenBack(order) ? { refusal: refundedError } : { events: [{ type: 'OrderRedeemed' }] };
};

/** A paid order whose time is over lapses; nothing happens before. `refused` where it is not paid. */
export const decideLapse = (order: Order, at: Date, refused: Decision): Decision => {
  if (order.state === 'LAPSED') return { events: [] };
  if (order.state !== 'PAID') return refused;
  const over = order.lapsesAt !== null && at.getTime() >= order.lapsesAt.getTime();
  return { events: over && !isGivenBack(order) ? [{ type: 'OrderLapsed' }] : [] };
};

/** Nothing is given for money that is not here any more. */
export const refundedError = {
  __typename: 'BusinessRejectedError',
  code: 'BUSINESS_REJECTED',
  message: 'The money of this order went back, so nothing of it is delivered and its code is not good any more.',
  cause: 'ORDER_REFUNDED',
} satisfies Refusal;
