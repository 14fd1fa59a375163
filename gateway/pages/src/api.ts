import type { Operation } from './operations.ts';

const requestTimeoutMs = 15_000;

/** A request that brought no data. `retryable`: the same request, with the same idempotency key, may be sent again. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly retryable: boolean;
  constructor(code: string, message: string, retryable = false) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}

type GraphQLAnswer<Data> = { data?: Data | null; errors?: { message: string; extensions?: { code?: string } }[] };

const retryableCodes = new Set(['SERVICE_UNAVAILABLE', 'TOO_MANY_REQUESTS', 'NETWORK']);

let serverAheadMs = 0;
/** The server's clock, as well as its Date header tells: deadlines are the server's, the device's clock may be wrong. */
export const serverNow = (): number => Date.now() + serverAheadMs;

function learnServerClock(dateHeader: string | null): void {
  const aheadMs = dateHeader === null ? Number.NaN : Date.parse(dateHeader) - Date.now();
  // The header has whole seconds: less than two of difference says nothing.
  if (Number.isFinite(aheadMs)) serverAheadMs = Math.abs(aheadMs) < 2_000 ? 0 : aheadMs;
}

/** Sends JSON and gives the parsed answer whatever its status; throws ApiError when none came. */
export async function postJson(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: unknown }> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
  } catch {
    throw new ApiError('NETWORK', 'The server did not answer. Check your connection and try again.', true);
  }
  learnServerClock(response.headers.get('date'));
  try {
    return { status: response.status, body: await response.json() };
  } catch {
    const message = `The server answered with status ${response.status}. Try again in a moment.`;
    throw new ApiError('NETWORK', message, response.status >= 500);
  }
}

/** Runs an operation; partial data with errors counts as an error. */
export async function request<Data, Variables>(
  operation: Operation<Data, Variables>,
  variables: Variables,
  accessToken?: string | null,
): Promise<Data> {
  const answer = await postJson(
    '/graphql',
    { query: operation.text, variables },
    {
      accept: 'application/graphql-response+json, application/json;q=0.9',
      ...(accessToken ? { authorization: `Bearer ${accessToken}` } : {}),
    },
  );
  const { data, errors } = answer.body as GraphQLAnswer<Data>;
  const [error] = errors ?? [];
  if (error !== undefined) {
    const code = error.extensions?.code ?? 'UNKNOWN';
    throw new ApiError(code, error.message, retryableCodes.has(code));
  }
  if (data === null || data === undefined) throw new ApiError('UNKNOWN', 'The server gave no data.', true);
  return data;
}

/** A key for one wish of the user, kept for every retry of it. `crypto.randomUUID` is missing outside secure contexts. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
