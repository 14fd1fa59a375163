import { type Viewer, requireUser } from '../../shared/auth/viewer.ts';
import { RefusedError, orRefusals, validationError } from '../../shared/errors/errors.ts';
import { type Claim, claimKey, findKey } from '../../shared/tables/idempotency.ts';
import { newNumber } from '../../shared/values/ids.ts';
import { money } from '../../shared/values/money.ts';
import { transact } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { isClosed, isUnpaid } from '../domain/payment.ts';
import { requirePayableOrder } from '../orders.ts';
import { orderNotPayable, paymentInProgress } from '../domain/refusals.ts';
import type { PaymentProvider } from '../providers/provider.ts';
import type { AttemptRow, PaymentRow } from '../records.ts';
import { findLiveAttempt, insertAttempt } from '../attempt-store.ts';
import { lockPayment } from '../payment-store.ts';
import { applyFact } from './apply-fact.ts';
import { type PaymentPayload, refusedPayment, requireMethod, requirePayment, requireTaken } from './create-payment.ts';
import { type Started, firstCheckSeconds } from './start-parts.ts';
import { savePayment } from './save-payment.ts';
import { type EndedIntent, asRefusal, endIntent, findAttempted, submitOrRefuse } from './submit-attempt.ts';

/** Starts another attempt of a FAILED payment, after the earlier one's intent has been called off at the provider. */
export async function retryPayment(
  deps: PaymentDeps,
  caller: { viewer: Viewer; traceId: string },
  paymentId: string,
  idempotencyKey: string,
): Promise<PaymentPayload> {
  const user = requireUser(caller.viewer);
  return orRefusals(async () => {
    const claim: Claim = { ownerId: user.userId, operation: 'retryPayment', key: idempotencyKey, input: { paymentId } };
    const earlier = await findKey<Started>(deps.db.em(), claim);
    if (earlier) return submitted(deps, earlier, true);

    const payment = await requirePayment(deps, paymentId, ({ customerId }) => customerId === user.userId);
    requireRetryable(payment);
    const provider = requireMethod(deps, payment.method);
    await requirePayableOrder(deps, user, payment.orderId, caller.traceId);
    requireTaken(provider, payment.method, money(payment.amountMinor, payment.currency));
    const attempt = await findLiveAttempt(deps.db.em(), payment.id);
    const ended = attempt ? await endEarlier(deps, payment, attempt) : null;
    const { replayed, result } = await store(deps, { claim, provider, payment, attempt, ended });
    return submitted(deps, result, replayed);
  }, refusedPayment);
}

async function submitted(deps: PaymentDeps, started: Started, replayed: boolean): Promise<PaymentPayload> {
  const { payment } = await submitOrRefuse(deps, await findAttempted(deps.db.em(), started));
  return { payment, replayed, userErrors: [] };
}

function requireRetryable(payment: PaymentRow): void {
  if (payment.state === 'FAILED') return;
  if (isClosed(payment.state)) {
    throw new RefusedError(validationError(`The payment is ${payment.state}; create a new one.`, ['paymentId']));
  }
  throw new RefusedError(isUnpaid(payment.state) ? paymentInProgress(payment) : orderNotPayable('PAID'));
}

async function endEarlier(deps: PaymentDeps, payment: PaymentRow, attempt: AttemptRow): Promise<EndedIntent> {
  const ended = await asRefusal(attempt.provider, endIntent(deps, payment, attempt));
  if (ended.fact.type !== 'succeeded') return ended;
  const about = { provider: attempt.provider, attemptId: attempt.id, ...ended };
  await transact(deps, (unit) => applyFact(unit, deps, about, { source: 'poll', at: deps.now() }));
  throw new RefusedError(orderNotPayable('PAID'));
}

type Retry = {
  claim: Claim;
  provider: PaymentProvider;
  payment: PaymentRow;
  attempt: AttemptRow | null;
  ended: EndedIntent | null;
};

const store = (deps: PaymentDeps, { claim, provider, payment: { id: paymentId }, attempt, ended }: Retry) =>
  transact(deps, async (unit) => {
    const started: Started = { paymentId, attemptId: deps.newId(paymentId) };
    const claimed = await claimKey(unit.sql, claim, started);
    if (claimed.replayed) return claimed;
    const at = deps.now();
    const cause = { source: 'api', at } as const;
    if (attempt && ended)
      await applyFact(unit, deps, { provider: attempt.provider, attemptId: attempt.id, ...ended }, cause);
    const payment = await lockPayment(unit.sql, paymentId);
    if (!payment) throw new Error('a payment that was read is gone');
    requireRetryable(payment);
    await savePayment(unit, payment, [{ type: 'PaymentRetried' }], {
      ...cause,
      data: { attemptId: started.attemptId },
    });
    await insertAttempt(
      unit.sql,
      { id: started.attemptId, number: newNumber('PA', at), paymentId, provider: provider.name, createdAt: at },
      firstCheckSeconds,
    );
    return claimed;
  });
