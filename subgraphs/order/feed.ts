import { EventEmitter } from 'node:events';
import type { Database } from '../shared/database/database.ts';
import type { Live } from '../shared/process/live.ts';
import { type Loop, startLoop } from '../shared/process/loop.ts';
import type { Logger } from '../shared/process/telemetry.ts';
import { ordersChannel } from './channels.ts';
import { feedBatch, feedHead, numberFeed, readFeedOwners } from './feed-store.ts';

/** How long after a notice the feed is read: changes in between cost nothing more. */
const gatherMs = 10;
/** The net under lost notices. */
const pollMs = 1_000;

/** Whose changes wake a listener. */
export type FeedScope = { readonly orderId: string } | { readonly customerId: string } | 'all';

/** Wakes the subscriptions of one process, all from one reading of the feed. */
export type FeedWatch = {
  /** Calls `wake` when such an order has changed, or may have; the listener reads for itself. Returns the end of it. */
  listen(scope: FeedScope, wake: () => void): () => void;
  close(): Promise<void>;
};

const channelOf = (scope: FeedScope): string =>
  scope === 'all' ? 'all' : 'orderId' in scope ? `order:${scope.orderId}` : `customer:${scope.customerId}`;

/**
 * Follows the feed while anybody listens: soon after each notice, and every second whether or not notices come, so that
 * losing Redis only costs time. What a thousand subscriptions wait for is one read.
 */
export function openFeedWatch(deps: { db: Database; live: Live; log: Logger }): FeedWatch {
  const listeners = new EventEmitter().setMaxListeners(0);
  let loop: Loop | undefined;
  let stopNotices: (() => void) | undefined;
  let gathering: NodeJS.Timeout | undefined;
  let count = 0;

  async function turn(reading: { position: number | null }): Promise<void> {
    if (reading.position === null) {
      reading.position = await feedHead(deps.db);
      // What came between a listener's first read and this place would wake nobody.
      for (const channel of listeners.eventNames()) listeners.emit(channel);
      return;
    }
    await numberFeed(deps.db);
    for (;;) {
      const entries = await readFeedOwners(deps.db.em(), { afterSeq: reading.position, limit: feedBatch });
      const woken = new Set(
        entries.flatMap(({ orderId, customerId }) => [channelOf({ orderId }), channelOf({ customerId })]),
      );
      if (entries.length > 0) woken.add('all');
      reading.position = entries.at(-1)?.feedSeq ?? reading.position;
      for (const channel of woken) listeners.emit(channel);
      if (entries.length < feedBatch) return;
    }
  }
  function begin(): void {
    // Of this loop alone: the last turn of the one before may still run, and would put its own place here.
    const reading = { position: null };
    loop = startLoop({ name: 'follow the journal', everyMs: pollMs, log: deps.log, turn: () => turn(reading) });
    stopNotices = deps.live.listen(ordersChannel, () => {
      gathering ??= setTimeout(() => {
        gathering = undefined;
        loop?.kick();
      }, gatherMs);
    });
  }
  async function end(): Promise<void> {
    stopNotices?.();
    clearTimeout(gathering);
    gathering = undefined;
    const running = loop;
    loop = undefined;
    await running?.stop();
  }

  return {
    listen(scope, wake) {
      const channel = channelOf(scope);
      listeners.on(channel, wake);
      count += 1;
      if (!loop) begin();
      let listening = true;
      return () => {
        if (!listening) return;
        listening = false;
        listeners.off(channel, wake);
        count -= 1;
        if (count === 0) void end();
      };
    },
    close: end,
  };
}
