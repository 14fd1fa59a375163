import { type UserViewer, isStaff, requireUser } from '../../shared/auth/viewer.ts';
import {
  type Refusal,
  RefusedError,
  forbiddenError,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors/errors.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import type { Claimed } from '../../shared/tables/idempotency.ts';
import { type Asker, recordAct } from '../../shared/tables/staff-acts.ts';
import { isId, newNumber } from '../../shared/values/ids.ts';
import { type MoneyJson, money } from '../../shared/values/money.ts';
import { brokenTextRule } from '../../shared/values/text.ts';
import { transact } from '../unit.ts';
import { type PaymentDeps, providerNamed } from '../deps.ts';
import { decideRefund } from '../domain/refund.ts';
import { type KnownAttempt, type ProviderRefund, ProviderRefused, ProviderUnreachable } from '../providers/provider.ts';
import type { AttemptRow, RefundRow, Source } from '../records.ts';
import { byOneOrTwo, claimByOneOrTwo, ownRefusal, requireWithin } from '../../shared/tables/second-person.ts';
import { refundedLately } from '../staff-sums.ts';
import { capturedAttemptId, findAttempt, walletProvider } from '../attempt-store.ts';
import { findPayment, lockPayment } from '../payment-store.ts';
import { findRefund, insertRefund, startTry } from '../refund-store.ts';
import { requireStep } from './create-payment.ts';
import { applyRefund, refundKey } from './apply-refund.ts';
import { savePayment } from './save-payment.ts';
import { knownAttempt } from './submit-attempt.ts';

export type RefundInput = { readonly paymentId: string; readonly amount: MoneyJson; readonly reason: string };
export type RefundPayload = {
  readonly refund: RefundRow | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

const maxReasonLength = 255;
/** The inline call has ended by then; afterwards the job tries. */
const firstTrySeconds = 10;

export const refusedRefund = (userErrors: readonly Refusal[]): RefundPayload => ({
  refund: null,
  replayed: false,
  userErrors: userErrors.map((refusal) => (refusal.code === 'INSUFFICIENT_BALANCE' ? spentTopUp(refusal) : refusal)),
});

/** A top-up is given back out of the wallet that it filled, so no more than is still there. */
const spentTopUp = ({ balance }: Refusal): Refusal => ({
  __typename: 'RefundLimitError',
  code: 'REFUND_LIMIT',
  message: 'This is more than is left in the wallet that the payment topped up.',
  path: ['input', 'amount'],
  refundable: balance,
});

/**
 * Gives money back. The refund is charged to the payment under its lock before the provider is told, so refunds at the same
 * time can't exceed what came in. A provider that does not answer now is told later by the job: the refund is then REQUESTED or PENDING.
 */
export async function refundPayment(
  deps: PaymentDeps,
  asker: Asker,
  input: RefundInput,
  idempotencyKey: string,
): Promise<RefundPayload> {
  const user = requireUser(asker.viewer);
  if (!isStaff(asker.viewer)) return refusedRefund([forbiddenError('Only staff may refund payments.')]);
  return orRefusals(async () => {
    checkInput(input);
    const isLarge = BigInt(input.amount.amount) > deps.staffApprovalAboveMinor;
    const stored = await byOneOrTwo(isLarge, (byTwo) =>
      store(deps, { staff: user, asker }, { input, key: idempotencyKey, byTwo }),
    );
    failPoint('payment.refund_stored');
    if ('refusal' in stored) return refusedRefund([stored.refusal]);
    const { replayed, result } = stored;
    if (!replayed) await executeNow(deps, result.refundId);
    return { refund: await findRefund(deps.db.em(), result.refundId), replayed, userErrors: [] };
  }, refusedRefund);
}

function checkInput({ amount, reason }: RefundInput): void {
  if (amount.amount <= 0)
    throw new RefusedError(validationError('A refund is at least 1 minor unit.', ['input', 'amount', 'amount']));
  const broken = brokenTextRule(reason, { min: 1, max: maxReasonLength, lines: true });
  if (broken !== null) throw new RefusedError(validationError(`A reason ${broken}.`, ['input', 'reason']));
}

type Stored = Claimed<{ readonly refundId: string }> | { readonly refusal: Refusal };

const store = (
  deps: PaymentDeps,
  { staff, asker }: { staff: UserViewer; asker: Asker },
  { input, key, byTwo }: { input: RefundInput; key: string; byTwo: boolean },
): Promise<Stored> =>
  transact(deps, async (unit) => {
    const given = { operation: 'refundPayment', key, input };
    const limit = money(deps.staffApprovalAboveMinor, input.amount.currency);
    const wanted = { ...given, limit, path: ['input', 'amount', 'amount'], byTwo };
    const refund = { refundId: deps.newId(isId(input.paymentId) ? input.paymentId : undefined) };
    const claimed = await claimByOneOrTwo(unit.sql, staff, wanted, refund);
    if ('refusal' in claimed) {
      // What can't be done is not for a second person to look at.
      const asked = isId(input.paymentId) ? await findPayment(unit.sql, input.paymentId) : null;
      const decision = asked ? decideRefund(asked, BigInt(input.amount.amount)) : null;
      if (decision && 'refusal' in decision) throw new RefusedError(decision.refusal);
      return claimed;
    }
    if (claimed.replayed) return claimed;
    const payment = isId(input.paymentId) ? await lockPayment(unit.sql, input.paymentId) : null;
    if (!payment)
      throw new RefusedError(notFoundError('There is no such payment.', input.paymentId, ['input', 'paymentId']));
    const refusal = ownRefusal(staff, payment.customerId);
    if (refusal) throw new RefusedError(refusal);
    if (input.amount.currency !== payment.currency) {
      throw new RefusedError(
        validationError(`The payment is in ${payment.currency}.`, ['input', 'amount', 'currency']),
      );
    }
    const amountMinor = BigInt(input.amount.amount);
    requireStep(deps, payment, amountMinor, ['input', 'amount', 'amount']);
    const decision = decideRefund(payment, amountMinor);
    if ('refusal' in decision) throw new RefusedError(decision.refusal);
    const at = deps.now();
    const { refundId } = claimed.result;
    await insertRefund(
      unit.sql,
      {
        id: refundId,
        number: newNumber('RF', at),
        attemptId: await capturedAttemptId(unit.sql, payment.id),
        amountMinor,
        reason: input.reason,
        automatic: false,
        surplus: false,
        requestedBy: staff.userId,
        createdAt: at,
      },
      payment,
      firstTrySeconds,
    );
    await savePayment(unit, payment, decision.events, { source: 'api', at, data: { refundId } });
    if (!byTwo) requireWithin(limit, await refundedLately(unit.sql, payment, at));
    await recordAct(unit.sql, deps, asker, {
      action: 'payment.refunded',
      subject: `payment:${payment.id}`,
      before: { refundedMinor: payment.refundedMinor },
      after: { refundId, amountMinor, currency: payment.currency, askedBy: claimed.askedBy },
    });
    unit.wake('outbox');
    return claimed;
  });

async function executeNow(deps: PaymentDeps, refundId: string): Promise<void> {
  try {
    await executeRefund(deps, refundId, 'api');
  } catch (error) {
    if (!(error instanceof ProviderUnreachable)) throw error;
    deps.log.debug({ err: error.message, refundId }, 'the provider does not answer; the refund is tried again');
  }
}

/**
 * Tells the provider of a refund, or asks what became of it, and stores the answer. Re-entrant: each try has its key there,
 * and a refund that has ended is left alone. Rejects with ProviderUnreachable.
 */
export async function executeRefund(deps: PaymentDeps, refundId: string, source: Source): Promise<void> {
  const started = await startTry(deps.db.em(), refundId);
  failPoint('payment.refund_started');
  const refund = started ? await findRefund(deps.db.em(), refundId) : null;
  if (!refund) return;
  const attempt = await findAttempt(deps.db.em(), refund.attemptId);
  const payment = await findPayment(deps.db.em(), refund.paymentId);
  if (!payment || !attempt?.providerIntentId) throw new Error('money that came in has an intent at the provider');
  const result = await askProvider(deps, refund, knownAttempt(payment, attempt, attempt.providerIntentId), attempt);
  failPoint('payment.refund_sent');
  const told = { provider: attempt.provider, key: refundKey(refund), result };
  await transact(deps, (unit) => applyRefund(unit, deps, told, { source, at: deps.now() }));
  failPoint('payment.refund_applied');
}

async function askProvider(
  deps: PaymentDeps,
  refund: RefundRow,
  known: KnownAttempt,
  { provider }: AttemptRow,
): Promise<ProviderRefund> {
  // What was paid by wallet goes back there, with the answer's transaction.
  if (provider === walletProvider) return { id: `refund:${refund.id}`, result: 'succeeded' };
  try {
    return await providerNamed(deps, provider).refund({
      key: refundKey(refund),
      providerRefundId: refund.providerRefundId ?? null,
      attempt: known,
      amount: { amount: refund.amountMinor, currency: refund.currency },
      reason: refund.reason,
    });
  } catch (error) {
    if (!(error instanceof ProviderRefused)) throw error;
    // It refuses the question, not the refund, which it has accepted and may still do: another one could be the second.
    if (refund.providerRefundId) throw new ProviderUnreachable(`${provider}: ${error.code}`, { cause: error });
    deps.log.error({ err: error.message, code: error.code, refundId: refund.id }, 'the provider refuses a refund');
    return { id: '', result: 'failed', code: error.code, failure: `${error.code}: ${error.message}` };
  }
}
