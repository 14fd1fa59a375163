import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import type { DependencyPart } from '../process/dependency.ts';
import { ConfigError } from '../process/env.ts';
import { inTime } from '../time/in-time.ts';
import { isUnavailable } from '../errors/unavailable.ts';

/** What is used here of mysql2's pool, some of it beneath its types: it has no other way (https://github.com/sidorares/node-mysql2/issues/1078). */
export type RawPool = {
  getConnection(callback: (error: Error | null, connection?: RawConnection) => void): void;
  readonly _allConnections: RingQueue;
  readonly _freeConnections: RingQueue;
  /** Those that wait for a connection while all are in use. */
  readonly _connectionQueue: { readonly length: number; shift(): (error: Error) => void };
};
type RingQueue = { readonly length: number; get(index: number): RawConnection };
type RawConnection = EventEmitter & {
  readonly stream: Duplex;
  /** The command that waits for the server's answer, the greeting too. */
  readonly _command?: unknown;
  destroy(): void;
};

export type DatabaseWatch = {
  /** Of the pool: in use and idle, and what waits for one. */
  connections(): { readonly used: number; readonly idle: number; readonly waiting: number };
  /** Ends the idle connections: those to a server that has become read-only are not the ones to go on with. */
  recycle(): void;
  /** Ends all of them, and fails what waits. */
  cutAll(): void;
  /** Leaves the connections alone while this work runs: making tables takes its time, and is not to be cut half-way. */
  pausedFor<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
};

const lookEveryMs = 100;
/** A command that waits longer than this may wait for a lock, or for a server that hangs: the server is asked. */
const suspectAfterMs = 600;
/** No statement of ours takes so long: its connection has died without a word, though the server answers others. */
const defaultLostAfterMs = 60_000;
/** With the other two: who waits for a server that hangs is told within 3 s. */
const probeTimeoutMs = 1_800;
const firstRetryMs = 50;
const maxRetryMs = 1_000;
const startRetryMs = 200;

/**
 * Watches the connections of a pool. When one can't be made, or a command waits long, the server is asked over a
 * connection of its own. Where it does not answer, it is away: everything that waits for it fails, and what is asked
 * of the pool fails at once, until the server answers again. It is asked with back-off by one probe for all of the pool,
 * so that nothing falls upon a server that has just come. A server that answers at all, "too many connections" too, is there.
 */
export function watchDatabase(
  pool: RawPool,
  options: { url: string; part: DependencyPart; lostAfterMs?: number | undefined },
): DatabaseWatch {
  const { url, part, lostAfterMs = defaultLostAfterMs } = options;
  const waiting = new WeakMap<RawConnection, { command: unknown; begunMs: number; askedMs: number }>();
  const known = new WeakSet<RawConnection>();
  let isAway = false;
  let isProbing = false;
  let closed = false;
  let pauses = 0;

  const getConnection = pool.getConnection.bind(pool);
  pool.getConnection = (callback) => {
    if (isAway) {
      process.nextTick(callback, notNow());
      return;
    }
    getConnection((error, connection) => {
      if (error && isOfConnection(error)) suspect();
      callback(error, connection);
    });
    for (const connection of listed(pool._allConnections)) {
      if (known.has(connection)) continue;
      known.add(connection);
      // The pool listens to the first error only; a second one would end the process.
      connection.on('error', suspect);
    }
  };

  function suspect(): void {
    if (isProbing || closed || pauses > 0) return;
    isProbing = true;
    void probe().finally(() => (isProbing = false));
  }
  async function probe(): Promise<void> {
    for (let tries = 0; !closed; tries += 1) {
      try {
        await ask(url);
        isAway = false;
        part.back();
        return;
      } catch (error) {
        part.away(error as Error);
        const isNews = !isAway;
        isAway = true;
        if (isNews) cutAll();
      }
      await sleep(Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(tries, 6)) * (0.5 + Math.random() / 2), undefined, {
        ref: false,
      });
    }
  }
  function cutAll(): void {
    while (pool._connectionQueue.length > 0) process.nextTick(pool._connectionQueue.shift(), notNow());
    for (const connection of listed(pool._allConnections)) connection.stream.destroy(notNow());
  }

  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const connection of listed(pool._allConnections)) {
      const command = connection._command;
      const before = waiting.get(connection);
      if (command === undefined || command === null) waiting.delete(connection);
      else if (before?.command !== command) waiting.set(connection, { command, begunMs: nowMs, askedMs: nowMs });
      else if (nowMs - before.begunMs > lostAfterMs && pauses === 0) connection.stream.destroy(notNow());
      else if (nowMs - before.askedMs > suspectAfterMs && !isProbing) {
        before.askedMs = nowMs; // it answers: asked again when this one still waits
        suspect();
      }
    }
  }, lookEveryMs);
  timer.unref();

  return {
    cutAll,
    async pausedFor(work) {
      pauses += 1;
      try {
        return await work();
      } finally {
        pauses -= 1;
      }
    },
    connections() {
      const idle = pool._freeConnections.length;
      return { used: pool._allConnections.length - idle, idle, waiting: pool._connectionQueue.length };
    },
    recycle() {
      for (const connection of listed(pool._freeConnections)) connection.destroy();
    },
    close() {
      closed = true;
      clearInterval(timer);
    },
  };
}

const listed = (queue: RingQueue): RawConnection[] => Array.from({ length: queue.length }, (_, at) => queue.get(at));

/** As mysql2 says it. */
const connectionLost = 'PROTOCOL_CONNECTION_LOST';
const notNow = (): Error =>
  Object.assign(new Error('the database does not answer'), { code: connectionLost, fatal: true });

/** What a server answers has a state by the SQL standard. */
const isOfConnection = (error: object): boolean => !('sqlState' in error);

/** Rejects when the server does not answer. */
async function ask(url: string): Promise<void> {
  // The driver's own limit would count the time in which this process is too busy to read an answer that is there.
  const opening = createConnection({ uri: url, connectTimeout: 5 * probeTimeoutMs });
  try {
    const connection = await inTime(opening, probeTimeoutMs);
    connection.on('error', () => undefined); // told by the ping
    await inTime(connection.ping(), probeTimeoutMs);
  } catch (error) {
    if (isOfConnection(error as object)) throw error;
  } finally {
    opening.then((connection) => connection.destroy()).catch(() => undefined); // it never came about
  }
}

/** Tries again while the database is away, which `part` is told; then a ConfigError that says where it was looked for. */
export async function whenItAnswers<T>(
  work: () => Promise<T>,
  { url, timeoutMs, part }: { url: string; timeoutMs: number; part: DependencyPart | undefined },
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      const result = await work();
      part?.back();
      return result;
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      if (performance.now() > deadlineMs)
        throw new ConfigError(`MYSQL_URL: no database answers at ${new URL(url).host} (${(error as Error).message}).`);
      part?.away(error as Error);
      await sleep(startRetryMs * (0.5 + Math.random() / 2));
    }
  }
}
