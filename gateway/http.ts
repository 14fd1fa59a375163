import { AsyncLocalStorage } from 'node:async_hooks';
import { ApolloServer, type ApolloServerPlugin, type BaseContext } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { expressMiddleware } from '@as-integrations/express5';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from 'express';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { Logger, Metrics } from '../subgraphs/shared/telemetry.ts';
import type { TokenVerifier } from './auth.ts';
import type { Documents } from './documents.ts';
import { type GatewayErrorCode, presentError, refusal } from './errors.ts';
import type { Supergraph } from './execute.ts';
import { observe, operationLabel } from './measure.ts';
import type { OperationContext } from './subgraphs.ts';

export type HttpOptions = {
  readonly supergraph: Supergraph;
  readonly documents: Documents;
  readonly verifier: TokenVerifier;
  readonly addressOf: (request: Request) => string;
  readonly introspection: boolean;
  readonly log: Logger;
  readonly metrics: Metrics;
};

export const maxBodyBytes = 100 * 1024;

/** GraphQL over HTTP at the path where it is mounted, by Apollo Server with the limits of the gateway. */
export async function openGraphqlHttp(options: HttpOptions): Promise<{ router: Router; close(): Promise<void> }> {
  const traces = new AsyncLocalStorage<string>();
  const server = new ApolloServer<OperationContext & BaseContext>({
    gateway: loadedGateway(options.supergraph),
    introspection: options.introspection,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    cache: 'bounded',
    nodeEnv: 'production',
    apollo: {},
    logger: options.log,
    plugins: [ApolloServerPluginLandingPageDisabled(), measured(options.metrics)],
    formatError: (_formatted, error) => presentError(error, { log: options.log, traceId: traces.getStore() ?? '' }),
  });
  await server.start();

  const router = Router();
  router.use(express.json({ limit: maxBodyBytes }));
  router.use((_request, response: Response, next) => traces.run(String(response.locals['traceId']), next));
  router.use(allowPlainReads);
  router.use(
    expressMiddleware(server, { context: ({ req, res }) => counted(options.metrics, contextOf(options, req, res)) }),
  );
  return { router, close: () => server.stop() };
}

/** Apollo Server's view of a supergraph that was loaded already. */
const loadedGateway = ({ schema, sdl, executor }: Supergraph) => ({
  load: async () => ({ executor }),
  onSchemaLoadOrUpdate(callback: (loaded: { apiSchema: typeof schema; coreSupergraphSdl: string }) => void) {
    callback({ apiSchema: schema, coreSupergraphSdl: sdl });
    return () => undefined;
  },
  stop: async () => undefined,
});

/** Before Apollo Server parses anything: who asks, and whether the document keeps the limits. */
async function contextOf(options: HttpOptions, request: Request, response: Response): Promise<OperationContext> {
  const signedIn = await options.verifier.verify(request.headers.authorization);
  const { query, variables } =
    request.method === 'GET'
      ? parametersOf(request)
      : ((request.body ?? {}) as { query?: unknown; variables?: unknown });
  if (typeof query === 'string' && query !== '') {
    const { operation } = options.documents.read(query, isRecord(variables) ? variables : {});
    if (operation.operation === 'subscription')
      throw refusal('BAD_REQUEST', 'Subscriptions run over WebSocket, with the subprotocol graphql-transport-ws.');
  }
  return { caller: { ...signedIn, address: options.addressOf(request), traceId: String(response.locals['traceId']) } };
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

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parametersOf(request: Request): { query?: unknown; variables?: unknown } {
  const { searchParams } = new URL(request.originalUrl, 'http://gateway');
  const [query, variables] = [searchParams.get('query'), searchParams.get('variables')];
  try {
    return { query, variables: variables === null ? {} : JSON.parse(variables) };
  } catch {
    // Apollo Server says what is wrong with the variables.
    return { query };
  }
}

/**
 * GraphQL over HTTP lets a GET carry a query without any header, which Apollo's CSRF prevention refuses. A browser that
 * acts for another site says so in `sec-fetch-site`; only those need the preflight. (The API takes no cookies, so there
 * is nothing to ride on either way.)
 */
const allowPlainReads: RequestHandler = (request, _response, next) => {
  const site = request.headers['sec-fetch-site'];
  if (
    request.method === 'GET' &&
    (site === undefined ? request.headers.origin === undefined : site === 'same-origin' || site === 'none')
  ) {
    request.headers['apollo-require-preflight'] ??= 'true';
  }
  next();
};

/** Duration and result code of every request, by operation. */
function measured(metrics: Metrics): ApolloServerPlugin<OperationContext & BaseContext> {
  return {
    async requestDidStart() {
      const started = performance.now();
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
    response.status(statusOf(shown)).json(body);
  };
}

function statusOf(error: Error): number {
  const http = error instanceof GraphQLError ? error.extensions['http'] : undefined;
  return isRecord(http) && typeof http['status'] === 'number' ? http['status'] : 500;
}
