import { createHash } from 'node:crypto';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type Answer, type Shop } from '../../support/platform.ts';
import { type Person, newKey, operation } from '../../support/shop.ts';

/** What a client got by HTTP. */
export type Got = {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Answer;
  readonly tookMs: number;
};

const patienceMs = 20_000;
const readDocument = 'query Read($id: ID!) { order(id: $id) { state lines { quantity product { name } } } }';
const browseDocument = '{ products(first: 5) { edges { node { name price { amount } } } } }';
export const watchDocument =
  'subscription Watch($id: ID!, $after: SafeInt) { orderEvents(orderId: $id, afterSeq: $after) { seq order { state } } }';

/** One operation by HTTP; throws when there is no answer at all. */
export const send = (shop: Shop, query: string, variables: Record<string, unknown>, token?: string): Promise<Got> =>
  post(shop, { query, variables }, token);

async function post(shop: Shop, request: Record<string, unknown>, token?: string): Promise<Got> {
  const begun = performance.now();
  const response = await fetch(`${shop.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(request),
    signal: AbortSignal.timeout(patienceMs),
  });
  const text = await response.text();
  const tookMs = performance.now() - begun;
  let body: Answer;
  try {
    body = JSON.parse(text) as Answer;
  } catch {
    throw new Error(`${response.status} that is no JSON: ${text.slice(0, 200)}`);
  }
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body, tookMs };
}

export const browse = (shop: Shop): Promise<Got> => send(shop, browseDocument, {});
/** As Apollo's clients do: by its hash, and with its text when nobody knows that. */
export async function browseByHash(shop: Shop): Promise<Got> {
  const sha256Hash = createHash('sha256').update(browseDocument).digest('hex');
  const extensions = { persistedQuery: { version: 1, sha256Hash } };
  const short = await post(shop, { extensions });
  const isUnknown = short.body.errors?.some(({ extensions: { code } }) => code === 'PERSISTED_QUERY_NOT_FOUND');
  if (!isUnknown) return short;
  const whole = await post(shop, { query: browseDocument, extensions });
  return { ...whole, tookMs: short.tookMs + whole.tookMs };
}
export const readOrder = (shop: Shop, buyer: Person, id: string): Promise<Got> => send(shop, readDocument, { id }, buyer.token); // prettier-ignore
export const signIn = (shop: Shop, { mobile, password }: Person): Promise<Got> => send(shop, operation('login'), { mobile, password }); // prettier-ignore
export const place = (shop: Shop, buyer: Person, productId: string, key = newKey()): Promise<Got> =>
  send(
    shop,
    operation('place-order'),
    { input: { currency: 'EUR', lines: [{ productId, quantity: 1 }] }, idempotencyKey: key },
    buyer.token,
  );
export const startPayment = (shop: Shop, buyer: Person, orderId: string, key = newKey()): Promise<Got> =>
  send(
    shop,
    operation('create-payment'),
    { input: { orderId, method: 'SIMULATED_CARD' }, idempotencyKey: key },
    buyer.token,
  );

/** An operation over a socket or as server-sent events: what it brought, and how it ended. */
export type Stream = {
  readonly results: Answer[];
  ended(): { readonly error: unknown } | 'complete' | undefined;
  close(): void;
};

export type Way = 'WebSocket' | 'SSE';

/** Opens a client of its own, that does not connect again by itself. */
export function stream(
  shop: Shop,
  way: Way,
  query: string,
  options: { variables?: Record<string, unknown>; token?: string } = {},
): Stream {
  const { variables, token } = options;
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const client =
    way === 'WebSocket'
      ? createClient({ url: shop.wsUrl, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: headers })
      : createSseClient({ url: `${shop.url}/graphql/stream`, retryAttempts: 0, headers });
  const results: Answer[] = [];
  let ended: { error: unknown } | 'complete' | undefined;
  client.subscribe(
    { query, ...(variables && { variables }) },
    {
      next: (result) => void results.push(result as unknown as Answer),
      error: (error) => void (ended ??= { error }),
      complete: () => void (ended ??= 'complete'),
    },
  );
  return { results, ended: () => ended, close: () => void client.dispose() };
}

/** Browsing over a socket or as server-sent events. */
export async function browseOver(shop: Shop, way: Way): Promise<{ result?: Answer; error?: unknown; tookMs: number }> {
  const begun = performance.now();
  const opened = stream(shop, way, browseDocument);
  while (opened.ended() === undefined && performance.now() - begun < patienceMs) await new Promise((again) => setTimeout(again, 20)); // prettier-ignore
  opened.close();
  const [result] = opened.results;
  const end = opened.ended();
  return {
    ...(result && { result }),
    ...(end !== 'complete' && { error: end?.error ?? new Error('no answer at all') }),
    tookMs: performance.now() - begun,
  };
}
