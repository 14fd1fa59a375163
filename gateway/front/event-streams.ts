import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Response, Router } from 'express';
import { type ExecutionResult, GraphQLError } from 'graphql';
import type { Response as StreamAnswer } from 'graphql-sse';
import { createHandler } from 'graphql-sse/lib/use/express';
import Negotiator from 'negotiator';
import { forbidden, unavailable } from '../../subgraphs/shared/errors/errors.ts';
import { type Logger, newTraceId } from '../../subgraphs/shared/process/telemetry.ts';
import type { SignedIn } from '../callers/access-tokens.ts';
import { clientAgent, clientOf } from '../callers/caller.ts';
import type { Connection, Connections } from './connections.ts';
import { presentError, refusal } from '../errors.ts';
import { isJsonObject } from '../execute/types.ts';
import { onlyHere } from './http.ts';
import { jsonBody } from './json-body.ts';
import type { OperationWatch } from '../operations/operation-watch.ts';
import type { ReadOperation, RequestParameters } from '../operations/read-operation.ts';
import { type StreamOperationDeps, streamOperations } from '../operations/stream-operations.ts';
import { isOwnRead } from './origins.ts';
import type { Outgoing } from './outgoing.ts';
import { held } from './quick-send.ts';
import { readParameters } from './request-parameters.ts';

export type EventStreamOptions = StreamOperationDeps & {
  readonly connections: Connections;
  readonly isAllowedOrigin: (origin: string) => boolean;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly outgoing: Outgoing;
  readonly log: Logger;
};

/** How often a client that reads slowly is looked at: its next event is asked for when the last one has left. */
const slowPollMs = 50;

/**
 * Queries, mutations and subscriptions over Server-Sent Events, one stream for each operation (the "distinct connections"
 * of the GraphQL over SSE protocol), for clients without WebSockets. A stream counts as a socket of its viewer and ends
 * as one does: with the access token, with the session, at a restart.
 */
export function eventStreams(options: EventStreamOptions): Router {
  const { log, verifier, connections } = options;
  const stream = streamOperations(options);
  const signedIn = new WeakMap<IncomingMessage, SignedIn>();
  const asked = new WeakMap<IncomingMessage, RequestParameters>();
  const report = (response: ServerResponse) => ({ log, traceId: traceIdOf(response) });
  const present = (errors: readonly GraphQLError[], response: ServerResponse) =>
    errors.map((error) => presentError(error.originalError ?? error, report(response)));

  const handler = createHandler<ReadOperation>({
    // No "single connection" streams: they need a store of tokens and buy nothing where HTTP/2 is at hand.
    authenticate: () => null,
    async onConnect({ raw, context: { res } }) {
      if (connections.isFull())
        return refused(res, unavailable('There are too many connections; try again later.'), 503);
      const caller = await verifier.verify(raw.headers.authorization).catch((error: GraphQLError) => error);
      if (caller instanceof Error) {
        const isUnknown = caller.extensions['code'] === 'UNAUTHENTICATED';
        return refused(res, caller, isUnknown ? 401 : 503);
      }
      signedIn.set(raw, caller);
      const connection = connectionOf(res);
      connections.add(connection);
      if (connections.signIn(connection, caller, options.addressOf(raw))) return undefined;
      return refused(res, refusal('TOO_MANY_SUBSCRIPTIONS', 'You have as many sockets and streams open as you may.'), 429); // prettier-ignore
    },
    async onSubscribe({ raw, context: { res } }) {
      const watch = res.locals['watch'] as OperationWatch;
      const { traceId, span } = watch;
      const caller = {
        ...(signedIn.get(raw) as SignedIn),
        address: options.addressOf(raw),
        agent: clientAgent(raw),
        traceId,
        span,
      };
      const sender = { caller, isGone: () => res.destroyed, watch };
      const read = await stream.read(asked.get(raw) as RequestParameters, sender);
      if ('document' in read) return read;
      const notAllowed = read.find(isNotAllowed);
      if (notAllowed) return refused(res, notAllowed, 405);
      // Only with the key `data` is it a result to graphql-sse; undefined, it isn't sent.
      return { errors: read, data: undefined };
    },
    // What onSubscribe gives has been validated.
    validate: () => [],
    execute: ({ contextValue: operation }) => stream.execute(operation),
    subscribe: ({ contextValue: operation }) => stream.subscribe(operation) as AsyncGenerator<ExecutionResult>,
    onOperation(_operation, { context: { res } }, { contextValue }, result) {
      const { caller } = contextValue as ReadOperation;
      if (!(Symbol.asyncIterator in result))
        return held(options.outgoing, result as ExecutionResult, { client: clientOf(caller), response: res });
      const source = result as AsyncGenerator<ExecutionResult>;
      // Here, as graphql-sse never begins what it gets for a client that is gone (not reported upstream as of 2026-11).
      if (res.destroyed) void source.return(undefined);
      else res.once('close', () => void source.return(undefined));
      return paced(source, res, present);
    },
    onNext: (_operation, { context: { res } }, result) =>
      result.errors ? ({ ...result, errors: present(result.errors, res) } as unknown as ExecutionResult) : undefined,
  });

  function refused(response: ServerResponse, error: GraphQLError, status: number): StreamAnswer {
    const body = JSON.stringify({ errors: [presentError(error, report(response))] });
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      ...(status === 503 && { 'retry-after': '1' }),
      ...(status === 405 && { allow: 'POST' }),
    };
    return [body, { status, statusText: '', headers }];
  }

  const refuse = (response: ServerResponse, error: GraphQLError, status: number) =>
    (response as Response).status(status).json({ errors: [presentError(error, report(response))] });
  const router = Router();
  router.use(onlyHere);
  router.all('/', (request, response, next) => {
    if (request.method === 'GET' || request.method === 'POST') next();
    else refuse(response.setHeader('allow', 'GET, POST'), refusal('BAD_REQUEST', 'Ask by GET or POST.'), 405);
  });
  router.use(jsonBody);
  router.all('/', async (request, response) => {
    const { accept, origin } = request.headers;
    if (!takesEventStream(accept))
      refuse(response, refusal('BAD_REQUEST', 'Ask for streams with the header "accept: text/event-stream".'), 406);
    // As over WebSocket: an EventSource asks without a preflight, as does an address in another site's page.
    else if (origin === undefined ? isForeignRead(request) : !options.isAllowedOrigin(origin))
      refuse(response, forbidden('Pages of this origin may not use this API.'), 403);
    // graphql-sse would read any body itself, of any size, if only its type has "application/json" somewhere in it.
    else if (request.method === 'POST' && request.body === undefined)
      refuse(response, refusal('UNSUPPORTED_MEDIA_TYPE', 'The body must be JSON, with the header "content-type: application/json".'), 415); // prettier-ignore
    else {
      try {
        asked.set(request, readParameters(request));
      } catch (error) {
        refuse(response, error as GraphQLError, 400);
        return;
      }
      // graphql-sse would read it again, knows documents by their text alone and types by their usual letters, and says what is
      // wrong in its own form.
      request.url = '/?query=';
      request.headers['content-type'] = 'application/json';
      request.headers.accept = eventStream;
      request.body = { query: '' };
      response.setHeader('x-accel-buffering', 'no');
      await handler(request, response);
    }
  });
  return router;
}

const eventStream = 'text/event-stream';

/** Whether an Accept header names event streams. One that takes anything is told how to ask: it most likely meant JSON. */
function takesEventStream(accept = ''): boolean {
  const negotiator = new Negotiator({ headers: { accept } });
  const names = negotiator.mediaTypes().map((name) => name.toLowerCase());
  return names.includes(eventStream) || (names.includes('text/*') && negotiator.mediaType([eventStream]) !== undefined);
}

const isForeignRead = (request: IncomingMessage): boolean => request.method === 'GET' && !isOwnRead(request);

/** That the method is wrong only the status can say. */
const isNotAllowed = ({ extensions: { http } }: GraphQLError): boolean => isJsonObject(http) && http['status'] === 405;

const traceIdOf = (response: ServerResponse): string => {
  const header = response.getHeader('x-trace-id');
  return typeof header === 'string' ? header : newTraceId();
};

/** The stream as one of a viewer's connections. */
export const connectionOf = (response: ServerResponse): Connection => ({
  OPEN: 1,
  get readyState() {
    return response.writableEnded || response.destroyed ? 3 : 1;
  },
  close: () => void (response.headersSent && response.end()),
  terminate: () => void response.destroy(),
  once: (event, listener) => response.once(event, listener),
});

/**
 * graphql-sse keeps what a client has not read yet, without a bound (not reported upstream as of 2026-11): so the next event is asked
 * for when the last one is out. An error that ends the stream is its last event.
 */
async function* paced(
  source: AsyncGenerator<ExecutionResult>,
  response: ServerResponse,
  present: (errors: readonly GraphQLError[], response: ServerResponse) => readonly unknown[],
): AsyncGenerator<ExecutionResult> {
  try {
    for await (const result of source) {
      yield result;
      await new Promise((resolve) => setImmediate(resolve));
      while (response.writableLength > 0 && !response.destroyed) await sleep(slowPollMs);
    }
  } catch (error) {
    const known =
      error instanceof GraphQLError ? error : new GraphQLError('unexpected', { originalError: error as Error });
    yield { errors: present([known], response) } as ExecutionResult;
  }
}
