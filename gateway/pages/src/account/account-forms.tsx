import { type FormEvent, useId, useState } from 'react';
import { useClient } from 'urql';
import {
  ChangePasswordDocument,
  type MyAccountQuery,
  UpdateProfileDocument,
} from '../../../../schema/generated/operations.ts';
import { perform } from '../client.ts';
import { intentKey, newIdempotencyKey, settleIntent } from '../intents.ts';
import { adoptName } from '../session.ts';
import { announce } from '../ui/announcement.tsx';
import { Spinner } from '../ui/parts.tsx';
import { useAction } from '../ui/use-action.ts';

export type Account = NonNullable<MyAccountQuery['me']>;

/** What one is called here. The mobile number is how one signs in, and stays. */
export function ProfileForm({ account, onSaved }: { account: Account; onSaved: () => void }) {
  const client = useClient();
  const id = useId();
  const [name, setName] = useState(account.name);
  const [nickname, setNickname] = useState(account.nickname ?? '');
  const { busy, problem, run } = useAction();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    void run(async () => {
      const input = { name: name.trim(), nickname: nickname.trim() || null, expectedVersion: account.version };
      const variables = { input, idempotencyKey: intentKey('update-profile', input) };
      const { updateProfile } = await perform(client, UpdateProfileDocument, variables);
      settleIntent('update-profile');
      const [refusal] = updateProfile.userErrors;
      if (refusal !== undefined) {
        if (refusal.__typename === 'ConflictError') onSaved();
        return refusal.message;
      }
      adoptName(input.name);
      onSaved();
      announce('Your profile is saved.');
      return null;
    });
  };
  return (
    <form className="form" onSubmit={submit} aria-label="Profile">
      <div className="field">
        <label htmlFor={`${id}-name`}>Name</label>
        <input
          id={`${id}-name`}
          required
          maxLength={64}
          autoComplete="name"
          value={name}
          onChange={({ target }) => setName(target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-nickname`}>What we call you (optional)</label>
        <input
          id={`${id}-nickname`}
          maxLength={64}
          autoComplete="nickname"
          value={nickname}
          onChange={({ target }) => setNickname(target.value)}
        />
      </div>
      {account.mobile !== null && <p className="small muted">You sign in with +{account.mobile}.</p>}
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <button className="button quiet" disabled={busy}>
        {busy && <Spinner />}
        Save the profile
      </button>
    </form>
  );
}

/** A new password ends all other sessions. */
export function PasswordForm({ onSaved }: { onSaved: () => void }) {
  const client = useClient();
  const id = useId();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [isShown, setIsShown] = useState(false);
  const { busy, problem, run } = useAction();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    void run(async () => {
      // Not an intent that is kept in storage, as the passwords would be kept with it. Doing it twice harms nobody.
      const variables = { current, next, idempotencyKey: newIdempotencyKey() };
      const { changePassword } = await perform(client, ChangePasswordDocument, variables);
      if (changePassword.userErrors[0] !== undefined) return changePassword.userErrors[0].message;
      setCurrent('');
      setNext('');
      onSaved();
      announce('Your password is changed. Other devices are signed out.');
      return null;
    });
  };
  const fields = [
    ['current', 'Password until now', 'current-password', current, setCurrent],
    ['next', 'New password', 'new-password', next, setNext],
  ] as const;
  return (
    <form className="form" onSubmit={submit} aria-label="Password">
      {fields.map(([name, label, autoComplete, value, set]) => (
        <div key={name} className="field">
          <label htmlFor={`${id}-${name}`}>{label}</label>
          <input
            id={`${id}-${name}`}
            type={isShown ? 'text' : 'password'}
            required
            autoComplete={autoComplete}
            value={value}
            onChange={({ target }) => set(target.value)}
          />
        </div>
      ))}
      <label className="switch">
        <input type="checkbox" checked={isShown} onChange={({ target }) => setIsShown(target.checked)} />
        <span>Show what I type</span>
      </label>
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <button className="button quiet" disabled={busy}>
        {busy && <Spinner />}
        Change the password
      </button>
    </form>
  );
}
