import { type FormEvent, useState } from 'react';
import { requestPasswordReset, resetPassword } from '../session.ts';
import { useAction } from '../ui/use-action.ts';
import { Field, shortestPassword } from './field.tsx';

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
          If there is an account of {mobile.trim()}, a code is on its way. It is good for 10 minutes.
        </p>
      ) : (
        <Field
          label="Mobile number"
          type="tel"
          autoComplete="username"
          value={mobile}
          onChange={setMobile}
          {...(step === 'ask' ? { hint: 'We send a code to the account of this number.' } : {})}
        />
      )}
      {step !== 'ask' && (
        <>
          <Field label="Code" autoComplete="one-time-code" value={code} onChange={setCode} hint="e.g. 7K2M-9QXT-4BHN" />
          <Field
            label="New password"
            type="password"
            autoComplete="new-password"
            value={password}
            onChange={setPassword}
            hint={`At least ${shortestPassword} characters`}
            minLength={shortestPassword}
          />
        </>
      )}
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <button className="button" disabled={busy}>
        {busy && <span className="spinner" />}
        {step === 'ask' ? (busy ? 'Sending…' : 'Send a code') : busy ? 'Saving…' : 'Set password and sign in'}
      </button>
      <button type="button" className="link" disabled={busy} onClick={() => setStep(step === 'ask' ? 'have' : 'ask')}>
        {step === 'ask' ? 'I have a code' : 'Send another code'}
      </button>
      <button type="button" className="link" disabled={busy} onClick={onBack}>
        Back to sign-in
      </button>
    </form>
  );
}
