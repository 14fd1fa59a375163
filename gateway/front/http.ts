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
import type { Logger } from '../../subgraphs/shared/process/telemetry.ts';
import { clientAgent, clientOf } from '../callers/caller.ts';
import { type GatewayErrorCode, isUnavailableAnswer, presentError, refusal } from '../errors.ts';
import { isJsonObject } from '../execute/types.ts';
import type { Graph } from '../supergraph/reloadable.ts';
import type { OperationWatch } from '../operations/operation-watch.ts';
import type { ReadOperation } from '../operations/read-operation.ts';
import type { RunOperation } from '../operations/run-operation.ts';
import { jsonBody } from './json-body.ts';
import { isOwnRead } from './origins.ts';
import type { Outgoing } from './outgoing.ts';
import { type QuickOptions, answerQuickly } from './quick-answers.ts';
import { type Arrived, held } from './quick-send.ts';
import { type ReceivedRequest, readParameters } from './request-parameters.ts';

export type HttpOptions = QuickOptions & {
  readonly graph: Pick<Graph, 'onSchema'>;
  readonly introspection: boolean;
};

type HttpContext = BaseContext & {
  readonly operation: ReadOperation;
  /** Its result, when the operation ran before Apollo Server saw the request. */
  readonly executed: Promise<ExecutionResult> | undefined;
  readonly response: Response;
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
    plugins: [ApolloServerPluginLandingPageDisabled(), asRead, measured, unavailableIsStatus],
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
  api.use(allowPlainReads);
  api.use(async (request, response, next) => {
    const { method, url, body } = request;
    const asked = { response, arrived: arrivals.get(request), received: { method, url, body: body as unknown } };
    // Apollo Server would read the parameters itself; it gets what was read of them (`asRead`).
    request.url = '/?query=';
    request.body = { query: '' };
    const watch = response.locals['watch'] as OperationWatch;
    const context = () => counted(watch, contextOf(options, request, { ...asked, watch }));
    await expressMiddleware(server, { context })(request, response, next);
  });
  return {
    api,
    inFrontOf: (app) =>
      answerQuickly(options, (request, response, arrived) => {
        arrivals.set(request, arrived);
        app(request, Object.assign(response, { locals: { traceId: arrived.watch.traceId, watch: arrived.watch } }));
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
  async ({ context }) => {
    const { operation, executed, response } = context as HttpContext;
    if (executed) return executed;
    const result = await run(operation, operation.isGone);
    return held(outgoing, result, { client: clientOf(operation.caller), response });
  };

/** Before Apollo Server parses anything: who asks, and whether the operation keeps the limits. */
async function contextOf(
  options: HttpOptions,
  request: Request,
  asked: { response: Response; arrived: Arrived | undefined; received: ReceivedRequest; watch: OperationWatch },
): Promise<HttpContext> {
  const { response, arrived, received, watch } = asked;
  const signedIn = await options.verifier.verify(request.headers.authorization);
  const { traceId, span } = watch;
  const caller = { ...signedIn, address: options.addressOf(request), agent: clientAgent(request), traceId, span };
  const sender = { caller, isGone: () => request.socket.destroyed, watch };
  const operation = await options.reader.read(readParameters(received), sender);
  if (operation.read.operation.operation === 'subscription')
    throw refusal('BAD_REQUEST', 'Subscriptions run over WebSocket, with the subprotocol graphql-transport-ws.');
  return { operation, response, executed: arrived?.executed };
}

/** Who is turned away here never gets to Apollo Server's plugins. */
async function counted<T>(watch: OperationWatch, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    watch.done({ errors: [error as GraphQLError] });
    throw error;
  }
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

/** Gives Apollo Server the operation as it was read. */
const asRead: ApolloServerPlugin<HttpContext> = {
  async requestDidStart({ request, contextValue: { operation } }) {
    const { query, operationName, variables } = operation;
    Object.assign(request, { query, operationName, variables });
  },
};

/** Duration and result code of every request, by operation. */
const measured: ApolloServerPlugin<HttpContext> = {
  async requestDidStart({ contextValue: { operation: asked } }) {
    return {
      async willSendResponse({ operation, response }) {
        const { errors } = response.body.kind === 'single' ? response.body.singleResult : {};
        asked.watch.done({ asked, errors, ...(!operation && { instead: 'invalid' }) });
      },
    };
  },
};

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
  return isJsonObject(http) && typeof http['status'] === 'number' ? http['status'] : 500;
}
