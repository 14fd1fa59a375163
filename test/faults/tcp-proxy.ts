import { type Server, type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A TCP proxy on a free port of this machine, by which a test cuts two parties apart. */
export type TcpProxy = {
  readonly port: number;
  /** Cuts every connection and refuses new ones. */
  cut(): void;
  /** Lets everything through again. */
  mend(): void;
  /** Connections stay open, nothing goes through any more, either way; until `mend`. */
  stall(): void;
  close(): Promise<void>;
};

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<[Socket, Socket]>();
  let mode: 'through' | 'cut' | 'stalled' = 'through';
  const server: Server = createServer((incoming) => {
    if (mode === 'cut') {
      incoming.resetAndDestroy();
      return;
    }
    const outgoing = connect(target);
    const pair: [Socket, Socket] = [incoming, outgoing];
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on('close', end).on('error', end);
    incoming.pipe(outgoing).pipe(incoming);
    if (mode === 'stalled') for (const socket of pair) socket.pause();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const cut = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      mode = 'cut';
      cut();
    },
    stall() {
      mode = 'stalled';
      for (const [incoming, outgoing] of pairs) {
        incoming.unpipe(outgoing).pause();
        outgoing.unpipe(incoming).pause();
      }
    },
    mend() {
      // What was stalled has lost its place in the stream: such connections end.
      if (mode === 'stalled') cut();
      mode = 'through';
    },
    async close() {
      const closed = new Promise((done) => server.close(done));
      cut();
      await closed;
    },
  };
}
