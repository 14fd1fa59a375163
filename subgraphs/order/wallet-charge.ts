import { isUnavailable } from '../shared/errors/errors.ts';
import { CallError } from '../shared/calls/link.ts';
import type { MoneyJson } from '../shared/values/money.ts';
import type { OrderDeps } from './deps.ts';
import type { CompensationFailure, Saga, StepOutcome } from './domain/saga.ts';
import type { StoredOrder } from './stored-order.ts';

/** The step of a prepaid order's saga that takes its money. */
export const chargeBranch = 'charge-wallet';

type ChargeResult = {
  ok: boolean;
  paymentId: string | null;
  paidAt: string | Date | null;
  balance: MoneyJson | null;
  required: MoneyJson | null;
};

const chargeMutation = `mutation ChargeWallet($sagaId: ID!, $branch: String!, $orderId: ID!, $customerId: ID!, $amount: MoneyInput!) {
  chargeWallet(sagaId: $sagaId, branch: $branch, orderId: $orderId, customerId: $customerId, amount: $amount) {
    ok paymentId paidAt balance { amount currency } required { amount currency }
  }
}`;
const refundMutation = `mutation RefundWalletCharge($sagaId: ID!, $branch: String!, $orderId: ID!) {
  refundWalletCharge(sagaId: $sagaId, branch: $branch, orderId: $orderId)
}`;

/** Has payment take the order's total from its customer's wallet. */
export async function charge(deps: OrderDeps, saga: Saga, order: StoredOrder): Promise<StepOutcome> {
  try {
    const { chargeWallet: result } = await deps.call<{ chargeWallet: ChargeResult }>('payment', {
      query: chargeMutation,
      variables: {
        sagaId: saga.id,
        branch: chargeBranch,
        orderId: order.id,
        customerId: order.customerId,
        amount: { amount: Number(order.totalMinor), currency: order.currency },
      },
      traceId: order.traceId,
    });
    const { ok, paymentId, paidAt, balance, required } = result;
    if (!ok) return { kind: 'refused', reason: 'INSUFFICIENT_BALANCE', detail: { balance, required } };
    if (paymentId === null || paidAt === null) throw new Error('a wallet that was charged has a payment');
    return { kind: 'done', payment: { paymentId, paidAt: new Date(paidAt) } };
  } catch (error) {
    if (error instanceof CallError && error.code === 'BRANCH_COMPENSATED')
      return { kind: 'refused', reason: 'SAGA_ROLLBACK', detail: null };
    if (!(error instanceof CallError) && !isUnavailable(error)) throw error;
    return { kind: 'unknown', error: (error as Error).message };
  }
}

/** Has payment give back what `charge` may have taken. */
export async function undoCharge(deps: OrderDeps, saga: Saga, order: StoredOrder): Promise<CompensationFailure | null> {
  try {
    const variables = { sagaId: saga.id, branch: chargeBranch, orderId: order.id };
    await deps.call('payment', { query: refundMutation, variables, traceId: order.traceId });
    return null;
  } catch (error) {
    if (!(error instanceof CallError) && !isUnavailable(error)) throw error;
    return { error: (error as Error).message, answered: !isUnavailable(error) };
  }
}
