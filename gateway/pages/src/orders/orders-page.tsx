import { useCallback, useState } from 'react';
import { useQuery } from 'urql';
import { Link, useSearchParams } from 'wouter';
import {
  MyOrdersDocument,
  type MyOrdersQuery,
  type OrderState,
  WatchMyOrdersDocument,
} from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { formatMoment, formatMoney } from '../format.ts';
import { Chips } from '../ui/chips.tsx';
import { Connection, Empty, Picture, Problem, Skeleton, useTitle } from '../ui/parts.tsx';
import { StateBadge, groupStates, orderGroups } from './order-state.tsx';
import { useFeed } from './use-feed.ts';
import { useReloadOn } from './use-reload-on.ts';

type ListedOrder = MyOrdersQuery['myOrders']['edges'][number]['node'];

const pageSize = 20;
const shownPictures = 3;

/** The buyer's orders, newest first, live. */
export function OrdersPage() {
  useTitle('Your orders');
  const [params, setParams] = useSearchParams();
  const group = params.get('show') ?? '';
  const [starts, setStarts] = useState<readonly (string | null)[]>([null]);
  const [changes, setChanges] = useState(0);
  const connection = useFeed({
    document: WatchMyOrdersDocument,
    seqOf: ({ myOrders }) => myOrders.seq,
    onChange: useCallback(() => setChanges((count) => count + 1), []),
  });
  const choose = (name: string) => {
    setStarts([null]);
    setParams(name === '' ? {} : { show: name }, { replace: true });
  };
  return (
    <>
      <div className="page-head">
        <div className="title">
          <h1>Your orders</h1>
          <Connection state={connection} />
        </div>
        <Chips legend="Which orders" value={group} choices={orderGroups} onChange={choose} />
      </div>
      {starts.map((after) => (
        <OrderPages
          key={`${group} ${after ?? ''}`}
          states={groupStates(group)}
          after={after}
          changes={changes}
          onMore={after === starts.at(-1) ? (next) => setStarts([...starts, next]) : null}
        />
      ))}
    </>
  );
}

function OrderPages({
  states,
  after,
  changes,
  onMore,
}: {
  states: OrderState[] | null;
  after: string | null;
  changes: number;
  onMore: ((next: string) => void) | null;
}) {
  const [{ data, error }, reload] = useQuery({
    query: MyOrdersDocument,
    variables: { first: pageSize, after, ...(states === null ? {} : { filter: { state: states } }) },
    requestPolicy: 'cache-and-network',
  });
  useReloadOn(changes, reload);
  if (data === undefined && error !== undefined) {
    const retry = () => reload({ requestPolicy: 'network-only' });
    return <Problem what="Your orders can’t be shown." why={toApiError(error).message} onRetry={retry} />;
  }
  if (data === undefined) return <Skeleton count={4} className="order-list" label="Loading your orders…" />;
  const { edges, pageInfo } = data.myOrders;
  if (edges.length === 0 && after === null) {
    return (
      <Empty title="No orders here">
        <p className="muted">
          {states === null ? 'What you order appears here, and changes live.' : 'None of your orders is in this state.'}
        </p>
        <Link className="button" href="/">
          Go to the shop
        </Link>
      </Empty>
    );
  }
  const next = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  return (
    <>
      <ul className="order-list">
        {edges.map(({ node }) => (
          <OrderRow key={node.id} order={node} />
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

function OrderRow({ order }: { order: ListedOrder }) {
  const titles = order.lines.map((line) => `${line.quantity > 1 ? `${line.quantity} × ` : ''}${line.title}`).join(', ');
  return (
    <li className="card order-row">
      <span className="pictures" aria-hidden="true">
        {order.lines.slice(0, shownPictures).map((line) => (
          <Picture key={line.id} cover={line.cover} name={line.title} />
        ))}
      </span>
      <div className="what">
        <p>
          <Link href={`/orders/${order.id}`}>
            <span className="hidden-visually">Order {order.number}: </span>
            {titles}
          </Link>
        </p>
        <p className="small muted">
          <span className="number">{order.number}</span> · {formatMoment(order.placedAt)}
        </p>
      </div>
      <StateBadge state={order.state} />
      <span className="amount">{formatMoney(order.total)}</span>
      {order.state === 'PENDING_PAYMENT' && (
        <Link className="button quiet" href={`/pay/${order.id}`} aria-label={`Pay order ${order.number}`}>
          Pay
        </Link>
      )}
    </li>
  );
}
