import type { ExecutionResult } from 'graphql';
import { type Client, MessageType, createClient } from 'graphql-ws';
import { type ClientOptions, WebSocket } from 'ws';
import type { Headers } from '../auth/caller-headers.ts';
import { unavailable } from '../errors/errors.ts';
import type { SubgraphRequest } from './link.ts';

const connectTimeoutMs = 5_000;
/** A service that is gone without a word is noticed after both together. */
const pingEveryMs = 30_000;
const pongTimeoutMs = 10_000;
/** Events that wait to be taken; more stay with the service, which notices as its socket takes no more. */
const maxWaitingEvents = 64;

/** Subscriptions to one service over WebSocket. */
export type SocketSubscriptions = {
  /** A refusal is the first and only result. Rejects with SERVICE_UNAVAILABLE when the service is lost. */
  open(request: SubgraphRequest): AsyncIterableIterator<ExecutionResult>;
  close(): Promise<void>;
};

/** `url` is where the service takes GraphQL over HTTP. Events are read no faster than they are taken; one of more bytes ends its subscription. */
export function openSocketSubscriptions(
  name: string,
  { url, maxEventBytes }: { url: string; maxEventBytes: number },
): SocketSubscriptions {
  const sockets = new Set<Socket>();

  return {
    open({ query, variables, operationName, headers }) {
      // One socket a subscription: a socket carries one identity, fixed when it opens.
      const socket = connect(url.replace(/^http/, 'ws'), { headers, maxEventBytes });
      sockets.add(socket);
      const iterator = socket.client.iterate({ query, variables, operationName });
      const close = async () => {
        sockets.delete(socket);
        await socket.close();
      };
      return {
        [Symbol.asyncIterator]() {
          return this;
        },
        async next() {
          try {
            const step = await iterator.next();
            if (step.done) await close();
            else socket.taken();
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
      await Promise.all([...sockets].map((socket) => socket.close()));
    },
  };
}

type Socket = {
  readonly client: Client;
  /** One of the events that came was taken. */
  taken(): void;
  close(): Promise<void>;
};

function connect(url: string, { headers, maxEventBytes }: { headers: Headers; maxEventBytes: number }): Socket {
  let pongDue: NodeJS.Timeout | undefined;
  let socket: WebSocket | undefined;
  let waiting = 0;
  const client = createClient({
    url,
    webSocketImpl: boundedWebSocket(maxEventBytes),
    connectionParams: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
    connectionAckWaitTimeout: connectTimeoutMs,
    keepAlive: pingEveryMs,
    lazy: true,
    retryAttempts: 0,
    on: {
      connected: (opened) => (socket = opened as WebSocket),
      message({ type }) {
        if (type !== MessageType.Next) return;
        waiting += 1;
        if (waiting >= maxWaitingEvents) socket?.pause();
      },
      ping(received) {
        // What isn't read brings no pong either.
        if (!received && !socket?.isPaused) pongDue = setTimeout(() => client.terminate(), pongTimeoutMs).unref();
      },
      pong: () => clearTimeout(pongDue),
      closed: () => clearTimeout(pongDue),
    },
  });
  return {
    client,
    taken() {
      waiting -= 1;
      if (waiting <= maxWaitingEvents / 2) socket?.resume();
    },
    async close() {
      // One that isn't read would wait for an end that stands behind all that was sent.
      if (socket?.isPaused) socket.terminate();
      await client.dispose();
    },
  };
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
