import { type FormEvent, useEffect, useRef, useState } from 'react';
import { formatMoney } from '../format.ts';
import { shownLanguage, t } from '../language/catalogue.ts';
import type { Money } from '../types.ts';
import { Loading, Problem, Spinner } from '../ui/parts.tsx';
import {
  type StripeElements,
  type StripeFactory,
  type StripeScript,
  isRefusal,
  loadStripe,
  wasSent,
} from './load-stripe.ts';

type Mounted = { readonly stripe: StripeScript; readonly elements: StripeElements };
/** `unsure`: Stripe has not said what came of it. */
type Step = 'loading' | 'ready' | 'sending' | 'sent' | 'unsure' | 'unreached';

const isDark = (): boolean => matchMedia('(prefers-color-scheme: dark)').matches;

/**
 * Stripe's Payment Element: what is typed goes to Stripe alone. What came of it the order says; here is told only what
 * Stripe refuses at once.
 */
export function StripeForm({
  script,
  secrets: { clientSecret, publishableKey },
  amount,
  orderId,
  onSent,
}: {
  script: string;
  secrets: { clientSecret: string; publishableKey: string };
  amount: Money;
  orderId: string;
  onSent: () => Promise<void>;
}) {
  const place = useRef<HTMLDivElement>(null);
  const mounted = useRef<Mounted | null>(null);
  const [step, setStep] = useState<Step>('loading');
  const [refusal, setRefusal] = useState<string | null>(null);
  const [tries, setTries] = useState(0);
  const language = shownLanguage();

  useEffect(() => {
    let isThere = true;
    let leave = () => {};
    setStep('loading');
    const mount = async (factory: StripeFactory): Promise<void> => {
      const stripe = factory(publishableKey);
      const isSent = await wasSent(stripe, clientSecret);
      if (!isThere || place.current === null) return;
      if (isSent) {
        setStep('sent');
        return;
      }
      const appearance = { theme: isDark() ? 'night' : 'stripe' };
      const elements = stripe.elements({ clientSecret, locale: language, appearance });
      const element = elements.create('payment');
      element.on('ready', () => setStep('ready'));
      element.on('loaderror', () => setStep('unreached'));
      element.mount(place.current);
      mounted.current = { stripe, elements };
      leave = () => element.unmount();
    };
    loadStripe(script)
      .then(mount)
      .catch(() => isThere && setStep('unreached'));
    return () => {
      isThere = false;
      mounted.current = null;
      leave();
    };
  }, [script, clientSecret, publishableKey, language, tries]);

  const pay = async ({ stripe, elements }: Mounted) => {
    setStep('sending');
    setRefusal(null);
    const confirmParams = { return_url: `${location.origin}/pay/${orderId}` };
    try {
      const { error } = await stripe.confirmPayment({ elements, confirmParams, redirect: 'if_required' });
      if (error !== undefined && isRefusal(error)) setRefusal(error.message ?? t().pay.declined);
      setStep(error === undefined ? 'sent' : isRefusal(error) ? 'ready' : 'unsure');
    } catch {
      setStep('unsure');
    }
    await onSent();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (step === 'ready' && mounted.current !== null) void pay(mounted.current);
  };
  return (
    <form className="form" onSubmit={submit}>
      {step === 'loading' && <Loading text={t().pay.stripeLoading} />}
      {step === 'unreached' && (
        <Problem what={t().pay.stripeUnreached} why="" onRetry={() => setTries((count) => count + 1)} />
      )}
      {step === 'unsure' && (
        <Problem what={t().pay.unsure} why={t().pay.unsureText} onRetry={() => setTries((count) => count + 1)} />
      )}
      {step === 'sent' && <Loading text={t().pay.waiting} />}
      <div ref={place} className="stripe" hidden={step === 'sent' || step === 'unsure'} />
      <div role="alert">
        {refusal !== null && (
          <p className="notice bad">
            <strong>{t().pay.didNotGoThrough}</strong> {refusal} {t().pay.nothingCharged}
          </p>
        )}
      </div>
      {(step === 'ready' || step === 'sending') && (
        <button className="button wide" aria-disabled={step === 'sending'}>
          {step === 'sending' && <Spinner />}
          {step === 'sending' ? t().pay.waiting : t().pay.payAmount(formatMoney(amount))}
        </button>
      )}
    </form>
  );
}
