import { EventEmitter } from 'node:events';
import { type Database, type Row, type Sql, placeholders, run, select, toDate } from '../shared/database/database.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { Live } from '../shared/process/live.ts';
import { type Loop, startLoop } from '../shared/process/loop.ts';
import type { Logger } from '../shared/process/telemetry.ts';
import { ordersChannel } from './channels.ts';
import type { JournalEntry } from './domain/journal.ts';
import { type OrderFilter, conditionsOf } from './queries.ts';
import { toJournalEntry } from './rows.ts';

/** Entries that one transaction numbers, and that one statement reads. */
const feedBatch = 500;
/** How long after a notice the feed is read: changes in between cost nothing more. */
const gatherMs = 10;
/** The net under lost notices. */
const pollMs = 1_000;

/** A journal entry with its place among the entries of all orders. */
export type FeedEntry = JournalEntry & { readonly feedSeq: number };

/**
 * Gives the journal entries that have none a place in the feed, after they were committed: 1, 2, 3 … without a gap, in
 * each order by its own seq. Numbering while an order changes would let all orders wait for each other; and what isn't
 * committed yet can't be passed over this way. Whoever reads the feed numbers it first, whichever process that is: the
 * row of `journal_feed` lets them go one after the other. Returns how many entries it has numbered.
 */
export async function numberFeed(db: Database): Promise<number> {
  let numbered = 0;
  for (;;) {
    const count = await numberBatch(db);
    numbered += count;
    if (count < feedBatch) return numbered;
  }
}

const unnumbered = 'select order_id, seq, at from order_event where feed_seq is null order by order_id, seq limit ?';

async function numberBatch(db: Database): Promise<number> {
  // Mostly there is nothing to do, and nobody has to wait to see that.
  if ((await select(db.em(), unnumbered, [1])).length === 0) return 0;
  return db.transaction(async (tx) => {
    const [feed] = await select(tx, 'select head from journal_feed where id = 1 for update');
    const head = Number(feed?.['head']);
    const rows = inTimeOrder(await select(tx, unnumbered, [feedBatch]));
    if (rows.length === 0) return 0;
    const places = rows.map(() => 'select ? as order_id, ? as seq, ? as place').join(' union all ');
    await run(
      tx,
      `update order_event e join (${places}) p on p.order_id = e.order_id and p.seq = e.seq set e.feed_seq = p.place`,
      rows.flatMap((row, index) => [row['order_id'] as Buffer, Number(row['seq']), head + index + 1]),
    );
    await run(tx, 'update journal_feed set head = ? where id = 1', [head + rows.length]);
    return rows.length;
  });
}

/** By time, yet never an entry before an earlier one of its order, whatever the clocks of the processes said. */
function inTimeOrder(rows: readonly Row[]): Row[] {
  let order = '';
  let latestMs = 0;
  const timed = rows.map((row) => {
    const id = (row['order_id'] as Buffer).toString('hex');
    const atMs = (toDate(row['at']) as Date).getTime();
    latestMs = id === order ? Math.max(latestMs, atMs) : atMs;
    order = id;
    return { row, atMs: latestMs };
  });
  // The sort is stable: entries of the same time stay in the order of their seq.
  return timed.toSorted((one, other) => one.atMs - other.atMs).map(({ row }) => row);
}

/** The place of the newest entry that is committed. */
export async function feedHead(db: Database): Promise<number> {
  await numberFeed(db);
  const [feed] = await select(db.em(), 'select head from journal_feed where id = 1');
  return Number(feed?.['head'] ?? 0);
}

/** Entries after `afterSeq` in the feed, at most `limit`, of one customer or of all. */
export async function readFeed(
  sql: Sql,
  options: { customerId: string | null; afterSeq: number; limit: number },
): Promise<FeedEntry[]> {
  const { customerId, afterSeq, limit } = options;
  const scope = customerId === null ? '' : 'customer_id = ? and ';
  const rows = await select(sql, `select * from order_event where ${scope}feed_seq > ? order by feed_seq limit ?`, [
    ...(customerId === null ? [] : [idToBytes(customerId)]),
    afterSeq,
    limit,
  ]);
  return rows.map((row) => ({ ...toJournalEntry(row), feedSeq: Number(row['feed_seq']) }));
}

/** Those of `orderIds` whose order is, at `at`, one that the filter lets through. Throws BAD_USER_INPUT. */
export async function matchingOrders(
  sql: Sql,
  orderIds: readonly string[],
  filter: OrderFilter,
  at: Date,
): Promise<ReadonlySet<string>> {
  const ids = [...new Set(orderIds)];
  const conditions = conditionsOf('all', filter, at);
  if (ids.length === 0) return new Set();
  const rows = await select(
    sql,
    `select id from orders where ${[`id in (${placeholders(ids)})`, ...conditions.map(([text]) => text)].join(' and ')}`,
    [...ids.map(idToBytes), ...conditions.flatMap(([, ...parameters]) => parameters)],
  );
  return new Set(rows.map((row) => idFromBytes(row['id'] as Buffer)));
}

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
      const rows = await select(
        deps.db.em(),
        'select order_id, customer_id, feed_seq from order_event where feed_seq > ? order by feed_seq limit ?',
        [reading.position, feedBatch],
      );
      const woken = new Set(
        rows.flatMap((row) => [
          channelOf({ orderId: idFromBytes(row['order_id'] as Buffer) }),
          channelOf({ customerId: idFromBytes(row['customer_id'] as Buffer) }),
        ]),
      );
      if (rows.length > 0) woken.add('all');
      reading.position = Number(rows.at(-1)?.['feed_seq'] ?? reading.position);
      for (const channel of woken) listeners.emit(channel);
      if (rows.length < feedBatch) return;
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
