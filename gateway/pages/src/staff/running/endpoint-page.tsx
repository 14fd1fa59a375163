import { useState } from 'react';
import { useClient, useQuery } from 'urql';
import { Link, useLocation } from 'wouter';
import {
  type DeliveryState,
  EndpointDeliveriesDocument,
  RedeliverWebhookDocument,
  RemoveWebhookEndpointDocument,
  RotateWebhookSecretDocument,
  SendTestWebhookDocument,
  WebhookEndpointsDocument,
  type WebhookEndpointsQuery,
} from '../../../../../schema/generated/operations.ts';
import { toApiError } from '../../api.ts';
import { perform } from '../../client.ts';
import { formatMoment } from '../../format.ts';
import { Chips } from '../../ui/chips.tsx';
import { NotFound } from '../../ui/not-found.tsx';
import { Loading, Problem, useTitle } from '../../ui/parts.tsx';
import { DeedButton } from '../deed-button.tsx';
import { NothingHere, PagedList } from '../paged-list.tsx';
import { OnOff } from '../rules/rule-list.tsx';
import { useSearch } from '../use-search.ts';
import { Secret } from './secret.tsx';

type Endpoint = WebhookEndpointsQuery['webhookEndpoints'][number];

const pageSize = 20;

const words: Readonly<Record<DeliveryState, readonly [text: string, tone: string]>> = {
  PENDING: ['On its way', 'wait'],
  SENT: ['Taken', 'good'],
  FAILED: ['Tried again', 'wait'],
  DEAD: ['Given up', 'bad'],
};
const states = Object.keys(words) as DeliveryState[];

/** One endpoint: what was sent to it, and what can be done with it. */
export function EndpointPage({ id }: { id: string }) {
  const [{ data, error }, again] = useQuery({
    query: WebhookEndpointsDocument,
    variables: {},
    requestPolicy: 'cache-and-network',
  });
  const reload = () => again({ requestPolicy: 'network-only' });
  const endpoint = data?.webhookEndpoints.find((one) => one.id === id);
  return (
    <>
      <p className="back">
        <Link href="/staff/webhooks">← All endpoints</Link>
      </p>
      {data === undefined && error === undefined && <Loading text="Loading the endpoint…" />}
      {data === undefined && error !== undefined && (
        <Problem what="The endpoint can’t be shown." why={toApiError(error).message} onRetry={reload} />
      )}
      {data !== undefined && endpoint === undefined && <NotFound />}
      {endpoint !== undefined && <Shown endpoint={endpoint} onChange={reload} />}
    </>
  );
}

function Shown({ endpoint, onChange }: { endpoint: Endpoint; onChange: () => void }) {
  const { id } = endpoint;
  useTitle(endpoint.url);
  const client = useClient();
  const [, go] = useLocation();
  const [secret, setSecret] = useState<string | null>(null);
  const [isLost, setLost] = useState(false);
  const [sent, setSent] = useState(0);
  return (
    <>
      <div className="page-head">
        <h1 className="reason">{endpoint.url}</h1>
        <OnOff active={endpoint.active} />
      </div>
      {endpoint.disabledReason !== null && <p className="notice bad">{endpoint.disabledReason}</p>}
      {isLost && (
        <p className="notice bad" role="alert">
          It has a new secret, but the answer that showed it was lost. Make another one.
        </p>
      )}
      {secret !== null && <Secret secret={secret} onClose={() => setSecret(null)} />}
      <section className="card form" aria-label="What can be done">
        <p className="muted small">
          Hears {endpoint.events.join(', ')}. Its secret ends in <code>{endpoint.secretHint}</code>.
        </p>
        <div className="deeds">
          <DeedButton
            intent={`test-webhook-${id}`}
            press="Send a test"
            done="A test is on its way."
            onDone={() => setSent(sent + 1)}
            send={async (idempotencyKey) =>
              (await perform(client, SendTestWebhookDocument, { id, idempotencyKey })).sendTestWebhook
            }
          />
          <DeedButton
            intent={`rotate-webhook-${id}`}
            press="Make a new secret"
            done="It has a new secret."
            sure="Messages are signed with both secrets for 24 hours, then with the new one alone."
            onDone={onChange}
            send={async (idempotencyKey) => {
              const answer = await perform(client, RotateWebhookSecretDocument, { id, idempotencyKey });
              const { secret: made, userErrors } = answer.rotateWebhookSecret;
              setSecret(made);
              // It is shown once: this answer is to a request whose first answer was lost.
              setLost(made === null && userErrors.length === 0);
              return answer.rotateWebhookSecret;
            }}
          />
          <DeedButton
            intent={`remove-webhook-${id}`}
            press="Remove it"
            done="The endpoint is removed."
            sure="Nothing more is sent to it, and what was not delivered stays so."
            onDone={() => undefined}
            send={async (idempotencyKey) => {
              const answer = await perform(client, RemoveWebhookEndpointDocument, { id, idempotencyKey });
              if (answer.removeWebhookEndpoint.userErrors.length === 0) go('/staff/webhooks');
              return answer.removeWebhookEndpoint;
            }}
          />
        </div>
      </section>
      <Deliveries endpointId={id} sent={sent} />
    </>
  );
}

function Deliveries({ endpointId, sent }: { endpointId: string; sent: number }) {
  const client = useClient();
  const [valueOf, set] = useSearch();
  const shown = states.find((state) => state === valueOf('show'));
  return (
    <section aria-labelledby="deliveries-title">
      <div className="page-head">
        <h2 id="deliveries-title">Deliveries</h2>
        <Chips
          legend="Which deliveries"
          value={valueOf('show')}
          choices={states.map((state) => [state, words[state][0]] as const)}
          onChange={(value) => set('show', value)}
        />
      </div>
      <PagedList
        document={EndpointDeliveriesDocument}
        variables={{ first: pageSize, ...(shown === undefined ? {} : { state: shown }) }}
        pageOf={(data) => data.webhookEndpoints.find(({ id }) => id === endpointId)?.deliveries ?? null}
        what="deliveries"
        changes={sent}
        empty={<NothingHere title="Nothing" text="What is sent to it is listed here for 30 days." />}
        row={(delivery, reload) => (
          <li key={delivery.id} className="card">
            <div className="card-head">
              <p>
                <span className={`badge ${words[delivery.state][1]}`}>{words[delivery.state][0]}</span>{' '}
                <code>{delivery.event}</code>{' '}
                {delivery.statusCode !== null && <span className="muted">answered {delivery.statusCode}</span>}
              </p>
              <time className="small muted" dateTime={delivery.createdAt}>
                {formatMoment(delivery.createdAt)}
              </time>
            </div>
            <p className="small muted reason">
              {delivery.attempts} {delivery.attempts === 1 ? 'try' : 'tries'}
              {delivery.responseMs !== null && `, the last took ${delivery.responseMs} ms`}
              {delivery.nextTryAt !== null && `, next ${formatMoment(delivery.nextTryAt)}`} · <code>{delivery.id}</code>
            </p>
            {delivery.lastError !== null && <p className="problem small">{delivery.lastError}</p>}
            <DeedButton
              intent={`redeliver-${delivery.id}`}
              press="Send it again"
              of={delivery.event}
              done="It is on its way again."
              className="link"
              onDone={reload}
              send={async (idempotencyKey) =>
                (await perform(client, RedeliverWebhookDocument, { deliveryId: delivery.id, idempotencyKey }))
                  .redeliverWebhook
              }
            />
          </li>
        )}
      />
    </section>
  );
}
