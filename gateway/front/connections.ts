import { addressGroup } from '../../subgraphs/shared/values/address-group.ts';
import type { Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import type { SignedIn } from '../callers/access-tokens.ts';

/** A WebSocket, or an event stream that behaves like one. `close` takes the WebSocket's code. */
export type Connection = {
  readonly OPEN: number;
  readonly readyState: number;
  close(code: number, reason: string): void;
  terminate(): void;
  once(event: 'close', listener: () => void): unknown;
};

/** The sockets and event streams of this process: how many there are, whose they are, and when they must go. */
export type Connections = {
  /** True also when it takes nothing new any more. */
  isFull(): boolean;
  /** False when the address has too many that have not said yet who they are. */
  mayAdd(address: string): boolean;
  /** Nothing where the socket is closed already: its end, by which it is taken out again, is past. */
  /** `unnamedAt`: the address of one that has yet to say who it is, by `signIn`. */
  add(socket: Connection, unnamedAt?: string): void;
  /**
   * Ties a socket to its viewer, or to its address (of IPv6 the /64) when that is nobody: it is closed (4403) when the token ends or the
   * session is revoked. False when the viewer or the address has too many sockets; this one is then closed (4429).
   */
  signIn(socket: Connection, signedIn: SignedIn, address: string): boolean;
  /** Closes all with 1012 (restart), which clients take as "connect again"; cuts those that don't answer. */
  close(): Promise<void>;
};

const maxSockets = 20_000;
const maxSocketsPerUser = 5;
const closeTimeoutMs = 2_000;

export function openConnections(options: {
  onRevoked: (listener: (sessionId: string) => void) => () => void;
  anonymousSocketsPerAddress: number;
  now: () => Date;
  metrics: Metrics;
}): Connections {
  const sockets = new Set<Connection>();
  const byUser = new Map<string, Set<Connection>>();
  const anonymousByAddress = new Map<string, Set<Connection>>();
  const unnamedByAddress = new Map<string, Set<Connection>>();
  const bySession = new Map<string, Set<Connection>>();

  let isClosing = false;
  const stopListening = options.onRevoked((sessionId) => {
    for (const socket of bySession.get(sessionId) ?? []) socket.close(4403, 'The session has ended');
  });

  return {
    isFull: () => isClosing || sockets.size >= maxSockets,
    mayAdd: (address) => (unnamedByAddress.get(addressGroup(address))?.size ?? 0) < options.anonymousSocketsPerAddress,
    add(socket, unnamedAt) {
      if (socket.readyState !== socket.OPEN) return;
      sockets.add(socket);
      options.metrics.sockets.inc();
      if (unnamedAt !== undefined) socket.once('close', enlist(unnamedByAddress, addressGroup(unnamedAt), socket));
      socket.once('close', () => {
        sockets.delete(socket);
        options.metrics.sockets.dec();
      });
    },
    signIn(socket, { viewer, expiresAtMs }, address) {
      const group = addressGroup(address);
      delist(unnamedByAddress, group, socket);
      const open = viewer.kind === 'user' ? byUser.get(viewer.userId) : anonymousByAddress.get(group);
      if ((open?.size ?? 0) >= (viewer.kind === 'user' ? maxSocketsPerUser : options.anonymousSocketsPerAddress)) {
        socket.close(4429, 'Too many sockets');
        return false;
      }
      // Gone while its token was verified: nothing would ever take it out again.
      if (socket.readyState !== socket.OPEN) return false;
      if (viewer.kind !== 'user') {
        socket.once('close', enlist(anonymousByAddress, group, socket));
        return true;
      }
      const forget = [enlist(byUser, viewer.userId, socket), enlist(bySession, viewer.sessionId, socket)];
      const expiry = setTimeout(
        () => socket.close(4403, 'The access token has expired'),
        expiresAtMs - options.now().getTime(),
      );
      socket.once('close', () => {
        clearTimeout(expiry);
        for (const each of forget) each();
      });
      return true;
    },
    async close() {
      isClosing = true;
      stopListening();
      const closing = [...sockets].map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.once('close', () => resolve());
            socket.close(1012, 'Service restart');
          }),
      );
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.terminate();
      }, closeTimeoutMs);
      await Promise.all(closing);
      clearTimeout(cut);
    },
  };
}

function enlist(lists: Map<string, Set<Connection>>, key: string, socket: Connection): () => void {
  const list = lists.get(key) ?? new Set();
  lists.set(key, list.add(socket));
  return () => delist(lists, key, socket);
}

function delist(lists: Map<string, Set<Connection>>, key: string, socket: Connection): void {
  const list = lists.get(key);
  list?.delete(socket);
  if (list?.size === 0) lists.delete(key);
}
