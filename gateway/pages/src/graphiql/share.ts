/** An operation as a link and a command carry it. */
export type Shared = { readonly query: string; readonly variables: string };

/** What a link to this page brings (`?query=&variables=`); null without a query. */
export function sharedIn(search: string): Shared | null {
  const given = new URLSearchParams(search);
  const query = given.get('query') ?? '';
  return query.trim() === '' ? null : { query, variables: given.get('variables') ?? '' };
}

/** A link that opens GraphiQL with this operation. Headers, and so tokens, are never in it. */
export function linkTo(origin: string, { query, variables }: Shared): string {
  const given = new URLSearchParams({ query });
  if (variables.trim() !== '') given.set('variables', variables);
  return `${origin}/graphiql?${given.toString()}`;
}

/** A text as one word of a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/**
 * The operation as a curl command; a subscription by Server-Sent Events. The token is the shell's `$TOKEN`, so that none
 * gets into a chat or a history.
 */
export function curlOf(
  origin: string,
  params: { query: string; variables?: unknown; operationName?: string | null },
  { isSubscription, signedIn }: { isSubscription: boolean; signedIn: boolean },
): string {
  // prettier-ignore
  const parts = [
    `curl ${isSubscription ? '-N ' : ''}${origin}/graphql${isSubscription ? '/stream' : ''}`,
    "-H 'content-type: application/json'",
    ...(isSubscription ? ["-H 'accept: text/event-stream'"] : []),
    ...(signedIn ? ['-H "authorization: Bearer $TOKEN"'] : []),
    `-d ${quoted(JSON.stringify(params))}`,
  ];
  return parts.join(' \\\n  ');
}
