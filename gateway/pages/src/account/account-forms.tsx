import { type FormEvent, useId, useState } from 'react';
import { useClient } from 'urql';
import {
  ChangePasswordDocument,
  type MyAccountQuery,
  UpdateProfileDocument,
} from '../../../../schema/generated/operations.ts';
import { perform } from '../client.ts';
import { intentKey, newIdempotencyKey, settleIntent } from '../intents.ts';
import { adoptProfile } from '../session.ts';
import { announce } from '../ui/announcement.tsx';
import { Spinner } from '../ui/parts.tsx';
import { useAction } from '../ui/use-action.ts';
import { t } from '../language/catalogue.ts';
import { firstRefusal, refusalText } from '../language/refusals.ts';

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
        return refusalText(refusal);
      }
      adoptProfile({ name: input.name });
      onSaved();
      announce(t().account.profileSaved);
      return null;
    });
  };
  return (
    <form className="form" onSubmit={submit} aria-label={t().account.profile}>
      <div className="field">
        <label htmlFor={`${id}-name`}>{t().account.name}</label>
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
        <label htmlFor={`${id}-nickname`}>{t().account.nickname}</label>
        <input
          id={`${id}-nickname`}
          maxLength={64}
          autoComplete="nickname"
          value={nickname}
          onChange={({ target }) => setNickname(target.value)}
        />
      </div>
      {account.mobile !== null && <p className="small muted">{t().account.signInWith(account.mobile)}</p>}
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <button className="button quiet" disabled={busy}>
        {busy && <Spinner />}
        {t().account.saveProfile}
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
      const refusal = firstRefusal(changePassword.userErrors);
      if (refusal !== null) return refusal;
      setCurrent('');
      setNext('');
      onSaved();
      announce(t().account.passwordChanged);
      return null;
    });
  };
  const fields = [
    ['current', t().account.passwordNow, 'current-password', current, setCurrent],
    ['next', t().account.newPassword, 'new-password', next, setNext],
  ] as const;
  return (
    <form className="form" onSubmit={submit} aria-label={t().account.password}>
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
        <span>{t().account.showTyped}</span>
      </label>
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <button className="button quiet" disabled={busy}>
        {busy && <Spinner />}
        {t().account.changePassword}
      </button>
    </form>
  );
}
