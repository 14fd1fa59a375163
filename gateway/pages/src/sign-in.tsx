import { useEffect, useId, useRef, useState, type FormEvent } from 'react';
import { demoAccounts } from './environment.ts';
import { signIn } from './session.ts';

/** Mobile and password; calls `onDone` when signed in. In development the demo accounts are one click away. */
export function SignInForm({ onDone }: { onDone?: () => void }) {
  const [mobile, setMobile] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const id = useId();

  async function enter(credentials: { mobile: string; password: string }) {
    setBusy(true);
    setProblem(null);
    try {
      const refusal = await signIn(credentials);
      if (refusal === null) onDone?.();
      else setProblem(refusal);
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      setBusy(false);
    }
  }

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!busy) void enter({ mobile: mobile.trim(), password });
  };

  return (
    <div className="form">
      <form className="form" onSubmit={submit}>
        <div className="field">
          <label htmlFor={`${id}-mobile`}>Mobile number</label>
          <input
            id={`${id}-mobile`}
            type="tel"
            autoComplete="username"
            required
            value={mobile}
            onChange={(event) => setMobile(event.target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor={`${id}-password`}>Password</label>
          <input
            id={`${id}-password`}
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </div>
        <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
        <button className="button" disabled={busy}>
          {busy && <span className="spinner" />}
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      {demoAccounts.length > 0 && (
        <div className="form">
          <p className="small muted">Demo accounts (this server runs for development):</p>
          <ul className="accounts">
            {demoAccounts.map((account) => (
              <li key={account.mobile}>
                <button type="button" disabled={busy} onClick={() => void enter(account)}>
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

/** The sign-in form over the page. */
export function SignInDialog({ reason, onDone, onClose }: { reason: string; onDone: () => void; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (dialog.current !== null && !dialog.current.open) dialog.current.showModal();
  }, []);
  return (
    <dialog ref={dialog} className="card" aria-labelledby="sign-in-title" onClose={onClose}>
      <div className="form">
        <h2 id="sign-in-title">Sign in</h2>
        <p className="muted">{reason}</p>
        <SignInForm onDone={onDone} />
        <button type="button" className="button quiet" onClick={() => dialog.current?.close()}>
          Not now
        </button>
      </div>
    </dialog>
  );
}
