import type { Server } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Logger } from '../subgraphs/shared/telemetry.ts';

const maxMessagesPerSecond = 500;
const keepAliveMs = 12_000;

/** Ties one socket to the protocol engine: pings, back-pressure, a limit on messages, no word to one that is closing. */
export function serveSocket<Extra>(protocol: Server<Extra>, socket: WebSocket, extra: Extra, log: Logger): void {
  let secondStartedAt = Date.now();
  let messages = 0;
  let answered = true;
  const isFlood = () => {
    const now = Date.now();
    if (now - secondStartedAt >= 1_000) {
      secondStartedAt = now;
      messages = 0;
    }
    messages += 1;
    return messages > maxMessagesPerSecond;
  };
  const heartbeat = setInterval(() => {
    if (!answered) {
      socket.terminate();
      return;
    }
    answered = false;
    socket.ping();
  }, keepAliveMs);
  socket.on('pong', () => {
    answered = true;
  });
  socket.on('error', (error) => log.debug({ err: error.message }, 'socket cut off'));

  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) =>
        new Promise((resolve, reject) => {
          if (socket.readyState !== socket.OPEN) resolve();
          else socket.send(text, (error) => (error ? reject(error) : resolve()));
        }),
      close: (code, reason) => {
        socket.close(code, reason);
      },
      onMessage: (handle) => {
        socket.on('message', (data: Buffer) => {
          if (socket.readyState !== socket.OPEN) return;
          if (isFlood()) {
            socket.close(4429, 'Too many messages');
            return;
          }
          handle(data.toString()).catch((error: Error) => {
            log.warn({ err: error }, 'a socket message could not be handled');
            socket.close(4500, 'Internal server error');
          });
        });
      },
    },
    extra,
  );
  socket.once('close', (code, reason) => {
    clearInterval(heartbeat);
    closed(code, reason.toString()).catch((error: Error) =>
      log.debug({ err: error.message }, 'socket closed untidily'),
    );
  });
}
