import { useState } from 'react';
import { Link } from 'wouter';
import { WatchAllOrdersDocument, type WatchAllOrdersSubscription } from '../../../../schema/generated/operations.ts';
import { formatMoment, formatMoney } from '../format.ts';
import { deedText, stateText, stateTone } from '../orders/order-state.tsx';
import { useFeed } from '../orders/use-feed.ts';
import { Connection } from '../ui/parts.tsx';

type Notice = WatchAllOrdersSubscription['allOrders'];

/** As many as can be taken in at a glance. */
const shownNotices = 6;

/** What has just happened to any order. `onChange` hears that lists are old. */
export function Ticker({ onChange }: { onChange: () => void }) {
  const [notices, setNotices] = useState<readonly Notice[]>([]);
  const connection = useFeed({
    document: WatchAllOrdersDocument,
    seqOf: ({ allOrders }) => allOrders.seq,
    onNotice: ({ allOrders }) => setNotices((known) => [allOrders, ...known].slice(0, shownNotices)),
    onChange,
  });
  return (
    <section className="card ticker" aria-labelledby="ticker-title">
      <div className="card-head">
        <h2 id="ticker-title">Just now</h2>
        <Connection state={connection} />
      </div>
      {notices.length === 0 ? (
        <p className="small muted">Changes of all orders appear here as they happen.</p>
      ) : (
        <ol className="timeline">
          {notices.map(({ seq, event, order }) => (
            <li key={seq} className={event.toState === null ? '' : stateTone[event.toState]}>
              <span>
                {noticeText(event)} <Link href={`/staff/orders/${order.id}`}>{order.number}</Link>
                <span className="small muted reason">
                  {order.customer.name}, {formatMoney(order.total)}
                </span>
              </span>
              <time className="small muted" dateTime={event.at}>
                {formatMoment(event.at)}
              </time>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

const noticeText = (event: Notice['event']): string =>
  event.toState !== null && event.toState !== event.fromState ? stateText(event.toState) : deedText(event.type);
