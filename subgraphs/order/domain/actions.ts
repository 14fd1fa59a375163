import type { TypeRules } from './type-rules.ts';
import { effectiveState } from './order.ts';
import { type Order, closedStates, terminalStates } from './order-model.ts';
import { mayCancel } from './giving-back.ts';
import { isGivenBack, refundableMinor } from './paying.ts';
import { refundable } from './refunding.ts';
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
  // Orders of their own are handled by another member of staff.
  const others = who.staff && !who.owner;
  const actions: [OrderAction, boolean][] = [
    ['PAY', who.owner && state === 'PENDING_PAYMENT'],
    ['CANCEL', (who.owner || who.staff) && mayCancel(order, state)],
    ['REDEEM', others && type.redeemable && state === 'PAID' && !isGivenBack(order)],
    ['ADVANCE', others && ready && !type.redeemable],
    [
      'FULFIL',
      others &&
        ready &&
        !isGivenBack(order) &&
        (order.fulfilmentStatus === 'UNFULFILLED' || order.fulfilmentStatus === 'PARTIALLY_FULFILLED'),
    ],
    ['RETURN', who.mayReturn ?? false],
    ['REFUND', others && refundable.some((one) => one === state) && refundableMinor(order) > 0n],
    ['ARCHIVE', (who.owner || who.staff) && terminalStates.includes(order.state) && order.archivedAt === null],
    ['RETRY', others && sagaState === 'STUCK'],
    ['RESOLVE', others && state === 'NEEDS_ATTENTION'],
  ];
  return actions.filter(([, allowed]) => allowed).map(([action]) => action);
}
