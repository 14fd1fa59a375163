import { type IncomingMessage, type RequestListener, type Server, type ServerResponse, createServer } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';

const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;
const timeoutCheckMs = 2_000;
/** How long a client may take nothing of what is being sent to it. Node may see it after twice that time only. */
const untakenTimeoutMs = 30_000;
/** Requests of one connection that may wait for the one before them. */
const maxWaitingRequests = 100;
const isWebSocket = /\bwebsocket\b/i;
const drainTimeoutMs = 10_000;
const idleGraceMs = 500;
const idlePollMs = 50;

/**
 * A server whose clients can't hold its memory for long. How long a request may take to arrive, its headers and all of
 * it: 408 after that, however short it is (Node itself waits 60 s and 300 s, and looks every 30 s only). How long an
 * answer may lie untaken: then the connection is cut. Its listener goes through `inTurn`.
 */
export function limitedServer(keepAliveTimeoutMs: number): Server {
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: timeoutCheckMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    // Other offers, as curl's and Java's of HTTP/2, are left alone, and the request is answered as it is.
    shouldUpgradeCallback: ({ headers }) => isWebSocket.test(headers.upgrade ?? ''),
  });
  server.timeout = untakenTimeoutMs;
  server.on('timeout', (socket: Socket) => {
    // Between two requests Node sets another timeout.
    const isOurTurn = socket.timeout === server.timeout && socket.writableLength === 0;
    if (!isOurTurn) socket.destroy();
  });
  return server;
}

/**
 * Answers the requests of one connection one after another: a request that was sent before the last answer was taken
 * ("pipelining") is begun only then, and nothing more is read while one waits. Node begins all at once, and holds the
 * client back by bytes of answers alone (https://github.com/nodejs/node/pull/3342). A connection with more than 100 in what was
 * read already is cut. What this takes for granted of Node, and what the rest of this file does, node-internals.unit.test.ts tries.
 */
export function inTurn(listener: RequestListener): RequestListener {
  const waiting = new WeakMap<Socket, number>();

  function wait(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const before = waiting.get(socket);
    // Node goes on reading after every request that is complete.
    if (before === undefined) socket.on('resume', () => waiting.get(socket) && stopReading(socket));
    const count = (before ?? 0) + 1;
    if (count > maxWaitingRequests) {
      socket.destroy();
      return;
    }
    waiting.set(socket, count);
    stopReading(socket);
    response.once('socket', () => {
      const left = (waiting.get(socket) as number) - 1;
      waiting.set(socket, left);
      if (left === 0) socket.resume();
      process.nextTick(listener, request, response);
    });
  }
  return (request, response) => {
    if (response.socket) listener(request, response);
    else wait(request, response);
  };
}

/**
 * `pause` alone does nothing between a `resume` that was undone already and its event, at which Node reads on: its HTTP server
 * listens to these events itself (https://github.com/nodejs/undici/issues/440).
 */
function stopReading(socket: Socket): void {
  socket.pause();
  socket.emit('pause');
}

/**
 * Ends a connection at once, its peer's too. While our own end of it is under way a reset fails, and Node leaves its descriptor
 * open for ever (since https://github.com/nodejs/node/pull/43112; not reported upstream as of 2026-11).
 */
export function resetConnection(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

export const listen = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });

/**
 * Takes no new connection, lets running requests end, cuts what is left after 10 s. Idle connections are kept a moment:
 * a client may just be sending its next request, and is told with the answer that the connection ends.
 */
export async function closeServer(server: Server): Promise<void> {
  server.prependListener('request', (_request, response: ServerResponse) => {
    response.setHeader('connection', 'close');
  });
  // Server.close of node:http closes idle connections at once, with the request that is on its way to them, on purpose:
  // https://github.com/nodejs/node/issues/53939
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  const grace = setTimeout(() => {
    server.closeIdleConnections();
    idle = setInterval(() => server.closeIdleConnections(), idlePollMs);
  }, idleGraceMs);
  let idle: NodeJS.Timeout | undefined;
  const cut = setTimeout(() => server.closeAllConnections(), drainTimeoutMs);
  await closed;
  clearTimeout(grace);
  clearInterval(idle);
  clearTimeout(cut);
}
