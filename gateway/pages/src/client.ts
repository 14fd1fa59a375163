import { type AnyVariables, type TypedDocumentNode, Client, cacheExchange, fetchExchange, mapExchange } from 'urql';
import { ApiError, dataOf, fetchInTime, graphqlPath } from './api.ts';
import { currentSession, endSession, freshToken } from './session.ts';
import { t } from './language/catalogue.ts';

/** Sends the signed-in user's token along, renewed when it is about to end. */
const fetchAsUser: typeof fetch = async (input, init) => {
  const token = await freshToken();
  const headers = new Headers(init?.headers);
  if (token !== null) headers.set('authorization', `Bearer ${token}`);
  return fetchInTime(input, { ...init, headers });
};

/** The API for one viewer. Its cache holds what that viewer may see, so another viewer needs another client. */
const openClient = (): Client =>
  new Client({
    url: graphqlPath,
    exchanges: [
      cacheExchange,
      mapExchange({
        onError(error) {
          if (error.graphQLErrors.some(({ extensions }) => extensions?.['code'] === 'UNAUTHENTICATED')) endSession();
        },
      }),
      fetchExchange,
    ],
    fetch: fetchAsUser,
    preferGetMethod: false,
  });

const firstUserId = currentSession()?.user.id ?? null;
/** With it the page begins: what was asked before its first drawing is in its cache. */
export const firstClient = openClient();

/** The client of one viewer, null for nobody. */
export const clientOf = (userId: string | null): Client => (userId === firstUserId ? firstClient : openClient());

/** Runs a mutation as the signed-in user; throws ApiError, also when nobody is signed in. */
export async function perform<Data, Variables extends AnyVariables>(
  client: Client,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  if (currentSession() === null) throw new ApiError('UNAUTHENTICATED', t().errors.signInFirst);
  return dataOf(await client.mutation(document, variables).toPromise());
}
