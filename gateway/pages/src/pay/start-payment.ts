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
import { t } from '../language/catalogue.ts';
import { refusalText } from '../language/refusals.ts';

const method = 'SIMULATED_CARD' as const;

type Refusals = Pick<CreatePaymentMutation['createPayment'], 'userErrors'>;
/** A payment as every answer has it. */
type StartedPayment = Pick<Payment, 'id' | 'state' | 'attempts'>;
type Payload = Refusals & { readonly payment: StartedPayment | null };

export const lastAttempt = (payment: StartedPayment | null | undefined): Attempt | undefined =>
  payment?.attempts.at(-1);

const givenUp: readonly Payment['state'][] = ['CANCELLED', 'EXPIRED'];

/** The card's payment of the order, when one was started and not given up. */
export const cardPayment = (order: Order): Payment | undefined =>
  order.payments.findLast((payment) => payment.method === method && !givenUp.includes(payment.state));

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
  const payload =
    fromWallet === null ? await create(client, order, intent) : await mix(client, order, intent, fromWallet);
  // Another tab was faster: its payment is as good.
  const other = paymentInProgress(payload);
  if (other?.state === 'FAILED') return retried(client, other.id, intent);
  return attemptOf(payload, other);
}

async function create(client: Client, order: Order, intent: string): Promise<Payload> {
  const input = { orderId: order.id, method };
  const variables = { input, idempotencyKey: intentKey(intent, ['create', input]) };
  return (await perform(client, CreatePaymentDocument, variables)).createPayment;
}

async function mix(client: Client, order: Order, intent: string, fromWallet: Money): Promise<Payload> {
  const input = { orderId: order.id, parts: [{ method: 'WALLET' as const, amount: fromWallet }, { method }] };
  const variables = { input, idempotencyKey: intentKey(intent, ['mix', input]) };
  const { payments, userErrors } = (await perform(client, CreateMixedPaymentDocument, variables)).createMixedPayment;
  return { payment: payments.find((payment) => payment.method === method) ?? null, userErrors };
}

async function retried(client: Client, paymentId: string, intent: string): Promise<Attempt> {
  const variables = { paymentId, idempotencyKey: intentKey(intent, ['retry', paymentId]) };
  const { retryPayment } = await perform(client, RetryPaymentDocument, variables);
  return attemptOf(retryPayment, paymentInProgress(retryPayment));
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
