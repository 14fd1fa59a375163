import type { GraphiQLPlugin } from '@graphiql/react';
import { clearLog, useActivity } from './activity.ts';

/** Every event of the subscription that runs or ran last, newest first, and what became of its connection. */
function EventLog() {
  const { operation, log } = useActivity();
  return (
    <div className="start-here event-log">
      <h2>Events</h2>
      {operation === null ? (
        <p className="muted">
          Run a subscription: each of its events is kept here, and it goes on by itself after a lost connection.
        </p>
      ) : (
        <p className="muted">
          {operation}: {log.length === 0 ? 'no event yet' : `${log.length} entries`}
          {log.length > 0 && (
            <>
              {' '}
              <button type="button" className="link" onClick={clearLog}>
                Clear
              </button>
            </>
          )}
        </p>
      )}
      <ol role="log" aria-label="Events">
        {log.toReversed().map(({ id, at, text, event }) => (
          <li key={id}>
            {event === undefined ? (
              <p className="muted">
                <time>{clock(at)}</time> {text}
              </p>
            ) : (
              <details>
                <summary>
                  <time>{clock(at)}</time> {text}
                </summary>
                {/* Long answers scroll; the keyboard has to reach them. */}
                <pre tabIndex={0}>{JSON.stringify(event, null, 2)}</pre>
              </details>
            )}
          </li>
        ))}
      </ol>
    </div>
  );
}

const clock = (at: Date): string => at.toISOString().slice(11, 23);

const Icon = () => (
  <svg
    viewBox="0 0 24 24"
    width="24"
    height="24"
    fill="none"
    stroke="currentColor"
    strokeWidth="1.5"
    aria-hidden="true"
  >
    <path d="M4 6h2M4 12h2M4 18h2M9 6h11M9 12h11M9 18h7" strokeLinecap="round" />
  </svg>
);

/** The panel with the events of subscriptions. */
export const eventLog: GraphiQLPlugin = { title: 'Events', icon: Icon, content: EventLog };
