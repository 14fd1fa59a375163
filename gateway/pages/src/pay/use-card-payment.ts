import { useEffect, useRef, useState } from 'react';
import { ApiError, newIdempotencyKey, postJson } from '../api.ts';
import * as operations from '../operations.ts';
import { requestAsUser } from '../session.ts';
import type { Attempt, Order, PayPayload, Payment } from '../types.ts';

/** How far the current try has come. `again`: the same request may be sent once more, with the same key. */
export type PayStep =
  | { readonly kind: 'idle' }
  | { readonly kind: 'working'; readonly text: string }
  | { readonly kind: 'confirm' }
  | { readonly kind: 'waiting'; readonly long: boolean }
  | { readonly kind: 'declined'; readonly message: string }
  | { readonly kind: 'problem'; readonly message: string; readonly again: boolean };

const method = 'SIMULATED_CARD';
/** Live events tell the outcome; this often the API is asked as well, in case the connection is down. */
const outcomePollMs = 2_000;
const longWaitMs = 15_000;

const lastAttempt = (payment: Payment | undefined): Attempt | undefined => payment?.attempts.at(-1);
const cardPayment = (order: Order): Payment | undefined =>
  order.payments.findLast((payment) => payment.method === method);
const open = (attempt: Attempt | undefined): boolean =>
  attempt?.state === 'CREATED' || attempt?.state === 'REQUIRES_ACTION';

/** Pays an order by card at the simulated provider. The outcome is what the order says, never what the browser heard. */
export function useCardPayment(order: Order, reload: () => Promise<void>) {
  const [step, setStep] = useState<PayStep>({ kind: 'idle' });
  const attempt = useRef<Attempt | null>(null);
  const wish = useRef<{ card: string; key: string } | null>(null);
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
      if (!again) wish.current = null;
      void reload();
    }
  }

  const pay = (card: string) =>
    guarded(async () => {
      if (wish.current?.card !== card) wish.current = { card, key: newIdempotencyKey() };
      setStep({ kind: 'working', text: 'Preparing the payment…' });
      attempt.current = await openAttempt(order, wish.current.key);
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
    wish.current = null;
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
async function openAttempt(order: Order, idempotencyKey: string): Promise<Attempt> {
  const existing = cardPayment(order);
  if (existing !== undefined && open(lastAttempt(existing))) return lastAttempt(existing) as Attempt;
  if (existing?.state === 'FAILED') return retried(existing.id, idempotencyKey);
  const input = { orderId: order.id, method };
  const { createPayment } = await requestAsUser(operations.createPayment, { input, idempotencyKey });
  // Another tab was faster: its payment is as good.
  const other = createPayment.userErrors.find((error) => error.payment)?.payment;
  if (other?.state === 'FAILED') return retried(other.id, idempotencyKey);
  return attemptOf(createPayment, other);
}

async function retried(paymentId: string, idempotencyKey: string): Promise<Attempt> {
  const { retryPayment } = await requestAsUser(operations.retryPayment, { paymentId, idempotencyKey });
  return attemptOf(retryPayment, retryPayment.userErrors.find((error) => error.payment)?.payment);
}

function attemptOf(payload: PayPayload, other: Payment | undefined): Attempt {
  const attempt = lastAttempt(payload.payment ?? other);
  if (attempt !== undefined && open(attempt)) return attempt;
  const [refusal] = payload.userErrors;
  throw new ApiError(refusal?.code ?? 'UNKNOWN', refusal?.message ?? 'The payment could not be started.');
}

type ProviderAnswer = { kind: 'accepted' } | { kind: 'confirm' } | { kind: 'declined'; message: string };
type ProviderError = { code?: string; message?: string };

/** Sends the card to the provider, by its path at this origin: the gateway passes it on. */
async function askProvider(attempt: Attempt | null, body: object): Promise<ProviderAnswer> {
  const given = attempt?.clientParams?.confirmUrl;
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
