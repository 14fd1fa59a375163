import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { defaultAnswerLimits, noteSize } from '../answers/answer-size.ts';
import { type Headers, callerHeaders } from '../auth/caller-headers.ts';
import { type CallReport, openCircuit } from './circuit.ts';
import { type Deadline, deadlineIn, defaultTimeoutMs, remainingMs, timeoutHeader } from '../time/deadline.ts';
import { deadlineExceeded, unavailable } from '../errors/errors.ts';
import { type HttpAnswer, type HttpClient, TransportError, headerLines, openTransport } from '../http/transport.ts';
import type { SubgraphLink, SubgraphRequest } from './link.ts';
import { openSocketSubscriptions } from './socket-subscriptions.ts';

/** Before a call is sent again that met no or a broken connection: long enough for another instance to be found. */
const retryAfterMs = 50;

export type HttpLinkOptions = {
  /** How large an answer or an event the subgraph may give. */
  readonly maxAnswerBytes?: number;
  /** Where it takes GraphQL, over HTTP and WebSocket. Default `/graphql`. */
  readonly path?: string;
  /** The variable that says where it is; for the log. Default `<NAME>_URL`. */
  readonly setting?: string;
  /** Who asks whether it is back. By default a caller without a token: being refused is an answer. */
  readonly probeHeaders?: Headers;
  /** What carries its requests. Default: our own. */
  readonly client?: HttpClient;
};

/**
 * A link over HTTP. `baseUrl` is the subgraph's origin, e.g. `http://order:4103`; `report` is asked when there is
 * something to tell. A query whose connection breaks is sent once more, as is anything that could not be sent at all.
 */
export function httpLink(
  name: string,
  baseUrl: string,
  report: () => CallReport | undefined = () => undefined,
  options: HttpLinkOptions = {},
): SubgraphLink {
  const { maxAnswerBytes = defaultAnswerLimits.maxBytes, path = '/graphql', probeHeaders = {}, client } = options;
  const { setting = `${name.toUpperCase()}_URL` } = options;
  const maxBytes = transportFactor * maxAnswerBytes;
  const transport = openTransport(baseUrl, { maxBytes, ...(client && { client }) });
  const circuit = openCircuit(name, {
    report,
    setting,
    probe: (deadline) => send({ query: '{ __typename }', headers: probeHeaders }, deadline).then(readResult),
  });
  const subscriptions = openSocketSubscriptions(name, { url: `${baseUrl}${path}`, maxEventBytes: maxBytes });

  const shown = shownOf(name, report);
  function send(request: SubgraphRequest, deadline: Deadline, isFresh = false): Promise<HttpAnswer> {
    try {
      const headers = request.headerLines?.() ?? headerLines(flat(request.headers));
      const ownLines = `${jsonLines}${callerHeaders.timeout}: ${timeoutHeader(deadline)}\r\n`;
      const body = request.body?.() ?? bodyOf(request);
      const client = request.client && (() => request.client?.() ?? '');
      return transport.send({ method: 'POST', path, headers, ownLines, body, deadline, client, isFresh });
    } catch (error) {
      return Promise.reject(error);
    }
  }
  async function sendAgain(error: Error, request: SubgraphRequest, deadline: Deadline): Promise<ExecutionResult> {
    if (!mayRepeat(error, request) || remainingMs(deadline) <= retryAfterMs) throw error;
    await sleep(retryAfterMs);
    return readResult(await send(request, deadline, true));
  }
  const attempt = (request: SubgraphRequest, deadline: Deadline): Promise<ExecutionResult> =>
    circuit
      .attempt(deadline, (end) =>
        send(request, end)
          .then(readResult)
          .catch((error: Error) => sendAgain(error, request, end)),
      ) // prettier-ignore
      .catch((error: unknown) => {
        throw shown(error);
      });

  return {
    name,
    execute(request) {
      const { deadline = deadlineIn(defaultTimeoutMs) } = request;
      if (remainingMs(deadline) <= 0)
        return Promise.reject(shown(new TransportError('late', 'the time was up before')));
      if (!circuit.isClosed()) return attempt(request, deadline);
      // One promise beside the transport's own: each async function around a call would cost a tenth of it.
      const retry = async (error: Error): Promise<ExecutionResult> => {
        try {
          const result = await sendAgain(error, request, deadline);
          circuit.answered();
          return result;
        } catch (final) {
          circuit.failed(final as Error);
          throw shown(final);
        }
      };
      return send(request, deadline).then((answer) => {
        try {
          const result = readResult(answer);
          circuit.answered();
          return result;
        } catch (error) {
          return retry(error as Error);
        }
      }, retry);
    },
    subscribe: (request) => subscriptions.open(request),
    async raw({ headers, ...request }) {
      try {
        const deadline = deadlineIn(defaultTimeoutMs);
        const answer = await transport.send({ ...request, headers: headerLines(flat(headers)), deadline });
        return {
          status: answer.status,
          headers: { 'content-type': answer.contentType || 'text/plain' },
          body: answer.body,
        };
      } catch (error) {
        throw shown(error);
      }
    },
    async close() {
      circuit.close();
      await subscriptions.close();
      await transport.close();
    },
  };
}

/** A failure as the caller may see it; counted. */
const shownOf =
  (name: string, report: () => CallReport | undefined) =>
  (error: unknown): Error => {
    if (!(error instanceof TransportError)) return error as Error;
    report()?.metrics.callFailures.inc({ service: name, reason: error.failure });
    if (error.failure === 'late') return deadlineExceeded(`The ${name} service did not answer in time.`);
    if (error.failure === 'rubbish') return unavailable(`The ${name} service ${error.message}.`);
    return unavailable(`The ${name} service can't be reached (${error.message}).`);
  };

/** Nothing was sent, or sending it again does no harm. */
const mayRepeat = (error: Error, { isRepeatable = false }: SubgraphRequest): boolean =>
  error instanceof TransportError && (error.failure === 'unreachable' || (error.failure === 'cut-off' && isRepeatable));

const bodyOf = ({ query, variables, operationName }: SubgraphRequest): string =>
  JSON.stringify({ query, variables, operationName });

/** Throws a TransportError for what is no GraphQL result, whatever its status; 4xx are our own fault and refused as such. */
function readResult({ status, contentType, body }: HttpAnswer): ExecutionResult {
  if (/^application\/(graphql-response\+)?json\b/i.test(contentType)) {
    try {
      const result: unknown = JSON.parse(body);
      if (isResult(result)) return noteSize(result, body.length);
    } catch {
      // not JSON: said below, with the status
    }
  }
  const what = `answered ${status} without a GraphQL result`;
  // It has read nothing of the request: it was about to end the connection.
  if (status === 408) throw new TransportError('cut-off', what);
  if (status >= 400 && status < 500) throw new TransportError('refused', what);
  throw new TransportError('rubbish', what);
}

function isResult(result: unknown): result is { data?: Record<string, unknown> | null; errors?: GraphQLError[] } {
  if (typeof result !== 'object' || result === null) return false;
  const { data, errors } = result as { data?: unknown; errors?: unknown };
  // Beside data some servers say `"errors": []` or null where there are none (GraphQL §7.1.2 wants the entry left out).
  if (errors !== undefined && errors !== null && !Array.isArray(errors)) return false;
  if (data === undefined || data === null) return Array.isArray(errors) && errors.length > 0;
  return typeof data === 'object' && !Array.isArray(data);
}

/** Errors come beside the data. */
const transportFactor = 2;
const jsonLines = headerLines([
  ['content-type', 'application/json'],
  ['accept', 'application/json'],
]).text;

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
function flat(headers: Headers): (readonly [string, string])[] {
  const list: (readonly [string, string])[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || notPassedOn.has(name)) continue;
    for (const one of Array.isArray(value) ? value : [value]) list.push([name, one]);
  }
  return list;
}
