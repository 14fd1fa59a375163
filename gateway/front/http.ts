import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, RequestListener } from 'node:http';
import { Readable } from 'node:stream';
import { ApolloServer, type ApolloServerPlugin, type BaseContext } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { expressMiddleware } from '@as-integrations/express5';
import type { ApolloGateway } from '@apollo/gateway';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import { type ExecutionResult, GraphQLError, type GraphQLFormattedError } from 'graphql';
import { retryAfterSeconds } from '../../subgraphs/shared/errors/errors.ts';
import { jsonInTurns } from '../../subgraphs/shared/answers/json-text.ts';
import type { Logger, Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import { type GatewayErrorCode, isUnavailableAnswer, presentError, refusal } from '../errors.ts';
import type { Graph } from '../supergraph/reloadable.ts';
import { jsonBody } from './json-body.ts';
import { refusalOfVariables } from '../documents/limits.ts';
import { observe, operationLabel } from '../operations/measure.ts';
import { type RunOperation, clientOf } from '../operations/run-operation.ts';
import type { Outgoing } from './outgoing.ts';
import type { PersistedQueries } from '../documents/persisted-queries.ts';
import { type QuickOptions, answerQuickly, isOwnRead, isRecord, recordOf } from './quick-answers.ts';
import { type Arrived, held } from './quick-send.ts';
import type { OperationContext } from '../supergraph/subgraph-fetch.ts';
import { searchParametersOf } from './text.ts';

export type HttpOptions = QuickOptions & {
  readonly graph: Pick<Graph, 'onSchema'>;
  readonly introspection: boolean;
};

type HttpContext = BaseContext &
  OperationContext & {
    readonly startedMs: number;
    /** Its result, when the operation ran before Apollo Server saw the request. */
    readonly executed: Promise<ExecutionResult> | undefined;
    readonly response: Response;
    readonly isGone: () => boolean;
  };

export type GraphqlHttp = {
  /** GraphQL over HTTP at the path where it is mounted, by Apollo Server with the limits of the gateway. */
  readonly api: RequestHandler;
  /** Takes requests before they get to `app`, where `api` is mounted, and answers plain ones by itself. */
  inFrontOf(app: RequestListener): RequestListener;
  close(): Promise<void>;
};

export async function openGraphqlHttp(options: HttpOptions): Promise<GraphqlHttp> {
  const arrivals = new WeakMap<IncomingMessage, Arrived>();
  const traces = new AsyncLocalStorage<string>();
  const server = new ApolloServer<HttpContext>({
    gateway: loadedGateway(options),
    introspection: options.introspection,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    cache: 'bounded',
    nodeEnv: 'production',
    hideSchemaDetailsFromClientErrors: !options.introspection,
    stringifyResult: async (result) => `${(await jsonInTurns(result, options.answering.turns)).join('')}\n`,
    apollo: {},
    logger: options.log,
    plugins: [ApolloServerPluginLandingPageDisabled(), measured(options.metrics), unavailableIsStatus],
    formatError: (_formatted, error) => presentError(error, { log: options.log, traceId: traces.getStore() ?? '' }),
  });
  await server.start();

  const api = express();
  api.use(onlyHere, onlyMethods);
  api.disable('x-powered-by');
  // Answers are not to be stored: there is nothing to compare.
  api.set('etag', false);
  api.use(readBody(arrivals), onlyJson);
  api.use((_request, response: Response, next) => traces.run(String(response.locals['traceId']), next));
  const named = new WeakMap<IncomingMessage, Named>();
  api.use(nameByText(options.persisted, named));
  api.use(allowPlainReads);
  api.use(
    expressMiddleware(server, {
      context: ({ req, res }) => counted(options.metrics, contextOf(options, req, { response: res, arrived: arrivals.get(req), named: named.get(req) })), // prettier-ignore
    }),
  );
  return {
    api,
    inFrontOf: (app) =>
      answerQuickly(options, (request, response, arrived) => {
        arrivals.set(request, arrived);
        app(request, Object.assign(response, { locals: { traceId: arrived.traceId } }));
      }),
    close: () => server.stop(),
  };
}

/** The JSON body, also of a request whose bytes were read before. */
const readBody =
  (arrivals: WeakMap<IncomingMessage, Arrived>): RequestHandler =>
  (request, response, next) => {
    const { bytes, body } = arrivals.get(request) ?? {};
    if (bytes === undefined) jsonBody(request, response, next);
    else if (body !== undefined) {
      request.body = body;
      next();
    } else {
      const again = Object.assign(Readable.from([bytes]), { method: request.method, headers: request.headers });
      jsonBody(again as unknown as Request, response, (error?: unknown) => {
        request.body = (again as { body?: unknown }).body;
        next(error);
      });
    }
  };

/** What is mounted answers at its own path, with a slash at its end or without: what is below is no path of ours. */
export const onlyHere: RequestHandler = (request, _response, next) => next(request.path === '/' ? undefined : 'router');

/** Apollo Server refuses HEAD as it refuses forms of other sites, which is no help. */
const onlyMethods: RequestHandler = (request, response, next) => {
  if (request.method === 'GET' || request.method === 'POST') next();
  else {
    response.setHeader('allow', 'GET, POST');
    next(refusal('BAD_REQUEST', 'Ask by GET or POST.', 405));
  }
};

/** What a form of another site could send goes on: Apollo Server's CSRF prevention has its own word for it. */
const onlyJson: RequestHandler = (request, _response, next) => {
  const isOther = request.method === 'POST' && request.body === undefined && !formTypes.test(request.headers['content-type'] ?? ''); // prettier-ignore
  next(isOther && request.headers['content-type'] ? refusal('UNSUPPORTED_MEDIA_TYPE', 'The body must be JSON, with the header "content-type: application/json".', 415) : undefined); // prettier-ignore
};
const formTypes = /^\s*(text\/plain|application\/x-www-form-urlencoded|multipart\/form-data|application\/json)\b/i;

/** Apollo Server's view of a supergraph that was loaded already. */
const loadedGateway = ({ graph, run, outgoing }: HttpOptions) => ({
  load: async () => ({ executor: executorOf(run, outgoing) }),
  onSchemaLoadOrUpdate: (callback: Parameters<Graph['onSchema']>[0]) => graph.onSchema(callback),
  stop: async () => undefined,
});

/** For Apollo Server, which calls it with its own request context. An operation that ran already isn't run again. */
const executorOf =
  (run: RunOperation, outgoing: Outgoing): ApolloGateway['executor'] =>
  async ({ source, document, request, context }) => {
    const { caller, executed, response, isGone } = context as HttpContext;
    const { operationName, variables = {} } = request;
    if (executed) return executed;
    const result = await run({ query: source, document, operationName, variables, caller }, isGone);
    return held(outgoing, result, { client: clientOf(caller), response });
  };

/** Before Apollo Server parses anything: who asks, and whether the document keeps the limits. */
async function contextOf(
  options: HttpOptions,
  request: Request,
  { response, arrived, named }: { response: Response; arrived: Arrived | undefined; named: Named | undefined },
): Promise<HttpContext> {
  const signedIn = await options.verifier.verify(request.headers.authorization);
  const caller = { ...signedIn, address: options.addressOf(request), traceId: String(response.locals['traceId']) };
  const isGone = () => request.socket.destroyed;
  const given = request.method === 'GET' ? parametersOf(request) : ((request.body ?? {}) as Given);
  const { query } = given;
  if (named?.refused !== undefined) throw named.refused;
  if (typeof query === 'string' && query !== '') {
    const variables = isRecord(given.variables) ? given.variables : {};
    const refused = refusalOfVariables(variables);
    if (refused) throw refused;
    const operationName = typeof given.operationName === 'string' ? given.operationName : undefined;
    const sent = { query, operationName, variables };
    if (!options.newcomers.isKnown(sent)) await options.newcomers.introduce(sent, { client: clientOf(caller), isGone });
    const { operation, validationErrors } = options.documents.read(query, variables);
    if (named?.register !== undefined && validationErrors().length === 0)
      options.persisted.remember(named.register, query);
    if (operation.operation === 'subscription')
      throw refusal('BAD_REQUEST', 'Subscriptions run over WebSocket, with the subprotocol graphql-transport-ws.');
  }
  return {
    caller,
    response,
    executed: arrived?.executed,
    startedMs: arrived?.startedMs ?? performance.now(),
    isGone,
  };
}

/** Who is turned away here never gets to Apollo Server's plugins. */
async function counted<T>(metrics: Metrics, work: Promise<T>): Promise<T> {
  const started = performance.now();
  try {
    return await work;
  } catch (error) {
    observe(metrics, { operation: 'refused', errors: [error as GraphQLError], started });
    throw error;
  }
}

type Given = { readonly query?: unknown; readonly operationName?: unknown; readonly variables?: unknown };

function parametersOf(request: Request): Given {
  const searchParams = searchParametersOf(request.url);
  const given = { query: searchParams.get('query'), operationName: searchParams.get('operationName') };
  const variables = searchParams.get('variables');
  try {
    return { ...given, variables: variables === null ? {} : JSON.parse(variables) };
  } catch {
    // Apollo Server says what is wrong with the variables.
    return given;
  }
}

/** What became of a request that names its document: refused, or its text to be remembered under a hash. */
type Named = { readonly refused?: Error; readonly register?: string | undefined };

/** Puts the text of the document into requests that name it by hash or id, as if they had sent it. */
const nameByText =
  (persisted: PersistedQueries, named: WeakMap<IncomingMessage, Named>): RequestHandler =>
  async (request, _response, next) => {
    const given = request.method === 'GET' ? searchOf(request) : (request.body as unknown);
    if (!isRecord(given) || !persisted.isNamed(given)) {
      next();
      return;
    }
    try {
      const { query, register } = await persisted.textOf(given);
      named.set(request, { register });
      if (request.method === 'GET') nameInSearch(request, query);
      else request.body = { ...given, query, documentId: undefined, extensions: withoutPersistedQuery(given) };
    } catch (error) {
      named.set(request, { refused: error as Error });
    }
    next();
  };

const withoutPersistedQuery = ({ extensions }: Record<string, unknown>): Record<string, unknown> | null => {
  if (!isRecord(extensions)) return null;
  const { persistedQuery: _, ...others } = extensions;
  return others;
};

function searchOf(request: Request): Record<string, unknown> {
  const searchParams = searchParametersOf(request.url);
  const extensions = searchParams.get('extensions');
  return {
    query: searchParams.get('query'),
    documentId: searchParams.get('documentId'),
    extensions: extensions === null ? null : recordOf(extensions),
  };
}

function nameInSearch(request: Request, query: string): void {
  const searchParams = searchParametersOf(request.url);
  searchParams.set('query', query);
  searchParams.delete('documentId');
  searchParams.delete('extensions');
  request.url = `/?${searchParams.toString()}`;
}

/** Tells Apollo's CSRF prevention which GETs need no preflight. */
const allowPlainReads: RequestHandler = (request, _response, next) => {
  if (isOwnRead(request)) request.headers['apollo-require-preflight'] ??= 'true';
  next();
};

const unavailableIsStatus: ApolloServerPlugin<HttpContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response }) {
        if (response.body.kind !== 'single' || !isUnavailableAnswer(response.body.singleResult)) return;
        response.http.status = 503;
        response.http.headers.set('retry-after', String(retryAfterSeconds));
      },
    };
  },
};

/** Duration and result code of every request, by operation. */
function measured(metrics: Metrics): ApolloServerPlugin<HttpContext> {
  return {
    async requestDidStart({ contextValue: { startedMs: started } }) {
      return {
        async willSendResponse({ operation, document, response }) {
          const { errors } = response.body.kind === 'single' ? response.body.singleResult : {};
          observe(metrics, { operation: operationLabel(operation, document), errors, started });
        },
      };
    },
  };
}

const bodyErrors: Readonly<Record<string, { code: GatewayErrorCode; message: string }>> = {
  'entity.too.large': { code: 'PAYLOAD_TOO_LARGE', message: 'The body is too large.' },
  'entity.parse.failed': { code: 'BAD_REQUEST', message: 'The body is not JSON.' },
  'entity.not.utf8': { code: 'BAD_REQUEST', message: 'The body is not UTF-8.' },
  'charset.unsupported': { code: 'UNSUPPORTED_MEDIA_TYPE', message: 'The body must be UTF-8.' },
  'encoding.unsupported': { code: 'UNSUPPORTED_MEDIA_TYPE', message: 'The content encoding is not supported.' },
};

/** The last handler: every error leaves as JSON in GraphQL's shape, with a code and the trace id, without a stack. */
export function answerErrors(log: Logger): ErrorRequestHandler {
  return (error: Error & { type?: string; status?: number }, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const known = bodyErrors[error.type ?? ''];
    const fault =
      error.status !== undefined && error.status < 500
        ? { code: 'BAD_REQUEST' as const, message: 'The request can not be read.' }
        : undefined;
    const client = known ?? fault;
    const shown = client ? refusal(client.code, client.message, error.status) : error;
    const body: { errors: GraphQLFormattedError[] } = {
      errors: [presentError(shown, { log, traceId: String(response.locals['traceId']) })],
    };
    const isNotNow = isUnavailableAnswer(body);
    if (isNotNow) response.set('retry-after', String(retryAfterSeconds));
    response.status(isNotNow ? 503 : statusOf(shown)).json(body);
  };
}

function statusOf(error: Error): number {
  const http = error instanceof GraphQLError ? error.extensions['http'] : undefined;
  return isRecord(http) && typeof http['status'] === 'number' ? http['status'] : 500;
}
