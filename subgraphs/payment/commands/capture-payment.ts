import { type UserViewer, isStaff, requireUser } from '../../shared/auth/viewer.ts';
import { type Refusal, RefusedError, forbiddenError, orRefusals, validationError } from '../../shared/errors/errors.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import type { Claim } from '../../shared/tables/idempotency.ts';
import { type Asker, recordAct } from '../../shared/tables/staff-acts.ts';
import { type MoneyJson, money, moneyFromJson } from '../../shared/values/money.ts';
import { type Unit, transact } from '../unit.ts';
import { type PaymentDeps, providerNamed } from '../deps.ts';
import { decideArrival, decideCapture, isUnpaid } from '../domain/payment.ts';
import { type Intent, ProviderRefused } from '../providers/provider.ts';
import { providerError } from '../domain/refusals.ts';
import { claimByOneOrTwo, ownRefusal } from '../../shared/tables/second-person.ts';
import type { AttemptRow, PaymentRow, Source } from '../records.ts';
import { findLiveAttempt } from '../attempt-store.ts';
import { findPayment, lockPayment } from '../payment-store.ts';
import { applyFact } from './apply-fact.ts';
import { type PaymentPayload, refusedPayment, requirePayment, requireStep } from './create-payment.ts';
import { type Cause, savePayment } from './save-payment.ts';
import { asRefusal, knownAttempt } from './submit-attempt.ts';

export type CaptureInput = { readonly paymentId: string; readonly amount?: MoneyJson | null };

/**
 * Takes what a provider holds for us, all or a part of it; the rest is let go. Of a bank transfer it notes that the money has
 * arrived. Staff only. What is to be captured is stored
 * before the provider is told, so that the job, or the same key, completes what a crash or an unreachable provider left.
 */
export async function capturePayment(
  deps: PaymentDeps,
  asker: Asker,
  input: CaptureInput,
  idempotencyKey: string,
): Promise<PaymentPayload> {
  const user = requireUser(asker.viewer);
  if (!isStaff(asker.viewer)) return refusedPayment([forbiddenError('Only staff may capture payments.')]);
  return orRefusals(async () => {
    const found = await requirePayment(deps, input.paymentId, () => true);
    const { id } = found;
    const own = ownRefusal(user, found.customerId);
    if (own) throw new RefusedError(own);
    const stored = await store(deps, { user, asker }, { found, amount: input.amount ?? null, given: { operation: 'capturePayment', key: idempotencyKey, input } }); // prettier-ignore
    if ('refusal' in stored) return refusedPayment([stored.refusal]);
    const { replayed } = stored;
    failPoint('payment.capture_stored');
    const attempt = await findLiveAttempt(deps.db.em(), id);
    if (attempt) await asRefusal(attempt.provider, executeCapture(deps, id, 'api'));
    return { payment: await findPayment(deps.db.em(), id), replayed, userErrors: [] };
  }, refusedPayment);
}

type Capture = {
  readonly found: PaymentRow;
  readonly amount: MoneyJson | null;
  readonly given: Omit<Claim, 'ownerId'>;
};

/**
 * That money has come by a way on which nobody else tells is as good as a credit: more than `STAFF_APPROVAL_ABOVE` takes two people.
 */
const claimCapture = (deps: PaymentDeps, unit: Unit, user: UserViewer, { found, given }: Capture) => {
  const limit = money(deps.staffApprovalAboveMinor, found.currency);
  const byTwo = deps.providers.get(found.method)?.offline === true && found.amountMinor > limit.amount;
  return claimByOneOrTwo(unit.sql, user, { ...given, limit, path: ['paymentId'], byTwo }, { paymentId: found.id });
};

const store = (
  deps: PaymentDeps,
  { user, asker }: { user: UserViewer; asker: Asker },
  capture: Capture,
): Promise<{ readonly replayed: boolean } | { readonly refusal: Refusal }> =>
  transact(deps, async (unit) => {
    const { amount } = capture;
    const paymentId = capture.found.id;
    const claimed = await claimCapture(deps, unit, user, capture);
    if ('refusal' in claimed) {
      // What can't be done is not for a second person to look at.
      const decision = decideArrival(capture.found, amount === null ? null : moneyFromJson(amount));
      if ('refusal' in decision) throw new RefusedError(decision.refusal);
      return claimed;
    }
    const { replayed, askedBy } = claimed;
    if (replayed) return { replayed };
    const payment = await lockPayment(unit.sql, paymentId);
    if (!payment) throw new Error('a payment that was read is gone');
    if (payment.method === 'WALLET') {
      throw new RefusedError(validationError('A wallet part is captured with the rest of its payment.', ['paymentId']));
    }
    const attempt = await findLiveAttempt(unit.sql, paymentId);
    const offline = attempt !== null && providerNamed(deps, attempt.provider).offline;
    const decide = offline ? decideArrival : decideCapture;
    const decision = decide(payment, amount === null ? null : moneyFromJson(amount));
    if ('refusal' in decision) throw new RefusedError(decision.refusal);
    if (amount !== null) requireStep(deps, payment, BigInt(amount.amount), ['amount', 'amount']);
    const cause: Cause = { source: 'api', at: deps.now(), data: { capturedBy: user.userId } };
    const after = await savePayment(unit, payment, decision.events, cause);
    if (offline) await bookArrival(unit, deps, { payment: after, attempt }, cause);
    await recordAct(unit.sql, deps, asker, {
      action: 'payment.captured',
      subject: `payment:${paymentId}`,
      before: { state: payment.state },
      after: { amountMinor: amount?.amount ?? payment.amountMinor, currency: payment.currency, askedBy },
    });
    unit.wake('outbox');
    return { replayed };
  });

/**
 * Money that staff have seen counts in the transaction that says so: were the order closed or the payment cancelled between
 * the two, it would be with us and in no book. No network is asked: staff are this provider.
 */
async function bookArrival(
  unit: Unit,
  deps: PaymentDeps,
  { payment, attempt }: { payment: PaymentRow; attempt: AttemptRow },
  cause: Cause,
): Promise<void> {
  const { intent } = await askProvider(deps, payment, attempt, attempt.providerIntentId ?? attempt.number);
  if (!intent.fact) throw new Error(`${attempt.provider} does not say that the money came`);
  const about = { provider: attempt.provider, attemptId: attempt.id, intentId: intent.id, fact: intent.fact };
  await applyFact(unit, deps, about, cause);
}

/**
 * Tells the provider of a capture that was decided, and stores its answer; nothing where none is open. Re-entrant: a payment
 * is captured once there. Rejects with ProviderUnreachable, and with RefusedError where the provider says no.
 */
export async function executeCapture(deps: PaymentDeps, paymentId: string, source: Source): Promise<void> {
  const payment = await findPayment(deps.db.em(), paymentId);
  const attempt = payment && (await findLiveAttempt(deps.db.em(), paymentId));
  if (!payment || !isUnpaid(payment.state) || payment.capturingMinor === 0n || !attempt?.providerIntentId) return;
  const { intent, refused } = await askProvider(deps, payment, attempt, attempt.providerIntentId);
  failPoint('payment.capture_sent');
  await transact(deps, async (unit) => {
    const cause = { source, at: deps.now() };
    const about = { provider: attempt.provider, attemptId: attempt.id, intentId: intent.id };
    if (intent.fact) await applyFact(unit, deps, { ...about, fact: intent.fact }, cause);
    if (!refused) return;
    const after = await lockPayment(unit.sql, paymentId);
    // It is still held, and can be captured with another amount.
    if (after?.state === 'AUTHORIZED' && after.capturingMinor > 0n) {
      await savePayment(unit, after, [{ type: 'CaptureRefused', code: refused.code }], cause);
    }
  });
  if (refused && intent.fact?.type !== 'succeeded') {
    throw new RefusedError(providerError(attempt.provider, false, `The provider refuses the capture: ${refused.message}`)); // prettier-ignore
  }
}

async function askProvider(
  deps: PaymentDeps,
  payment: PaymentRow,
  attempt: AttemptRow,
  intentId: string,
): Promise<{ intent: Intent; refused: ProviderRefused | null }> {
  const provider = providerNamed(deps, attempt.provider);
  const known = knownAttempt(payment, attempt, intentId);
  if (!provider.capture) throw new Error(`${provider.name} holds money that it can't capture`);
  try {
    const amount = { amount: payment.capturingMinor, currency: payment.currency };
    return { intent: await provider.capture(known, amount), refused: null };
  } catch (error) {
    if (!(error instanceof ProviderRefused)) throw error;
    // It may have been captured before, or let go: the intent itself says.
    return { intent: await provider.getIntent(known), refused: error };
  }
}
