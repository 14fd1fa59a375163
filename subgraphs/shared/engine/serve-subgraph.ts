import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionResult } from 'graphql';
import type { Response as Answer } from 'graphql-http';
import { createHandler } from 'graphql-http/lib/use/http';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { notedSize } from '../answers/answer-size.ts';
import type { Headers } from '../auth/caller-headers.ts';
import { isUnavailable, retryAfterSeconds } from '../errors/errors.ts';
import { closeServer, inTurn, limitedServer, listen } from '../http/server.ts';
import { jsonInTurns } from '../answers/json-text.ts';
import { answerOperations, readBody, respond } from '../http/operations.ts';
import type { Subgraph } from './subgraph.ts';
import type { Logger } from '../process/telemetry.ts';
import { type Turns, openTurns } from '../queues/turns.ts';

/** Largest body that a subgraph reads: the gateway's own limit is 100 KiB, representations come on top. */
const maxBodyBytes = 2 * 1024 * 1024;
/** How long an idle connection is kept: longer than `http-transport.ts` uses one, so that a request never meets a closing socket. */
export const keepAliveTimeoutMs = 60_000;

export type Serving = { readonly port: number; close(): Promise<void> };

/** What graphql-http would answer, but that its text is made with turns of others in between. */
async function largeAnswer(result: ExecutionResult, accept: string | undefined, turns: Turns): Promise<Answer> {
  const isNewType = accept?.includes('application/graphql-response+json') ?? false;
  const type = isNewType ? 'application/graphql-response+json' : 'application/json';
  const text = (await jsonInTurns(result, turns)).join('');
  return [text, { status: 200, statusText: 'OK', headers: { 'content-type': `${type}; charset=utf-8` } }];
}

/** Serves a subgraph over HTTP and WebSocket for the gateway and the other services. Port 0 takes a free one. */
export async function serveSubgraph(
  subgraph: Subgraph,
  options: { port: number; host: string; log: Logger; turns?: Turns },
): Promise<Serving> {
  const { turns = openTurns() } = options;
  const graphql = createHandler({
    schema: subgraph.schema,
    async onSubscribe(request, { query, variables, operationName }) {
      const result = await subgraph.execute({
        query,
        variables: variables ?? undefined,
        operationName: operationName ?? undefined,
        headers: request.raw.headers,
      });
      // graphql-http takes a result without `data`, a refusal, for arguments of `execute`; a list of errors it understands.
      if (!('data' in result)) return result.errors ?? [];
      return notedSize(result) > 0 ? largeAnswer(result, request.raw.headers.accept, turns) : result;
    },
  });

  const serve: RequestListener = (request, response) => {
    void (async () => {
      if (await answerOperations(request, response, { ready: () => subgraph.ready() })) return;
      if (request.url?.split('?')[0] === '/graphql') {
        if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) {
          respond(response, 413, 'text/plain', 'body too large');
          return;
        }
        await graphql(request, response);
        return;
      }
      const body = await readBody(request, maxBodyBytes);
      if (body === null) {
        respond(response, 413, 'text/plain', 'body too large');
        return;
      }
      const answer = await subgraph.raw({
        method: request.method ?? 'GET',
        path: request.url ?? '/',
        headers: request.headers,
        body,
      });
      response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) });
      response.end(answer.body);
    })().catch((error: Error) => {
      const notNow = isUnavailable(error);
      if (!notNow) options.log.error({ err: error, path: request.url }, 'request failed');
      const code = notNow ? 'SERVICE_UNAVAILABLE' : 'INTERNAL_SERVER_ERROR';
      if (notNow && !response.headersSent) response.setHeader('retry-after', String(retryAfterSeconds));
      if (!response.headersSent) respond(response, notNow ? 503 : 500, 'application/json', JSON.stringify({ code }));
      else response.destroy();
    });
  };
  const server = limitedServer(keepAliveTimeoutMs).on('request', inTurn(serve));

  const sockets = new WebSocketServer({ server, path: '/graphql', maxPayload: maxBodyBytes, perMessageDeflate: false });
  const websocket = useServer<Headers>(
    {
      // The engine authenticates, parses and validates; graphql-ws only carries the results.
      onSubscribe: () => undefined,
      schema: subgraph.schema,
      validate: () => [],
      execute: () => ({ errors: [] }),
      subscribe: (args) => {
        const { connectionParams } = args.contextValue as { connectionParams: Headers };
        const { query, variables, operationName } = (
          args.contextValue as {
            payload: { query: string; variables?: Record<string, unknown>; operationName?: string };
          }
        ).payload;
        return subgraph.subscribe({ query, variables, operationName, headers: connectionParams ?? {} }) as never;
      },
      context: (context, _id, payload) => ({ connectionParams: context.connectionParams, payload }),
    },
    sockets,
  );

  await listen(server, options.port, options.host);
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const client of sockets.clients) client.close(1012, 'Service restart');
      await closeServer(server);
      await websocket.dispose();
    },
  };
}
