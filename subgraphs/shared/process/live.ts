import { EventEmitter } from 'node:events';
import { type Redis, watchConnection } from './redis.ts';
import type { Logger } from './telemetry.ts';
import { untilAvailable } from './until-available.ts';

/**
 * Live notices between processes over Redis pub/sub: hints that something changed, never the change itself. Whoever gets
 * one reads the database. A notice may be lost; listeners are also woken after every reconnect.
 */
export type Live = {
  /** Tells every process; a failure is logged, since the database holds the truth. */
  publish(channel: string, message: string): void;
  /** Calls `onNotice` for each notice, and with null when notices may have been missed. Returns the end of it. */
  listen(channel: string, onNotice: (message: string | null) => void): () => void;
  close(): Promise<void>;
};

export async function openLive(redis: Redis, log: Logger): Promise<Live> {
  const subscriber = redis.duplicate();
  const listeners = new EventEmitter().setMaxListeners(0);
  watchConnection(subscriber, {
    away: (error) => log.debug({ err: error.message }, 'live notices interrupted'),
    back: () => undefined,
  });
  let connectedBefore = false;
  subscriber.on('ready', () => {
    if (connectedBefore) for (const channel of listeners.eventNames()) listeners.emit(channel, null);
    connectedBefore = true;
  });
  const hear = (message: string, channel: string): void => void listeners.emit(channel.slice('live:'.length), message);
  subscriber.connect().catch(() => undefined); // tried again by what watches it
  await untilAvailable(() => subscriber.pSubscribe('live:*', hear));

  return {
    publish(channel, message) {
      redis
        .publish(`live:${channel}`, message)
        .catch((error: Error) => log.debug({ err: error.message, channel }, 'live notice not sent'));
    },
    listen(channel, onNotice) {
      listeners.on(channel, onNotice);
      return () => {
        listeners.off(channel, onNotice);
      };
    },
    async close() {
      if (subscriber.isOpen) subscriber.destroy();
    },
  };
}

/**
 * An iterator that repeats `read` whenever `wake` was called or `pollMs` passed (unset: `subscribe` has its own net under
 * lost notices), and yields each item that `read` returns.
 * `read` keeps its own position, so nothing is skipped or doubled however the notices come. It runs once at the start.
 * `return()` ends a pending `next()` at once. At most one `read` runs; its items are the only buffer. A `read` that
 * gives only a part says so by `hasMore`: the rest is read when the part has been taken.
 */
export function readOnWake<Item>(options: {
  read: () => Promise<readonly Item[]>;
  subscribe: (wake: () => void) => () => void;
  pollMs?: number;
  hasMore?: () => boolean;
}): AsyncIterableIterator<Item> {
  let buffer: readonly Item[] = [];
  let position = 0;
  let due = true;
  let done = false;
  let release: (() => void) | undefined;
  const wake = () => {
    due = true;
    release?.();
  };
  const unsubscribe = options.subscribe(wake);

  async function wait(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      release = resolve;
      if (options.pollMs !== undefined) timer = setTimeout(resolve, options.pollMs);
    });
    clearTimeout(timer);
    release = undefined;
  }
  const finish = (): IteratorResult<Item> => {
    if (!done) {
      done = true;
      unsubscribe();
      release?.();
    }
    return { done: true, value: undefined };
  };

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      while (!done) {
        const item = buffer[position];
        if (position < buffer.length) {
          position += 1;
          return { done: false, value: item as Item };
        }
        if (!due) await wait();
        if (done) break;
        due = false;
        try {
          buffer = await options.read();
        } catch (error) {
          finish();
          throw error;
        }
        position = 0;
        if (options.hasMore?.()) due = true;
      }
      return finish();
    },
    async return() {
      return finish();
    },
    async throw(error) {
      finish();
      throw error;
    },
  };
}
