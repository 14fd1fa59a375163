import { RefusedError, isDuplicateKey } from '../../shared/errors/errors.ts';
import { type Claim, type Claimed, claimKey } from '../../shared/tables/idempotency.ts';
import { newNumber } from '../../shared/values/ids.ts';
import type { Money } from '../../shared/values/money.ts';
import { type Unit, transact } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { decideClose } from '../domain/payment.ts';
import { announce, paymentStarted, paymentSucceeded } from '../events.ts';
import type { OrderFacts } from '../orders.ts';
import type { PaymentProvider } from '../providers/provider.ts';
import { orderNotPayable, paymentInProgress } from '../domain/refusals.ts';
import type { PaymentMethod, PaymentRow } from '../records.ts';
import {
  findHolder,
  findLiveAttempt,
  insertAttempt,
  insertPayment,
  insertWalletAttempt,
  lockPayment,
  savePayment,
} from '../store.ts';
import { applyFact } from './apply-fact.ts';
import { changePayment } from './change-payment.ts';
import { type EndedIntent, asRefusal, endIntent } from './submit-attempt.ts';

/** What a repetition of the key needs to go on where the first one stopped. */
export type Started = {
  readonly paymentId: string;
  readonly attemptId: string;
  /** The wallet part of a mixed payment. */
  readonly walletPaymentId?: string;
};

/** One payment that is to be made. `provider` is null for the wallet, which is ours. */
export type Part = {
  readonly method: PaymentMethod;
  readonly provider: PaymentProvider | null;
  readonly amountMinor: bigint;
};

export type NewParts = {
  readonly claim: Claim;
  readonly order: OrderFacts;
  /** The whole, or a mixed payment's external part and its wallet part. */
  readonly parts: readonly [Part] | readonly [Part, Part];
  readonly returnUrl: string | null;
  readonly traceId: string;
};

const maxInsertTries = 3;
/** The inline call has ended by then, one way or the other; afterwards the job asks. */
export const firstCheckSeconds = 10;

/**
 * Stores the payments by which an order is to be paid, each with its attempt, and claims the key: all or nothing. A FAILED
 * payment of the order makes way, any other refuses. What the wallet pays is taken, or as a part held, in the same transaction.
 */
export async function startParts(deps: PaymentDeps, given: NewParts): Promise<Claimed<Started>> {
  const replaced = await endFailedHolder(deps, given.order.id);
  for (let tries = 1; ; tries += 1) {
    try {
      return await transact(deps, async (unit) => {
        const [whole, walletPart] = given.parts;
        // In the order of their ids all payments of an order are locked: the external part, which decides, is the first.
        const [paymentId = '', walletPaymentId = ''] = [deps.newId(), deps.newId()].toSorted();
        const started: Started = {
          paymentId,
          attemptId: deps.newId(),
          ...(walletPart ? { walletPaymentId } : {}),
        };
        const claimed = await claimKey(unit.sql, given.claim, started);
        if (claimed.replayed) return claimed;
        const holder = await findHolder(unit.sql, given.order.id);
        if (holder) await makeWay(unit, deps, replaced, holder.id);
        await insertPart(unit, deps, given, { ...started, part: whole, slot: 0 });
        if (walletPart)
          await insertPart(unit, deps, given, {
            paymentId: walletPaymentId,
            attemptId: deps.newId(),
            part: walletPart,
            slot: 1,
          });
        return claimed;
      });
    } catch (error) {
      // Another payment of the order was faster (the next try sees it), or a number was taken.
      if (!isDuplicateKey(error) || tries === maxInsertTries) throw error;
    }
  }
}

async function insertPart(
  unit: Unit,
  deps: PaymentDeps,
  { order, parts, returnUrl, traceId }: NewParts,
  { paymentId, attemptId, part, slot }: Started & { part: Part; slot: 0 | 1 },
): Promise<void> {
  const { customerId, expiresAt, balanceDue } = order;
  const amount = { amount: part.amountMinor, currency: balanceDue.currency };
  const given = { id: paymentId, orderId: order.id, customerId, amount, slot, expiresAt, traceId, attemptId };
  if (part.provider) {
    const at = deps.now();
    // A mixed payment's wallet part is taken when its external part is paid: that does not wait for staff.
    const manualCapture = deps.capture === 'manual' && part.provider.capture !== undefined && parts.length === 1;
    const payment = newPayment({ ...given, method: part.method, returnUrl, manualCapture }, at);
    await insertPayment(unit, payment, { source: 'api', at });
    const attempt = { id: attemptId, number: newNumber('PA', at), paymentId, createdAt: at };
    await insertAttempt(unit, { ...attempt, provider: part.provider.name }, firstCheckSeconds);
    await announce(unit, deps, payment, paymentStarted(payment));
    return;
  }
  const payment = await insertWalletPayment(unit, deps, given);
  if (payment.state === 'SETTLED') await announce(unit, deps, payment, paymentSucceeded(payment));
}

type NewPayment = Pick<PaymentRow, 'id' | 'orderId' | 'customerId' | 'traceId'> & {
  readonly amount: Money;
  readonly slot: 0 | 1;
  readonly expiresAt: Date | null;
};

/**
 * Stores a payment by wallet that is paid with this transaction, or in slot 1 only held. Throws RefusedError with
 * InsufficientBalanceError where the wallet has too little.
 */
export async function insertWalletPayment(
  unit: Unit,
  deps: Pick<PaymentDeps, 'now' | 'newId'>,
  given: NewPayment & { readonly attemptId?: string },
): Promise<PaymentRow> {
  const at = deps.now();
  const payment = newPayment({ ...given, method: 'WALLET', returnUrl: null }, at);
  await insertPayment(unit, payment, { source: 'api', at });
  const attempt = {
    id: given.attemptId ?? deps.newId(),
    number: newNumber('PA', at),
    paymentId: payment.id,
    createdAt: at,
  };
  await insertWalletAttempt(unit, attempt, given.slot === 1 ? 'AUTHORIZED' : 'SUCCEEDED');
  const type = given.slot === 1 ? 'PaymentAuthorized' : 'PaymentSettled';
  const { amountMinor } = payment;
  return savePayment(unit, payment, [{ type, amountMinor }], { source: 'api', at, data: { attemptId: attempt.id } });
}

const newPayment = (
  { amount, ...given }: NewPayment & Pick<PaymentRow, 'method' | 'returnUrl'> & { readonly manualCapture?: boolean },
  at: Date,
): PaymentRow => ({
  id: given.id,
  number: newNumber('PM', at),
  orderId: given.orderId,
  customerId: given.customerId,
  method: given.method,
  state: 'OPEN',
  currency: amount.currency,
  amountMinor: amount.amount,
  capturedMinor: 0n,
  refundingMinor: 0n,
  refundedMinor: 0n,
  liveOrderId: given.orderId,
  slot: given.slot,
  manualCapture: given.manualCapture ?? false,
  capturingMinor: 0n,
  returnUrl: given.returnUrl ?? null,
  traceId: given.traceId,
  expiresAt: given.expiresAt,
  paidAt: null,
  createdAt: at,
  updatedAt: at,
  version: 1,
});

type Replaced = { readonly payment: PaymentRow; readonly attemptId: string | null; readonly ended: EndedIntent | null };

/** A FAILED payment of the order makes way for a new one, once its intent can't be paid any more. */
async function endFailedHolder(deps: PaymentDeps, orderId: string): Promise<Replaced | null> {
  const holder = await findHolder(deps.db.em(), orderId);
  if (holder?.state !== 'FAILED') return null;
  const attempt = await findLiveAttempt(deps.db.em(), holder.id);
  if (!attempt) return { payment: holder, attemptId: null, ended: null };
  const ended = await asRefusal(attempt.provider, endIntent(deps, holder, attempt));
  if (ended.fact.type === 'succeeded') {
    await transact(deps, (unit) =>
      applyFact(
        unit,
        deps,
        { provider: attempt.provider, attemptId: attempt.id, ...ended },
        { source: 'poll', at: deps.now() },
      ),
    );
    throw new RefusedError(orderNotPayable('PAID'));
  }
  return { payment: holder, attemptId: attempt.id, ended };
}

async function makeWay(unit: Unit, deps: PaymentDeps, replaced: Replaced | null, holderId: string): Promise<void> {
  const holder = await lockPayment(unit.sql, holderId);
  if (!holder) throw new Error('a payment that was read is gone');
  const mayReplace = holder.state === 'FAILED' && replaced?.payment.id === holder.id;
  if (!mayReplace) {
    const open = ['OPEN', 'PROCESSING', 'AUTHORIZED', 'FAILED'].includes(holder.state);
    throw new RefusedError(open ? paymentInProgress(holder) : orderNotPayable('PAID'));
  }
  const cause = { source: 'api', at: deps.now() } as const;
  await changePayment(unit, deps, holder, decideClose(holder, 'CANCELLED') ?? [], cause);
  if (replaced.attemptId !== null && replaced.ended !== null) {
    const attempt = await findLiveAttempt(unit.sql, holder.id);
    // Somebody retried it meanwhile: then it is that attempt's turn.
    if (attempt && attempt.id !== replaced.attemptId) throw new RefusedError(paymentInProgress(holder));
    if (attempt)
      await applyFact(unit, deps, { provider: attempt.provider, attemptId: attempt.id, ...replaced.ended }, cause);
  }
}
