import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { type Headers, callerHeaders } from './auth.ts';
import { type CallReport, openCircuit } from './circuit.ts';
import { type Deadline, deadlineIn, defaultTimeoutMs, remainingMs, timeoutHeader } from './deadline.ts';
import { deadlineExceeded, unavailable } from './errors.ts';
import { TransportError, type TransportResponse, openTransport } from './http-transport.ts';
import type { SubgraphLink, SubgraphName, SubgraphRequest } from './link.ts';
import { openSocketSubscriptions } from './socket-subscriptions.ts';

/** Before a call is sent again that met no or a broken connection: long enough for another instance to be found. */
const retryAfterMs = 50;

/**
 * A link over HTTP. `baseUrl` is the subgraph's origin, e.g. `http://order:4103`; `report` is asked when there is
 * something to tell. A query whose connection breaks is sent once more, as is anything that could not be sent at all.
 */
export function httpLink(
  name: SubgraphName,
  baseUrl: string,
  report: () => CallReport | undefined = () => undefined,
): SubgraphLink {
  const transport = openTransport(baseUrl);
  const circuit = openCircuit(name, report);
  const headersFor = graphqlHeaders();
  const subscriptions = openSocketSubscriptions(name, baseUrl);

  /** As the caller may see it; counted. */
  function shown(error: unknown): Error {
    if (!(error instanceof TransportError)) return error as Error;
    report()?.metrics.callFailures.inc({ service: name, reason: error.failure });
    if (error.failure === 'late') return deadlineExceeded(`The ${name} service did not answer in time.`);
    if (error.failure === 'rubbish') return unavailable(`The ${name} service ${error.message}.`);
    return unavailable(`The ${name} service can't be reached (${error.message}).`);
  }
  // Promises are chained by hand here: each async function around the one that sends would cost as much as sending.
  function post(request: SubgraphRequest, deadline: Deadline): Promise<ExecutionResult> {
    const body = request.body?.() ?? bodyOf(request);
    const send = () =>
      transport
        .send({ method: 'POST', path: '/graphql', headers: headersFor(request.headers, deadline), body, deadline })
        .then(readResult);
    return send().catch(async (error: Error) => {
      if (!mayRepeat(error, request) || remainingMs(deadline) <= retryAfterMs) throw error;
      await sleep(retryAfterMs);
      return send();
    });
  }

  return {
    name,
    execute(request) {
      const { deadline = deadlineIn(defaultTimeoutMs) } = request;
      if (remainingMs(deadline) <= 0)
        return Promise.reject(shown(new TransportError('late', 'the time was up before')));
      return circuit
        .run(deadline, (end) => post(request, end))
        .catch((error: unknown) => {
          throw shown(error);
        });
    },
    subscribe: (request) => subscriptions.open(request),
    async raw({ method, path, headers, body }) {
      try {
        const deadline = deadlineIn(defaultTimeoutMs);
        const response = await transport.send({ method, path, headers: flat(headers), body: body.length === 0 ? null : body, deadline }); // prettier-ignore
        return {
          status: response.status,
          headers: { 'content-type': response.headers['content-type'] ?? 'text/plain' },
          body: response.body,
        };
      } catch (error) {
        throw shown(error);
      }
    },
    async close() {
      await subscriptions.close();
      await transport.close();
    },
  };
}

/** Nothing was sent, or sending it again does no harm. */
const mayRepeat = (error: Error, { isRepeatable = false }: SubgraphRequest): boolean =>
  error instanceof TransportError && (error.failure === 'unreachable' || (error.failure === 'cut-off' && isRepeatable));

const bodyOf = ({ query, variables, operationName }: SubgraphRequest): string =>
  JSON.stringify({ query, variables, operationName });

/** Throws a TransportError for what is no GraphQL result, whatever its status; 4xx are our own fault and refused as such. */
function readResult({ status, headers, body }: TransportResponse): ExecutionResult {
  const type = headers['content-type'] ?? '';
  if (/^application\/(graphql-response\+)?json\b/.test(type)) {
    try {
      const result: unknown = JSON.parse(body);
      if (isResult(result)) return result;
    } catch {
      // not JSON: said below, with the status
    }
  }
  const what = `answered ${status} without a GraphQL result`;
  if (status >= 400 && status < 500) throw new TransportError('refused', what);
  throw new TransportError('rubbish', what);
}

function isResult(result: unknown): result is { data?: Record<string, unknown> | null; errors?: GraphQLError[] } {
  if (typeof result !== 'object' || result === null) return false;
  const { data, errors } = result as { data?: unknown; errors?: unknown };
  if (errors !== undefined && !(Array.isArray(errors) && errors.length > 0)) return false;
  if (data === undefined || data === null) return errors !== undefined;
  return typeof data === 'object' && !Array.isArray(data);
}

/** The caller's headers are the same object for all calls of an operation: they are brought into this form once. */
function graphqlHeaders(): (headers: Headers, deadline: Deadline) => string[] {
  const flattened = new WeakMap<Headers, readonly string[]>();
  return (headers, deadline) => {
    let known = flattened.get(headers);
    if (!known) {
      known = [...flat(headers), 'content-type', 'application/json', 'accept', 'application/json'];
      flattened.set(headers, known);
    }
    return [...known, callerHeaders.timeout, timeoutHeader(deadline)];
  };
}

/** Of one hop only, or set here. */
const notPassedOn: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'accept-encoding',
  callerHeaders.timeout,
]);
function flat(headers: Headers): string[] {
  const list: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || notPassedOn.has(name)) continue;
    for (const one of Array.isArray(value) ? value : [value]) list.push(name, one);
  }
  return list;
}
