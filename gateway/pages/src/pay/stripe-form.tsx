import { type FormEvent, useEffect, useRef, useState } from 'react';
import { formatMoney } from '../format.ts';
import { shownLanguage, t } from '../language/catalogue.ts';
import type { Money } from '../types.ts';
import { Loading, Problem, Spinner } from '../ui/parts.tsx';
import { type StripeElements, type StripeFactory, type StripeScript, loadStripe } from './load-stripe.ts';

type Mounted = { readonly stripe: StripeScript; readonly elements: StripeElements };
type Step = 'loading' | 'ready' | 'sending' | 'sent' | 'unreached';

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
    const mount = (factory: StripeFactory): void => {
      if (!isThere || place.current === null) return;
      const stripe = factory(publishableKey);
      const appearance = { theme: isDark() ? 'night' : 'stripe' };
      const elements = stripe.elements({ clientSecret, locale: language, appearance });
      const element = elements.create('payment');
      element.on('ready', () => setStep('ready'));
      element.on('loaderror', () => setStep('unreached'));
      element.mount(place.current);
      mounted.current = { stripe, elements };
      leave = () => element.unmount();
    };
    loadStripe(script).then(mount, () => isThere && setStep('unreached'));
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
    const { error } = await stripe.confirmPayment({ elements, confirmParams, redirect: 'if_required' });
    if (error === undefined) setStep('sent');
    else {
      setRefusal(error.message ?? t().pay.declined);
      setStep('ready');
    }
    await onSent();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (step === 'ready' && mounted.current !== null) void pay(mounted.current);
  };
  const busy = step === 'sending' || step === 'sent';
  return (
    <form className="form" onSubmit={submit}>
      {step === 'loading' && <Loading text={t().pay.stripeLoading} />}
      {step === 'unreached' && (
        <Problem what={t().pay.stripeUnreached} why="" onRetry={() => setTries((count) => count + 1)} />
      )}
      <div ref={place} className="stripe" />
      <div role="alert">
        {refusal !== null && (
          <p className="notice bad">
            <strong>{t().pay.didNotGoThrough}</strong> {refusal} {t().pay.nothingCharged}
          </p>
        )}
      </div>
      {step !== 'loading' && step !== 'unreached' && (
        <button className="button wide" aria-disabled={busy}>
          {busy && <Spinner />}
          {busy ? t().pay.waiting : t().pay.payAmount(formatMoney(amount))}
        </button>
      )}
    </form>
  );
}
