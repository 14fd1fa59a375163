import { type FormEvent, useState } from 'react';
import { useClient } from 'urql';
import { SaveWebhookEndpointDocument, type WebhookEndpointsQuery } from '../../../../../schema/generated/operations.ts';
import { perform } from '../../client.ts';
import { Switch, TextField } from '../../ui/text-field.tsx';
import { RuleButtons } from '../rules/rule-list.tsx';
import { useDeed } from '../use-deed.ts';

type Endpoint = WebhookEndpointsQuery['webhookEndpoints'][number];

/** Makes an endpoint, or changes one. */
export function EndpointForm({
  endpoint,
  events,
  onSecret,
  onSaved,
  onClose,
}: {
  endpoint: Endpoint | null;
  events: WebhookEndpointsQuery['webhookEvents'];
  onSecret: (secret: string) => void;
  onSaved: () => void;
  onClose: () => void;
}) {
  const client = useClient();
  const { busy, problem, once } = useDeed(onSaved);
  const [url, setUrl] = useState(endpoint?.url ?? '');
  const [description, setDescription] = useState(endpoint?.description ?? '');
  const [active, setActive] = useState(endpoint?.active ?? true);
  const [heard, setHeard] = useState<ReadonlySet<string>>(new Set(endpoint?.events));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const variables = {
      id: endpoint?.id ?? null,
      url: url.trim(),
      events: events.filter(({ name }) => heard.has(name)).map(({ name }) => name),
      description: description.trim() || null,
      active,
    };
    void once('save-webhook-endpoint', variables, 'The endpoint is saved.', async (idempotencyKey) => {
      const answer = await perform(client, SaveWebhookEndpointDocument, { ...variables, idempotencyKey });
      const { secret } = answer.saveWebhookEndpoint;
      if (secret !== null) onSecret(secret);
      return answer.saveWebhookEndpoint;
    }).then((isDone) => isDone && onClose());
  };
  return (
    <form className="form" onSubmit={submit} aria-label={endpoint?.url ?? 'A new endpoint'}>
      <div className="fields">
        <TextField label="Address" type="url" required maxLength={2_048} placeholder="https://…" value={url} onChange={setUrl} />
        <TextField label="What it is for" maxLength={256} value={description} onChange={setDescription} />
      </div>
      <fieldset className="switches">
        <legend className="small muted">What it hears</legend>
        {events.map(({ name, description: about }) => (
          <Switch
            key={name}
            label={`${name}: ${about}`}
            value={heard.has(name)}
            onChange={(wanted) => setHeard(new Set(wanted ? [...heard, name] : [...heard].filter((one) => one !== name)))}
          />
        ))}
      </fieldset>
      <Switch label="Messages are sent to it" value={active} onChange={setActive} />
      <RuleButtons busy={busy || heard.size === 0} problem={problem} onClose={onClose} />
    </form>
  );
} // prettier-ignore
