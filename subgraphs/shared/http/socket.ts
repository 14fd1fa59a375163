import { type OnReadOpts, type Socket, connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Origin } from './connection.ts';

const keepAliveProbeMs = 60_000;
const connectTimeoutMs = 2_000;
/** Longer than to connect, which the kernel does alone: after a start, 64 handshakes may wait for each other. A call has its own deadline. */
const handshakeTimeoutMs = 5_000;

/**
 * Opens a socket, which keeps no process alive once it stands.
 *
 * @param options.onread what arrives is read into this, past Node's streams (https://github.com/nodejs/node/pull/25436, over TLS
 * https://github.com/nodejs/node/pull/35753)
 * @param options.ready it stands
 * @param options.closed it is gone, and stood before or did not
 */
export function openSocket(
  { isTls, host, port }: Origin,
  options: { onread?: OnReadOpts; ready: () => void; closed: (error: Error, hasStood: boolean) => void },
): Socket {
  let stage: 'connect' | 'handshake' | 'ready' = 'connect';
  let failure: Error | undefined;
  const shared = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveProbeMs };
  const socket: Socket = isTls
    ? connectTls({
        ...shared,
        ...(options.onread && { onread: options.onread }),
        ...(!isIP(host) && { servername: host }),
        ALPNProtocols: ['http/1.1'],
      })
    : connectTcp({ ...shared, ...(options.onread && { onread: options.onread }) });
  // When this process stood still, what came meanwhile is read after its timers: then it has got somewhere since.
  socket.on('timeout', () => {
    const before = stage;
    setImmediate(() => {
      if (stage === before) socket.destroy(networkError('ETIMEDOUT', 'no connection in time'));
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
    options.ready();
  });
  socket.on('error', (error) => (failure ??= error));
  socket.on('close', () =>
    options.closed(failure ?? networkError('ECONNRESET', 'the connection ended'), stage === 'ready'),
  );
  return socket;
}

/** As Node names what happens to connections. */
export const networkError = (code: string, message: string): Error => Object.assign(new Error(message), { code });
