import { type FormEvent, type ReactNode, useState } from 'react';
import { demoAccounts } from '../environment.ts';
import { register, signIn } from '../session.ts';
import { useAction } from '../ui/use-action.ts';
import { Field, shortestPassword } from './field.tsx';
import { IssuerButtons } from './issuer-buttons.tsx';
import { ResetForm } from './reset-form.tsx';

/** Signs in, or makes an account, under a head that says which; calls `onDone` when signed in. In development the demo accounts are one click away. */
export function SignInForm({ head, onDone }: { head: (title: string) => ReactNode; onDone?: () => void }) {
  const [isNew, setIsNew] = useState(false);
  const [hasForgotten, setHasForgotten] = useState(false);
  const [name, setName] = useState('');
  const [mobile, setMobile] = useState('');
  const [password, setPassword] = useState('');
  const { busy, problem, clear, run } = useAction();

  const enter = (work: () => Promise<string | null>) =>
    run(async () => {
      const refusal = await work();
      if (refusal === null) onDone?.();
      return refusal;
    });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const secret = { mobile: mobile.trim(), password };
    void enter(() => (isNew ? register({ name: name.trim(), ...secret }) : signIn(secret)));
  };

  if (hasForgotten)
    return (
      <div className="form">
        {head('Forgot your password?')}
        <ResetForm mobile={mobile} onDone={() => onDone?.()} onBack={() => setHasForgotten(false)} />
      </div>
    );
  return (
    <div className="form">
      {head(isNew ? 'Create an account' : 'Sign in')}
      <form className="form" onSubmit={submit}>
        {isNew && <Field label="Name" autoComplete="name" value={name} onChange={setName} />}
        <Field
          label="Mobile number"
          type="tel"
          autoComplete="username"
          value={mobile}
          onChange={setMobile}
          {...(isNew ? { hint: 'With country code, e.g. +49 151 2345678' } : {})}
        />
        <Field
          label="Password"
          type="password"
          autoComplete={isNew ? 'new-password' : 'current-password'}
          value={password}
          onChange={setPassword}
          {...(isNew ? { hint: `At least ${shortestPassword} characters`, minLength: shortestPassword } : {})}
        />
        <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
        <button className="button" disabled={busy}>
          {busy && <span className="spinner" />}
          {isNew ? (busy ? 'Creating…' : 'Create account') : busy ? 'Signing in…' : 'Sign in'}
        </button>
        <button
          type="button"
          className="link"
          disabled={busy}
          onClick={() => {
            clear();
            setIsNew(!isNew);
          }}
        >
          {isNew ? 'I have an account' : 'Create an account'}
        </button>
        {!isNew && (
          <button type="button" className="link" disabled={busy} onClick={() => setHasForgotten(true)}>
            Forgot your password?
          </button>
        )}
      </form>
      <IssuerButtons busy={busy} run={run} />
      {demoAccounts.length > 0 && !isNew && (
        <div className="form">
          <p className="small muted">Or as one of the demo accounts:</p>
          <ul className="accounts">
            {demoAccounts.map((account) => (
              <li key={account.mobile}>
                <button type="button" disabled={busy} onClick={() => void enter(() => signIn(account))}>
                  <span>{account.name}</span>
                  <code className="muted">{account.mobile}</code>
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
