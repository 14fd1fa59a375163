import { type Client, useClient, useQuery } from 'urql';
import { MarkNotificationsReadDocument, UnreadNotificationsDocument } from '../../../../schema/generated/operations.ts';
import { dataOf } from '../api.ts';
import { perform } from '../client.ts';
import { useReloadOn } from '../orders/use-reload-on.ts';
import { noteChange, useChanges } from './changes.ts';

/** As many as one mutation takes. */
const atOnce = 100;
/** What comes in meanwhile is not waited for. */
const mostRounds = 50;

/** How much the signed-in user has not read, live. Without an answer it is nothing: the page behind the bell says why. */
export function useUnread(): number {
  const [{ data }, reload] = useQuery({ query: UnreadNotificationsDocument, requestPolicy: 'cache-and-network' });
  useReloadOn(useChanges(), reload);
  return data?.me?.notifications.totalCount ?? 0;
}

/** Notes these as read, or all that is unread. Throws ApiError. */
export function useMarkRead(): (ids: readonly string[] | 'all') => Promise<void> {
  const client = useClient();
  return async (ids) => {
    if (ids === 'all') await markAll(client);
    else await mark(client, ids);
    noteChange();
  };
}

const mark = (client: Client, ids: readonly string[]) =>
  perform(client, MarkNotificationsReadDocument, { ids: [...ids] });

async function markAll(client: Client): Promise<void> {
  for (let rounds = 0; rounds < mostRounds; rounds += 1) {
    const asked = client.query(UnreadNotificationsDocument, { first: atOnce }, { requestPolicy: 'network-only' });
    const edges = dataOf(await asked.toPromise()).me?.notifications.edges ?? [];
    if (edges.length > 0) await mark(client, edges.map(({ node }) => node.id)); // prettier-ignore
    if (edges.length < atOnce) return;
  }
}
