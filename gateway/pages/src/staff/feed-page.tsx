import { useCallback, useState } from 'react';
import { useQuery } from 'urql';
import { Link, useSearchParams } from 'wouter';
import { type OrderFilter, OrdersDocument, type OrdersQuery } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { formatMoment, formatMoney } from '../format.ts';
import { useReloadOn } from '../orders/use-reload-on.ts';
import { StateBadge, groupStates, orderGroups } from '../orders/order-state.tsx';
import { Chips } from '../ui/chips.tsx';
import { Empty, Problem, Skeleton, useTitle } from '../ui/parts.tsx';
import { SearchField } from '../ui/search-field.tsx';
import { Ticker } from './ticker.tsx';

export type FeedOrder = OrdersQuery['orders']['edges'][number]['node'];

const pageSize = 25;
const longestNumber = 64;

/** Everybody's orders, newest first, live. */
export function FeedPage() {
  useTitle('All orders');
  const [params, setParams] = useSearchParams();
  const [group, number] = [params.get('show') ?? '', params.get('number') ?? ''];
  const set = (name: string, value: string) =>
    setParams(
      (known) => {
        const next = new URLSearchParams(known);
        if (value === '') next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  const [changes, setChanges] = useState(0);
  const onChange = useCallback(() => setChanges((count) => count + 1), []);
  const states = groupStates(group);
  const filter: OrderFilter = {
    ...(states === null ? {} : { state: states }),
    ...(number.trim() === '' ? {} : { query: number.trim() }),
  };
  return (
    <>
      <div className="page-head">
        <h1>All orders</h1>
      </div>
      <Ticker onChange={onChange} />
      <div className="feed-filters">
        <SearchField
          label="Order number or client reference"
          maxLength={longestNumber}
          value={number}
          onChange={(value) => set('number', value)}
        />
        <Chips legend="Which orders" value={group} choices={orderGroups} onChange={(value) => set('show', value)} />
      </div>
      <FeedPages key={`${group} ${number}`} filter={filter} changes={changes} />
    </>
  );
}

/** A filter by state may be why a number is not found. */
const states = ({ state }: OrderFilter): string => (state ? ' of this kind' : '');

function FeedPages({ filter, changes }: { filter: OrderFilter; changes: number }) {
  const [starts, setStarts] = useState<readonly (string | null)[]>([null]);
  return starts.map((after) => (
    <FeedPart
      key={after ?? ''}
      filter={filter}
      after={after}
      changes={changes}
      onMore={after === starts.at(-1) ? (next) => setStarts([...starts, next]) : null}
    />
  ));
}

function FeedPart({
  filter,
  after,
  changes,
  onMore,
}: {
  filter: OrderFilter;
  after: string | null;
  changes: number;
  onMore: ((next: string) => void) | null;
}) {
  const [{ data, error }, reload] = useQuery({
    query: OrdersDocument,
    variables: { first: pageSize, after, filter },
    requestPolicy: 'cache-and-network',
  });
  useReloadOn(changes, reload);
  if (data === undefined && error !== undefined) {
    const retry = () => reload({ requestPolicy: 'network-only' });
    return <Problem what="The orders can’t be shown." why={toApiError(error).message} onRetry={retry} />;
  }
  if (data === undefined) return <Skeleton count={6} className="order-list" label="Loading orders…" />;
  const { edges, pageInfo } = data.orders;
  if (edges.length === 0 && after === null) {
    return (
      <Empty title="No orders here">
        <p className="muted">
          {typeof filter.query === 'string'
            ? `No order${states(filter)} has a number or client reference that begins with “${filter.query}”.`
            : 'Orders appear as soon as somebody places one.'}
        </p>
      </Empty>
    );
  }
  const next = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  return (
    <>
      <ul className="feed" aria-label="Orders">
        {edges.map(({ node }) => (
          <FeedRow key={node.id} order={node} />
        ))}
      </ul>
      {next !== null && onMore !== null && (
        <p className="more">
          <button type="button" className="button quiet" onClick={() => onMore(next)}>
            Show older orders
          </button>
        </p>
      )}
    </>
  );
}

const FeedRow = ({ order }: { order: FeedOrder }) => (
  <li>
    <StateBadge state={order.state} />
    <div className="what">
      <p>
        <Link href={`/staff/orders/${order.id}`} className="number">
          {order.number}
        </Link>
      </p>
      <p className="small muted">
        {order.customer.name} · {order.lines.map((line) => `${line.quantity} × ${line.title}`).join(', ')}
      </p>
    </div>
    <span className="amount">{formatMoney(order.total)}</span>
    <time className="small muted" dateTime={order.placedAt}>
      {formatMoment(order.placedAt)}
    </time>
  </li>
);
