import { useCallback, useState } from 'react';
import { useClient, useQuery } from 'urql';
import { Link, useSearchParams } from 'wouter';
import { type OrderFilter, OrdersDocument, type OrdersQuery } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { formatMoment, formatMoney } from '../format.ts';
import { useReloadOn } from '../orders/use-reload-on.ts';
import { StateBadge, groupStates, orderGroups } from '../orders/order-state.tsx';
import { Chips } from '../ui/chips.tsx';
import { announce } from '../ui/announcement.tsx';
import { Empty, Problem, Skeleton, Spinner, useTitle } from '../ui/parts.tsx';
import { SearchField } from '../ui/search-field.tsx';
import { useAction } from '../ui/use-action.ts';
import { exportOrders } from './export-orders.ts';
import { Ticker } from './ticker.tsx';

export type FeedOrder = OrdersQuery['orders']['edges'][number]['node'];

const pageSize = 25;
const longestNumber = 64;
const toDeliver = 'deliver';
/** Whoever types a year begins with less. */
const firstYear = 2000;

/** What a list shows: words of its address and how the API takes them. */
function filterOf(params: URLSearchParams): OrderFilter {
  const [group, number, customer] = ['show', 'number', 'customer'].map((name) => params.get(name)?.trim() ?? '');
  const states = groupStates(group ?? '');
  // Days where the reader is: on two of a year they have 23 or 25 hours.
  const beginOf = (name: string, daysLater: number) => {
    const [year = 0, month = 0, day = 0] = (params.get(name) ?? '').split('-').map(Number);
    const at = new Date(year, month - 1, day + daysLater);
    return year < firstYear || Number.isNaN(at.getTime()) ? null : at.toISOString();
  };
  const [from, to] = [beginOf('from', 0), beginOf('to', 1)];
  return {
    ...(states === null ? {} : { state: states }),
    ...(group === toDeliver ? { needsFulfilment: true } : {}),
    ...(number ? { query: number } : {}),
    ...(customer ? { customerQuery: customer } : {}),
    ...(from === null ? {} : { placedFrom: from }),
    ...(to === null ? {} : { placedTo: to }),
  };
}

/** Everybody's orders, newest first, live. */
export function FeedPage() {
  useTitle('All orders');
  const client = useClient();
  const [params, setParams] = useSearchParams();
  const { busy, problem, run } = useAction();
  const valueOf = (name: string) => params.get(name) ?? '';
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
  const filter = filterOf(params);
  const save = () =>
    run(async () => {
      const { count, isAll } = await exportOrders(client, filter);
      if (isAll) announce(`${count} ${count === 1 ? 'order is' : 'orders are'} saved as CSV.`);
      return isAll ? null : `Only the newest ${count} orders are saved: there are more. Choose fewer days.`;
    });
  return (
    <>
      <div className="page-head">
        <h1>All orders</h1>
        <button type="button" className="button quiet" disabled={busy} onClick={() => void save()}>
          {busy && <Spinner />}
          Save as CSV
        </button>
      </div>
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <Ticker onChange={onChange} />
      <div className="feed-filters">
        <SearchField
          label="Order number or client reference"
          maxLength={longestNumber}
          value={valueOf('number')}
          onChange={(value) => set('number', value)}
        />
        <SearchField
          label="Customer: name, mobile or e-mail"
          maxLength={longestNumber}
          value={valueOf('customer')}
          onChange={(value) => set('customer', value)}
        />
        <label className="day">
          <span className="small muted">From</span>
          <input type="date" value={valueOf('from')} onChange={({ target }) => set('from', target.value)} />
        </label>
        <label className="day">
          <span className="small muted">To</span>
          <input type="date" value={valueOf('to')} onChange={({ target }) => set('to', target.value)} />
        </label>
        <Chips
          legend="Which orders"
          value={valueOf('show')}
          choices={[[toDeliver, 'To deliver'], ...orderGroups()]}
          onChange={(value) => set('show', value)}
        />
      </div>
      <FeedPages key={JSON.stringify(filter)} filter={filter} changes={changes} />
    </>
  );
}

/** A filter by state may be why a number is not found. */
const states = ({ state }: OrderFilter): string => (state ? ' of this kind' : '');

/** Orders that fit a filter, a page at a time. */
export function FeedPages({ filter, changes }: { filter: OrderFilter; changes: number }) {
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
            : Object.keys(filter).length > 0
              ? 'No order fits this search.'
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
    <StateBadge state={order.state} paymentStatus={order.paymentStatus} />
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
