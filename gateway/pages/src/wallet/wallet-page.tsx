import { useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { MyWalletDocument, type MyWalletQuery } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { formatMoment, formatMoney } from '../format.ts';
import { TopUps } from './top-ups.tsx';
import { Empty, Problem, Skeleton, useTitle } from '../ui/parts.tsx';
import { t } from '../language/catalogue.ts';

type Wallet = NonNullable<NonNullable<MyWalletQuery['me']>['wallet']>;

const pageSize = 20;

/** The user's money here: what can be spent, what is set aside, and each change. */
export function WalletPage() {
  useTitle(t().wallet.title);
  const [starts, setStarts] = useState<readonly (string | null)[]>([null]);
  return (
    <>
      <p className="back">
        <Link href="/account">{t().wallet.back}</Link>
      </p>
      <div className="page-head">
        <h1>{t().wallet.title}</h1>
      </div>
      {starts.map((after) => (
        <WalletPart
          key={after ?? ''}
          after={after}
          onMore={after === starts.at(-1) ? (next) => setStarts([...starts, next]) : null}
        />
      ))}
    </>
  );
}

function WalletPart({ after, onMore }: { after: string | null; onMore: ((next: string) => void) | null }) {
  const [{ data, error }, reload] = useQuery({
    query: MyWalletDocument,
    variables: { first: pageSize, after },
    requestPolicy: 'cache-and-network',
  });
  if (data === undefined && error !== undefined) {
    const retry = () => reload({ requestPolicy: 'network-only' });
    return <Problem what={t().wallet.unshown} why={toApiError(error).message} onRetry={retry} />;
  }
  if (data === undefined) return <Skeleton count={2} className="order-list" label={t().wallet.loading} />;
  const wallet = data.me?.wallet ?? null;
  if (wallet === null) {
    return (
      <>
        <Empty title={t().wallet.empty}>
          <p className="muted">{t().wallet.emptyText}</p>
        </Empty>
        <TopUps />
      </>
    );
  }
  const { hasNextPage, endCursor } = wallet.entries.pageInfo;
  return (
    <>
      {after === null && (
        <>
          <Balance wallet={wallet} />
          <TopUps />
        </>
      )}
      <Entries wallet={wallet} />
      {hasNextPage && endCursor !== null && onMore !== null && (
        <p className="more">
          <button type="button" className="button quiet" onClick={() => onMore(endCursor)}>
            {t().wallet.older}
          </button>
        </p>
      )}
    </>
  );
}

const Balance = ({ wallet }: { wallet: Wallet }) => (
  <dl className="card balance">
    <div>
      <dt className="muted">{t().wallet.canBeSpent}</dt>
      <dd className="large">{formatMoney(wallet.balance)}</dd>
    </div>
    {wallet.held.amount > 0 && (
      <div>
        <dt className="muted">{t().wallet.setAside}</dt>
        <dd>{formatMoney(wallet.held)}</dd>
      </div>
    )}
  </dl>
);

type Entry = Wallet['entries']['edges'][number]['node'];

/** What money that came or went was for: by the kind of its transfer, or as staff wrote it. */
function EntryWords({ entry: { reference, reason } }: { entry: Entry }) {
  const words = t().wallet.entries[reference.split(':')[0] ?? ''];
  // What a payment's entries say beside their kind is its number.
  const number = reason.split(' ').at(-1);
  return words === undefined ? (
    <p>{reason}</p>
  ) : (
    <p>
      {words} <span className="small muted number">{number}</span>
    </p>
  );
}

const Entries = ({ wallet }: { wallet: Wallet }) => (
  <ul className="card entries" aria-label={t().wallet.changes}>
    {wallet.entries.edges.map(({ node }) => (
      <li key={node.id}>
        <div>
          <EntryWords entry={node} />
          <p className="small muted">{formatMoment(node.at)}</p>
        </div>
        <span className={`amount ${node.direction === 'CREDIT' ? 'came' : ''}`}>
          {node.direction === 'CREDIT' ? '+' : '−'}
          {formatMoney(node.amount)}
          <span className="small muted">{t().wallet.afterIt(formatMoney(node.balanceAfter))}</span>
        </span>
      </li>
    ))}
  </ul>
);
