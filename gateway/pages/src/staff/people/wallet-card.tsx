import { useState } from 'react';
import { WalletEntriesDocument } from '../../../../../schema/generated/operations.ts';
import { isCurrency } from '../../../../../subgraphs/shared/values/currencies.ts';
import { formatMoment, formatMoney } from '../../format.ts';
import { TextField } from '../../ui/text-field.tsx';
import { CreditForm } from '../credit.tsx';
import { NothingHere, PagedList } from '../paged-list.tsx';
import type { Customer } from './words.ts';

const pageSize = 20;
const usualCurrency = 'EUR';

/** What somebody has here to spend, what changed it, and a way to give more. */
export function WalletCard({
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
  const { wallet } = user;
  const shown = currency || (wallet?.balance.currency ?? usualCurrency);
  const [typed, setTyped] = useState(shown);
  const [credits, setCredits] = useState(0);
  return (
    <section className="card form" aria-labelledby="wallet-title">
      <div className="card-head">
        <h2 id="wallet-title">Wallet</h2>
        <p>
          <strong className="amount">{formatMoney(wallet?.balance ?? { amount: 0, currency: shown })}</strong>
          {wallet !== null && wallet.held.amount > 0 && (
            <span className="small muted"> and {formatMoney(wallet.held)} set aside</span>
          )}
        </p>
      </div>
      <TextField
        label="Currency"
        maxLength={3}
        value={typed}
        onChange={(text) => {
          const code = text.toUpperCase();
          setTyped(code);
          if (isCurrency(code)) onCurrency(code);
        }}
      />
      <CreditForm
        key={shown}
        userId={user.id}
        name={user.name}
        currency={shown}
        onCredited={() => {
          setCredits(credits + 1);
          onChange();
        }}
      />
      <PagedList
        document={WalletEntriesDocument}
        variables={{ userId: user.id, currency: shown, first: pageSize }}
        pageOf={(data) => data.user?.wallet?.entries ?? null}
        what="entries"
        className="entries"
        changes={credits}
        empty={<NothingHere title="Nothing yet" text={`Nothing has come into a wallet in ${shown}.`} />}
        row={(entry) => (
          <li key={entry.id}>
            <span>
              {entry.reason}
              <span className="small muted reason">{entry.reference}</span>
            </span>
            <span className="amount">
              {entry.direction === 'DEBIT' && '−'}
              {formatMoney(entry.amount)}
              <span className="small muted reason">{formatMoney(entry.balanceAfter)} then</span>
            </span>
            <time className="small muted" dateTime={entry.at}>
              {formatMoment(entry.at)}
            </time>
          </li>
        )}
      />
    </section>
  );
}
