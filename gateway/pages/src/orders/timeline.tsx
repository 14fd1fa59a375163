import type { OrderState } from '../../../../schema/generated/operations.ts';
import { formatMoment } from '../format.ts';
import type { OrderEvent } from '../types.ts';
import { deedText, inWords, stateText } from './order-state.tsx';

/** The order's journal as it grows. */
export const Timeline = ({ events }: { events: readonly OrderEvent[] }) => (
  <section className="card" aria-labelledby="timeline-title">
    <h2 id="timeline-title">What happened</h2>
    <ol className="timeline" aria-live="polite" aria-relevant="additions">
      {events.map((event) => (
        <li key={event.seq} className={event.toState === null ? '' : stateText[event.toState].tone}>
          <span>
            {eventText(event)}
            {event.reason !== null && <span className="small muted reason">{inWords(event.reason)}</span>}
          </span>
          <time className="small muted" dateTime={event.at}>
            {formatMoment(event.at)}
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
  return deedText(event.type);
}
