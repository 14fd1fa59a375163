import { useClient } from 'urql';
import { Link } from 'wouter';
import {
  ReplayWebhookDocument,
  WebhookDeliveriesDocument,
  type WebhookOutcome,
} from '../../../../../schema/generated/operations.ts';
import { perform } from '../../client.ts';
import { formatMoment } from '../../format.ts';
import { Chips } from '../../ui/chips.tsx';
import { useTitle } from '../../ui/parts.tsx';
import { DeedButton } from '../deed-button.tsx';
import { NothingHere, PagedList } from '../paged-list.tsx';
import { useSearch } from '../use-search.ts';

const pageSize = 25;

const words: Readonly<Record<WebhookOutcome, readonly [text: string, tone: string]>> = {
  APPLIED: ['Applied', 'good'],
  DUPLICATE: ['Came again', ''],
  STALE: ['Out of date', ''],
  REJECTED_SIGNATURE: ['Not signed', 'bad'],
  REJECTED_AMOUNT: ['Wrong amount', 'bad'],
  UNKNOWN_PAYMENT: ['Unknown payment', 'wait'],
  LATE_AUTO_REFUNDED: ['Too late, given back', 'wait'],
  ERROR: ['Failed', 'bad'],
};
const outcomes = Object.keys(words) as WebhookOutcome[];
/** What may be applied by another try. */
const replayable: ReadonlySet<WebhookOutcome> = new Set(['ERROR', 'REJECTED_AMOUNT', 'UNKNOWN_PAYMENT']);

/** What payment providers have sent, what became of it, and another try. */
export function ProviderMessagesPage() {
  useTitle('Provider messages');
  const client = useClient();
  const [valueOf, set] = useSearch();
  const shown = outcomes.find((outcome) => outcome === valueOf('show'));
  return (
    <>
      <div className="page-head">
        <h1>Provider messages</h1>
      </div>
      <Chips
        legend="Which messages"
        value={valueOf('show')}
        choices={outcomes.map((outcome) => [outcome, words[outcome][0]] as const)}
        onChange={(value) => set('show', value)}
      />
      <PagedList
        document={WebhookDeliveriesDocument}
        variables={{ first: pageSize, ...(shown === undefined ? {} : { outcome: [shown] }) }}
        pageOf={(data) => data.webhookDeliveries}
        what="messages"
        empty={<NothingHere title="No messages" text="What a payment provider tells of a payment is listed here." />}
        row={(message, reload) => (
          <li key={message.id} className="card">
            <div className="card-head">
              <p>
                <span className={`badge ${words[message.outcome][1]}`}>{words[message.outcome][0]}</span>{' '}
                <code>{message.type || 'unreadable'}</code> <span className="muted">of {message.provider}</span>
              </p>
              <time className="small muted" dateTime={message.receivedAt}>
                {formatMoment(message.receivedAt)}
              </time>
            </div>
            <p className="small muted reason">
              {message.providerEventId}
              {message.attempts > 1 && ` · came ${message.attempts} times`}
              {message.payment !== null && (
                <>
                  {' · '}
                  <Link href={`/staff/orders/${message.payment.order.id}`}>{message.payment.number}</Link>
                </>
              )}
            </p>
            {message.error !== null && <p className="problem small">{message.error}</p>}
            {replayable.has(message.outcome) && (
              <DeedButton
                intent={`replay-webhook-${message.id}`}
                press="Try it again"
                of={message.providerEventId}
                done="It was tried again."
                onDone={reload}
                send={async (idempotencyKey) =>
                  (await perform(client, ReplayWebhookDocument, { deliveryId: message.id, idempotencyKey }))
                    .replayWebhook
                }
              />
            )}
          </li>
        )}
      />
    </>
  );
}
