import { type FormEvent, useState } from 'react';
import { useClient } from 'urql';
import { RequestEmailVerificationDocument, VerifyEmailDocument } from '../../../../schema/generated/operations.ts';
import { perform } from '../client.ts';
import { newIdempotencyKey } from '../intents.ts';
import { t } from '../language/catalogue.ts';
import { firstRefusal } from '../language/refusals.ts';
import { announce } from '../ui/announcement.tsx';
import { Spinner } from '../ui/parts.tsx';
import { useAction } from '../ui/use-action.ts';
import { useKept } from '../ui/use-kept.ts';
import type { Account } from './account-forms.tsx';
import { Field, OwnPassword } from './field.tsx';

const longestAddress = 254;

/** The account's e-mail address; another one becomes its own by a code that is sent there. */
export function EmailPart({ account, onChanged }: { account: Account; onChanged: () => void }) {
  const [isChanging, setIsChanging] = useState(false);
  // The code is read elsewhere, and on a phone this page may be gone meanwhile.
  const [sentTo, setSentTo] = useKept<string | null>('email-code', account.id, null);
  const settled = account.emailVerified && !isChanging && sentTo === null;
  return (
    <>
      {account.email === null ? (
        <p className="small muted">{t().account.emailNone}</p>
      ) : (
        <p>
          <span className="address">{account.email}</span>{' '}
          <span className={`badge ${account.emailVerified ? 'good' : 'wait'}`}>
            {account.emailVerified ? t().account.emailVerified : t().account.emailUnverified}
          </span>
        </p>
      )}
      {settled && (
        <button type="button" className="button quiet" onClick={() => setIsChanging(true)}>
          {t().account.otherAddress}
        </button>
      )}
      {!settled && sentTo === null && <AskForCode account={account} onSent={setSentTo} />}
      {!settled && sentTo !== null && (
        <EnterCode
          sentTo={sentTo}
          onVerified={() => {
            setSentTo(null);
            setIsChanging(false);
            onChanged();
          }}
          onAgain={() => setSentTo(null)}
        />
      )}
    </>
  );
}

function AskForCode({ account, onSent }: { account: Account; onSent: (email: string) => void }) {
  const client = useClient();
  const [email, setEmail] = useState(account.emailVerified ? '' : (account.email ?? ''));
  const [password, setPassword] = useState('');
  const { busy, problem, run } = useAction();
  // Accounts without a number have no password here.
  const hasPassword = account.mobile !== null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    void run(async () => {
      // Not an intent that is kept in storage, as the password would be kept with it. Sending twice harms nobody.
      const variables = { email: email.trim(), password: hasPassword ? password : null, idempotencyKey: newIdempotencyKey() }; // prettier-ignore
      const { requestEmailVerification } = await perform(client, RequestEmailVerificationDocument, variables);
      const refusal = firstRefusal(requestEmailVerification.userErrors);
      if (refusal === null) onSent(email.trim());
      return refusal;
    });
  };
  return (
    <form className="form" onSubmit={submit} aria-label={t().account.email}>
      <Field
        label={t().account.emailAddress}
        type="email"
        autoComplete="email"
        maxLength={longestAddress}
        value={email}
        onChange={setEmail}
        hint={t().account.emailUse}
      />
      {hasPassword && <OwnPassword value={password} onChange={setPassword} />}
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <button className="button quiet" disabled={busy}>
        {busy && <Spinner />}
        {t().account.sendCode}
      </button>
    </form>
  );
}

function EnterCode({ sentTo, onVerified, onAgain }: { sentTo: string; onVerified: () => void; onAgain: () => void }) {
  const client = useClient();
  const [code, setCode] = useState('');
  const { busy, problem, run } = useAction();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    void run(async () => {
      const variables = { code: code.trim(), idempotencyKey: newIdempotencyKey() };
      const { verifyEmail } = await perform(client, VerifyEmailDocument, variables);
      const refusal = firstRefusal(verifyEmail.userErrors);
      if (refusal !== null) return refusal;
      announce(t().account.verified);
      onVerified();
      return null;
    });
  };
  return (
    <form className="form" onSubmit={submit} aria-label={t().account.verify}>
      <p className="notice" role="status">
        {t().account.codeSent(sentTo)}
      </p>
      <Field
        label={t().account.code}
        autoComplete="one-time-code"
        value={code}
        onChange={setCode}
        hint={t().signIn.codeHint}
      />
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <button className="button quiet" disabled={busy}>
        {busy && <Spinner />}
        {t().account.verify}
      </button>
      <button type="button" className="link" disabled={busy} onClick={onAgain}>
        {t().account.otherAddress}
      </button>
    </form>
  );
}
