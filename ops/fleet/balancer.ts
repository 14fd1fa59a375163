import { type Server, type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { resetConnection } from '../../subgraphs/shared/http/server.ts';

/** Where a balancer sends connections: the port of a program on this machine. */
export type BackEnd = {
  readonly port: number;
  /** Answers 200 while the program lives; without it only a refused connection tells that it is away. */
  readonly liveUrl?: string;
};

/** How a balancer treats what passes through it. */
export type Passage =
  | { readonly kind: 'open' }
  /** Connections are reset, new ones too. */
  | { readonly kind: 'cut' }
  /** Connections stay and are made, nothing passes until it is open again; then all of it does, in order. */
  | { readonly kind: 'stalled' }
  /** Each piece, either way, comes so much later. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** What comes in is answered with this text, and reaches nobody. */
  | { readonly kind: 'answering'; readonly text: string };

/** A plain TCP balancer on a port of this machine, by which a test also comes between two programs. */
export type Balancer = {
  readonly port: number;
  /** From now on, for the connections that there are as well. */
  set(passage: Passage): void;
  /** How many connections there are now. */
  size(): number;
  /** Resets every connection; new ones are made as before. */
  reset(): void;
  close(): Promise<void>;
};

const checkEveryMs = 500;
const checkTimeoutMs = 1_000;
/** A stalled piece looks again this often whether it may pass. */
const stalledPollMs = 20;

type Pair = readonly [incoming: Socket, outgoing: Socket];

/**
 * Balances connections over back ends, round robin over those that live. One that refuses a connection is passed over; one
 * whose `liveUrl` does not answer within a second gets no new connections, unless no other is left.
 *
 * @param options.port to listen on; a free one when not given
 */
export async function startBalancer(options: { backEnds: readonly BackEnd[]; port?: number }): Promise<Balancer> {
  const { backEnds } = options;
  const pairs = new Set<Pair>();
  const dead = new Set<BackEnd>();
  let passage: Passage = { kind: 'open' };
  let turn = 0;

  /** Every back end once, the next one first, dead ones last. */
  function inTurn(): BackEnd[] {
    turn = (turn + 1) % backEnds.length;
    const rotated = [...backEnds.slice(turn), ...backEnds.slice(0, turn)];
    return [...rotated.filter((backEnd) => !dead.has(backEnd)), ...rotated.filter((backEnd) => dead.has(backEnd))];
  }

  async function accept(incoming: Socket): Promise<void> {
    incoming.on('error', () => incoming.destroy());
    for (const { port } of inTurn()) {
      const outgoing = await reach(port);
      if (outgoing && !incoming.destroyed && passage.kind !== 'cut') {
        join([incoming, outgoing]);
        return;
      }
      outgoing?.destroy();
      if (incoming.destroyed) return;
    }
    resetConnection(incoming);
  }

  function join(pair: Pair): void {
    pairs.add(pair);
    const [incoming, outgoing] = pair;
    const broken = (): void => {
      for (const socket of pair) resetConnection(socket);
    };
    for (const socket of pair) {
      socket.setNoDelay(true).on('error', broken);
      socket.on('close', (hadError) => {
        if (hadError) broken();
        if (incoming.destroyed && outgoing.destroyed) pairs.delete(pair);
      });
    }
    carry(
      [incoming, outgoing],
      () => passage,
      (text) => void incoming.write(text),
    );
    carry([outgoing, incoming], () => passage);
  }

  async function check(backEnd: BackEnd): Promise<void> {
    if (backEnd.liveUrl === undefined) return;
    if (await lives(backEnd.liveUrl)) dead.delete(backEnd);
    else dead.add(backEnd);
  }
  const checks = backEnds.map((backEnd) => setInterval(() => void check(backEnd), checkEveryMs));
  const reset = (): void => {
    for (const pair of pairs) for (const socket of pair) resetConnection(socket);
  };
  const server: Server = createServer((incoming) => {
    if (passage.kind === 'cut') resetConnection(incoming);
    else void accept(incoming);
  });
  await new Promise<void>((listening, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', listening);
  });
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      passage = next;
      if (next.kind === 'cut') reset();
    },
    size: () => pairs.size,
    reset,
    async close() {
      for (const timer of checks) clearInterval(timer);
      const closed = new Promise((done) => server.close(done));
      reset();
      await closed;
    },
  };
}

/** Hands pieces on as the passage says, one after the other; `answer` takes the place of who they were meant for. */
function carry([from, to]: Pair, passageNow: () => Passage, answer?: (text: string) => void): void {
  let isHeld = false;
  const handOn = (piece: Buffer): void => {
    if (to.write(piece)) from.resume();
    else to.once('drain', () => from.resume());
  };
  const look = (piece: Buffer): void => {
    const passage = passageNow();
    if (passage.kind === 'stalled' && !from.destroyed) {
      setTimeout(look, stalledPollMs, piece);
      return;
    }
    isHeld = false;
    if (passage.kind === 'answering' && answer) {
      answer(passage.text);
      from.resume();
    } else handOn(piece);
    if (from.readableEnded) to.end();
  };
  from.on('data', (piece: Buffer) => {
    const passage = passageNow();
    // All that a fleet says passes here: the usual way is the short one.
    if (passage.kind === 'open' && to.write(piece)) return;
    from.pause();
    if (passage.kind === 'open') {
      to.once('drain', () => from.resume());
      return;
    }
    isHeld = true;
    if (passage.kind === 'slow') setTimeout(look, passage.delayMs, piece);
    else look(piece);
  });
  from.on('end', () => {
    if (!isHeld) to.end();
  });
}

async function lives(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(checkTimeoutMs) }).catch(() => undefined);
  await response?.arrayBuffer().catch(() => undefined); // so that its connection is used again
  return response?.ok === true;
}

/** A connection to a port of this machine; undefined when it is refused. */
function reach(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => {
      socket.destroy();
      resolve(undefined); // of no effect once it is connected
    });
    socket.once('connect', () => resolve(socket));
  });
}
