import { RefusedError, isDuplicateKey } from '../../shared/errors/errors.ts';
import { type Claim, type Claimed, claimKey } from '../../shared/tables/idempotency.ts';
import { newNumber } from '../../shared/values/ids.ts';
import type { Money } from '../../shared/values/money.ts';
import { type Unit, transact } from '../unit.ts';
import type { PaymentDeps } from '../deps.ts';
import { decideClose } from '../domain/payment.ts';
import { appendEvent, paymentStarted, paymentSucceeded } from '../events.ts';
import type { OrderFacts } from '../orders.ts';
import type { PaymentProvider } from '../providers/provider.ts';
import { orderNotPayable, paymentInProgress } from '../domain/refusals.ts';
import type { PaymentMethod, PaymentRow } from '../records.ts';
import { findLiveAttempt, insertAttempt, insertWalletAttempt } from '../attempt-store.ts';
import { type WhileOrder, findHolder, lockPayment } from '../payment-store.ts';
import { applyFact } from './apply-fact.ts';
import { changePayment } from './change-payment.ts';
import { saveNewPayment, saveUnchanged } from './save-payment.ts';
import { type Attempted, type EndedIntent, asRefusal, endIntent } from './submit-attempt.ts';

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
  /** From whom alone the external part's provider takes the money, as it knows them. */
  readonly payer: string | null;
  readonly traceId: string;
};

/** The first takes for granted that no payment holds the order: the unique key says if one does. */
const maxInsertTries = 4;
/** The inline call has ended by then, one way or the other; afterwards the job asks. */
export const firstCheckSeconds = 10;

/** The claim of the key and, where it is not a repetition, what was made: the whole or external part, and the wallet part. */
export type StartedParts = Claimed<Started> & { readonly made: readonly Attempted[] };

/**
 * Stores the payments by which an order is to be paid, each with its attempt, and claims the key: all or nothing. A FAILED
 * payment of the order makes way, any other refuses. What the wallet pays is taken, or as a part held, in the same transaction.
 */
export async function startParts(deps: PaymentDeps, given: NewParts): Promise<StartedParts> {
  let ended: EndedHolder | null = null;
  for (let tries = 1; ; tries += 1) {
    try {
      return await transact(deps, async (unit) => {
        const [whole, walletPart] = given.parts;
        // In the order of their ids all payments of an order are locked: the external part, which decides, is the first.
        const [paymentId = '', walletPaymentId = ''] = [
          deps.newId(given.order.id),
          deps.newId(given.order.id),
        ].toSorted();
        const started: Started = {
          paymentId,
          attemptId: deps.newId(paymentId),
          ...(walletPart ? { walletPaymentId } : {}),
        };
        const claimed = await claimKey(unit.sql, given.claim, started);
        if (claimed.replayed) return { ...claimed, made: [] };
        const holder = tries === 1 ? null : await findHolder(unit.sql, given.order.id);
        const isToEnd = holder?.state === 'FAILED' && ended?.payment.id !== holder.id && tries < maxInsertTries;
        if (isToEnd) throw new FailedHolderError(holder);
        if (holder) await makeWay(unit, deps, ended, holder.id);
        const made = [await insertPart(unit, deps, given, { ...started, part: whole, slot: 0 })];
        if (walletPart) {
          const ids = { paymentId: walletPaymentId, attemptId: deps.newId(paymentId) };
          made.push(await insertPart(unit, deps, given, { ...ids, part: walletPart, slot: 1 }));
        }
        return { ...claimed, made };
      });
    } catch (error) {
      if (error instanceof FailedHolderError) ended = await endHolder(deps, error.holder);
      // Another payment holds the order (the next try sees it), or a number was taken.
      else if (!isDuplicateKey(error) || tries === maxInsertTries) throw error;
    }
  }
}

async function insertPart(
  unit: Unit,
  deps: PaymentDeps,
  { order, parts, returnUrl, payer, traceId }: NewParts,
  { paymentId, attemptId, part, slot }: Started & { part: Part; slot: 0 | 1 },
): Promise<Attempted> {
  const { customerId, expiresAt, balanceDue } = order;
  const amount = { amount: part.amountMinor, currency: balanceDue.currency };
  const given = { id: paymentId, orderId: order.id, customerId, amount, slot, expiresAt, traceId, attemptId };
  if (part.provider) {
    const at = deps.now();
    // A mixed payment's wallet part is taken when its external part is paid: that does not wait for staff.
    const manualCapture = deps.capture === 'manual' && part.provider.capture !== undefined && parts.length === 1;
    const payment = newPayment({ ...given, method: part.method, returnUrl, payer, manualCapture }, at);
    await saveNewPayment(unit, payment, { source: 'api', at });
    const provider = part.provider.name;
    const fresh = { id: attemptId, number: newNumber('PA', at), paymentId, provider, createdAt: at };
    const attempt = await insertAttempt(unit.sql, fresh, firstCheckSeconds);
    await appendEvent(unit, deps, payment, paymentStarted(payment));
    return { payment, attempt };
  }
  const made = await insertWalletPayment(unit, deps, { ...given, whileOrder: 'open' });
  if (made.payment.state === 'SETTLED') await appendEvent(unit, deps, made.payment, paymentSucceeded(made.payment));
  return made;
}

type NewPayment = Pick<PaymentRow, 'id' | 'orderId' | 'customerId' | 'traceId'> & {
  readonly amount: Money;
  readonly slot: 0 | 1;
  readonly expiresAt: Date | null;
  readonly whileOrder: WhileOrder;
};

/**
 * Stores a payment by wallet that is paid with this transaction, or in slot 1 only held. Throws RefusedError with
 * InsufficientBalanceError where the wallet has too little, and OrderNotPayableError where the order was to be open and is closed.
 */
export async function insertWalletPayment(
  unit: Unit,
  deps: Pick<PaymentDeps, 'now' | 'newId'>,
  given: NewPayment & { readonly attemptId?: string },
): Promise<Attempted> {
  const at = deps.now();
  const payment = newPayment({ ...given, method: 'WALLET', returnUrl: null, payer: null }, at);
  await saveNewPayment(unit, payment, { source: 'api', at });
  const id = given.attemptId ?? deps.newId(payment.id);
  const isHeld = given.slot === 1;
  const attempt = await insertWalletAttempt(
    unit.sql,
    { id, number: newNumber('PA', at), paymentId: payment.id, createdAt: at },
    isHeld ? 'AUTHORIZED' : 'SUCCEEDED',
  );
  const type = isHeld ? 'PaymentAuthorized' : 'PaymentSettled';
  const { amountMinor } = payment;
  const cause = { source: 'api', at, data: { attemptId: id } } as const;
  const paid = await saveUnchanged(unit, payment, [{ type, amountMinor }], cause, given.whileOrder);
  if (!paid) throw new RefusedError(orderNotPayable('CANCELLED'));
  return { payment: paid, attempt };
}

const newPayment = (
  {
    amount,
    ...given
  }: Omit<NewPayment, 'whileOrder'> &
    Pick<PaymentRow, 'method' | 'returnUrl' | 'payer'> & { readonly manualCapture?: boolean },
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
  payer: given.payer ?? null,
  traceId: given.traceId,
  expiresAt: given.expiresAt,
  paidAt: null,
  createdAt: at,
  updatedAt: at,
  version: 1,
});

/** A FAILED payment holds the order, and its intent may still be paid. */
class FailedHolderError extends Error {
  override readonly name = 'FailedHolderError';
  readonly holder: PaymentRow;
  constructor(holder: PaymentRow) {
    super('a failed payment holds the order');
    this.holder = holder;
  }
}

/** A FAILED payment, and how its live attempt ended at its provider. */
type EndedHolder = {
  readonly payment: PaymentRow;
  readonly attemptId: string | null;
  readonly ended: EndedIntent | null;
};

/** A FAILED payment of the order makes way for a new one, once its intent can't be paid any more. */
async function endHolder(deps: PaymentDeps, payment: PaymentRow): Promise<EndedHolder> {
  const attempt = await findLiveAttempt(deps.db.em(), payment.id);
  if (!attempt) return { payment, attemptId: null, ended: null };
  const ended = await asRefusal(attempt.provider, endIntent(deps, payment, attempt));
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
  return { payment, attemptId: attempt.id, ended };
}

async function makeWay(unit: Unit, deps: PaymentDeps, ended: EndedHolder | null, holderId: string): Promise<void> {
  const holder = await lockPayment(unit.sql, holderId);
  if (!holder) throw new Error('a payment that was read is gone');
  if (holder.state !== 'FAILED' || ended?.payment.id !== holder.id) {
    const open = ['OPEN', 'PROCESSING', 'AUTHORIZED', 'FAILED'].includes(holder.state);
    throw new RefusedError(open ? paymentInProgress(holder) : orderNotPayable('PAID'));
  }
  const cause = { source: 'api', at: deps.now() } as const;
  await changePayment(unit, deps, holder, decideClose(holder, 'CANCELLED') ?? [], cause);
  if (ended.attemptId !== null && ended.ended !== null) {
    const attempt = await findLiveAttempt(unit.sql, holder.id);
    // Somebody retried it meanwhile: then it is that attempt's turn.
    if (attempt && attempt.id !== ended.attemptId) throw new RefusedError(paymentInProgress(holder));
    if (attempt)
      await applyFact(unit, deps, { provider: attempt.provider, attemptId: attempt.id, ...ended.ended }, cause);
  }
}
