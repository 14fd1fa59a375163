import { WebSocket } from 'ws';
import { until } from '../../support/until.ts';

// What a test looks at has no type of its own.
// eslint-disable-next-line typescript/no-explicit-any
type Received = { type: string; id?: string; payload?: { data?: any; errors?: any[] } };

export type BareSocketOptions = {
  readonly authorization?: unknown;
  readonly origin?: string;
  readonly protocol?: string;
  /** Whether it begins with `connection_init`. Default: true. */
  readonly init?: boolean;
  /** Where a proxy says that it comes from. */
  readonly address?: string;
};

/** A socket to the gateway without a client's library: what it received, and with what code it was closed. */
export async function openBareSocket(port: number, options: BareSocketOptions = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, options.protocol ?? 'graphql-transport-ws', {
    ...(options.origin !== undefined && { origin: options.origin }),
    ...(options.address !== undefined && { headers: { 'x-forwarded-for': options.address } }),
  });
  const received: Received[] = [];
  let isClosed = false;
  const closed = new Promise<number>((resolve) => {
    socket.on('close', resolve);
    socket.on('error', () => resolve(-1));
  }).finally(() => (isClosed = true));
  socket.on('message', (data: Buffer) => received.push(JSON.parse(data.toString()) as Received));
  const opened = await Promise.race([
    new Promise<boolean>((resolve) => socket.on('open', () => resolve(true))),
    closed.then(() => false),
  ]);
  const send = (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  if (opened && options.init !== false) {
    const { authorization } = options;
    send({ type: 'connection_init', payload: authorization === undefined ? {} : { authorization } });
    await until(() => isClosed || received.length > 0, { everyMs: 5 });
  }
  return { socket, received, closed, opened, send };
}
