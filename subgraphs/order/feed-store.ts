import { sql as raw } from 'kysely';
import { type Database, type Sql, toDate } from '../shared/database/database.ts';
import { change, find, prepare } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { JournalEntry } from './domain/journal.ts';
import { toJournalEntry } from './journal-store.ts';
import { tables } from './records.ts';

/** Entries that one transaction numbers, and that one statement reads. */
export const feedBatch = 500;

/** A journal entry with its place among the entries of all orders. */
export type FeedEntry = JournalEntry & { readonly feedSeq: number };

/**
 * Gives the journal entries that have none a place in the feed, after they were committed: 1, 2, 3 … without a gap, in
 * each order by its own seq. Numbering while an order changes would let all orders wait for each other; and what isn't
 * committed yet can't be passed over this way. Each reader of the feed numbers it first, in whichever process: the row of
 * `journal_feed` lets them go one after the other. Returns how many entries it has numbered.
 */
export async function numberFeed(db: Database): Promise<number> {
  let numbered = 0;
  for (;;) {
    const count = await numberBatch(db);
    numbered += count;
    if (count < feedBatch) return numbered;
  }
}

const unnumbered = prepare<{ limit: number }>()((param) =>
  tables
    .selectFrom('order_event')
    .select(['order_id', 'seq', 'at'])
    .where('feed_seq', 'is', null)
    .orderBy('order_id')
    .orderBy('seq')
    .limit(param.limit),
);
const feed = tables.selectFrom('journal_feed').select('head').where('id', '=', 1);

async function numberBatch(db: Database): Promise<number> {
  // Mostly there is nothing to do, and no caller has to wait to see that.
  if ((await find(db.em(), unnumbered, { limit: 1 })).length === 0) return 0;
  return db.transaction(async (tx) => {
    const [last] = await find(tx, feed.forUpdate());
    const before = Number(last?.head);
    const rows = inTimeOrder(await find(tx, unnumbered, { limit: feedBatch }));
    if (rows.length === 0) return 0;
    const places = rows.map(({ order_id, seq }, index) => raw`select ${order_id} as order_id, ${seq} as seq, ${before + index + 1} as place`); // prettier-ignore
    const numbered = tables
      .updateTable([
        'order_event as entry',
        raw<{ order_id: Buffer; seq: number; place: number }>`(${raw.join(places, raw` union all `)})`.as('placed'),
      ])
      .set((eb) => ({ feed_seq: eb.ref('placed.place') }))
      .whereRef('placed.order_id', '=', 'entry.order_id')
      .whereRef('placed.seq', '=', 'entry.seq');
    await change(tx, numbered, 'any');
    await change(
      tx,
      tables
        .updateTable('journal_feed')
        .set({ head: before + rows.length })
        .where('id', '=', 1),
      'any',
    );
    return rows.length;
  });
}

type Unnumbered = { readonly order_id: Buffer; readonly seq: number; readonly at: string | Date };

/** By time, yet never an entry before an earlier one of its order, whatever the clocks of the processes said. */
function inTimeOrder(rows: readonly Unnumbered[]): Unnumbered[] {
  let order = '';
  let latestMs = 0;
  const timed = rows.map((row) => {
    const id = row.order_id.toString('hex');
    const atMs = toDate(row.at)?.getTime() ?? 0;
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
  const [last] = await find(db.em(), feed);
  return Number(last?.head ?? 0);
}

type Beyond = { afterSeq: number; limit: number };
const entries = tables.selectFrom('order_event').orderBy('feed_seq');
const ofAll = prepare<Beyond>()((param) =>
  entries.selectAll().where('feed_seq', '>', param.afterSeq).limit(param.limit),
); // prettier-ignore
const ofCustomer = prepare<Beyond & { customer: Buffer }>()((param) =>
  entries
    .selectAll()
    .where('customer_id', '=', param.customer)
    .where('feed_seq', '>', param.afterSeq)
    .limit(param.limit),
);

/** Entries after `afterSeq` in the feed, at most `limit`, of one customer or of all. */
export async function readFeed(sql: Sql, options: Beyond & { customerId: string | null }): Promise<FeedEntry[]> {
  const { customerId, ...beyond } = options;
  const rows =
    customerId === null
      ? await find(sql, ofAll, beyond)
      : await find(sql, ofCustomer, { ...beyond, customer: idToBytes(customerId) });
  return rows.map((row) => ({ ...toJournalEntry(row), feedSeq: Number(row.feed_seq) }));
}

const whose = prepare<Beyond>()((param) =>
  entries.select(['order_id', 'customer_id', 'feed_seq']).where('feed_seq', '>', param.afterSeq).limit(param.limit),
);

/** Whose the entries after `afterSeq` are, and their places: what has to be known to wake those that wait for them. */
export async function readFeedOwners(
  sql: Sql,
  beyond: Beyond,
): Promise<{ readonly orderId: string; readonly customerId: string; readonly feedSeq: number }[]> {
  const rows = await find(sql, whose, beyond);
  return rows.map((row) => ({
    orderId: idFromBytes(row.order_id),
    customerId: idFromBytes(row.customer_id),
    feedSeq: Number(row.feed_seq),
  }));
}
