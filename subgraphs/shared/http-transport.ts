import type { IncomingHttpHeaders } from 'node:http';
import { type Dispatcher, Pool } from 'undici';
import { type Deadline, type Expiring, openExpiry } from './deadline.ts';

/** Connections to one service; a slow call holds one. */
const poolConnections = 64;
/** Requests that may be on their way or wait for a connection: more would only be late. */
const maxRequests = 1_024;
/** Below the server's keep-alive of 60 s, so that a request never meets a closing socket. */
const keepAliveMs = 30_000;
const connectTimeoutMs = 2_000;
/** Larger than any answer of ours: an operation is limited to 5,000 nodes, a request to 100 representations. */
export const maxAnswerBytes = 16 * 1024 * 1024;

/**
 * Why there is no answer:
 * - `unreachable`: no connection, so that nothing was sent;
 * - `cut-off`: the connection broke; what was asked for may have been done;
 * - `late`: the deadline passed;
 * - `rubbish`: what came is not what was asked for, or more than `maxAnswerBytes`;
 * - `refused`: the service says that the request itself is wrong;
 * - `full`: too many requests wait already; nothing was sent;
 * - `closed`: this process is ending.
 */
export type TransportFailure = 'unreachable' | 'cut-off' | 'late' | 'rubbish' | 'refused' | 'full' | 'closed';

export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly failure: TransportFailure;
  constructor(failure: TransportFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

export type TransportRequest = {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: string | Buffer | null;
  readonly deadline: Deadline;
};
export type TransportResponse = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

/** HTTP to one origin over kept connections. */
export type Transport = {
  /** Any answer that arrives whole. Rejects with TransportError at the deadline at the latest. */
  send(request: TransportRequest): Promise<TransportResponse>;
  /** Waits for the requests that are on their way; each has its deadline. */
  close(): Promise<void>;
};

/**
 * Bodies are taken as they come from the parser: streams and header objects for each answer would cost a quarter of the
 * gateway's time. Nothing is compressed: the services stand next to each other.
 */
export function openTransport(origin: string): Transport {
  const pool = new Pool(origin, {
    connections: poolConnections,
    pipelining: 1,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    connectTimeout: connectTimeoutMs,
    // The deadline is over both, and these two cost a timer each.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const expiry = openExpiry();
  let requests = 0;

  return {
    send({ deadline, ...request }) {
      if (requests >= maxRequests)
        return Promise.reject(new TransportError('full', `${maxRequests} requests are waiting already`));
      requests += 1;
      return new Promise((resolve, reject) => {
        const onEnd = (ended: Exchange): void => {
          requests -= 1;
          expiry.remove(ended);
        };
        const exchange = new Exchange({ deadline, resolve, reject, onEnd });
        expiry.add(exchange);
        pool.dispatch(request, exchange);
      });
    },
    close: () => pool.close(),
  };
}

type ExchangeOptions = {
  readonly deadline: Deadline;
  readonly resolve: (response: TransportResponse) => void;
  readonly reject: (error: TransportError) => void;
  /** Called once, when the connection is free of it. */
  readonly onEnd: (exchange: Exchange) => void;
};

/** One request and what comes back for it. */
class Exchange implements Dispatcher.DispatchHandler, Expiring {
  readonly deadline: Deadline;
  readonly #options: ExchangeOptions;
  #controller: Dispatcher.DispatchController | undefined;
  #failure: TransportError | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #first: Buffer | undefined;
  #others: Buffer[] | undefined;
  #sizeBytes = 0;

  constructor(options: ExchangeOptions) {
    this.deadline = options.deadline;
    this.#options = options;
  }

  expire(): void {
    this.#fail(new TransportError('late', 'no answer in time'));
  }
  onRequestStart(controller: Dispatcher.DispatchController): void {
    // It may have become late while it waited for a connection.
    if (this.#failure) controller.abort(this.#failure);
    else this.#controller = controller;
  }
  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }
  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > maxAnswerBytes)
      this.#fail(new TransportError('rubbish', `an answer of more than ${maxAnswerBytes} bytes`));
    else if (!this.#first) this.#first = chunk;
    else (this.#others ??= [this.#first]).push(chunk);
  }
  onResponseEnd(): void {
    this.#options.onEnd(this);
    const body = (this.#others ? Buffer.concat(this.#others, this.#sizeBytes) : this.#first)?.toString() ?? '';
    this.#options.resolve({ status: this.#status, headers: this.#headers, body });
  }
  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#options.onEnd(this);
    this.#options.reject(this.#failure ?? transportError(error, this.#controller !== undefined));
  }

  #fail(failure: TransportError): void {
    this.#failure = failure;
    this.#options.reject(failure);
    this.#controller?.abort(failure);
  }
}

/** Errors of connecting, unless the request had begun: TLS and the network say the same of a connection that stood. */
const connecting = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'UND_ERR_CONNECT_TIMEOUT']); // prettier-ignore
const closed = new Set(['UND_ERR_CLOSED', 'UND_ERR_DESTROYED']);

function transportError(error: Error & { code?: string }, hasBegun: boolean): TransportError {
  const { code = error.name } = error;
  const isTls = code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL');
  const failure: TransportFailure =
    !hasBegun && (connecting.has(code) || isTls) ? 'unreachable'
    : closed.has(code) ? 'closed'
    : code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW' ? 'rubbish'
    : 'cut-off'; // prettier-ignore
  return new TransportError(failure, code, { cause: error });
}
