import { enterAction, enterCompensation } from '../../shared/tables/barrier.ts';
import { RefusedError, badUserInput, branchCompensated } from '../../shared/errors/errors.ts';
import { isId } from '../../shared/values/ids.ts';
import { isCurrency } from '../../shared/values/currencies.ts';
import { type MoneyJson, moneyFromJson } from '../../shared/values/money.ts';
import { transact } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { findWalletPayment, lockPayment } from '../payment-store.ts';
import { refundRest } from './apply-fact.ts';
import { insertWalletPayment } from './start-parts.ts';

/** A saga's step as the order service names it, and the order that it is about. */
export type Step = { readonly sagaId: string; readonly branch: string; readonly orderId: string };
export type ChargeInput = Step & { readonly customerId: string; readonly amount: MoneyJson };
export type ChargeResult = {
  readonly ok: boolean;
  readonly paymentId: string | null;
  readonly paidAt: Date | null;
  /** What the wallet has and what was needed, where that was too little. */
  readonly balance: MoneyJson | null;
  readonly required: MoneyJson | null;
};

const maxBranchLength = 64;

/**
 * Pays an order from its customer's wallet: all of it, or nothing and what there is instead. Repeated, it gives the same answer
 * without taking more. The order service learns of it by this answer alone, so no event tells. Throws BRANCH_COMPENSATED when
 * the step was undone before, and BAD_USER_INPUT for arguments that break a rule.
 */
export async function chargeWallet(deps: PaymentDeps, input: ChargeInput, traceId: string): Promise<ChargeResult> {
  checkCharge(input);
  const amount = moneyFromJson(input.amount);
  try {
    return await transact(deps, async (unit) => {
      const turn = await enterAction(unit.sql, input);
      const charged = turn === 'repeated' ? await findWalletPayment(unit.sql, input.orderId) : null;
      if (turn === 'compensated' || (charged && charged.refundingMinor > 0n))
        throw branchCompensated('The charge of this order was undone; nothing is taken.');
      const payment =
        charged ??
        (
          await insertWalletPayment(unit, deps, {
            id: deps.newId(input.customerId),
            orderId: input.orderId,
            customerId: input.customerId,
            amount,
            slot: 0,
            // The saga's barrier says whether it may be charged.
            whileOrder: 'any',
            expiresAt: null,
            traceId,
          })
        ).payment;
      return { ok: true, paymentId: payment.id, paidAt: payment.paidAt ?? null, balance: null, required: null };
    });
  } catch (error) {
    const refusal = error instanceof RefusedError ? error.refusals[0] : undefined;
    if (refusal?.code !== 'INSUFFICIENT_BALANCE') throw error;
    const { balance, required } = refusal as unknown as { balance: MoneyJson; required: MoneyJson };
    return { ok: false, paymentId: null, paidAt: null, balance, required };
  }
}

/**
 * Compensates `chargeWallet` of the same saga and branch: what was taken goes back to the wallet. Without a charge it is
 * recorded, so that a late one is refused; repeated it does nothing.
 */
export async function refundWalletCharge(deps: PaymentDeps, input: Step): Promise<true> {
  checkStep(input);
  await transact(deps, async (unit) => {
    if ((await enterCompensation(unit.sql, input)) !== 'first') return;
    const charged = await findWalletPayment(unit.sql, input.orderId);
    const payment = charged ? await lockPayment(unit.sql, charged.id) : null;
    if (!payment) throw new Error('a charge that was recorded has no payment');
    await refundRest(unit, deps, payment, 'The order could not be placed.');
  });
  return true;
}

function checkStep({ sagaId, branch, orderId }: Step): void {
  if (![sagaId, orderId].every(isId)) throw badUserInput('sagaId and orderId: are canonical UUIDs.');
  if (branch.length < 1 || branch.length > maxBranchLength)
    throw badUserInput(`branch: has 1 to ${maxBranchLength} characters.`);
}

function checkCharge(input: ChargeInput): void {
  checkStep(input);
  if (!isId(input.customerId)) throw badUserInput('customerId: is a canonical UUID.');
  if (input.amount.amount < 1 || !isCurrency(input.amount.currency))
    throw badUserInput('amount: is at least 1 minor unit of an ISO 4217 currency.');
}
