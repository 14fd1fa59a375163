import { type Client, useClient } from 'urql';
import {
  type LetterFragment,
  ReplayOrderDeadLetterDocument,
  type ReplayOrderDeadLetterMutation,
  ReplayPaymentDeadLetterDocument,
  ReplayProductDeadLetterDocument,
  ReplayUserDeadLetterDocument,
} from '../../../../schema/generated/operations.ts';
import { ApiError } from '../api.ts';
import { perform } from '../client.ts';
import { formatMoment } from '../format.ts';
import { announce } from '../ui/announcement.tsx';
import { Spinner } from '../ui/parts.tsx';
import { useAction } from '../ui/use-action.ts';

type Replay = (client: Client, id: string) => Promise<ReplayOrderDeadLetterMutation['replayOrderDeadLetter']>;

/** Each service replays its own. */
const replays: Readonly<Record<string, Replay>> = {
  order: async (client, id) => (await perform(client, ReplayOrderDeadLetterDocument, { id })).replayOrderDeadLetter,
  payment: async (client, id) =>
    (await perform(client, ReplayPaymentDeadLetterDocument, { id })).replayPaymentDeadLetter,
  product: async (client, id) =>
    (await perform(client, ReplayProductDeadLetterDocument, { id })).replayProductDeadLetter,
  user: async (client, id) => (await perform(client, ReplayUserDeadLetterDocument, { id })).replayUserDeadLetter,
};

/** One event that could not be handled. */
export function DeadLetter({ letter, onReplayed }: { letter: LetterFragment; onReplayed: () => void }) {
  const client = useClient();
  const { busy, problem, run } = useAction();
  const { id, service, type } = letter;

  const replay = () =>
    run(async () => {
      const send = replays[service];
      if (send === undefined) throw new ApiError('UNKNOWN', `Nobody knows how to replay for ${service}.`);
      const { userErrors } = await send(client, id);
      const [refusal] = userErrors;
      if (refusal === undefined) announce(`${type} was handled.`);
      onReplayed();
      return refusal?.message ?? null;
    });

  return (
    <li className="card letter">
      <div className="card-head">
        <h2>
          <code>{type}</code> <span className="muted small">in {service}</span>
        </h2>
        <span className="small muted">
          {letter.attempts} tries, last {formatMoment(letter.failedAt)}
        </span>
      </div>
      <p className="problem">{letter.error}</p>
      <details>
        <summary>The whole event</summary>
        <pre tabIndex={0} role="region" aria-label={`Event ${id}`}>
          {JSON.stringify(letter.event, null, 2)}
        </pre>
      </details>
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      {letter.replayedAt === null ? (
        <p>
          <button type="button" className="button quiet" disabled={busy} onClick={() => void replay()}>
            {busy && <Spinner />}
            Replay<span className="hidden-visually"> {type}</span>
          </button>
        </p>
      ) : (
        <p className="small muted">Handled {formatMoment(letter.replayedAt)}.</p>
      )}
    </li>
  );
}
