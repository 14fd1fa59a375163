import { type CombinedError, Client, type OperationResult, fetchExchange } from 'urql';
import { t } from './language/catalogue.ts';
import { refusalText } from './language/refusals.ts';

const requestTimeoutMs = 15_000;
export const graphqlPath = '/graphql';

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

/** After these nobody knows here whether it was done: sent again with its key, it is done once. */
const retryableCodes = new Set([
  'SERVICE_UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'TOO_MANY_REQUESTS',
  'OVERLOADED',
  'INCOMPLETE_DATA',
  'INTERNAL_SERVER_ERROR',
  'NETWORK',
]);

let serverAheadMs = 0;
/** The server's clock, as well as its Date header tells: deadlines are the server's, the device's clock may be wrong. */
export const serverNow = (): number => Date.now() + serverAheadMs;

function learnServerClock(dateHeader: string | null): void {
  const aheadMs = dateHeader === null ? Number.NaN : Date.parse(dateHeader) - Date.now();
  // The header has whole seconds: less than two of difference says nothing.
  if (Number.isFinite(aheadMs)) serverAheadMs = Math.abs(aheadMs) < 2_000 ? 0 : aheadMs;
}

/** `fetch` that gives up after 15 s. */
export const fetchInTime: typeof fetch = async (input, init) => {
  const timeout = AbortSignal.timeout(requestTimeoutMs);
  const signal = init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
  const response = await fetch(input, { ...init, signal });
  learnServerClock(response.headers.get('date'));
  return response;
};

const unanswered = () => new ApiError('NETWORK', t().errors.unanswered, true);

/** Sends JSON and gives the parsed answer whatever its status; throws ApiError when none came. */
export async function postJson(url: string, body: unknown): Promise<{ status: number; body: unknown }> {
  let response: Response;
  try {
    response = await fetchInTime(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  } catch {
    throw unanswered();
  }
  try {
    return { status: response.status, body: await response.json() };
  } catch {
    throw new ApiError('NETWORK', t().errors.status(response.status), response.status >= 500);
  }
}

/** What went wrong with a request, as one error with a stable code. */
export function toApiError(error: CombinedError): ApiError {
  const [first] = error.graphQLErrors;
  if (first === undefined) return unanswered();
  const code = first.extensions?.['code'];
  const known = typeof code === 'string' ? code : 'UNKNOWN';
  return new ApiError(known, refusalText({ code: known, message: first.message }), retryableCodes.has(known));
}

/** The data of an answer; throws ApiError when there is none, or only a part of it. */
export function dataOf<Data>(result: OperationResult<Data>): Data {
  if (result.error) throw toApiError(result.error);
  if (result.data === undefined || result.data === null) {
    throw new ApiError('UNKNOWN', t().errors.noData, true);
  }
  return result.data;
}

/** For what needs no session: signing in, and renewing one. */
export const anonymousClient = new Client({
  url: graphqlPath,
  exchanges: [fetchExchange],
  fetch: fetchInTime,
  preferGetMethod: false,
});
