import type { Fetcher, FetcherOpts, FetcherParams } from '@graphiql/toolkit';
import { GraphQLError, parse, type ExecutionResult } from 'graphql';
import { type AuthPayload, adoptSession, freshToken } from '../session.ts';
import { noteAnswer } from './activity.ts';
import { chosenOperation } from './chosen-operation.ts';
import { fillIn, remember } from './placeholders.ts';
import { subscribe } from './subscribe.ts';

type Result = ExecutionResult<Record<string, unknown>>;

/** Authorization headers that this page itself wrote into a tab: when renewed, the newer token goes instead. */
export const writtenHeaders = new Set<string>();

/**
 * HTTP for queries and mutations, WebSocket for subscriptions, both at /graphql of this origin. What the headers editor
 * says goes along, as headers or as connectionParams; `authorization` is the signed-in user's when it says none.
 */
export const fetcher: Fetcher = (params, options) => {
  try {
    const chosen = chosenOperation(parse(params.query), params.operationName);
    const filled: FetcherParams = {
      ...params,
      operationName: chosen?.name?.value ?? null,
      variables: fillIn(params.variables) as FetcherParams['variables'],
    };
    return chosen?.operation === 'subscription' ? subscribe(filled, () => headersOf(options)) : send(filled, options);
  } catch (error) {
    return Promise.resolve(failed((error as Error).message));
  }
};

async function headersOf(options: FetcherOpts | undefined): Promise<Record<string, string>> {
  const own = Object.entries(options?.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
  const headers = Object.fromEntries(own) as Record<string, string>;
  if (headers['authorization'] !== undefined && !writtenHeaders.has(headers['authorization'])) return headers;
  const { authorization: _, ...others } = headers;
  const token = await freshToken();
  return token === null ? others : { ...others, authorization: `Bearer ${token}` };
}

/** A thrown error would be shown with its stack. */
const failed = (message: string): Result => ({ errors: [new GraphQLError(message)] });

async function send(params: FetcherParams, options: FetcherOpts | undefined): Promise<Result> {
  const startedAtMs = performance.now();
  let response: Response;
  let text: string;
  try {
    response = await fetch('/graphql', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json;q=0.9',
        ...(await headersOf(options)),
      },
      body: JSON.stringify(params),
    });
    text = await response.text();
  } catch (error) {
    return failed(`The API can't be reached: ${(error as Error).message}. A mutation may have been done: repeat it with the same idempotency key.`); // prettier-ignore
  }
  const ms = Math.round(performance.now() - startedAtMs);
  // GraphiQL's own question about the schema is not the user's.
  if (params.operationName !== 'IntrospectionQuery')
    noteAnswer({ status: response.status, ms, bytes: new TextEncoder().encode(text).length });
  let result: Result;
  try {
    result = JSON.parse(text) as Result;
  } catch {
    return failed(`HTTP ${response.status}: the answer is no JSON. It begins with: ${text.slice(0, 200)}`);
  }
  learn(result);
  return result;
}

/** Signs in with the tokens of an answer, and keeps its ids for later examples. */
function learn({ data }: Result): void {
  remember(data);
  for (const value of Object.values(data ?? {})) {
    const { user = null, tokens = null } = (value ?? {}) as Partial<AuthPayload>;
    if (tokens !== null) adoptSession({ user, tokens });
  }
}
