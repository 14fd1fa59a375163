import { useCallback, useState } from 'react';
import { useQuery } from 'urql';
import { Link, useSearchParams } from 'wouter';
import {
  MyOrdersDocument,
  type MyOrdersQuery,
  type OrderFilter,
  WatchMyOrdersDocument,
} from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { formatMoment, formatMoney } from '../format.ts';
import { Chips } from '../ui/chips.tsx';
import { Connection, Empty, Picture, Problem, Skeleton, useTitle } from '../ui/parts.tsx';
import { More, ToStart } from '../ui/more.tsx';
import { SearchField } from '../ui/search-field.tsx';
import { useListPlace, withoutPlace } from '../ui/use-list-place.ts';
import { StateBadge, groupStates, orderGroups } from './order-state.tsx';
import { useFeed } from './use-feed.ts';
import { useReloadOn } from './use-reload-on.ts';
import { t } from '../language/catalogue.ts';

type ListedOrder = MyOrdersQuery['myOrders']['edges'][number]['node'];

const pageSize = 20;
const shownPictures = 3;
const longestNumber = 64;

/** The buyer's orders, newest first, live. What is shown of them is in the address, so that Back finds it again. */
export function OrdersPage() {
  useTitle(t().orders.yours);
  const [params, setParams] = useSearchParams();
  const [group, query] = [params.get('show') ?? '', params.get('q') ?? ''];
  const place = useListPlace();
  const [changes, setChanges] = useState(0);
  const connection = useFeed({
    document: WatchMyOrdersDocument,
    seqOf: ({ myOrders }) => myOrders.seq,
    onChange: useCallback(() => setChanges((count) => count + 1), []),
  });
  const set = (changed: Readonly<Record<string, string>>) =>
    setParams(
      (known) => {
        const next = new URLSearchParams({ ...Object.fromEntries(withoutPlace(known)), ...changed });
        for (const [name, value] of [...next]) if (value === '') next.delete(name);
        return next;
      },
      { replace: true },
    );
  const states = groupStates(group);
  const filter: OrderFilter = {
    ...(states === null ? {} : { state: states }),
    ...(query.trim() === '' ? {} : { query: query.trim() }),
  };
  return (
    <>
      <div className="page-head">
        <div className="title">
          <h1>{t().orders.yours}</h1>
          <Connection state={connection} />
        </div>
      </div>
      <div className="list-filters">
        <SearchField label={t().orders.number} maxLength={longestNumber} value={query} onChange={(q) => set({ q })} />
        <Chips legend={t().orders.which} value={group} choices={orderGroups()} onChange={(show) => set({ show })} />
      </div>
      <ToStart place={place} label={t().orders.newest} />
      <OrderPages
        key={`${group} ${query} ${place.from}`}
        filter={filter}
        after={place.from}
        pages={place.pages}
        changes={changes}
        onMore={place.goOn}
      />
    </>
  );
}

/** One page of orders, and below it those that follow: `pages` in all. */
function OrderPages({
  filter,
  after,
  pages,
  changes,
  onMore,
}: {
  filter: OrderFilter;
  after: string | null;
  pages: number;
  changes: number;
  onMore: (endCursor: string) => void;
}) {
  const isFiltered = Object.keys(filter).length > 0;
  const [{ data, error }, reload] = useQuery({
    query: MyOrdersDocument,
    variables: { first: pageSize, after, ...(isFiltered && { filter }) },
    requestPolicy: 'cache-and-network',
  });
  useReloadOn(changes, reload);
  if (data === undefined && error !== undefined) {
    const retry = () => reload({ requestPolicy: 'network-only' });
    return <Problem what={t().orders.unshown} why={toApiError(error).message} onRetry={retry} />;
  }
  if (data === undefined) return <Skeleton count={4} className="order-list" label={t().orders.loading} />;
  const { edges, pageInfo } = data.myOrders;
  if (edges.length === 0 && after === null) {
    return (
      <Empty title={t().orders.none}>
        <p className="muted">{isFiltered ? t().orders.noneFits : t().orders.appearHere}</p>
        <Link className="button" href="/">
          {t().frame.toTheShop}
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
      {next !== null && pages > 1 && (
        <OrderPages filter={filter} after={next} pages={pages - 1} changes={changes} onMore={onMore} />
      )}
      {next !== null && pages === 1 && <More label={t().orders.older} onMore={() => onMore(next)} />}
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
            <span className="hidden-visually">
              {t().orders.order} {order.number}:{' '}
            </span>
            {titles}
          </Link>
        </p>
        <p className="small muted">
          <span className="number">{order.number}</span> · {formatMoment(order.placedAt)}
        </p>
      </div>
      <StateBadge state={order.state} paymentStatus={order.paymentStatus} />
      <span className="amount">{formatMoney(order.total)}</span>
      {order.state === 'PENDING_PAYMENT' && (
        <Link className="button quiet" href={`/pay/${order.id}`} aria-label={t().orders.payOf(order.number)}>
          {t().orders.pay}
        </Link>
      )}
    </li>
  );
}
