import type { TypeRules } from './type-rules.ts';
import { effectiveState } from './order.ts';
import { type Order, closedStates, terminalStates } from './order-model.ts';
import { mayCancel } from './giving-back.ts';
import { isRefunded } from './redemption.ts';
import type { SagaState } from './saga.ts';

export type OrderAction = 'PAY' | 'CANCEL' | 'REDEEM' | 'ADVANCE' | 'FULFIL' | 'RETURN' | 'REFUND' | 'ARCHIVE' | 'RETRY' | 'RESOLVE'; // prettier-ignore

/** Whether the order's saga may wait for staff: undoing goes on after the order is closed. Only then has it to be read. */
export const mayBeStuck = (order: Pick<Order, 'state'>): boolean => closedStates.includes(order.state);

/** What somebody may do with the order now. `sagaState`: null where it is not known, as where `mayBeStuck` says no. */
export function allowedActions(
  order: Order,
  at: Date,
  who: { owner: boolean; staff: boolean; mayReturn?: boolean },
  type: Pick<TypeRules, 'redeemable'>,
  sagaState: SagaState | null = null,
): OrderAction[] {
  const state = effectiveState(order, at);
  const ready = state === 'PAID' || state === 'PROCESSING';
  const actions: [OrderAction, boolean][] = [
    ['PAY', who.owner && state === 'PENDING_PAYMENT'],
    ['CANCEL', mayCancel(order, state)],
    ['REDEEM', who.staff && type.redeemable && state === 'PAID' && !isRefunded(order)],
    ['ADVANCE', who.staff && ready && !type.redeemable],
    [
      'FULFIL',
      who.staff &&
        ready &&
        (order.fulfilmentStatus === 'UNFULFILLED' || order.fulfilmentStatus === 'PARTIALLY_FULFILLED'),
    ],
    ['RETURN', who.mayReturn ?? false],
    ['REFUND', who.staff && order.paidMinor > order.refundedMinor],
    ['ARCHIVE', terminalStates.includes(state) && order.archivedAt === null],
    ['RETRY', who.staff && sagaState === 'STUCK'],
    ['RESOLVE', who.staff && state === 'NEEDS_ATTENTION'],
  ];
  return actions.filter(([, allowed]) => allowed).map(([action]) => action);
}
