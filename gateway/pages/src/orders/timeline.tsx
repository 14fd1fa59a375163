import type { OrderState } from '../../../../schema/generated/operations.ts';
import { formatMoment, formatMoney } from '../format.ts';
import type { OrderEvent } from '../types.ts';
import { deedText, inWords, stateText, stateTone } from './order-state.tsx';
import type { Subject } from './words.ts';
import { t } from '../language/catalogue.ts';

/** The order's journal as it grows. */
export const Timeline = ({
  events,
  subject,
  currency,
}: {
  events: readonly OrderEvent[];
  subject: Subject;
  currency: string;
}) => (
  <section className="card no-print" aria-labelledby="timeline-title">
    <h2 id="timeline-title">{t().orders.whatHappened}</h2>
    <ol className="timeline" aria-live="polite" aria-relevant="additions">
      {events.filter(isTold).map((event) => (
        <li key={event.seq} className={event.toState === null ? '' : stateTone[event.toState]}>
          <span>
            {eventText(event, subject)}
            {event.reason !== null && <span className="small muted reason">{reasonText(event.reason)}</span>}
            <Told data={event.data} currency={currency} />
          </span>
          <time className="small muted" dateTime={event.at}>
            {formatMoment(event.at)}
          </time>
        </li>
      ))}
    </ol>
  </section>
);

/** A note among staff has no words for others. */
const isTold = ({ type, data }: OrderEvent): boolean =>
  type !== 'NoteAdded' || (data !== null && typeof data === 'object' && 'note' in data);

/** What an event says beside itself: an amount, or a note. */
function Told({ data, currency }: { data: unknown; currency: string }) {
  const { amountMinor, note } = (data ?? {}) as { amountMinor?: unknown; note?: unknown };
  const text = typeof note === 'string' ? note : typeof amountMinor === 'number' ? formatMoney({ amount: amountMinor, currency }) : null; // prettier-ignore
  return text === null ? null : <span className="small muted reason">{text}</span>;
}

/** Codes in words; what people wrote as they wrote it. */
const reasonText = (reason: string): string =>
  t().orders.reasons[reason] ?? (/^[A-Z_]+$/.test(reason) ? inWords(reason) : reason);

function eventText(event: OrderEvent, subject: Subject): string {
  if (event.toState === null || event.toState === event.fromState) return deedText(event.type);
  const said = t().orders.subjects[subject];
  const milestones: Partial<Record<OrderState, string>> = {
    PLACING: said.placed,
    PENDING_PAYMENT: said.waiting,
    PAID: t().orders.paymentReceived,
    COMPLETED: said.done,
  };
  return milestones[event.toState] ?? stateText(event.toState);
}
