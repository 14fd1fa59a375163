import { isStaff, requireUser } from '../../shared/auth/viewer.ts';
import { RefusedError, orRefusals, validationError } from '../../shared/errors/errors.ts';
import { type Claim, claimKey, findKey } from '../../shared/tables/idempotency.ts';
import { type Asker, recordAct } from '../../shared/tables/staff-acts.ts';
import { transact } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { decideClose, isUnpaid } from '../domain/payment.ts';
import { appendEvent, paymentFailed } from '../events.ts';
import type { AttemptRow, PaymentRow } from '../records.ts';
import { findLiveAttempt } from '../attempt-store.ts';
import { findPayment, lockPayment } from '../payment-store.ts';
import { applyFact, hurryAttempt } from './apply-fact.ts';
import { awaitedUntil } from './await-payment.ts';
import { changePayment, leadingPart } from './change-payment.ts';
import { type PaymentPayload, refusedPayment, requirePayment } from './create-payment.ts';
import { type EndedIntent, asRefusal, endIntent } from './submit-attempt.ts';

const tooLate = (payment: PaymentRow): RefusedError =>
  new RefusedError(validationError(`The payment is ${payment.state} and can no longer be cancelled.`, ['paymentId']));

/** Gives an unpaid payment up, a mixed one with both its parts. The provider is told first: a payment whose intent can still be paid is never CANCELLED by this. */
export async function cancelPayment(
  deps: PaymentDeps,
  asker: Asker,
  paymentId: string,
  idempotencyKey: string,
): Promise<PaymentPayload> {
  const user = requireUser(asker.viewer);
  return orRefusals(async () => {
    const asked = await requirePayment(
      deps,
      paymentId,
      ({ customerId }) => customerId === user.userId || isStaff(asker.viewer),
    );
    const payment = await leadingPart(deps.db.em(), asked);
    const claim: Claim = {
      ownerId: user.userId,
      operation: 'cancelPayment',
      key: idempotencyKey,
      input: { paymentId },
    };
    const earlier = await findKey<{ paymentId: string }>(deps.db.em(), claim);
    if (earlier) return { payment: asked, replayed: true, userErrors: [] };

    if (decideClose(payment, 'CANCELLED') === null) throw tooLate(payment);
    const attempt = isUnpaid(payment.state) ? await findLiveAttempt(deps.db.em(), payment.id) : null;
    const ended = attempt ? await asRefusal(attempt.provider, endIntent(deps, payment, attempt)) : null;
    if (attempt && ended?.fact.type === 'succeeded') {
      const about = { provider: attempt.provider, attemptId: attempt.id, ...ended };
      await transact(deps, (unit) => applyFact(unit, deps, about, { source: 'poll', at: deps.now() }));
      throw tooLate({ ...payment, state: 'SETTLED' });
    }
    const replayed = await store(deps, asker, { claim, paymentId: payment.id, attempt, ended });
    return { payment: await findPayment(deps.db.em(), asked.id), replayed, userErrors: [] };
  }, refusedPayment);
}

type Cancellation = { claim: Claim; paymentId: string; attempt: AttemptRow | null; ended: EndedIntent | null };

const store = (deps: PaymentDeps, asker: Asker, { claim, paymentId, attempt, ended }: Cancellation): Promise<boolean> =>
  transact(deps, async (unit) => {
    const { replayed } = await claimKey(unit.sql, claim, { paymentId });
    if (replayed) return true;
    const payment = await lockPayment(unit.sql, paymentId);
    if (!payment) throw new Error('a payment that was read is gone');
    const events = decideClose(payment, 'CANCELLED');
    if (events === null) throw tooLate(payment);
    const cause = { source: 'api', at: deps.now() } as const;
    const closed = await changePayment(unit, deps, payment, events, cause);
    if (awaitedUntil(deps, payment) !== null) await appendEvent(unit, deps, closed, paymentFailed('cancelled'));
    if (attempt && ended)
      await applyFact(unit, deps, { provider: attempt.provider, attemptId: attempt.id, ...ended }, cause);
    // An attempt that was started meanwhile is called off by the job.
    await hurryAttempt(unit, paymentId);
    if (payment.customerId !== claim.ownerId) {
      await recordAct(unit.sql, deps, asker, {
        action: 'payment.cancelled',
        subject: `payment:${paymentId}`,
        before: { state: payment.state },
      });
      unit.wake('outbox');
    }
    return false;
  });
