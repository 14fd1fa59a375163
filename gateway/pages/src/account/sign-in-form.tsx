import { type FormEvent, type ReactNode, useState } from 'react';
import { demoAccounts } from '../environment.ts';
import { register, signIn } from '../session.ts';
import { useAction } from '../ui/use-action.ts';
import { Field, shortestPassword } from './field.tsx';
import { IssuerButtons } from './issuer-buttons.tsx';
import { ResetForm } from './reset-form.tsx';
import { t } from '../language/catalogue.ts';
import { localeOfPage } from '../language/language.ts';

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
    void enter(() => (isNew ? register({ name: name.trim(), locale: localeOfPage(), ...secret }) : signIn(secret)));
  };

  if (hasForgotten)
    return (
      <div className="form">
        {head(t().signIn.forgot)}
        <ResetForm mobile={mobile} onDone={() => onDone?.()} onBack={() => setHasForgotten(false)} />
      </div>
    );
  return (
    <div className="form">
      {head(isNew ? t().signIn.create : t().signIn.signIn)}
      <form className="form" onSubmit={submit}>
        {isNew && <Field label={t().signIn.name} autoComplete="name" value={name} onChange={setName} />}
        <Field
          label={t().signIn.mobile}
          type="tel"
          autoComplete="username"
          value={mobile}
          onChange={setMobile}
          {...(isNew ? { hint: t().signIn.mobileHint } : {})}
        />
        <Field
          label={t().signIn.password}
          type="password"
          autoComplete={isNew ? 'new-password' : 'current-password'}
          value={password}
          onChange={setPassword}
          {...(isNew ? { hint: t().signIn.atLeast(shortestPassword), minLength: shortestPassword } : {})}
        />
        <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
        <button className="button" disabled={busy}>
          {busy && <span className="spinner" />}
          {isNew
            ? busy
              ? t().signIn.creating
              : t().signIn.createAccount
            : busy
              ? t().signIn.signingIn
              : t().signIn.signIn}
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
          {isNew ? t().signIn.haveAccount : t().signIn.create}
        </button>
        {!isNew && (
          <button type="button" className="link" disabled={busy} onClick={() => setHasForgotten(true)}>
            {t().signIn.forgot}
          </button>
        )}
      </form>
      <IssuerButtons busy={busy} run={run} />
      {demoAccounts.length > 0 && !isNew && (
        <div className="form">
          <p className="small muted">{t().signIn.orDemo}</p>
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
