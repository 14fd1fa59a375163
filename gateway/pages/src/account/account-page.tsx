import { type ReactNode, useState } from 'react';
import { useClient, useQuery } from 'urql';
import { Link } from 'wouter';
import { MyAccountDocument, RevokeSessionDocument } from '../../../../schema/generated/operations.ts';
import { type BookAddress, type Entered, enteredOf, nothingEntered } from '../address/address.ts';
import { LazyAddressForm } from '../address/lazy-form.tsx';
import { useAddressBook } from '../address/use-address-book.ts';
import { toApiError } from '../api.ts';
import { perform } from '../client.ts';
import { formatMoment } from '../format.ts';
import { intentKey, settleIntent } from '../intents.ts';
import { signOut } from '../session.ts';
import { announce } from '../ui/announcement.tsx';
import { Loading, Problem, useTitle } from '../ui/parts.tsx';
import { useAction } from '../ui/use-action.ts';
import { type Account, PasswordForm, ProfileForm } from './account-forms.tsx';
import { EmailPart } from './email-part.tsx';
import { IdentitiesPart } from './identities-part.tsx';
import { ToldPart } from './told-part.tsx';
import { t } from '../language/catalogue.ts';
import { firstRefusal } from '../language/refusals.ts';

/** Who one is here: profile, addresses, password, and the devices that are signed in. */
export function AccountPage() {
  useTitle(t().account.title);
  const [{ data, error }, again] = useQuery({ query: MyAccountDocument, requestPolicy: 'cache-and-network' });
  const reload = () => again({ requestPolicy: 'network-only' });
  const account = data?.me ?? null;
  return (
    <>
      <div className="page-head">
        <h1>{t().account.title}</h1>
        <span className="tools">
          <Link className="button quiet" href="/wallet">
            {t().account.wallet}
          </Link>
          <Link className="button quiet" href="/orders">
            {t().account.orders}
          </Link>
        </span>
      </div>
      {account === null && error !== undefined && (
        <Problem what={t().account.unshown} why={toApiError(error).message} onRetry={reload} />
      )}
      {account === null && error === undefined && <Loading text={t().account.loading} />}
      {account !== null && (
        <div className="columns">
          <div className="aside">
            <Part title={t().account.profile}>
              <ProfileForm key={`${account.name} ${account.nickname}`} account={account} onSaved={reload} />
            </Part>
            <Part title={t().account.told}>
              <ToldPart account={account} onChanged={reload} />
            </Part>
            <Part title={t().account.email}>
              <EmailPart account={account} onChanged={reload} />
            </Part>
            {/* Accounts without a number sign in at another system, and have no password here. */}
            {account.mobile !== null && (
              <Part title={t().account.password}>
                <PasswordForm onSaved={reload} />
              </Part>
            )}
          </div>
          <div className="aside">
            <Part title={t().account.addresses}>
              <Addresses name={account.name} />
            </Part>
            <Part title={t().account.identities}>
              <IdentitiesPart account={account} onChanged={reload} />
            </Part>
            <Part title={t().account.devices}>
              <Devices account={account} onChanged={reload} />
            </Part>
          </div>
        </div>
      )}
    </>
  );
}

const Part = ({ title, children }: { title: string; children: ReactNode }) => (
  <section className="card form" aria-label={title}>
    <h2>{title}</h2>
    {children}
  </section>
);

function Addresses({ name }: { name: string }) {
  const book = useAddressBook(true);
  /** The id of the one that is changed, '' for a new one. */
  const [editing, setEditing] = useState<string | null>(null);
  if (book.unknown !== null) {
    return <Problem what={t().account.addressesUnshown} why={book.unknown} onRetry={book.reload} />;
  }
  if (book.addresses === null) return <Loading text={t().account.loadingAddresses} />;
  const save = async (entered: Entered, of: BookAddress | undefined) => {
    if ((await book.save(entered, of === undefined ? {} : { of })) === null) return;
    announce(t().account.addressSaved);
    setEditing(null);
  };
  const changed = book.addresses.find(({ id }) => id === editing);
  if (editing !== null) {
    return (
      <>
        <LazyAddressForm
          key={editing}
          label={changed === undefined ? t().account.newAddress : t().account.changeAddress}
          initial={changed === undefined ? { ...nothingEntered, name } : enteredOf(changed)}
          problems={book.problems}
          busy={book.busy}
          press={t().account.saveAddress}
          onSubmit={(entered) => void save(entered, changed)}
        />
        <button type="button" className="link" onClick={() => setEditing(null)}>
          {t().account.leaveIt}
        </button>
        <div role="alert">{book.problem !== null && <p className="notice bad">{book.problem}</p>}</div>
      </>
    );
  }
  return (
    <>
      {book.addresses.length === 0 && <p className="muted">{t().account.noAddresses}</p>}
      <ul className="returns">
        {book.addresses.map((one) => (
          <li key={one.id}>
            <p>
              <strong>{one.label ?? one.address.name}</strong>{' '}
              {one.isDefaultShipping && <span className="badge">{t().account.isDefault}</span>}
            </p>
            <address className="small muted">{one.address.formatted.join(', ')}</address>
            <div className="choices">
              <button type="button" className="link" onClick={() => setEditing(one.id)}>
                {t().account.change}
                <span className="hidden-visually"> {one.address.line1}</span>
              </button>
              {!one.isDefaultShipping && (
                <button
                  type="button"
                  className="link"
                  disabled={book.busy}
                  onClick={() => void book.save(enteredOf(one), { of: one, asDefault: true })}
                >
                  {t().account.makeDefault}
                  <span className="hidden-visually">{t().account.makeDefaultOf(one.address.line1)}</span>
                </button>
              )}
              <button type="button" className="link" disabled={book.busy} onClick={() => void book.remove(one)}>
                {t().account.remove}
                <span className="hidden-visually"> {one.address.line1}</span>
              </button>
            </div>
          </li>
        ))}
      </ul>
      <div role="alert">{book.problem !== null && <p className="notice bad">{book.problem}</p>}</div>
      <button type="button" className="button quiet" onClick={() => setEditing('')}>
        {t().account.addAddress}
      </button>
    </>
  );
}

function Devices({ account, onChanged }: { account: Account; onChanged: () => void }) {
  const client = useClient();
  const { busy, problem, run } = useAction();
  const end = (sessionId: string) =>
    run(async () => {
      const intent = `revoke-${sessionId}`;
      const variables = { sessionId, idempotencyKey: intentKey(intent, sessionId) };
      const { revokeSession } = await perform(client, RevokeSessionDocument, variables);
      settleIntent(intent);
      onChanged();
      const refusal = firstRefusal(revokeSession.userErrors);
      if (refusal !== null) return refusal;
      announce(t().account.signedOut);
      return null;
    });
  return (
    <>
      <ul className="returns">
        {account.sessions.map(({ id, createdAt, lastUsedAt, current }) => (
          <li key={id}>
            <p>{current ? t().account.thisDevice : t().account.anotherDevice}</p>
            <p className="small muted">{t().account.usedAt(formatMoment(createdAt), formatMoment(lastUsedAt))}</p>
            <button type="button" className="link" disabled={busy} onClick={() => (current ? signOut() : void end(id))}>
              {current ? t().account.signOutHere : t().account.signItOut}
            </button>
          </li>
        ))}
      </ul>
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
    </>
  );
}
