import { type Viewer, requireUser } from '../../shared/auth.ts';
import { type Refusal, RefusedError, isDuplicateKey, orRefusals, validationError } from '../../shared/errors.ts';
import { failPoint } from '../../shared/fail-point.ts';
import { type Claim, type Claimed, claimKey, findKey } from '../../shared/idempotency.ts';
import { isId, newNumber } from '../../shared/ids.ts';
import { type Money, type MoneyJson, moneyFromJson } from '../../shared/money.ts';
import { type PaymentDeps, type Unit, transact } from '../context.ts';
import { decideClose } from '../domain/payment.ts';
import { type OrderFacts, requirePayableOrder } from '../orders.ts';
import type { PaymentProvider } from '../providers/provider.ts';
import { amountMismatch, orderNotPayable, paymentInProgress } from '../refusals.ts';
import type { PaymentMethod, PaymentRow } from '../records.ts';
import {
  findHolder,
  findLiveAttempt,
  findPayment,
  insertAttempt,
  insertPayment,
  lockPayment,
  savePayment,
} from '../store.ts';
import { applyFact } from './apply-fact.ts';
import { type EndedIntent, asRefusal, endIntent, submitOrRefuse } from './submit-attempt.ts';

export type CreatePaymentInput = {
  readonly orderId: string;
  readonly method: PaymentMethod;
  readonly amount?: MoneyJson | null;
  readonly returnUrl?: string | null;
};
export type PaymentPayload = {
  readonly payment: PaymentRow | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};
/** What a repetition of the key needs to go on where the first one stopped. */
export type Started = { readonly paymentId: string; readonly attemptId: string };

export const refusedPayment = (userErrors: readonly Refusal[]): PaymentPayload => ({
  payment: null,
  replayed: false,
  userErrors,
});

const maxReturnUrlLength = 2_048;
const maxInsertTries = 3;
/** The inline call has ended by then, one way or the other; afterwards the job asks. */
export const firstCheckSeconds = 10;

/**
 * Starts to pay an order. The payment and its attempt are stored first, then the provider is asked, then its answer is
 * stored: a crash in between is completed by a repetition with the same key or by the job, and makes no second intent.
 */
export async function createPayment(
  deps: PaymentDeps,
  caller: { viewer: Viewer; traceId: string },
  input: CreatePaymentInput,
  idempotencyKey: string,
): Promise<PaymentPayload> {
  const user = requireUser(caller.viewer);
  return orRefusals(async () => {
    const claim: Claim = { ownerId: user.userId, operation: 'createPayment', key: idempotencyKey, input };
    const earlier = await findKey<Started>(deps.db.em(), claim);
    if (earlier) return { payment: await submitOrRefuse(deps, earlier), replayed: true, userErrors: [] };

    const provider = requireProvider(deps, input);
    const order = await requirePayableOrder(deps, user, input.orderId, caller.traceId);
    const amount = checkAmount(input, order);
    const replaced = await endFailedHolder(deps, order.id);
    const { replayed, result } = await store(deps, {
      claim,
      provider,
      order,
      amount,
      input,
      replaced,
      traceId: caller.traceId,
    });
    failPoint('payment.stored');
    return { payment: await submitOrRefuse(deps, result), replayed, userErrors: [] };
  }, refusedPayment);
}

/** The provider that serves a method here; refuses when there is none. */
export function requireMethod(deps: Pick<PaymentDeps, 'providers'>, method: PaymentMethod): PaymentProvider {
  const provider = deps.providers.get(method);
  if (!provider) throw new RefusedError(validationError(`${method} is not available here.`, ['input', 'method']));
  return provider;
}

function requireProvider(deps: PaymentDeps, input: CreatePaymentInput): PaymentProvider {
  const provider = requireMethod(deps, input.method);
  const { returnUrl } = input;
  if (returnUrl !== null && returnUrl !== undefined) {
    const valid =
      returnUrl.length <= maxReturnUrlLength &&
      URL.canParse(returnUrl) &&
      /^https?:$/.test(new URL(returnUrl).protocol);
    if (!valid)
      throw new RefusedError(
        validationError(`returnUrl is an http or https URL of at most ${maxReturnUrlLength} characters.`, [
          'input',
          'returnUrl',
        ]),
      );
  }
  return provider;
}

function checkAmount(input: CreatePaymentInput, order: OrderFacts): Money {
  if (input.amount === null || input.amount === undefined) return order.balanceDue;
  const actual = moneyFromJson(input.amount);
  if (actual.amount !== order.balanceDue.amount || actual.currency !== order.balanceDue.currency) {
    throw new RefusedError(amountMismatch(order.balanceDue, actual));
  }
  return actual;
}

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

type NewPayment = {
  claim: Claim;
  provider: PaymentProvider;
  order: OrderFacts;
  amount: Money;
  input: CreatePaymentInput;
  replaced: Replaced | null;
  traceId: string;
};

async function store(deps: PaymentDeps, given: NewPayment): Promise<Claimed<Started>> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await transact(deps, async (unit) => {
        const started = { paymentId: deps.newId(), attemptId: deps.newId() };
        const claimed = await claimKey(unit.sql, given.claim, started);
        if (!claimed.replayed) await insert(unit, deps, given, started);
        return claimed;
      });
    } catch (error) {
      // Another payment of the order was faster (the next try sees it), or a number was taken.
      if (!isDuplicateKey(error) || tries === maxInsertTries) throw error;
    }
  }
}

async function insert(unit: Unit, deps: PaymentDeps, given: NewPayment, ids: Started): Promise<void> {
  const { order, amount, input } = given;
  const at = deps.now();
  const cause = { source: 'api', at } as const;
  const holder = await findHolder(unit.sql, order.id);
  if (holder) await makeWay(unit, deps, given, holder.id);
  await insertPayment(
    unit,
    {
      id: ids.paymentId,
      number: newNumber('PM', at),
      orderId: order.id,
      customerId: order.customerId,
      method: input.method,
      state: 'OPEN',
      currency: amount.currency,
      amountMinor: amount.amount,
      capturedMinor: 0n,
      refundingMinor: 0n,
      refundedMinor: 0n,
      liveOrderId: order.id,
      slot: 0,
      returnUrl: input.returnUrl ?? null,
      traceId: given.traceId,
      expiresAt: order.expiresAt,
      paidAt: null,
      createdAt: at,
      updatedAt: at,
      version: 1,
    },
    cause,
  );
  const attempt = {
    id: ids.attemptId,
    number: newNumber('PA', at),
    paymentId: ids.paymentId,
    provider: given.provider.name,
    createdAt: at,
  };
  await insertAttempt(unit, attempt, firstCheckSeconds);
}

async function makeWay(unit: Unit, deps: PaymentDeps, { replaced }: NewPayment, holderId: string): Promise<void> {
  const holder = await lockPayment(unit.sql, holderId);
  if (!holder) throw new Error('a payment that was read is gone');
  const mayReplace = holder.state === 'FAILED' && replaced?.payment.id === holder.id;
  if (!mayReplace) {
    const open = ['OPEN', 'PROCESSING', 'AUTHORIZED', 'FAILED'].includes(holder.state);
    throw new RefusedError(open ? paymentInProgress(holder) : orderNotPayable('PAID'));
  }
  const cause = { source: 'api', at: deps.now() } as const;
  await savePayment(unit, holder, decideClose(holder, 'CANCELLED') ?? [], cause);
  if (replaced.attemptId !== null && replaced.ended !== null) {
    const attempt = await findLiveAttempt(unit.sql, holder.id);
    // Somebody retried it meanwhile: then it is that attempt's turn.
    if (attempt && attempt.id !== replaced.attemptId) throw new RefusedError(paymentInProgress(holder));
    if (attempt)
      await applyFact(unit, deps, { provider: attempt.provider, attemptId: attempt.id, ...replaced.ended }, cause);
  }
}

/** The payment, if the viewer may act on it; refuses with NotFoundError. */
export async function requirePayment(
  deps: PaymentDeps,
  paymentId: string,
  mayAct: (payment: PaymentRow) => boolean,
): Promise<PaymentRow> {
  const payment = await findPaymentByAnyId(deps, paymentId);
  if (payment && mayAct(payment)) return payment;
  throw new RefusedError({
    __typename: 'NotFoundError',
    code: 'NOT_FOUND',
    message: 'There is no such payment.',
    id: paymentId,
    path: ['paymentId'],
  });
}

const findPaymentByAnyId = async (deps: PaymentDeps, paymentId: string): Promise<PaymentRow | null> =>
  isId(paymentId) ? findPayment(deps.db.em(), paymentId) : null;
