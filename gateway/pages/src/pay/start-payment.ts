import type { Client } from 'urql';
import {
  CreateMixedPaymentDocument,
  CreatePaymentDocument,
  type CreatePaymentMutation,
  RetryPaymentDocument,
} from '../../../../schema/generated/operations.ts';
import { ApiError } from '../api.ts';
import { perform } from '../client.ts';
import { intentKey } from '../intents.ts';
import type { Attempt, Money, Order, Payment } from '../types.ts';
import { type External, externalPayment } from './methods.ts';
import { t } from '../language/catalogue.ts';
import { refusalText } from '../language/refusals.ts';

type Refusals = Pick<CreatePaymentMutation['createPayment'], 'userErrors'>;
/** A payment as every answer has it. */
type StartedPayment = Pick<Payment, 'id' | 'state' | 'attempts'>;
type Payload = Refusals & { readonly payment: StartedPayment | null };

export const lastAttempt = (payment: StartedPayment | null | undefined): Attempt | undefined =>
  payment?.attempts.at(-1);

/** The simulated card's payment of the order, when it is the one that was started and not given up. */
export function cardPayment(order: Order): Payment | undefined {
  const payment = externalPayment(order);
  return payment?.method === 'SIMULATED_CARD' ? payment : undefined;
}

/** What the wallet has set aside for the order. */
export const walletShare = (order: Order): Money | null =>
  order.payments.find((payment) => payment.method === 'WALLET' && payment.state === 'AUTHORIZED')?.amount ?? null;

const open = (attempt: Attempt | undefined): attempt is Attempt =>
  attempt?.state === 'CREATED' || attempt?.state === 'REQUIRES_ACTION';

/**
 * The attempt to send the card to: the open one, or a new one after a refusal, or the first. `fromWallet`: how much of
 * it the wallet pays, when the card only pays the rest. `intent` names the wish to pay this order.
 */
export async function openAttempt(
  client: Client,
  order: Order,
  { intent, fromWallet }: { intent: string; fromWallet: Money | null },
): Promise<Attempt> {
  const existing = cardPayment(order);
  const current = lastAttempt(existing);
  if (open(current)) return current;
  if (existing?.state === 'FAILED') return retried(client, existing.id, intent);
  const payload = await begin(client, order, { intent, method: 'SIMULATED_CARD', fromWallet });
  // Another tab was faster: its payment is as good.
  const other = paymentInProgress(payload);
  if (other?.state === 'FAILED') return retried(client, other.id, intent);
  return attemptOf(payload, other);
}

/** A wish to pay. `intent` names it; `fromWallet`: how much of it the wallet pays; null for nothing. */
type Wish = {
  readonly intent: string;
  readonly method: External;
  readonly fromWallet: Money | null;
  /** Where the provider's own page leads back to; null: the shop's page takes the money. */
  readonly returnUrl?: string | null;
};

/**
 * Begins a payment by a method that goes on elsewhere, or tries again what was refused. What another tab has begun is as
 * good. Throws ApiError.
 */
export async function startExternal(client: Client, order: Order, wish: Wish): Promise<StartedPayment> {
  const existing = externalPayment(order);
  const payload =
    existing?.state === 'FAILED' && existing.method === wish.method
      ? await retry(client, existing.id, wish.intent)
      : await begin(client, order, wish);
  const payment = payload.payment ?? paymentInProgress(payload);
  if (payment === undefined) throw refused(payload);
  return payment;
}

const begin = (client: Client, order: Order, wish: Wish): Promise<Payload> =>
  wish.fromWallet === null ? create(client, order, wish) : mix(client, order, { ...wish, fromWallet: wish.fromWallet });

async function create(client: Client, order: Order, { intent, method, returnUrl = null }: Wish): Promise<Payload> {
  const input = { orderId: order.id, method, ...(returnUrl !== null && { returnUrl }) };
  const variables = { input, idempotencyKey: intentKey(intent, ['create', input]) };
  return (await perform(client, CreatePaymentDocument, variables)).createPayment;
}

async function mix(
  client: Client,
  order: Order,
  { intent, method, fromWallet, returnUrl = null }: Wish & { readonly fromWallet: Money },
): Promise<Payload> {
  const parts = [{ method: 'WALLET' as const, amount: fromWallet }, { method }];
  const input = { orderId: order.id, parts, ...(returnUrl !== null && { returnUrl }) };
  const variables = { input, idempotencyKey: intentKey(intent, ['mix', input]) };
  const { payments, userErrors } = (await perform(client, CreateMixedPaymentDocument, variables)).createMixedPayment;
  return { payment: payments.find((payment) => payment.method === method) ?? null, userErrors };
}

async function retry(client: Client, paymentId: string, intent: string): Promise<Payload> {
  const variables = { paymentId, idempotencyKey: intentKey(intent, ['retry', paymentId]) };
  return (await perform(client, RetryPaymentDocument, variables)).retryPayment;
}

async function retried(client: Client, paymentId: string, intent: string): Promise<Attempt> {
  const payload = await retry(client, paymentId, intent);
  return attemptOf(payload, paymentInProgress(payload));
}

/** Pays all of it from the wallet; done with the answer. */
export async function payByWallet(client: Client, order: Order, intent: string): Promise<void> {
  const input = { orderId: order.id, method: 'WALLET' as const };
  const variables = { input, idempotencyKey: intentKey(intent, ['wallet', input]) };
  const { payment, userErrors } = (await perform(client, CreatePaymentDocument, variables)).createPayment;
  if (payment === null) throw refused({ userErrors });
}

const paymentInProgress = ({ userErrors }: Refusals): StartedPayment | undefined =>
  userErrors.find((error) => error.__typename === 'PaymentInProgressError')?.payment;

function attemptOf(payload: Payload, other: StartedPayment | undefined): Attempt {
  const attempt = lastAttempt(payload.payment ?? other);
  if (open(attempt)) return attempt;
  throw refused(payload);
}

function refused({ userErrors: [refusal] }: Refusals): ApiError {
  return refusal === undefined
    ? new ApiError('UNKNOWN', t().pay.notStarted)
    : new ApiError(refusal.code, refusalText(refusal));
}
