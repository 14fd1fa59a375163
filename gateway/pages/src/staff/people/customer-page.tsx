import { useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { CustomerDocument } from '../../../../../schema/generated/operations.ts';
import { isAdmin } from '../../account/roles.ts';
import { toApiError } from '../../api.ts';
import { formatDateTime } from '../../format.ts';
import { useSession } from '../../session.ts';
import { NotFound } from '../../ui/not-found.tsx';
import { Loading, Problem, useTitle } from '../../ui/parts.tsx';
import { FeedPages } from '../feed-page.tsx';
import { AccountActs } from './account-acts.tsx';
import { RolesForm } from './roles-form.tsx';
import { Sessions } from './sessions.tsx';
import { WalletCard } from './wallet-card.tsx';
import { type Customer, rolesText, userStatusWords } from './words.ts';

/** One person: orders, wallet, and for administrators what the account may do. */
export function CustomerPage({ id }: { id: string }) {
  /** '' is the wallet that was opened first. */
  const [currency, setCurrency] = useState('');
  const [{ data, error }, again] = useQuery({
    query: CustomerDocument,
    variables: { id, currency: currency || null },
    requestPolicy: 'cache-and-network',
  });
  const reload = () => again({ requestPolicy: 'network-only' });
  const user = data?.user ?? null;
  return (
    <>
      <p className="back">
        <Link href="/staff/customers">← All customers</Link>
      </p>
      {user === null && error !== undefined && toApiError(error).code === 'NOT_FOUND' && <NotFound />}
      {user === null && error !== undefined && toApiError(error).code !== 'NOT_FOUND' && (
        <Problem what="The customer can’t be shown." why={toApiError(error).message} onRetry={reload} />
      )}
      {user === null && error === undefined && <Loading text="Loading the customer…" />}
      {user !== null && <Shown user={user} currency={currency} onCurrency={setCurrency} onChange={reload} />}
    </>
  );
}

function Shown({
  user,
  currency,
  onCurrency,
  onChange,
}: {
  user: Customer;
  currency: string;
  onCurrency: (currency: string) => void;
  onChange: () => void;
}) {
  useTitle(user.name);
  const session = useSession();
  const mayManage = session !== null && isAdmin(session.user) && user.status !== 'ERASED';
  const [status, tone] = userStatusWords[user.status];
  return (
    <>
      <div className="page-head">
        <h1>{user.name}</h1>
        <p>
          <span className={`badge ${tone}`}>{status}</span> <span className="muted">{rolesText(user.roles)}</span>
        </p>
      </div>
      <div className="columns">
        <div className="aside">
          <section aria-labelledby="orders-title">
            <h2 id="orders-title">Orders</h2>
            <FeedPages filter={{ customerId: user.id }} changes={0} />
          </section>
          <WalletCard user={user} currency={currency} onCurrency={onCurrency} onChange={onChange} />
        </div>
        <div className="aside">
          <Facts user={user} />
          {mayManage && (
            <>
              <section className="card form" aria-labelledby="account-title">
                <h2 id="account-title">Account</h2>
                <RolesForm key={user.roles.join()} userId={user.id} roles={user.roles} onDone={onChange} />
                <AccountActs user={user} onDone={onChange} />
              </section>
              <Sessions userId={user.id} />
            </>
          )}
        </div>
      </div>
    </>
  );
}

const Facts = ({ user }: { user: Customer }) => (
  <section className="card" aria-labelledby="facts-title">
    <h2 id="facts-title">Who it is</h2>
    <dl className="facts">
      <div>
        <dt>Mobile</dt>
        <dd>{user.mobile ?? 'none'}</dd>
      </div>
      <div>
        <dt>E-mail</dt>
        <dd>
          {user.email ?? 'none'}
          {user.email !== null && !user.emailVerified && <span className="muted"> (not verified)</span>}
        </dd>
      </div>
      <div>
        <dt>Language</dt>
        <dd>{user.locale === 'DE' ? 'German' : 'English'}</dd>
      </div>
      <div>
        <dt>Registered</dt>
        <dd>{formatDateTime(user.createdAt)}</dd>
      </div>
      <div>
        <dt>Signs in by</dt>
        <dd>
          {user.identities.map(({ type, key, issuer }) => (
            <span key={`${type} ${issuer ?? ''} ${key}`} className="reason">
              {type === 'MOBILE' ? 'mobile number' : (issuer ?? 'WeChat')}
            </span>
          ))}
        </dd>
      </div>
      {user.addresses.map(({ id, label, address }) => (
        <div key={id}>
          <dt>{label ?? 'Address'}</dt>
          <dd>{address.formatted.join(', ')}</dd>
        </div>
      ))}
    </dl>
  </section>
);
