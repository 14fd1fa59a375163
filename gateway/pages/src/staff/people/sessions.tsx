import { useClient, useQuery } from 'urql';
import {
  CustomerSessionsDocument,
  RevokeAllSessionsDocument,
  RevokeSessionDocument,
} from '../../../../../schema/generated/operations.ts';
import { toApiError } from '../../api.ts';
import { perform } from '../../client.ts';
import { formatMoment } from '../../format.ts';
import { Loading, Problem } from '../../ui/parts.tsx';
import { DeedButton } from '../deed-button.tsx';

/** Where somebody is signed in. For administrators. */
export function Sessions({ userId }: { userId: string }) {
  const client = useClient();
  const [{ data, error }, again] = useQuery({
    query: CustomerSessionsDocument,
    variables: { id: userId },
    requestPolicy: 'network-only',
  });
  const reload = () => again({ requestPolicy: 'network-only' });
  const sessions = data?.user?.sessions ?? [];
  return (
    <section className="card form" aria-labelledby="sessions-title">
      <h2 id="sessions-title">Signed in on</h2>
      {data === undefined && error === undefined && <Loading text="Loading the devices…" />}
      {error !== undefined && (
        <Problem what="The devices can’t be shown." why={toApiError(error).message} onRetry={reload} />
      )}
      {data !== undefined && sessions.length === 0 && <p className="muted">No device.</p>}
      <ul className="returns">
        {sessions.map((session) => (
          <li key={session.id}>
            <p className="device">{session.client ?? 'A device without a name'}</p>
            <p className="small muted">
              since {formatMoment(session.createdAt)}, last used {formatMoment(session.lastUsedAt)}
            </p>
            {!session.current && (
              <DeedButton
                intent={`revoke-${session.id}`}
                press="Sign it out"
                done="The device is signed out."
                className="link"
                onDone={reload}
                send={async (idempotencyKey) =>
                  (await perform(client, RevokeSessionDocument, { sessionId: session.id, idempotencyKey }))
                    .revokeSession
                }
              />
            )}
          </li>
        ))}
      </ul>
      {sessions.length > 1 && (
        <div className="deeds">
          <DeedButton
            intent={`revoke-all-${userId}`}
            press="Sign all out"
            done="All devices are signed out."
            onDone={reload}
            send={async (idempotencyKey) =>
              (await perform(client, RevokeAllSessionsDocument, { userId, idempotencyKey })).revokeAllSessions
            }
          />
        </div>
      )}
    </section>
  );
}
