import { useEffect, useRef, useState } from 'react';
import { useClient } from 'urql';
import { ApiError } from '../api.ts';
import { settleIntent } from '../intents.ts';
import type { Attempt, Money, Order } from '../types.ts';
import { askProvider, declineText } from './ask-provider.ts';
import { cardPayment, lastAttempt, openAttempt, payByWallet } from './start-payment.ts';
import { t } from '../language/catalogue.ts';

/** How far the current try has come. `again`: the same request may be sent once more, with the same key. */
export type PayStep =
  | { readonly kind: 'idle' }
  | { readonly kind: 'working'; readonly text: string }
  | { readonly kind: 'confirm' }
  | { readonly kind: 'waiting'; readonly long: boolean }
  | { readonly kind: 'declined'; readonly message: string }
  | { readonly kind: 'problem'; readonly message: string; readonly again: boolean };

/** Live events tell the outcome; this often the API is asked as well, in case the connection is down. */
const outcomePollMs = 2_000;
const longWaitMs = 15_000;
/** A decline is known here before the API has heard of it from the provider: so often, and so many times, it is asked. */
const declinePollMs = 500;
const maxDeclinePolls = 30;

/** Pays an order by card at the simulated provider, by wallet, or by both. The outcome is what the order says, never what the browser heard. */
export function usePayment(order: Order, reload: () => Promise<void>) {
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

  // What was captured in part leaves a rest, which another payment pays.
  useEffect(() => {
    if (known !== undefined || attempt.current === null) return;
    attempt.current = null;
    setStep((now) => (now.kind === 'waiting' ? { kind: 'idle' } : now));
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

  // What else the order can be paid with is known once the API knows of the decline.
  const unheard = step.kind === 'declined' && cardPayment(order)?.state !== 'FAILED';
  useEffect(() => {
    if (!unheard || !payable) return;
    let polls = 0;
    const poll = setInterval(() => {
      polls += 1;
      if (polls > maxDeclinePolls) clearInterval(poll);
      else void reload();
    }, declinePollMs);
    return () => clearInterval(poll);
  }, [unheard, payable, reload]);

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

  const pay = (card: string, fromWallet: Money | null) =>
    guarded(async () => {
      setStep({ kind: 'working', text: t().pay.preparing });
      attempt.current = await openAttempt(client, order, { intent, fromWallet });
      setStep({ kind: 'working', text: t().pay.askingBank });
      cardToConfirm.current = card;
      await submit({ card });
    });

  const payFromWallet = () =>
    guarded(async () => {
      setStep({ kind: 'working', text: t().pay.payingFromWallet });
      await payByWallet(client, order, intent);
      settleIntent(intent);
      setStep({ kind: 'waiting', long: false });
      void reload();
    });

  const confirm = () =>
    guarded(async () => {
      setStep({ kind: 'working', text: t().pay.confirming });
      await submit({ card: cardToConfirm.current, authentication: 'confirmed' });
    });

  async function submit(body: { card: string; authentication?: 'confirmed' }) {
    const answer = await askProvider(attempt.current, body);
    settleIntent(intent);
    // The order says now how its money is split, which the next try goes by.
    await reload();
    if (answer.kind === 'declined') {
      declinedHere.current.add(attempt.current?.id ?? '');
      setStep({ kind: 'declined', message: answer.message });
    } else if (answer.kind === 'confirm') setStep({ kind: 'confirm' });
    else setStep({ kind: 'waiting', long: false });
  }

  const takeAnotherCard = () => setStep({ kind: 'idle' });

  return { step, pay, payFromWallet, confirm, takeAnotherCard };
}

const declinedText = ({ failureMessage }: Attempt): string => declineText({ message: failureMessage });
