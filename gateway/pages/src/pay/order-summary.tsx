import { formatMoney, formatTime } from '../format.ts';
import { Picture } from '../frame.tsx';
import type { ConnectionState } from '../live.ts';
import type { Order, OrderEvent, OrderState } from '../types.ts';

const stateText: Record<OrderState, { text: string; tone: 'good' | 'bad' | 'wait' | '' }> = {
  PLACING: { text: 'Placing', tone: '' },
  PENDING_PAYMENT: { text: 'Awaiting payment', tone: 'wait' },
  PAID: { text: 'Paid', tone: 'good' },
  PROCESSING: { text: 'In preparation', tone: 'good' },
  COMPLETED: { text: 'Completed', tone: 'good' },
  LAPSED: { text: 'Lapsed', tone: 'wait' },
  CANCELLED: { text: 'Cancelled', tone: 'bad' },
  EXPIRED: { text: 'Expired', tone: 'bad' },
  FAILED: { text: 'Failed', tone: 'bad' },
  NEEDS_ATTENTION: { text: 'Needs attention', tone: 'wait' },
};

export const StateBadge = ({ state }: { state: OrderState }) => (
  <span className={`badge ${stateText[state].tone}`}>{stateText[state].text}</span>
);

const connectionText: Record<ConnectionState, string> = {
  connecting: 'Connecting…',
  live: 'Live',
  interrupted: 'Reconnecting…',
};

export const Connection = ({ state }: { state: ConnectionState }) => (
  <span className={`connection ${state}`} role="status">
    {connectionText[state]}
  </span>
);

/** What was ordered and what it costs. */
export const OrderSummary = ({ order }: { order: Order }) => (
  <section className="card" aria-labelledby="summary-title">
    <h2 id="summary-title">Your order</h2>
    <ul className="lines">
      {order.lines.map((line) => (
        <li key={line.id}>
          <Picture cover={line.cover} name={line.title} />
          <div>
            <p>{line.title}</p>
            <p className="small muted">
              {line.quantity} × {formatMoney(line.unitPrice)}
            </p>
          </div>
          <span className="amount">{formatMoney(line.total)}</span>
        </li>
      ))}
    </ul>
    <dl className="totals">
      <div>
        <dt>Total</dt>
        <dd>{formatMoney(order.total)}</dd>
      </div>
      {order.balanceDue.amount > 0 && order.balanceDue.amount !== order.total.amount && (
        <div>
          <dt>Still to pay</dt>
          <dd>{formatMoney(order.balanceDue)}</dd>
        </div>
      )}
    </dl>
  </section>
);

/** The order's journal as it grows. */
export const Timeline = ({ events }: { events: readonly OrderEvent[] }) => (
  <section className="card" aria-labelledby="timeline-title">
    <h2 id="timeline-title">What happened</h2>
    <ol className="timeline" aria-live="polite" aria-relevant="additions">
      {events.map((event) => (
        <li key={event.seq}>
          <span>{eventText(event)}</span>
          <time className="small muted" dateTime={event.at}>
            {formatTime(event.at)}
          </time>
        </li>
      ))}
    </ol>
  </section>
);

const milestones: Partial<Record<OrderState, string>> = {
  PLACING: 'Order placed',
  PENDING_PAYMENT: 'Stock reserved, waiting for payment',
  PAID: 'Payment received',
};

function eventText(event: OrderEvent): string {
  if (event.toState !== null && event.toState !== event.fromState)
    return milestones[event.toState] ?? stateText[event.toState].text;
  const words = event.type
    .replace(/^order\./, '')
    .replaceAll(/[._]/g, ' ')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
