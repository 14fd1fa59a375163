import { type Viewer, isStaff, requireUser } from '../../shared/auth.ts';
import { write } from '../../shared/database.ts';
import {
  type Refusal,
  RefusedError,
  forbiddenError,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors.ts';
import { failPoint } from '../../shared/fail-point.ts';
import { type Claim, claimKey } from '../../shared/idempotency.ts';
import { idToBytes, isId, newNumber } from '../../shared/ids.ts';
import type { MoneyJson } from '../../shared/money.ts';
import { type PaymentDeps, providerNamed, transact } from '../context.ts';
import { decideRefund } from '../domain/payment.ts';
import { type ProviderRefund, ProviderRefused, ProviderUnreachable } from '../providers/provider.ts';
import type { RefundRow, Source } from '../records.ts';
import { findAttempt, findRefund, insertRefund, lockPayment, savePayment } from '../store.ts';
import { applyRefund, capturedAttemptId } from './apply-fact.ts';

export type RefundInput = { readonly paymentId: string; readonly amount: MoneyJson; readonly reason: string };
export type RefundPayload = {
  readonly refund: RefundRow | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

const maxReasonLength = 255;
/** The inline call has ended by then; afterwards the job tries. */
const firstTrySeconds = 10;

const refused = (userErrors: readonly Refusal[]): RefundPayload => ({ refund: null, replayed: false, userErrors });

/**
 * Gives money back. The refund is charged to the payment under its lock before the provider is told, so refunds at the same
 * time can't exceed what came in. A provider that does not answer now is told later by the job: the refund is then REQUESTED or PENDING.
 */
export async function refundPayment(
  deps: PaymentDeps,
  viewer: Viewer,
  input: RefundInput,
  idempotencyKey: string,
): Promise<RefundPayload> {
  const user = requireUser(viewer);
  if (!isStaff(viewer)) return refused([forbiddenError('Only staff may refund payments.')]);
  return orRefusals(async () => {
    checkInput(input);
    const claim: Claim = { ownerId: user.userId, operation: 'refundPayment', key: idempotencyKey, input };
    const { replayed, result } = await store(deps, claim, input, user.userId);
    if (!replayed) await executeNow(deps, result.refundId);
    return { refund: await findRefund(deps.db.em(), result.refundId), replayed, userErrors: [] };
  }, refused);
}

function checkInput({ amount, reason }: RefundInput): void {
  if (amount.amount <= 0)
    throw new RefusedError(validationError('A refund is at least 1 minor unit.', ['input', 'amount', 'amount']));
  if (reason.trim().length === 0 || reason.length > maxReasonLength) {
    throw new RefusedError(validationError(`A reason has 1 to ${maxReasonLength} characters.`, ['input', 'reason']));
  }
}

const store = (deps: PaymentDeps, claim: Claim, input: RefundInput, userId: string) =>
  transact(deps, async (unit) => {
    const claimed = await claimKey(unit.sql, claim, { refundId: deps.newId() });
    if (claimed.replayed) return claimed;
    const payment = isId(input.paymentId) ? await lockPayment(unit.sql, input.paymentId) : null;
    if (!payment)
      throw new RefusedError(notFoundError('There is no such payment.', input.paymentId, ['input', 'paymentId']));
    if (input.amount.currency !== payment.currency) {
      throw new RefusedError(
        validationError(`The payment is in ${payment.currency}.`, ['input', 'amount', 'currency']),
      );
    }
    const amountMinor = BigInt(input.amount.amount);
    const decision = decideRefund(payment, amountMinor);
    if ('refusal' in decision) throw new RefusedError(decision.refusal);
    const at = deps.now();
    const { refundId } = claimed.result;
    await insertRefund(
      unit,
      {
        id: refundId,
        number: newNumber('RF', at),
        attemptId: await capturedAttemptId(unit, payment.id),
        amountMinor,
        reason: input.reason,
        automatic: false,
        surplus: false,
        requestedBy: userId,
        createdAt: at,
      },
      payment,
      firstTrySeconds,
    );
    await savePayment(unit, payment, decision.events, { source: 'api', at, data: { refundId } });
    return claimed;
  });

async function executeNow(deps: PaymentDeps, refundId: string): Promise<void> {
  try {
    await executeRefund(deps, refundId, 'api');
  } catch (error) {
    if (!(error instanceof ProviderUnreachable)) throw error;
    deps.log.warn({ err: error.message, refundId }, 'the provider does not answer; the refund is tried again');
  }
}

/**
 * Tells the provider of a refund and stores its answer. Re-entrant: the refund's id is its key there, and one that has ended
 * is left alone. Rejects with ProviderUnreachable.
 */
export async function executeRefund(deps: PaymentDeps, refundId: string, source: Source): Promise<void> {
  const refund = await findRefund(deps.db.em(), refundId);
  if (!refund || refund.state === 'SUCCEEDED' || refund.state === 'FAILED') return;
  const attempt = await findAttempt(deps.db.em(), refund.attemptId);
  if (!attempt?.providerIntentId) throw new Error('money that came in has an intent at the provider');
  if (refund.state === 'REQUESTED') {
    await write(deps.db.em(), "update refund set state = 'PENDING' where id = ? and state = 'REQUESTED'", [
      idToBytes(refundId),
    ]);
  }
  const result = await askProvider(deps, refund, { provider: attempt.provider, intentId: attempt.providerIntentId });
  failPoint('payment.refund_sent');
  await transact(deps, (unit) => applyRefund(unit, deps, refundId, result, { source, at: deps.now() }));
}

async function askProvider(
  deps: PaymentDeps,
  refund: RefundRow,
  at: { provider: string; intentId: string },
): Promise<ProviderRefund> {
  try {
    const amount = { amount: refund.amountMinor, currency: refund.currency };
    return await providerNamed(deps, at.provider).refund({
      id: refund.id,
      intentId: at.intentId,
      amount,
      reason: refund.reason,
    });
  } catch (error) {
    if (!(error instanceof ProviderRefused)) throw error;
    deps.log.error(
      { err: error.message, code: error.code, refundId: refund.id },
      'the provider refuses a refund: somebody has to look at it',
    );
    return { id: '', result: 'failed', failure: `${error.code}: ${error.message}` };
  }
}
