import { type FormEvent, useState } from 'react';
import { requestPasswordReset, resetPassword } from '../session.ts';
import { useAction } from '../ui/use-action.ts';
import { Field, shortestPassword } from './field.tsx';
import { t } from '../language/catalogue.ts';

/** `ask` sends a code; `sent` and `have` take it, with the new password. */
type Step = 'ask' | 'sent' | 'have';

/**
 * Sends a code for a forgotten password, then takes the code and the new password; calls `onDone` when signed in. Who was
 * invited has a code already.
 */
export function ResetForm({
  mobile: known,
  onDone,
  onBack,
}: {
  mobile: string;
  onDone: () => void;
  onBack: () => void;
}) {
  const [step, setStep] = useState<Step>('ask');
  const [mobile, setMobile] = useState(known);
  const [code, setCode] = useState('');
  const [password, setPassword] = useState('');
  const { busy, problem, run } = useAction();

  const ask = () =>
    run(async () => {
      await requestPasswordReset(mobile.trim());
      setStep('sent');
    });
  const set = () =>
    run(async () => {
      const refusal = await resetPassword({ mobile: mobile.trim(), code: code.trim(), password });
      if (refusal === null) onDone();
      return refusal;
    });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!busy) void (step === 'ask' ? ask() : set());
  };

  return (
    <form className="form" onSubmit={submit}>
      {step === 'sent' ? (
        <p className="notice" role="status">
          {t().signIn.ifAccount(mobile.trim())}
        </p>
      ) : (
        <Field
          label={t().signIn.mobile}
          type="tel"
          autoComplete="username"
          value={mobile}
          onChange={setMobile}
          {...(step === 'ask' ? { hint: t().signIn.sendHint } : {})}
        />
      )}
      {step !== 'ask' && (
        <>
          <Field
            label={t().signIn.code}
            autoComplete="one-time-code"
            value={code}
            onChange={setCode}
            hint={t().signIn.codeHint}
          />
          <Field
            label={t().signIn.newPassword}
            type="password"
            autoComplete="new-password"
            value={password}
            onChange={setPassword}
            hint={t().signIn.atLeast(shortestPassword)}
            minLength={shortestPassword}
          />
        </>
      )}
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <button className="button" disabled={busy}>
        {busy && <span className="spinner" />}
        {step === 'ask'
          ? busy
            ? t().signIn.sending
            : t().signIn.sendCode
          : busy
            ? t().signIn.saving
            : t().signIn.setPassword}
      </button>
      <button type="button" className="link" disabled={busy} onClick={() => setStep(step === 'ask' ? 'have' : 'ask')}>
        {step === 'ask' ? t().signIn.haveCode : t().signIn.anotherCode}
      </button>
      <button type="button" className="link" disabled={busy} onClick={onBack}>
        {t().signIn.back}
      </button>
    </form>
  );
}
