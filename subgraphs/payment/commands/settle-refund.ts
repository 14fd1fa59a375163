import { isStaff, requireUser } from '../../shared/auth/viewer.ts';
import {
  type Refusal,
  RefusedError,
  conflictError,
  forbiddenError,
  notFoundError,
  orRefusals,
  validationError,
} from '../../shared/errors/errors.ts';
import { type Claim, claimKey } from '../../shared/tables/idempotency.ts';
import { type Asker, type StaffAction, recordAct } from '../../shared/tables/staff-acts.ts';
import { isId } from '../../shared/values/ids.ts';
import { money } from '../../shared/values/money.ts';
import { brokenTextRule } from '../../shared/values/text.ts';
import { type Unit, transact } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import type { PaymentEvent } from '../domain/payment.ts';
import { decideRefundResult, decideReopen } from '../domain/refund.ts';
import { appendEvent, paymentRefunded } from '../events.ts';
import type { PaymentRow, RefundRow } from '../records.ts';
import { byOneOrTwo, claimByOneOrTwo, ownRefusal, requireWithin } from '../../shared/tables/second-person.ts';
import { findAttempt } from '../attempt-store.ts';
import { lockPayment } from '../payment-store.ts';
import { findRefund, lockIfIdle, reopen, storeConfirmed } from '../refund-store.ts';
import { refundedLately } from '../staff-sums.ts';
import { refundFacts } from './apply-refund.ts';
import { type RefundPayload, refusedRefund } from './refund-payment.ts';
import { savePayment } from './save-payment.ts';

const maxReferenceLength = 128;
/** After so long, a try of which nothing was heard counts as one that the provider never saw. */
const unheardHours = 24;

type Locked = {
  readonly unit: Unit;
  readonly payment: PaymentRow;
  readonly refund: RefundRow;
  readonly userId: string;
  /** Two people have agreed on it. */
  readonly byTwo: boolean;
};

/**
 * Has a refund that was refused tried again now. Staff only. One that is FAILED is charged to its payment again first, which counts
 * as giving it now: two people where it is much.
 */
export function retryRefund(
  deps: PaymentDeps,
  asker: Asker,
  refundId: string,
  idempotencyKey: string,
): Promise<RefundPayload> {
  const claim = { operation: 'retryRefund', key: idempotencyKey, input: { refundId } };
  return changeRefund(
    deps,
    asker,
    { refundId, claim, action: 'refund.retried' },
    async ({ unit, payment, refund, userId, byTwo }) => {
      requireOpen(refund);
      const decision = decideReopen(payment, refundFacts(refund));
      if ('refusal' in decision) throw new RefusedError(decision.refusal);
      const hadFailed = decision.events.length > 0;
      await reopen(unit.sql, refundId, { hadFailed });
      const at = deps.now();
      const data = { refundId, retriedBy: userId };
      await savePayment(unit, payment, decision.events, { source: 'api', at, data });
      if (hadFailed && !byTwo) requireWithin(limitOf(deps, payment), await refundedLately(unit.sql, payment, at));
      unit.wake('refunds');
    },
  );
}

/**
 * Notes that staff have given the money back themselves: by a transfer, or in the provider's own pages. Refused while the
 * provider may still be doing it, so that it can't go back twice.
 */
export function confirmRefund(
  deps: PaymentDeps,
  asker: Asker,
  input: { readonly refundId: string; readonly reference: string },
  idempotencyKey: string,
): Promise<RefundPayload> {
  const { refundId, reference } = input;
  const claim = { operation: 'confirmRefund', key: idempotencyKey, input };
  const broken = brokenTextRule(reference, { min: 1, max: maxReferenceLength, lines: false });
  // Before anything is looked up, and after who asks.
  if (isStaff(asker.viewer) && broken !== null)
    return Promise.resolve(refusedRefund([validationError(`A reference ${broken}.`, ['reference'])]));
  return changeRefund(
    deps,
    asker,
    { refundId, claim, action: 'refund.confirmed' },
    async ({ unit, payment, refund, userId }) => {
      requireOpen(refund);
      await requireIdle(unit, deps, refund);
      const reopened = decideReopen(payment, refundFacts(refund));
      if ('refusal' in reopened) throw new RefusedError(reopened.refusal);
      const { events } = decideRefundResult({ ...refundFacts(refund), state: 'PENDING' }, 'succeeded');
      const all: PaymentEvent[] = [...reopened.events, ...events];
      const at = deps.now();
      await storeConfirmed(unit.sql, refundId, { reference, userId, at });
      const data = { refundId, reference, confirmedBy: userId };
      const after = await savePayment(unit, payment, all, { source: 'api', at, data });
      if (events.some(({ type }) => type === 'RefundSucceeded')) {
        await appendEvent(unit, deps, after, paymentRefunded(after, refund));
      }
      unit.changed(payment.orderId);
    },
  );
}

const limitOf = ({ staffApprovalAboveMinor }: PaymentDeps, { currency }: PaymentRow) =>
  money(staffApprovalAboveMinor, currency);

function requireOpen({ state, origin }: RefundRow): void {
  if (origin === 'DISPUTE') throw new RefusedError(conflictError('The customer’s bank decides about this one.'));
  if (state === 'SUCCEEDED') throw new RefusedError(conflictError('The refund has succeeded already.'));
}

/**
 * The provider has refused the refund, and there is no later try that it has accepted or not yet answered. Locks the refund:
 * `executeRefund` notes a try in its row before it makes it.
 */
async function requireIdle({ sql }: Unit, deps: PaymentDeps, refund: RefundRow): Promise<void> {
  const attempt = await findAttempt(sql, refund.attemptId);
  // Where people do it, nothing is under way but what they do themselves.
  if ([...deps.providers.values()].some(({ name, offline }) => offline && name === attempt?.provider)) return;
  if (!(await lockIfIdle(sql, refund.id, unheardHours)))
    throw new RefusedError(conflictError('The provider may still make this refund: it has not refused it.'));
}

type Done = { readonly replayed: boolean } | { readonly refusal: Refusal };

async function changeRefund(
  deps: PaymentDeps,
  asker: Asker,
  { refundId, claim, action }: { refundId: string; claim: Omit<Claim, 'ownerId'>; action: StaffAction },
  change: (locked: Locked) => Promise<void>,
): Promise<RefundPayload> {
  const user = requireUser(asker.viewer);
  const { userId } = user;
  if (!isStaff(asker.viewer)) return refusedRefund([forbiddenError('Only staff may settle refunds.')]);
  const once = (byTwo: boolean): Promise<Done> =>
    transact(deps, async (unit) => {
      if (!byTwo && (await claimKey(unit.sql, { ...claim, ownerId: userId }, {})).replayed) return { replayed: true };
      const found = isId(refundId) ? await findRefund(unit.sql, refundId) : null;
      const payment = found ? await lockPayment(unit.sql, found.paymentId) : null;
      const refund = found ? await findRefund(unit.sql, found.id) : null;
      if (!payment || !refund)
        throw new RefusedError(notFoundError('There is no such refund.', refundId, ['refundId']));
      const refusal = ownRefusal(user, payment.customerId);
      if (refusal) throw new RefusedError(refusal);
      let askedBy: string | undefined;
      if (byTwo) {
        // It is reopened once at a time, so two people mean the same, each with a key of their own.
        const same = { refundId, refusals: refund.refusals };
        const wanted = { ...claim, limit: limitOf(deps, payment), path: ['refundId'], same, byTwo };
        const claimed = await claimByOneOrTwo(unit.sql, user, wanted, {});
        if ('refusal' in claimed) return claimed;
        if (claimed.replayed) return { replayed: true };
        ({ askedBy } = claimed);
      }
      await change({ unit, payment, refund, userId, byTwo });
      await recordAct(unit.sql, deps, asker, {
        action,
        subject: `refund:${refundId}`,
        before: { state: refund.state },
        after: { amountMinor: refund.amountMinor, currency: refund.currency, askedBy },
      });
      unit.wake('outbox');
      return { replayed: false };
    });
  return orRefusals(async () => {
    const done = await byOneOrTwo(false, once);
    if ('refusal' in done) return refusedRefund([done.refusal]);
    return { refund: await findRefund(deps.db.em(), refundId), replayed: done.replayed, userErrors: [] };
  }, refusedRefund);
}
