import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { Server } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Logger } from '../../subgraphs/shared/process/telemetry.ts';
import { type LargePayloads, socketMessages } from './socket-messages.ts';

const maxMessagesPerSecond = 500;
const usualKeepAliveMs = 12_000;
/** With more than this unsent, nothing more is read from the client until it has taken some. */
const maxUnsentBytes = 256 * 1024;

/** What the protocol knows of a socket, and what runs on it. */
export type Served = {
  /** Operations that have not ended, also those that are over for the client. */
  running: number;
  /** Texts of large results, which are made in several turns of the event loop. */
  readonly largePayloads: LargePayloads;
};

export type ServeOptions<Extra extends Served> = {
  readonly socket: WebSocket;
  readonly extra: Extra;
  readonly log: Logger;
  /** How often the client is pinged, and how long it has to answer. Default: 12 s. */
  readonly keepAliveMs?: number;
};

/** Ties one socket to the protocol engine: keep-alive, back-pressure, a limit on messages, no word to one that is closing. */
export function serveSocket<Extra extends Served>(
  protocol: Server<Extra>,
  { socket, extra, log, keepAliveMs = usualKeepAliveMs }: ServeOptions<Extra>,
): void {
  const messages = socketMessages(extra.largePayloads);
  const isFlood = floodGate();
  const stopKeepAlive = keepAlive(socket, keepAliveMs);
  socket.on('error', (error) => log.debug({ err: error.message }, 'socket cut off'));

  const send = (text: string) =>
    new Promise<void>((resolve) => {
      const told = socket.readyState === socket.OPEN ? messages.sent(text) : undefined;
      if (told === undefined) {
        resolve();
        return;
      }
      const release = messages.releaseOfLast();
      // Where writing fails the socket is gone: its 'error' and 'close' tell that once.
      socket.send(told, () => {
        release?.();
        if (socket.isPaused && socket.bufferedAmount <= maxUnsentBytes) socket.resume();
        resolve();
      });
      if (socket.bufferedAmount > maxUnsentBytes) socket.pause();
    });
  const refuseFlood = (): boolean => {
    if (!isFlood()) return false;
    socket.close(4429, 'Too many messages');
    return true;
  };

  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send,
      close: (code, reason) => {
        socket.close(code, reason);
      },
      onMessage: (handle) => {
        socket.on('message', (data: Buffer, isBinary) => {
          if (socket.readyState !== socket.OPEN || refuseFlood()) return;
          // ws looks at messages of text itself.
          if (isBinary && !isUtf8(data)) {
            socket.close(1007, 'Not UTF-8');
            return;
          }
          const received = messages.received(data.toString());
          if (!received) return;
          if ('close' in received) {
            socket.close(received.close.code, received.close.reason);
            return;
          }
          const { message, isOperation } = received;
          if (isOperation) extra.running += 1;
          // It takes what is parsed already as it is, which its type doesn't say.
          handle(message as string)
            .catch((error: Error) => {
              log.warn({ err: error }, 'a socket message could not be handled');
              socket.close(4500, 'Internal server error');
            })
            .finally(() => {
              if (isOperation) extra.running -= 1;
            });
        });
      },
    },
    extra,
  );
  // ws itself answers them.
  socket.on('ping', () => void (socket.readyState === socket.OPEN && refuseFlood()));
  socket.once('close', (code, reason) => {
    stopKeepAlive();
    for (const { release } of extra.largePayloads.values()) release();
    closed(code, reason.toString()).catch((error: Error) =>
      log.debug({ err: error.message }, 'socket closed untidily'),
    );
  });
}

/** Says at each message whether there are too many within a second. */
function floodGate(): () => boolean {
  let secondStartedAt = performance.now();
  let messages = 0;
  return () => {
    const now = performance.now();
    if (now - secondStartedAt >= 1_000) {
      secondStartedAt = now;
      messages = 0;
    }
    messages += 1;
    return messages > maxMessagesPerSecond;
  };
}

/** Cuts a client that has not answered the last ping, which comes after all that waits for it. Gives what stops this. */
function keepAlive(socket: WebSocket, everyMs: number): () => void {
  let asked = '';
  let answered = true;
  const heartbeat = setInterval(() => {
    if (!answered) {
      socket.terminate();
      return;
    }
    answered = false;
    // Not to be guessed: a client that reads nothing can't answer.
    asked = randomUUID();
    socket.ping(asked);
  }, everyMs);
  socket.on('pong', (data: Buffer) => {
    if (data.toString() === asked) answered = true;
  });
  return () => clearInterval(heartbeat);
}
