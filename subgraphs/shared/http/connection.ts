import type { HttpAnswer } from './answer.ts';

/** Where connections lead; `hostHeader` is how requests name it. */
export type Origin = {
  readonly isTls: boolean;
  readonly host: string;
  readonly port: number;
  readonly hostHeader: string;
};

/** The lines of headers as they are sent, made by `headerLines` of transport.ts. */
export type HeaderLines = { readonly text: string; readonly isAscii: boolean };

export type HttpRequest = {
  readonly method: string;
  readonly path: string;
  /** Those that many requests have in common. */
  readonly headers: HeaderLines;
  /** More of the same, of this request alone; ASCII. */
  readonly ownLines?: string;
  readonly body: string | Buffer;
};

/** One request on a connection. One of the two is called once, in this turn or a later one. */
export type Sending = {
  readonly request: HttpRequest;
  answered(answer: HttpAnswer): void;
  /** The connection is gone. A BadAnswer says that what came was not usable. */
  failed(error: Error): void;
};

/** A connection that carries one request at a time. */
export type Connection = {
  /** False when the peer has ended it, or may any moment. */
  isUsable(): boolean;
  send(sending: Sending): void;
  /** Ends it now; what it carries fails. */
  destroy(error?: Error): void;
};

export type ConnectionEvents = {
  readonly ready: (connection: Connection) => void;
  /** It never came about. */
  readonly refused: (connection: Connection, error: Error) => void;
  /** It has answered and may carry the next request; called before `answered`. */
  readonly free: (connection: Connection) => void;
  /** Bytes have come. */
  readonly heard: () => void;
  /** It stood and is gone. */
  readonly closed: (connection: Connection) => void;
};

/** Opens a connection. */
export type OpenConnection = (events: ConnectionEvents) => Connection;

/**
 * What speaks HTTP/1.1 over connections to one origin. `maxBytes` bounds the body of an answer, `maxKeepAliveMs` how long a
 * connection is kept without a request.
 */
export type HttpClient = (
  origin: Origin,
  options: { readonly maxBytes: number; readonly maxKeepAliveMs: number },
) => OpenConnection;

/** How long one is kept that has not carried a request yet: servers wait less for the first than between two. */
export const unusedMs = 5_000;
