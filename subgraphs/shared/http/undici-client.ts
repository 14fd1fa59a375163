import type { IncomingHttpHeaders } from 'node:http';
import { Client } from 'undici';
import { BadAnswer, type HttpAnswer, OversizedAnswer, hintMs } from './answer.ts';
import { type HeaderLines, type HttpClient, type Sending, unusedMs } from './connection.ts';
import { networkError, openSocket } from './socket.ts';

/** undici's names for what Node names otherwise. */
const networkCodes: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ECONNRESET',
  HPE_INVALID_EOF_STATE: 'ECONNRESET',
};

/**
 * Requests and answers go through undici, one of its clients for each connection: what there is beside our own, should that one
 * be suspected of something. Whom a connection serves, and how long, is the transport's affair as ever.
 */
export const undiciClient: HttpClient = (origin, { maxBytes, maxKeepAliveMs }) => {
  const url = `${origin.isTls ? 'https' : 'http'}://${origin.hostHeader}`;
  return (events) => {
    let sending: Sending | undefined;
    const socket = openSocket(origin, {
      ready() {
        connection.idleSinceMs = performance.now();
        events.ready(connection);
      },
      closed(error, hasStood) {
        void client.destroy();
        if (!hasStood) {
          events.refused(connection, error);
          return;
        }
        events.closed(connection);
        lose(error);
      },
    });
    const client = new Client(url, {
      // Not at once: undici would not look again whether it is connected (not reported upstream as of 2026-11).
      connect: (_, callback) => process.nextTick(callback, null, socket),
      pipelining: 1,
      // Longer than the transport keeps it, which ends it itself.
      keepAliveTimeout: 2 * maxKeepAliveMs,
      keepAliveMaxTimeout: 2 * maxKeepAliveMs,
      keepAliveTimeoutThreshold: 0,
      // Requests have deadlines.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: maxBytes,
    });
    const connection = {
      idleSinceMs: performance.now(),
      keepAliveMs: unusedMs,
      isUsable: () =>
        socket.readable && socket.writable && performance.now() - connection.idleSinceMs <= connection.keepAliveMs,
      send(next: Sending): void {
        sending = next;
        socket.ref();
        const { method, path, headers, ownLines = '', body } = next.request;
        client.dispatch({ method, path, headers: listOf(headers, ownLines), body }, answerOf(next));
      },
      destroy: (error?: Error): void => void socket.destroy(error),
    };

    function lose(error: Error): void {
      const lost = sending;
      sending = undefined;
      lost?.failed(shown(error, maxBytes));
    }
    function answerOf(asking: Sending) {
      let status = 0;
      let headers: IncomingHttpHeaders = {};
      const parts: Buffer[] = [];
      return {
        onRequestStart: () => undefined,
        onResponseStart(_: unknown, code: number, given: IncomingHttpHeaders) {
          events.heard();
          status = code;
          headers = given;
        },
        onResponseData(_: unknown, chunk: Buffer) {
          events.heard();
          parts.push(chunk);
        },
        onResponseEnd() {
          // A body that ends with its connection counts as whole to undici where that was reset, too:
          // https://github.com/nodejs/undici/pull/784
          if (sending !== asking || socket.errored) return;
          sending = undefined;
          const keepAliveMs = Math.min(maxKeepAliveMs, hintMs(String(headers['keep-alive'])));
          const body = Buffer.concat(parts).toString();
          const answer = { status, contentType: headers['content-type'] ?? '', body, keepAliveMs };
          // By then undici has ended the connection where it has to end.
          setImmediate(finish, asking, answer);
        },
        onResponseError(_: unknown, error: Error) {
          lose(error);
          connection.destroy(error);
        },
      };
    }
    function finish(done: Sending, answer: HttpAnswer): void {
      connection.keepAliveMs = answer.keepAliveMs;
      if (answer.keepAliveMs === 0 || socket.writableLength > 0) connection.destroy();
      if (!socket.destroyed) {
        connection.idleSinceMs = performance.now();
        socket.unref();
        events.free(connection);
      }
      done.answered(answer);
    }
    return connection;
  };
};

/** Names and values in turn. */
const listOf = ({ text }: HeaderLines, ownLines: string): string[] =>
  (text + ownLines)
    .split('\r\n')
    .filter(Boolean)
    .flatMap((line) => {
      const end = line.indexOf(':');
      return [line.slice(0, end), line.slice(end + 2)];
    });

/** The error as our own client has it. */
function shown(error: Error & { code?: unknown }, maxBytes: number): Error {
  const code = String(error.code);
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return new OversizedAnswer(`an answer of more than ${maxBytes} bytes`);
  const networkCode = networkCodes[code];
  if (networkCode !== undefined) return networkError(networkCode, error.message);
  return code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW' ? new BadAnswer(error.message) : error;
}
