import { useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { WebhookEndpointsDocument } from '../../../../../schema/generated/operations.ts';
import { toApiError } from '../../api.ts';
import { Problem, Skeleton, useTitle } from '../../ui/parts.tsx';
import { OnOff, RuleList } from '../rules/rule-list.tsx';
import { EndpointForm } from './endpoint-form.tsx';
import { Secret } from './secret.tsx';

/** Where other systems hear of what happens here. For administrators. */
export function EndpointsPage() {
  useTitle('Webhooks');
  const [secret, setSecret] = useState<string | null>(null);
  const [{ data, error }, again] = useQuery({
    query: WebhookEndpointsDocument,
    variables: {},
    requestPolicy: 'cache-and-network',
  });
  const reload = () => again({ requestPolicy: 'network-only' });
  return (
    <>
      <div className="page-head">
        <h1>Webhooks</h1>
      </div>
      {data === undefined && error !== undefined && (
        <Problem what="The endpoints can’t be shown." why={toApiError(error).message} onRetry={reload} />
      )}
      {data === undefined && error === undefined && (
        <Skeleton count={3} className="order-list" label="Loading the endpoints…" />
      )}
      {secret !== null && <Secret secret={secret} onClose={() => setSecret(null)} />}
      {data !== undefined && (
        <div className="aside">
          <RuleList
            title="Endpoints"
            rules={data.webhookEndpoints}
            add="Add an endpoint"
            nameOf={({ url }) => url}
            about={(endpoint) => (
              <>
                <p className="reason">
                  <Link href={`/staff/webhooks/${endpoint.id}`}>{endpoint.url}</Link> <OnOff active={endpoint.active} />
                </p>
                <p className="small muted">
                  {endpoint.description !== null && `${endpoint.description} · `}
                  {endpoint.events.join(', ')}
                </p>
                {endpoint.disabledReason !== null && <p className="problem small">{endpoint.disabledReason}</p>}
              </>
            )}
            form={(endpoint, close) => (
              <EndpointForm
                endpoint={endpoint}
                events={data.webhookEvents}
                onSecret={setSecret}
                onSaved={reload}
                onClose={close}
              />
            )}
          />
        </div>
      )}
    </>
  );
}
