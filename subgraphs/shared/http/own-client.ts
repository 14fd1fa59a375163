import type { Socket } from 'node:net';
import { BadAnswer, type HttpAnswer, answerReader, openHeads } from './answer.ts';
import { type HttpClient, type HttpRequest, type Sending, unusedMs } from './connection.ts';
import { openSocket } from './socket.ts';

const readBytes = 64 * 1024;

/**
 * What arrives is read into one buffer that every connection keeps, past Node's streams: those, and a parser for any HTTP
 * there may be, cost half of a call (decision 50).
 */
export const ownClient: HttpClient = (origin, { maxBytes, maxKeepAliveMs }) => {
  const heads = openHeads({ maxKeepAliveMs });
  return (events) => {
    const reader = answerReader({ heads, maxBytes });
    let sending: Sending | undefined;

    const socket = openSocket(origin, {
      onread: readInto(take),
      ready() {
        connection.idleSinceMs = performance.now();
        events.ready(connection);
      },
      closed(error, hasStood) {
        if (!hasStood) {
          events.refused(connection, error);
          return;
        }
        events.closed(connection);
        const lost = sending;
        sending = undefined;
        lost?.failed(error);
      },
    });
    const connection = {
      idleSinceMs: performance.now(),
      keepAliveMs: unusedMs,
      isUsable: () =>
        socket.readable && socket.writable && performance.now() - connection.idleSinceMs <= connection.keepAliveMs,
      send(next: Sending): void {
        sending = next;
        socket.ref();
        write(socket, next.request, origin.hostHeader);
      },
      destroy: (error?: Error): void => void socket.destroy(error),
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
    socket.on('end', () => {
      const answer = sending && reader.end();
      if (sending && answer) finish(sending, answer);
      // No answer can come any more, though the request may not be sent yet.
      else connection.destroy();
    });
    return connection;
  };
};

const readInto = (take: (bytes: Buffer) => void) => ({
  buffer: Buffer.allocUnsafeSlow(readBytes),
  callback: (count: number, buffer: Uint8Array): boolean => {
    take((buffer as Buffer).subarray(0, count));
    return true;
  },
});

/** Sends a request as one text. Where its body has as many bytes as characters, as most have, it is ASCII. */
function write(socket: Socket, { method, path, headers, ownLines = '', body }: HttpRequest, hostHeader: string): void {
  const length = Buffer.byteLength(body);
  const head = `${method} ${path} HTTP/1.1\r\nhost: ${hostHeader}\r\nconnection: keep-alive\r\n${headers.text}${ownLines}content-length: ${length}\r\n\r\n`;
  if (typeof body === 'string' && (headers.isAscii || length === body.length))
    socket.write(head + body, length === body.length ? 'latin1' : 'utf8');
  else socket.write(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body as string)]));
}
