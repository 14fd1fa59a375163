import { useEffect, useRef, useState } from 'react';
import { type Client, useClient } from 'urql';
import {
  CreatePaymentDocument,
  type CreatePaymentMutation,
  RetryPaymentDocument,
} from '../../../../schema/generated/operations.ts';
import { ApiError, postJson } from '../api.ts';
import { perform } from '../client.ts';
import { intentKey, settleIntent } from '../intents.ts';
import type { Attempt, Order, Payment } from '../types.ts';

/** How far the current try has come. `again`: the same request may be sent once more, with the same key. */
export type PayStep =
  | { readonly kind: 'idle' }
  | { readonly kind: 'working'; readonly text: string }
  | { readonly kind: 'confirm' }
  | { readonly kind: 'waiting'; readonly long: boolean }
  | { readonly kind: 'declined'; readonly message: string }
  | { readonly kind: 'problem'; readonly message: string; readonly again: boolean };

const method = 'SIMULATED_CARD' as const;
/** Live events tell the outcome; this often the API is asked as well, in case the connection is down. */
const outcomePollMs = 2_000;
const longWaitMs = 15_000;

type PayPayload = CreatePaymentMutation['createPayment'];
/** A payment as every answer has it. */
type StartedPayment = Pick<Payment, 'id' | 'state' | 'attempts'>;

const lastAttempt = (payment: StartedPayment | null | undefined): Attempt | undefined => payment?.attempts.at(-1);
const cardPayment = (order: Order): Payment | undefined =>
  order.payments.findLast((payment) => payment.method === method);
const open = (attempt: Attempt | undefined): boolean =>
  attempt?.state === 'CREATED' || attempt?.state === 'REQUIRES_ACTION';

/** Pays an order by card at the simulated provider. The outcome is what the order says, never what the browser heard. */
export function useCardPayment(order: Order, reload: () => Promise<void>) {
  const client = useClient();
  const intent = `pay-${order.id}`;
  const [step, setStep] = useState<PayStep>({ kind: 'idle' });
  const attempt = useRef<Attempt | null>(null);
  const cardToConfirm = useRef('');
  const declinedHere = useRef(new Set<string>());

  const payable = order.allowedActions.includes('PAY') || order.state === 'PENDING_PAYMENT';
  const known = lastAttempt(cardPayment(order));

  // What the API knows of the attempt decides, also after this page was loaded again in the middle of paying.
  useEffect(() => {
    if (known === undefined || (attempt.current !== null && attempt.current.id !== known.id)) return;
    if (known.state === 'FAILED') {
      // Told here only while the outcome is open. A refusal that the provider's answer told before may show up late,
      // when the same attempt is being tried with another card.
      const news = !declinedHere.current.has(known.id);
      const declined: PayStep = { kind: 'declined', message: declinedText(known) };
      setStep((now) => (now.kind === 'waiting' && news ? declined : now));
    } else if (known.state === 'PENDING' || known.state === 'SUCCEEDED') {
      attempt.current = known;
      setStep((now) => (now.kind === 'waiting' ? now : { kind: 'waiting', long: false }));
    }
  }, [known]);

  const waiting = step.kind === 'waiting';
  useEffect(() => {
    if (!waiting || !payable) return;
    const poll = setInterval(() => void reload(), outcomePollMs);
    const patience = setTimeout(() => setStep({ kind: 'waiting', long: true }), longWaitMs);
    return () => {
      clearInterval(poll);
      clearTimeout(patience);
    };
  }, [waiting, payable, reload]);

  /** Runs one piece of paying and shows what stands in its way. */
  async function guarded(work: () => Promise<void>) {
    try {
      await work();
    } catch (error) {
      const again = error instanceof ApiError && error.retryable;
      setStep({ kind: 'problem', message: (error as Error).message, again });
      if (!again) settleIntent(intent);
      void reload();
    }
  }

  const pay = (card: string) =>
    guarded(async () => {
      setStep({ kind: 'working', text: 'Preparing the payment…' });
      attempt.current = await openAttempt(client, order, intent);
      setStep({ kind: 'working', text: 'Asking the bank…' });
      cardToConfirm.current = card;
      await submit({ card });
    });

  const confirm = () =>
    guarded(async () => {
      setStep({ kind: 'working', text: 'Confirming…' });
      await submit({ card: cardToConfirm.current, authentication: 'confirmed' });
    });

  async function submit(body: { card: string; authentication?: 'confirmed' }) {
    const answer = await askProvider(attempt.current, body);
    settleIntent(intent);
    if (answer.kind === 'declined') {
      declinedHere.current.add(attempt.current?.id ?? '');
      setStep({ kind: 'declined', message: answer.message });
    } else if (answer.kind === 'confirm') setStep({ kind: 'confirm' });
    else setStep({ kind: 'waiting', long: false });
    void reload();
  }

  const takeAnotherCard = () => setStep({ kind: 'idle' });

  return { step, pay, confirm, takeAnotherCard };
}

/** The attempt to send the card to: the open one, or a new one after a refusal, or the first. */
async function openAttempt(client: Client, order: Order, intent: string): Promise<Attempt> {
  const existing = cardPayment(order);
  const current = lastAttempt(existing);
  if (current !== undefined && open(current)) return current;
  if (existing?.state === 'FAILED') return retried(client, existing.id, intent);
  const input = { orderId: order.id, method } as const;
  const variables = { input, idempotencyKey: intentKey(intent, ['create', input]) };
  const { createPayment } = await perform(client, CreatePaymentDocument, variables);
  // Another tab was faster: its payment is as good.
  const other = paymentInProgress(createPayment);
  if (other?.state === 'FAILED') return retried(client, other.id, intent);
  return attemptOf(createPayment, other);
}

async function retried(client: Client, paymentId: string, intent: string): Promise<Attempt> {
  const variables = { paymentId, idempotencyKey: intentKey(intent, ['retry', paymentId]) };
  const { retryPayment } = await perform(client, RetryPaymentDocument, variables);
  return attemptOf(retryPayment, paymentInProgress(retryPayment));
}

const paymentInProgress = ({ userErrors }: PayPayload): StartedPayment | undefined =>
  userErrors.find((error) => error.__typename === 'PaymentInProgressError')?.payment;

function attemptOf(payload: PayPayload, other: StartedPayment | undefined): Attempt {
  const attempt = lastAttempt(payload.payment ?? other);
  if (attempt !== undefined && open(attempt)) return attempt;
  const [refusal] = payload.userErrors;
  throw new ApiError(refusal?.code ?? 'UNKNOWN', refusal?.message ?? 'The payment could not be started.');
}

/** What the simulated provider's browser part needs; the API hands it through as it is. */
const confirmUrlOf = (attempt: Attempt | null): string | undefined =>
  (attempt?.clientParams as { confirmUrl?: string } | null | undefined)?.confirmUrl;

type ProviderAnswer = { kind: 'accepted' } | { kind: 'confirm' } | { kind: 'declined'; message: string };
type ProviderError = { code?: string; message?: string };

/** Sends the card to the provider, by its path at this origin: the gateway passes it on. */
async function askProvider(attempt: Attempt | null, body: object): Promise<ProviderAnswer> {
  const given = confirmUrlOf(attempt);
  if (given === undefined) {
    throw new ApiError('PROVIDER', 'The payment provider has not answered yet. Try again in a moment.', true);
  }
  const url = new URL(given, location.href);
  const answer = await postJson(`${url.pathname}${url.search}`, body);
  const { status, error, last_payment_error } = answer.body as {
    status?: string;
    error?: ProviderError;
    last_payment_error?: ProviderError | null;
  };
  const failure = error ?? last_payment_error;
  if (answer.status === 402 || status === 'requires_payment_method') {
    return { kind: 'declined', message: failure?.message ?? 'The card was declined.' };
  }
  if (status === 'requires_action') return { kind: 'confirm' };
  if (answer.status >= 400) {
    const text = failure?.message ?? `The payment provider answered with status ${answer.status}.`;
    throw new ApiError('PROVIDER', text, answer.status >= 500 || answer.status === 429);
  }
  return { kind: 'accepted' };
}

const declinedText = (attempt: Attempt): string => attempt.failureMessage ?? 'The card was declined.';
