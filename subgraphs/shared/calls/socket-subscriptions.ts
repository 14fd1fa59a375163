import type { ExecutionResult } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { type ClientOptions, WebSocket } from 'ws';
import type { Headers } from '../auth/caller-headers.ts';
import { unavailable } from '../errors/errors.ts';
import type { SubgraphRequest } from './link.ts';

const connectTimeoutMs = 5_000;
/** A service that is gone without a word is noticed after both together. */
const pingEveryMs = 30_000;
const pongTimeoutMs = 10_000;

/** Subscriptions to one service over WebSocket. */
export type SocketSubscriptions = {
  /** A refusal is the first and only result. Rejects with SERVICE_UNAVAILABLE when the service is lost. */
  open(request: SubgraphRequest): AsyncIterableIterator<ExecutionResult>;
  close(): Promise<void>;
};

/** `url` is where the service takes GraphQL over HTTP. An event of more bytes ends its subscription. */
export function openSocketSubscriptions(
  name: string,
  { url, maxEventBytes }: { url: string; maxEventBytes: number },
): SocketSubscriptions {
  const sockets = new Set<Client>();

  return {
    open({ query, variables, operationName, headers }) {
      // One socket a subscription: a socket carries one identity, fixed when it opens.
      const client = connect(url.replace(/^http/, 'ws'), { headers, maxEventBytes });
      sockets.add(client);
      const iterator = client.iterate({ query, variables, operationName });
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
    async close() {
      await Promise.all([...sockets].map(async (client) => client.dispose()));
    },
  };
}

function connect(url: string, { headers, maxEventBytes }: { headers: Headers; maxEventBytes: number }): Client {
  let pongDue: NodeJS.Timeout | undefined;
  const client = createClient({
    url,
    webSocketImpl: boundedWebSocket(maxEventBytes),
    connectionParams: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
    connectionAckWaitTimeout: connectTimeoutMs,
    keepAlive: pingEveryMs,
    lazy: true,
    retryAttempts: 0,
    on: {
      ping(received) {
        if (!received) pongDue = setTimeout(() => client.terminate(), pongTimeoutMs).unref();
      },
      pong: () => clearTimeout(pongDue),
      closed: () => clearTimeout(pongDue),
    },
  });
  return client;
}

/** A host that takes the connection and says nothing is given up, as is one that says too much. */
const boundedWebSocket = (maxPayload: number) =>
  class BoundedWebSocket extends WebSocket {
    constructor(address: string, protocols: string | string[], options?: ClientOptions) {
      super(address, protocols, {
        ...options,
        maxPayload,
        handshakeTimeout: connectTimeoutMs,
        perMessageDeflate: false,
      });
    }
  };
