import { type Deadline, type Expiring, openExpiry } from '../time/deadline.ts';
import { createFairQueue } from '../queues/fair-queue.ts';
import { BadAnswer, type HttpAnswer } from './answer.ts';
import type {
  Connection,
  ConnectionEvents,
  HttpClient,
  HttpRequest,
  HeaderLines,
  OpenConnection,
  Origin,
  Sending,
} from './connection.ts';
import { ownClient } from './own-client.ts';
import { openPulse } from './pulse.ts';

/** Connections to one service; a slow call holds one. */
const maxConnections = 64;
/** Requests that may be on their way or wait for a connection: more would only be late. */
const maxRequests = 1_024;
/** Below the server's keep-alive of 60 s, so that a request never meets a closing socket. */
const keepAliveMs = 30_000;
const sweepEveryMs = 5_000;
/** Larger than any answer of ours by default (`MAX_ANSWER_BYTES`). */
export const maxAnswerBytes = 16 * 1024 * 1024;

/**
 * Why there is no answer:
 * - `unreachable`: no connection, so that nothing was sent;
 * - `cut-off`: the connection broke; what was asked for may have been done;
 * - `late`: the deadline passed;
 * - `still`: the service takes requests and answers nothing, not even that it lives; what was asked for may be done yet;
 * - `rubbish`: what came is not what was asked for, or more than `maxAnswerBytes`;
 * - `refused`: the service says that the request itself is wrong;
 * - `full`: too many requests wait already, most of them of this client; nothing was sent;
 * - `closed`: this process is ending.
 */
export type TransportFailure = 'unreachable' | 'cut-off' | 'late' | 'still' | 'rubbish' | 'refused' | 'full' | 'closed';

export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly failure: TransportFailure;
  constructor(failure: TransportFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

export { type HttpAnswer, OversizedAnswer } from './answer.ts';
export type { HeaderLines, HttpClient } from './connection.ts';

export type TransportRequest = HttpRequest & {
  readonly deadline: Deadline;
  /** For whom: clients take turns where requests have to wait for a connection. Default: all without one are one. */
  readonly client?: (() => string) | undefined;
  /** Not over a connection that had nothing to do: where one was just ending, the next may be too. Default false. */
  readonly isFresh?: boolean;
};

/** HTTP to one origin over kept connections. */
export type Transport = {
  /** Any answer that arrives whole. Rejects with TransportError at the deadline at the latest. */
  send(request: TransportRequest): Promise<HttpAnswer>;
  /** Waits for the requests that are on their way; each has its deadline. */
  close(): Promise<void>;
};

const requestTarget = /^\/[\x21-\x7e]*$/;
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const notInValues = /[^\t\x20-\x7e\x80-\xff]/;
const ascii = /^[\0-\x7f]*$/;

/** Throws a TransportError for names and values that HTTP doesn't have: a line end would begin a header of its own. */
export function headerLines(headers: Iterable<readonly [name: string, value: string]>): HeaderLines {
  let text = '';
  for (const [name, value] of headers) {
    if (!token.test(name) || notInValues.test(value))
      throw new TransportError('refused', `a header that can't be sent: ${JSON.stringify(name)}`);
    text += `${name}: ${value}\r\n`;
  }
  return { text, isAscii: ascii.test(text) };
}

/**
 * Requests go out as one text, answers come as one: streams and header objects for each would cost more than sending
 * and receiving. Nothing is compressed: the services stand next to each other.
 */
export function openTransport(
  url: string,
  { maxBytes = maxAnswerBytes, client = ownClient }: { maxBytes?: number; client?: HttpClient } = {},
): Transport {
  const open = client(originOf(url), { maxBytes, maxKeepAliveMs: keepAliveMs });
  const expiry = openExpiry();
  const idle = openIdle();
  const pulse = openPulse({
    ping: () => ping(open),
    onStill() {
      for (const exchange of [...expiry.all])
        if (exchange instanceof Exchange)
          exchange.fail(new TransportError('still', 'it takes requests and answers none'));
    },
  });
  const waiting = createFairQueue<Exchange>();
  let connections = 0;
  const opening = new Set<Connection>();
  let requests = 0;
  let isClosing = false;
  let closed: Promise<void> | undefined;
  let whenEmpty: (() => void) | undefined;

  const events: ConnectionEvents = {
    ready(connection) {
      opening.delete(connection);
      serveNext(connection);
    },
    refused(connection, error) {
      opening.delete(connection);
      connections -= 1;
      waiting.take()?.fail(new TransportError('unreachable', codeOf(error), { cause: error }));
      openForWaiting();
    },
    free: serveNext,
    heard: pulse.heard,
    closed(connection) {
      connections -= 1;
      idle.remove(connection);
      openForWaiting();
    },
  };
  function serveNext(connection: Connection): void {
    const next = waiting.take();
    if (next) {
      next.begin(connection);
    } else if (isClosing) {
      connection.destroy();
    } else {
      idle.add(connection);
    }
  }
  /** As many as wait are opened, though one that becomes free may serve them before. */
  function openForWaiting(): void {
    while (opening.size < waiting.size && connections < maxConnections) {
      connections += 1;
      opening.add(open(events));
    }
  }
  function ended(exchange: Exchange): void {
    expiry.remove(exchange);
    if (exchange.hasBegun()) pulse.ended();
    else waiting.remove(exchange.client, exchange);
    requests -= 1;
    if (requests === 0) whenEmpty?.();
  }

  async function close(): Promise<void> {
    isClosing = true;
    idle.close();
    if (waiting.size === 0) for (const connection of opening) connection.destroy();
    if (requests > 0) await new Promise<void>((resolve) => (whenEmpty = resolve));
  }

  return {
    send(request) {
      if (isClosing) return Promise.reject(new TransportError('closed', 'this process is ending'));
      if ((request.method !== 'GET' && request.method !== 'POST') || !requestTarget.test(request.path))
        return Promise.reject(new TransportError('refused', `no such request: ${JSON.stringify(request.method)} ${JSON.stringify(request.path)}`)); // prettier-ignore
      if (requests >= maxRequests) {
        const full = new TransportError('full', `${maxRequests} requests are waiting already`);
        const other = waiting.takeFromLongest(clientOf(request));
        if (!other) return Promise.reject(full);
        other.fail(full);
      }
      requests += 1;
      return new Promise((resolve, reject) => {
        const exchange = new Exchange({ request, resolve, reject, began: pulse.began, ended });
        expiry.add(exchange);
        const connection = request.isFresh ? undefined : idle.take();
        if (connection) {
          exchange.begin(connection);
        } else {
          waiting.push(exchange.client, exchange);
          // There are idle ones only for who wants none of them.
          if (connections === maxConnections) idle.makeRoom();
          openForWaiting();
        }
      });
    },
    close: () => (closed ??= close()),
  };
}

const clientOf = ({ client }: TransportRequest): string => client?.() ?? '';

/** Connections with nothing to do: the one that had something to do last is taken first, so that the others may end. */
function openIdle() {
  const idle: Connection[] = [];
  let sweeper: NodeJS.Timeout | undefined;
  function sweep(): void {
    for (const connection of idle) if (!connection.isUsable()) connection.destroy();
    if (idle.length > 0) return;
    clearInterval(sweeper);
    sweeper = undefined;
  }
  return {
    add(connection: Connection): void {
      idle.push(connection);
      sweeper ??= setInterval(sweep, sweepEveryMs).unref();
    },
    take(): Connection | undefined {
      let connection = idle.pop();
      while (connection && !connection.isUsable()) {
        connection.destroy();
        connection = idle.pop();
      }
      return connection;
    },
    /** Ends the one that has had nothing to do for longest. */
    makeRoom(): void {
      idle.shift()?.destroy();
    },
    remove(connection: Connection): void {
      const place = idle.indexOf(connection);
      if (place !== -1) idle.splice(place, 1);
    },
    close(): void {
      for (const connection of idle.splice(0)) connection.destroy();
      clearInterval(sweeper);
    },
  };
}

type ExchangeOptions = {
  readonly request: TransportRequest;
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: TransportError) => void;
  readonly began: () => void;
  readonly ended: (exchange: Exchange) => void;
};

/** One request and what comes back for it. */
class Exchange implements Sending, Expiring {
  place = -1;
  readonly deadline: Deadline;
  readonly request: HttpRequest;
  readonly #options: ExchangeOptions;
  #connection: Connection | undefined;
  #isOver = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.request = options.request;
    this.deadline = options.request.deadline;
  }

  begin(connection: Connection): void {
    this.#connection = connection;
    this.#options.began();
    connection.send(this);
  }
  /** Whose turn it takes. */
  get client(): string {
    return clientOf(this.#options.request);
  }
  /** Whether it has a connection. */
  hasBegun(): boolean {
    return this.#connection !== undefined;
  }
  expire(): void {
    this.fail(new TransportError('late', 'no answer in time'));
  }
  answered(answer: HttpAnswer): void {
    if (this.#isOver) return;
    this.#end();
    this.#options.resolve(answer);
  }
  failed(error: Error): void {
    const failure = error instanceof BadAnswer ? 'rubbish' : 'cut-off';
    this.fail(
      new TransportError(failure, error instanceof BadAnswer ? error.message : codeOf(error), { cause: error }),
    );
  }
  fail(error: TransportError): void {
    if (this.#isOver) return;
    this.#end();
    this.#options.reject(error);
    // Its answer may still come: no other request can use the connection.
    this.#connection?.destroy();
  }
  #end(): void {
    this.#isOver = true;
    this.#options.ended(this);
  }
}

/** Asks on a connection of its own whether anything answers there: those of the pool may all be waiting. */
function ping(open: OpenConnection): Promise<void> {
  const request = { method: 'GET', path: '/health/live', headers: headerLines([]), body: '' };
  return new Promise((resolve, reject) => {
    const nothing = (): void => undefined;
    const ready = (connection: Connection): void =>
      connection.send({ request, answered: () => resolve(), failed: reject });
    open({ ready, refused: (_, error) => reject(error), free: (connection) => connection.destroy(), heard: nothing, closed: nothing }); // prettier-ignore
  });
}

const codeOf = (error: Error & { code?: unknown }): string =>
  typeof error.code === 'string' ? error.code : error.name;

/** Throws a TypeError for what is not an http(s) URL. */
function originOf(url: string): Origin {
  const { protocol, hostname, host, port } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') throw new TypeError(`${url} is not an http(s) URL`);
  const isTls = protocol === 'https:';
  const ownPort = Number(port || (isTls ? 443 : 80));
  return { isTls, host: hostname.replace(/^\[|\]$/g, ''), port: ownPort, hostHeader: host };
}
