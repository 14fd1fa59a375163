import { type FormEvent, useEffect, useState } from 'react';
import { useClient } from 'urql';
import { UnlinkIdentityDocument } from '../../../../schema/generated/operations.ts';
import { perform } from '../client.ts';
import { formatMoment } from '../format.ts';
import { newIdempotencyKey } from '../intents.ts';
import { t } from '../language/catalogue.ts';
import { firstRefusal } from '../language/refusals.ts';
import { announce } from '../ui/announcement.tsx';
import { Spinner } from '../ui/parts.tsx';
import { useAction } from '../ui/use-action.ts';
import type { Account } from './account-forms.tsx';
import { OwnPassword } from './field.tsx';
import { type Issuer, beginAt, findIssuers } from './identity-login.ts';

type Identity = Account['identities'][number];
type Part = { account: Account; onChanged: () => void };

/** Under which names one signs in; others are added at their issuers, and taken off here. */
export function IdentitiesPart({ account, onChanged }: Part) {
  const client = useClient();
  const [issuers, setIssuers] = useState<readonly Issuer[]>([]);
  const { busy, problem, run } = useAction();
  useEffect(() => {
    let isThere = true;
    findIssuers().then(
      (found) => isThere && setIssuers(found),
      // What is linked is shown without them.
      () => undefined,
    );
    return () => {
      isThere = false;
    };
  }, []);
  const nameOf = ({ type, issuer }: Identity): string =>
    issuers.find((each) => each.issuer === issuer)?.name ?? (type === 'WX_MINI' ? 'WeChat' : (issuer ?? ''));
  const missing = issuers.filter(({ issuer }) => !account.identities.some((each) => each.issuer === issuer));
  return (
    <>
      <ul className="returns">
        {account.identities.map((identity) => (
          <li key={`${identity.type} ${identity.issuer} ${identity.key}`}>
            <p>{identity.type === 'MOBILE' ? `${t().account.mobileNumber} +${identity.key}` : nameOf(identity)}</p>
            <p className="small muted">{t().account.since(formatMoment(identity.linkedAt))}</p>
            {identity.type !== 'MOBILE' && account.identities.length > 1 && (
              <Unlink identity={identity} name={nameOf(identity)} account={account} onChanged={onChanged} />
            )}
          </li>
        ))}
      </ul>
      {missing.map(({ issuer, name }) => (
        <button
          key={issuer}
          type="button"
          className="button quiet"
          disabled={busy}
          onClick={() => void run(() => beginAt(issuer, client))}
        >
          {t().account.link(name)}
        </button>
      ))}
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
    </>
  );
}

/** Asks once more, with the password where there is one. */
function Unlink({ identity: { type, issuer }, name, account, onChanged }: Part & { identity: Identity; name: string }) {
  const client = useClient();
  const [isAsking, setIsAsking] = useState(false);
  const [password, setPassword] = useState('');
  const { busy, problem, run } = useAction();
  const hasPassword = account.mobile !== null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    void run(async () => {
      const variables = { type, issuer, password: hasPassword ? password : null, idempotencyKey: newIdempotencyKey() };
      const { unlinkIdentity } = await perform(client, UnlinkIdentityDocument, variables);
      const refusal = firstRefusal(unlinkIdentity.userErrors);
      if (refusal !== null) return refusal;
      announce(t().account.unlinked);
      onChanged();
      return null;
    });
  };
  if (!isAsking) {
    return (
      <button type="button" className="link" onClick={() => setIsAsking(true)}>
        {t().account.unlink}
        <span className="hidden-visually"> {name}</span>
      </button>
    );
  }
  return (
    <form className="form" onSubmit={submit} aria-label={t().account.unlink}>
      <p>{t().account.askUnlink(name)}</p>
      {hasPassword && <OwnPassword value={password} onChange={setPassword} />}
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <div className="choices">
        <button className="button quiet" disabled={busy}>
          {busy && <Spinner />}
          {t().account.unlinkIt}
        </button>
        <button type="button" className="link" disabled={busy} onClick={() => setIsAsking(false)}>
          {t().orders.no}
        </button>
      </div>
    </form>
  );
}
