import type { MoneyJson } from '../../shared/values/money.ts';
import type { Step } from './step.ts';

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

const branchId = 'charge-wallet';

/** Payment takes a prepaid order's total from its customer's wallet, and gives back what it may have taken. */
export const chargeWallet: Step = {
  branchId,
  service: 'payment',
  action: 'chargeWallet',
  failPoint: 'order.charged',
  async act(deps, { saga, order }) {
    const { chargeWallet: result } = await deps.call<{ chargeWallet: ChargeResult }>('payment', {
      query: chargeMutation,
      variables: {
        sagaId: saga.id,
        branch: branchId,
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
  },
  async undo(deps, { saga, order }) {
    const variables = { sagaId: saga.id, branch: branchId, orderId: order.id };
    await deps.call('payment', { query: refundMutation, variables, traceId: order.traceId });
  },
};
