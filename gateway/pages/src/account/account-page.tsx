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

/** Who one is here: profile, addresses, password, and the devices that are signed in. */
export function AccountPage() {
  useTitle('Your account');
  const [{ data, error }, again] = useQuery({ query: MyAccountDocument, requestPolicy: 'cache-and-network' });
  const reload = () => again({ requestPolicy: 'network-only' });
  const account = data?.me ?? null;
  return (
    <>
      <div className="page-head">
        <h1>Your account</h1>
        <span className="tools">
          <Link className="button quiet" href="/wallet">
            Wallet
          </Link>
          <Link className="button quiet" href="/orders">
            Orders
          </Link>
        </span>
      </div>
      {account === null && error !== undefined && (
        <Problem what="Your account can’t be shown." why={toApiError(error).message} onRetry={reload} />
      )}
      {account === null && error === undefined && <Loading text="Loading your account…" />}
      {account !== null && (
        <div className="columns">
          <div className="aside">
            <Part title="Profile">
              <ProfileForm key={account.version} account={account} onSaved={reload} />
            </Part>
            {/* Accounts without a number sign in at another system, and have no password here. */}
            {account.mobile !== null && (
              <Part title="Password">
                <PasswordForm onSaved={reload} />
              </Part>
            )}
          </div>
          <div className="aside">
            <Part title="Addresses">
              <Addresses name={account.name} />
            </Part>
            <Part title="Where you are signed in">
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
    return <Problem what="Your addresses can’t be shown." why={book.unknown} onRetry={book.reload} />;
  }
  if (book.addresses === null) return <Loading text="Loading your addresses…" />;
  const save = async (entered: Entered, of: BookAddress | undefined) => {
    if ((await book.save(entered, of === undefined ? {} : { of })) === null) return;
    announce('The address is saved.');
    setEditing(null);
  };
  const changed = book.addresses.find(({ id }) => id === editing);
  if (editing !== null) {
    return (
      <>
        <LazyAddressForm
          key={editing}
          label={changed === undefined ? 'A new address' : 'Change the address'}
          initial={changed === undefined ? { ...nothingEntered, name } : enteredOf(changed)}
          problems={book.problems}
          busy={book.busy}
          press="Save the address"
          onSubmit={(entered) => void save(entered, changed)}
        />
        <button type="button" className="link" onClick={() => setEditing(null)}>
          Leave it as it is
        </button>
        <div role="alert">{book.problem !== null && <p className="notice bad">{book.problem}</p>}</div>
      </>
    );
  }
  return (
    <>
      {book.addresses.length === 0 && <p className="muted">None yet. Orders of goods ask for one.</p>}
      <ul className="returns">
        {book.addresses.map((one) => (
          <li key={one.id}>
            <p>
              <strong>{one.label ?? one.address.name}</strong>{' '}
              {one.isDefaultShipping && <span className="badge">Default</span>}
            </p>
            <address className="small muted">{one.address.formatted.join(', ')}</address>
            <div className="choices">
              <button type="button" className="link" onClick={() => setEditing(one.id)}>
                Change<span className="hidden-visually"> {one.address.line1}</span>
              </button>
              {!one.isDefaultShipping && (
                <button
                  type="button"
                  className="link"
                  disabled={book.busy}
                  onClick={() => void book.save(enteredOf(one), { of: one, asDefault: true })}
                >
                  Make it the default<span className="hidden-visually"> for {one.address.line1}</span>
                </button>
              )}
              <button type="button" className="link" disabled={book.busy} onClick={() => void book.remove(one)}>
                Remove<span className="hidden-visually"> {one.address.line1}</span>
              </button>
            </div>
          </li>
        ))}
      </ul>
      <div role="alert">{book.problem !== null && <p className="notice bad">{book.problem}</p>}</div>
      <button type="button" className="button quiet" onClick={() => setEditing('')}>
        Add an address
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
      if (revokeSession.userErrors[0] !== undefined) return revokeSession.userErrors[0].message;
      announce('That device is signed out.');
      return null;
    });
  return (
    <>
      <ul className="returns">
        {account.sessions.map(({ id, createdAt, lastUsedAt, current }) => (
          <li key={id}>
            <p>{current ? 'This device' : 'Another device'}</p>
            <p className="small muted">
              Signed in {formatMoment(createdAt)}, last used {formatMoment(lastUsedAt)}
            </p>
            <button type="button" className="link" disabled={busy} onClick={() => (current ? signOut() : void end(id))}>
              Sign {current ? 'out here' : 'it out'}
            </button>
          </li>
        ))}
      </ul>
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
    </>
  );
}
