import { type Viewer, requireUser } from '../../shared/auth/viewer.ts';
import { type Refusal, RefusedError, orRefusals, validationError } from '../../shared/errors/errors.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import { type Claim, findKey } from '../../shared/tables/idempotency.ts';
import { isId } from '../../shared/values/ids.ts';
import { type Money, type MoneyJson, moneyFromJson } from '../../shared/values/money.ts';
import { lengthOf } from '../../shared/values/text.ts';
import type { PaymentDeps } from '../deps.ts';
import { type OrderFacts, requirePayableOrder, requireWalletTaken } from '../orders.ts';
import { type TradeType, requirePayer } from '../payers.ts';
import { type PaymentProvider, amountRefusal, stepRefusal, takesCurrency } from '../providers/provider.ts';
import { amountMismatch, providerError } from '../domain/refusals.ts';
import type { AttemptRow, PaymentMethod, PaymentRow } from '../records.ts';
import { findPayment } from '../payment-store.ts';
import { type NewParts, type Started, type StartedParts, startParts } from './start-parts.ts';
import { findAttempted, submitOrRefuse } from './submit-attempt.ts';

export type CreatePaymentInput = {
  readonly orderId: string;
  readonly method: PaymentMethod;
  readonly amount?: MoneyJson | null;
  readonly returnUrl?: string | null;
  readonly tradeType?: TradeType | null;
};
export type PaymentPayload = {
  readonly payment: PaymentRow | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};
export const refusedPayment = (userErrors: readonly Refusal[]): PaymentPayload => ({
  payment: null,
  replayed: false,
  userErrors,
});

const maxReturnUrlLength = 2_048;

/** Who asks, and what is read for the answer. */
export type Caller = { readonly viewer: Viewer; readonly traceId: string; readonly loaders?: AnswerLoaders };
type AnswerLoaders = {
  readonly attemptsOfPayment: { prime(paymentId: string, attempts: AttemptRow[]): unknown };
};

/**
 * Starts to pay an order; by WALLET it is paid at once. The payment and its attempt are stored first, then the provider is
 * asked, then its answer is stored: a crash in between is completed by a repetition with the same key or by the job, and makes no second intent.
 */
export async function createPayment(
  deps: PaymentDeps,
  caller: Caller,
  input: CreatePaymentInput,
  idempotencyKey: string,
): Promise<PaymentPayload> {
  const user = requireUser(caller.viewer);
  return orRefusals(async () => {
    const claim: Claim = { ownerId: user.userId, operation: 'createPayment', key: idempotencyKey, input };
    const started = await startOnce(deps, claim, async () => {
      const provider = input.method === 'WALLET' ? null : requireMethod(deps, input.method);
      checkReturnUrl(input.returnUrl);
      const order = await requirePayableOrder(deps, user, input.orderId, caller.traceId);
      if (provider === null) requireWalletTaken(order);
      const { amount } = checkAmount(input, order);
      if (provider !== null) requireTaken(provider, input.method, { amount, currency: order.balanceDue.currency });
      const payer = await requirePayer(deps, provider, { ...input, userId: user.userId, traceId: caller.traceId });
      return {
        claim,
        order,
        parts: [{ method: input.method, provider, amountMinor: amount }],
        returnUrl: input.returnUrl ?? null,
        payer,
        traceId: caller.traceId,
      };
    });
    failPoint('payment.stored');
    const [made] = started.made;
    const { payment, attempt } = await submitOrRefuse(
      deps,
      made ?? (await findAttempted(deps.db.em(), started.result)),
    );
    // A new payment has no other attempt.
    if (made) caller.loaders?.attemptsOfPayment.prime(payment.id, [attempt]);
    return { payment, replayed: started.replayed, userErrors: [] };
  }, refusedPayment);
}

/**
 * Starts what `check` allows. A repetition of the key goes on whatever has become of the order meanwhile: the key is looked up
 * where the check says no, or can't be made.
 */
export async function startOnce(
  deps: PaymentDeps,
  claim: Claim,
  check: () => Promise<NewParts>,
): Promise<StartedParts> {
  let parts: NewParts;
  try {
    parts = await check();
  } catch (error) {
    const earlier = await findKey<Started>(deps.db.em(), claim);
    if (!earlier) throw error;
    return { replayed: true, result: earlier, made: [] };
  }
  return startParts(deps, parts);
}

/** The provider that serves a method here; refuses when there is none. */
export function requireMethod(deps: Pick<PaymentDeps, 'providers'>, method: PaymentMethod): PaymentProvider {
  const provider = deps.providers.get(method);
  if (!provider) throw new RefusedError(validationError(`${method} is not available here.`, ['input', 'method']));
  return provider;
}

/** Refuses, before anybody is asked, what the method's provider does not take: another currency, too little, too much. */
export function requireTaken(provider: PaymentProvider, method: PaymentMethod, money: Money): void {
  if (!takesCurrency(provider, money.currency))
    throw new RefusedError(validationError(`${method} does not take ${money.currency}.`, ['input', 'method']));
  const refusal = amountRefusal(provider, money);
  if (refusal !== null)
    throw new RefusedError(providerError(provider.name, false, `${method} can't collect this. ${refusal}`));
}

/** Refuses a part of a payment, to be captured or given back, that its provider has no number for. */
export function requireStep(
  deps: Pick<PaymentDeps, 'providers'>,
  { method, currency }: Pick<PaymentRow, 'method' | 'currency'>,
  amountMinor: bigint,
  path: readonly string[],
): void {
  const refusal = stepRefusal(deps.providers.get(method) ?? {}, { amount: amountMinor, currency });
  if (refusal !== null) throw new RefusedError(validationError(refusal, path));
}

/** Refuses what is not a URL that a browser may be led back to. */
export function checkReturnUrl(returnUrl: string | null | undefined): void {
  if (returnUrl !== null && returnUrl !== undefined) {
    const valid =
      lengthOf(returnUrl) <= maxReturnUrlLength &&
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
}

function checkAmount(input: CreatePaymentInput, order: OrderFacts): Money {
  if (input.amount === null || input.amount === undefined) return order.balanceDue;
  const actual = moneyFromJson(input.amount);
  if (actual.amount !== order.balanceDue.amount || actual.currency !== order.balanceDue.currency) {
    throw new RefusedError(amountMismatch(order.balanceDue, actual));
  }
  return actual;
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
