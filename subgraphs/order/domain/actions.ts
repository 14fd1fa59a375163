import type { OrderType } from '../types/order-type.ts';
import { type Order, effectiveState, terminalStates } from './order.ts';
import { netMinor } from './paying.ts';
import { isRefunded } from './redemption.ts';

export type OrderAction = 'PAY' | 'CANCEL' | 'REDEEM' | 'ADVANCE' | 'FULFIL' | 'REFUND' | 'ARCHIVE' | 'RESOLVE';

/** What somebody may do with the order now. */
export function allowedActions(
  order: Order,
  at: Date,
  who: { owner: boolean; staff: boolean },
  type: Pick<OrderType, 'redeemable'>,
): OrderAction[] {
  const state = effectiveState(order, at);
  const ready = state === 'PAID' || state === 'PROCESSING';
  const actions: [OrderAction, boolean][] = [
    ['PAY', who.owner && state === 'PENDING_PAYMENT'],
    ['CANCEL', state === 'PENDING_PAYMENT' && netMinor(order) === 0n],
    ['REDEEM', who.staff && type.redeemable && state === 'PAID' && !isRefunded(order)],
    ['ADVANCE', who.staff && ready && !type.redeemable],
    [
      'FULFIL',
      who.staff &&
        ready &&
        (order.fulfilmentStatus === 'UNFULFILLED' || order.fulfilmentStatus === 'PARTIALLY_FULFILLED'),
    ],
    ['REFUND', who.staff && order.paidMinor > order.refundedMinor],
    ['ARCHIVE', terminalStates.includes(state) && order.archivedAt === null],
    ['RESOLVE', who.staff && state === 'NEEDS_ATTENTION'],
  ];
  return actions.filter(([, allowed]) => allowed).map(([action]) => action);
}
