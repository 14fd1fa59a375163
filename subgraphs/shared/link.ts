import type { ExecutionResult } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { Pool } from 'undici';
import { WebSocket } from 'ws';
import { type Headers, callerHeaders } from './auth.ts';
import { unavailable } from './errors.ts';
import { traceparentOf } from './telemetry.ts';

export const subgraphNames = ['user', 'product', 'order', 'payment'] as const;
export type SubgraphName = (typeof subgraphNames)[number];

export type SubgraphRequest = {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
  readonly operationName?: string | undefined;
  /** The three above as JSON, for callers that can make it for less than it costs from the objects. */
  readonly body?: (() => string) | undefined;
  /** Who calls (`callerHeaders`) and the trace. */
  readonly headers: Headers;
};

/** A plain HTTP request to one of a subgraph's own routes (webhooks, keys); the body is as it came. */
export type RawRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: Buffer;
};
export type RawResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** How a subgraph is reached: in this process or over HTTP and WebSocket. Both give the same answers. */
export type SubgraphLink = {
  readonly name: SubgraphName;
  /** Runs a query or mutation. Rejects with SERVICE_UNAVAILABLE when the subgraph can't be reached in time. */
  execute(request: SubgraphRequest): Promise<ExecutionResult>;
  /** Opens a subscription; a refusal is the first and only result. Return the iterator to close it. */
  subscribe(request: SubgraphRequest): AsyncIterableIterator<ExecutionResult>;
  raw(request: RawRequest): Promise<RawResponse>;
  close(): Promise<void>;
};

const poolConnections = 32;
const requestTimeoutMs = 10_000;
/** Below the server's keep-alive of 60 s, so that a request never meets a closing socket. */
const keepAliveMs = 30_000;

/** A link over HTTP. `baseUrl` is the subgraph's origin, e.g. `http://order:4103`. */
export function httpLink(name: SubgraphName, baseUrl: string): SubgraphLink {
  const pool = new Pool(baseUrl, {
    connections: poolConnections,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    headersTimeout: requestTimeoutMs,
    bodyTimeout: requestTimeoutMs,
    connectTimeout: 3_000,
  });
  const sockets = new Set<Client>();

  const send = async (
    method: string,
    path: string,
    headers: Record<string, string | string[]>,
    body: string | Buffer,
  ) => {
    try {
      const response = await pool.request({
        method: method,
        path,
        headers,
        body: body.length === 0 ? null : body,
      });
      return { status: response.statusCode, headers: response.headers, body: await response.body.text() };
    } catch (error) {
      throw unavailable(
        `The ${name} service can't be reached (${(error as { code?: string }).code ?? (error as Error).name}).`,
      );
    }
  };

  return {
    name,
    async execute(request) {
      const response = await send(
        'POST',
        '/graphql',
        { ...present(request.headers), 'content-type': 'application/json', accept: 'application/json' },
        request.body?.() ?? bodyOf(request),
      );
      try {
        const result = JSON.parse(response.body) as ExecutionResult;
        if (typeof result === 'object' && result !== null && ('data' in result || 'errors' in result)) return result;
      } catch {
        // not JSON: said below, with the status
      }
      throw unavailable(`The ${name} service answered ${response.status} without a GraphQL result.`);
    },
    subscribe({ query, variables, operationName, headers }) {
      // One socket a subscription: a socket carries one identity, fixed when it opens.
      const client = createClient({
        url: `${baseUrl.replace(/^http/, 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: present(headers),
        lazy: true,
        retryAttempts: 0,
      });
      sockets.add(client);
      const iterator = client.iterate({ query, variables: variables, operationName });
      const close = async () => {
        sockets.delete(client);
        await client.dispose();
      };
      return {
        [Symbol.asyncIterator]() {
          return this;
        },
        async next() {
          try {
            const step = await iterator.next();
            if (step.done) await close();
            return step as IteratorResult<ExecutionResult>;
          } catch (error) {
            await close();
            if (Array.isArray(error)) return { done: false, value: { errors: error } };
            throw unavailable(`The subscription to the ${name} service was cut off.`);
          }
        },
        async return() {
          // An unanswered next() would keep return() waiting, so the socket goes first.
          await close();
          void iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
    async raw({ method, path, headers, body }) {
      const response = await send(method, path, present(headers), body);
      return {
        status: response.status,
        headers: { 'content-type': String(response.headers['content-type'] ?? 'text/plain') },
        body: response.body,
      };
    },
    async close() {
      await Promise.all([...sockets].map(async (client) => client.dispose()));
      await pool.close();
    },
  };
}

const bodyOf = ({ query, variables, operationName }: SubgraphRequest): string =>
  JSON.stringify({ query, variables, operationName });

const hopByHop = new Set([
  'connection',
  'host',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
  'trailer',
]);
const present = (headers: Headers): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] => entry[1] !== undefined && !hopByHop.has(entry[0]),
    ),
  );

/** A call of one service to another failed with these GraphQL errors. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly code: string;
  constructor(service: string, errors: readonly { message: string; extensions?: Record<string, unknown> }[]) {
    super(`${service}: ${errors.map((error) => error.message).join('; ')}`);
    const code = errors[0]?.extensions?.['code'];
    this.code = typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR';
    this.extensions = { code: this.code };
  }
  readonly extensions: { code: string };
}

/** Calls other subgraphs as the service `app`, showing its token. */
export type ServiceCaller = <Data>(
  service: SubgraphName,
  call: { query: string; variables?: Record<string, unknown>; traceId: string },
) => Promise<Data>;

/** Throws CallError with the callee's code when it answers with errors, SERVICE_UNAVAILABLE when it can't be reached. */
export function serviceCaller(options: {
  app: string;
  token: string;
  link: (name: SubgraphName) => SubgraphLink;
}): ServiceCaller {
  return async <Data>(
    service: SubgraphName,
    call: { query: string; variables?: Record<string, unknown>; traceId: string },
  ) => {
    const headers = {
      [callerHeaders.app]: options.app,
      [callerHeaders.token]: options.token,
      [callerHeaders.trace]: traceparentOf(call.traceId),
    };
    const result = await options.link(service).execute({ query: call.query, variables: call.variables, headers });
    if (result.errors?.length) throw new CallError(service, result.errors);
    return result.data as Data;
  };
}
