import { type Socket, connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { BadAnswer, type Heads, type HttpAnswer, answerReader } from './answer.ts';

/** Where connections lead. */
export type Origin = { readonly isTls: boolean; readonly host: string; readonly port: number };

/** One request on a connection. One of the two is called once, in this turn or a later one. */
export type Sending = {
  /** The request as it goes out: ASCII or UTF-8 text, or bytes. */
  readonly bytes: string | Buffer;
  readonly encoding: 'latin1' | 'utf8';
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

const readBytes = 64 * 1024;
/** How long one is kept that has not carried a request yet: servers wait less for the first than between two. */
const unusedMs = 5_000;
const keepAliveProbeMs = 60_000;
const connectTimeoutMs = 2_000;
/** Longer than to connect, which the kernel does alone: after a start, 64 handshakes may wait for each other. A call has its own deadline. */
const handshakeTimeoutMs = 5_000;

/**
 * Opens a connection. What arrives is read into one buffer that every connection keeps, past Node's streams: those, and
 * a parser for any HTTP there may be, cost half of a call.
 */
export function openConnection(
  { isTls, host, port }: Origin,
  options: { heads: Heads; maxBytes: number },
  events: ConnectionEvents,
): Connection {
  const reader = answerReader(options);
  let sending: Sending | undefined;
  let stage: 'connect' | 'handshake' | 'ready' = 'connect';
  let failure: Error | undefined;

  const shared = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveProbeMs };
  const socket: Socket = isTls
    ? connectTls({ ...shared, ...(!isIP(host) && { servername: host }), ALPNProtocols: ['http/1.1'] }).on('data', take)
    : connectTcp({ ...shared, onread: readInto(take) });
  const connection = {
    idleSinceMs: performance.now(),
    keepAliveMs: unusedMs,
    isUsable: () =>
      socket.readable && socket.writable && performance.now() - connection.idleSinceMs <= connection.keepAliveMs,
    send(next: Sending): void {
      sending = next;
      socket.ref();
      socket.write(next.bytes, next.encoding);
    },
    destroy(error?: Error): void {
      failure ??= error;
      socket.destroy();
    },
  };

  function take(bytes: Buffer): void {
    events.heard();
    try {
      // An answer that nobody asked for, or a part of one, is a peer that ends the connection, or worse.
      if (!sending) throw new BadAnswer('an answer to nothing');
      const answer = reader.take(bytes);
      if (answer) finish(sending, answer);
    } catch (error) {
      if (!(error instanceof BadAnswer)) throw error;
      connection.destroy(error);
    }
  }
  function finish(done: Sending, answer: HttpAnswer): void {
    sending = undefined;
    connection.keepAliveMs = answer.keepAliveMs;
    if (answer.keepAliveMs === 0 || socket.writableLength > 0) {
      connection.destroy();
    } else {
      connection.idleSinceMs = performance.now();
      socket.unref();
      events.free(connection);
    }
    done.answered(answer);
  }
  // When this process stood still, what came meanwhile is read after its timers: then it has got somewhere since.
  socket.on('timeout', () => {
    const before = stage;
    setImmediate(() => {
      if (stage === before) connection.destroy(networkError('ETIMEDOUT', 'no connection in time'));
    });
  });
  socket.setTimeout(connectTimeoutMs);
  if (isTls)
    socket.once('connect', () => {
      stage = 'handshake';
      socket.setTimeout(handshakeTimeoutMs);
    });
  socket.once(isTls ? 'secureConnect' : 'connect', () => {
    stage = 'ready';
    socket.setTimeout(0);
    socket.unref();
    connection.idleSinceMs = performance.now();
    events.ready(connection);
  });
  socket.on('error', (error) => (failure ??= error));
  socket.on('end', () => {
    const answer = sending && reader.end();
    if (sending && answer) finish(sending, answer);
    // No answer can come any more, though the request may not be sent yet.
    else connection.destroy();
  });
  socket.on('close', () => {
    const error = failure ?? networkError('ECONNRESET', 'the connection ended');
    if (stage !== 'ready') {
      events.refused(connection, error);
      return;
    }
    events.closed(connection);
    const lost = sending;
    sending = undefined;
    lost?.failed(error);
  });
  return connection;
}

/** As Node names what happens to connections. */
const networkError = (code: string, message: string): Error => Object.assign(new Error(message), { code });

const readInto = (take: (bytes: Buffer) => void) => ({
  buffer: Buffer.allocUnsafeSlow(readBytes),
  callback: (count: number, buffer: Uint8Array): boolean => {
    take((buffer as Buffer).subarray(0, count));
    return true;
  },
});
