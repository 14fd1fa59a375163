import { type Server, type Socket, connect, createServer } from 'node:net';
import { freePort } from '../../ops/embedded/daemon.ts';
import { resetConnection } from '../../subgraphs/shared/http/server.ts';

/** A TCP proxy on a free port of this machine, by which a test cuts two parties apart. */
export type TcpProxy = {
  readonly port: number;
  /** Resets every connection, new ones right after they were taken. */
  cut(): void;
  /** Resets every connection and listens no more, as when the target's process is gone; until `accept`. */
  refuse(): Promise<void>;
  /** Listens again, and lets everything through. */
  accept(): Promise<void>;
  /** Connections stay open, nothing goes through any more, either way; until `mend`. */
  stall(): void;
  /** Connections that are open stay so and nothing comes over them any more, for ever; new ones are as ever. */
  forget(): void;
  /** What the target answers comes so much later, in its order. */
  delay(delayMs: number): void;
  /** Each request is answered with these bytes, and never reaches the target. */
  answer(bytes: string): void;
  /** Lets everything through again. */
  mend(): void;
  close(): Promise<void>;
};

type Mode =
  | { readonly is: 'through' | 'cut' | 'refusing' | 'stalled' }
  | { readonly is: 'slow'; readonly delayMs: number }
  | { readonly is: 'answering'; readonly bytes: string };

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  // Not one of the ports that outgoing connections get: it is free again after `refuse`.
  const port = await freePort();
  const pairs = new Set<[Socket, Socket]>();
  let mode: Mode = { is: 'through' };

  function join(incoming: Socket): void {
    if (mode.is === 'cut' || mode.is === 'refusing') {
      resetConnection(incoming);
      return;
    }
    const outgoing = connect(target);
    const pair: [Socket, Socket] = [incoming, outgoing];
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.setNoDelay(true).on('close', end).on('error', end);
    incoming.on('data', (bytes) => {
      if (mode.is === 'answering') incoming.write(mode.bytes);
      else if (!outgoing.write(bytes)) incoming.pause();
    });
    outgoing.on('drain', () => mode.is !== 'stalled' && incoming.resume());
    outgoing.on('data', (bytes) => {
      if (mode.is === 'slow') setTimeout(() => incoming.write(bytes), mode.delayMs);
      else if (!incoming.write(bytes)) outgoing.pause();
    });
    incoming.on('drain', () => mode.is !== 'stalled' && outgoing.resume());
    if (mode.is === 'stalled') for (const socket of pair) socket.pause();
  }
  const reset = (): void => {
    for (const pair of pairs) for (const socket of pair) resetConnection(socket);
  };
  const listen = (): Promise<Server> =>
    new Promise((resolve, reject) => {
      const listening = createServer(join);
      listening.once('error', reject);
      listening.listen(port, '127.0.0.1', () => resolve(listening));
    });
  const close = async (): Promise<void> => {
    const closed = new Promise((done) => server.close(done));
    reset();
    await closed;
  };
  let server = await listen();

  return {
    port,
    cut() {
      mode = { is: 'cut' };
      reset();
    },
    async refuse() {
      mode = { is: 'refusing' };
      await close();
    },
    stall() {
      mode = { is: 'stalled' };
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    forget() {
      // Without a listener what comes is dropped.
      for (const pair of pairs) for (const socket of pair) socket.removeAllListeners('data').resume();
    },
    delay(delayMs) {
      mode = { is: 'slow', delayMs };
    },
    answer(bytes) {
      mode = { is: 'answering', bytes };
    },
    async accept() {
      if (mode.is === 'refusing') server = await listen();
      mode = { is: 'through' };
    },
    mend() {
      // Connections that were held up have lost their order or their peer's patience: they end.
      if (mode.is !== 'through') reset();
      mode = { is: 'through' };
    },
    close,
  };
}
