import { write } from '../../../subgraphs/shared/database/database.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ExecutionResult } from 'graphql';
import type { Viewer } from '../../../subgraphs/shared/auth/viewer.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { openFeedWatch } from '../../../subgraphs/order/feed.ts';
import { feedHead, numberFeed, readFeed } from '../../../subgraphs/order/feed-store.ts';
import { type OrderWorld, cancelMutation, openOrderWorld, service, userViewer } from './order-world.ts';
import { until } from '../../support/until.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld();
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

type Told = {
  readonly seq: number;
  readonly order: { readonly id: string; readonly state: string };
  readonly event: { readonly seq: number; readonly type: string };
};
const staff = userViewer('OPERATOR');
const fields = '{ seq order { id state } event { seq type } }';
const mine = (viewer: Viewer, after?: number) => world.subscribe(viewer, `subscription ($after: SafeInt) { feed: myOrders(afterSeq: $after) ${fields} }`, { after }); // prettier-ignore
const all = (viewer: Viewer, filter?: object, after?: number) => world.subscribe(viewer, `subscription ($filter: OrderFilter, $after: SafeInt) { feed: allOrders(filter: $filter, afterSeq: $after) ${fields} }`, { filter, after }); // prettier-ignore
const remark = (viewer: Viewer, id: string, text: string) =>
  world.run(viewer, 'mutation ($id: ID!, $remark: String!) { updateOrderRemark(id: $id, remark: $remark) { replayed } }', { id, remark: text }); // prettier-ignore

async function take(events: AsyncIterableIterator<ExecutionResult>, count: number): Promise<Told[]> {
  const told: Told[] = [];
  while (told.length < count) {
    const { value, done } = await events.next();
    const result = value as ExecutionResult<{ feed: Told }> | undefined;
    if (done || !result?.data) throw new Error(JSON.stringify(result));
    told.push(result.data.feed);
  }
  return told;
}
const codeOf = async (events: AsyncIterableIterator<ExecutionResult>) => {
  const { value } = await events.next();
  await events.return?.();
  return (value as ExecutionResult).errors?.[0]?.extensions['code'];
};

describe('the feed of all journals', () => {
  test('numbers every committed entry once and without a gap, each order by its own seq, however many number at once', async () => {
    const buyer = userViewer();
    const orders = await Promise.all(Array.from({ length: 6 }, () => world.place(buyer)));
    const head = await feedHead(world.deps.db);
    await Promise.all([
      ...orders.flatMap(({ id }) => Array.from({ length: 5 }, (_, index) => remark(buyer, id, String(index)))),
      ...Array.from({ length: 20 }, () => numberFeed(world.deps.db)),
    ]);
    await numberFeed(world.deps.db);
    const entries = await readFeed(world.deps.db.em(), { customerId: null, afterSeq: head, limit: 1_000 });
    const written = await world.rows('select count(*) as count from order_event where seq > 2');
    expect(entries).toHaveLength(Number(written[0]?.['count']));
    expect(entries.map((entry) => entry.feedSeq)).toEqual(entries.map((_, index) => head + 1 + index));
    for (const { id } of orders) {
      const own = entries.filter((entry) => entry.orderId === id).map((entry) => entry.seq);
      expect(own).toEqual(own.map((_, index) => index + 3));
    }
  });

  test('keeps the seq of an order although a process with a slow clock wrote the later entry', async () => {
    const buyer = userViewer();
    const { id } = await world.place(buyer);
    world.clockOffsetMs = -600_000;
    await remark(buyer, id, 'earlier by the clock');
    world.clockOffsetMs = 0;
    const head = (await feedHead(world.deps.db)) - 3;
    const entries = await readFeed(world.deps.db.em(), { customerId: buyer.userId, afterSeq: head, limit: 10 });
    expect(entries.map((entry) => entry.seq)).toEqual([1, 2, 3]);
  });
});

describe('myOrders', () => {
  test("gives the history of all the customer's orders, then what happens, and continues after the last seq", async () => {
    const [buyer, other] = [userViewer(), userViewer()];
    const first = await world.place(buyer);
    await world.place(other);
    const events = await mine(buyer, 0);
    const history = await take(events, 2);
    expect(history.map(({ order, event }) => [order.id, event.type])).toEqual([[first.id, 'OrderPlaced'], [first.id, 'StockReserved']]); // prettier-ignore
    const waiting = take(events, 3);
    const second = await world.place(buyer);
    await world.run(buyer, cancelMutation, { id: first.id, key: newId() });
    await world.place(other);
    const live = await waiting;
    expect(live.map(({ order, event }) => [order.id, event.seq])).toEqual([[second.id, 1], [second.id, 2], [first.id, 3]]); // prettier-ignore
    await events.return?.();

    const later = await mine(buyer, live[0]?.seq);
    expect(await take(later, 2)).toEqual([live[1], live[2]].map((one) => ({ ...one, order: { id: one?.order.id, state: one?.order.id === first.id ? 'CANCELLED' : 'PENDING_PAYMENT' } }))); // prettier-ignore
    await later.return?.();
  });

  test('without afterSeq gives only what is new', async () => {
    const buyer = userViewer();
    const { id } = await world.place(buyer);
    const events = await mine(buyer);
    let first: Told | undefined;
    const waiting = take(events, 1).then(([one]) => (first = one));
    // What happens before the stream has begun is not new to it.
    await until(
      async () => {
        await remark(buyer, id, newId());
        return first !== undefined;
      },
      { what: 'the first event' },
    );
    await waiting;
    expect(first).toMatchObject({ order: { id }, event: { type: 'RemarkChanged' } });
    expect(first?.event.seq).toBeGreaterThanOrEqual(3);
    await events.return?.();
  });

  test('gives a long history in parts, whole and in order', async () => {
    const buyer = userViewer();
    const { id } = await world.place(buyer);
    for (let count = 0; count < 120; count += 1) await remark(buyer, id, String(count));
    const events = await mine(buyer, 0);
    expect((await take(events, 122)).map(({ event }) => event.seq)).toEqual(Array.from({ length: 122 }, (_, index) => index + 1)); // prettier-ignore
    await events.return?.();
  });

  test('goes on without any notice: Redis may lose them all', async () => {
    const buyer = userViewer();
    const { id } = await world.place(buyer);
    const events = await mine(buyer);
    const own = await world.subscribe(buyer, 'subscription ($id: ID!) { feed: orderEvents(orderId: $id) { seq order { id state } event { seq type } } }', { id }); // prettier-ignore
    const waiting = [take(events, 1), take(own, 1)];
    // Both listen and know where they are.
    await new Promise((resolve) => setTimeout(resolve, 100));
    await world.deps.db.transaction(async (tx) => {
      await write(tx, `insert into order_event (order_id, seq, id, type, actor_type, at, trace_id, hash, customer_id)
        select order_id, 3, ?, type, actor_type, at, trace_id, hash, customer_id from order_event where order_id = ? and seq = 2`, [idToBytes(newId()), idToBytes(id)]); // prettier-ignore
    });
    expect(await Promise.all(waiting)).toMatchObject([[{ event: { seq: 3 } }], [{ event: { seq: 3 } }]]);
    await Promise.all([events.return?.(), own.return?.()]);
    await world.rows('delete from order_event where order_id = ? and seq = 3', [idToBytes(id)]);
  });

  test('is for users: nobody and services are refused, as is a negative place', async () => {
    expect(await codeOf(await mine({ kind: 'anonymous' }))).toBe('UNAUTHENTICATED');
    expect(await codeOf(await mine(service('payment')))).toBe('UNAUTHENTICATED');
    expect(await codeOf(await mine(userViewer(), -1))).toBe('BAD_USER_INPUT');
  });
});

describe('the watch over the feed', () => {
  test('begins anew at the end of the feed when nobody listened for a while, even if its last turn ran on', async () => {
    await world.place(userViewer());
    const head = await feedHead(world.deps.db);
    const places: number[] = [];
    let hold: Promise<void> | undefined;
    const { db, live, log } = world.deps;
    const watched: typeof db = {
      ...db,
      em() {
        const em = db.em();
        const rows: typeof em.rows = async (text, parameters) => {
          if (text.includes('`feed_seq` > ?')) places.push(Number(parameters[0]));
          await hold;
          return em.rows(text, parameters);
        };
        return { ...em, rows };
      },
    };
    const watch = openFeedWatch({ db: watched, live, log });
    const stop = watch.listen('all', () => undefined);
    await until(() => places.length > 0);
    let release: (() => void) | undefined;
    hold = new Promise((resolve) => (release = resolve));
    // Its next turn hangs in the database.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    stop();
    hold = undefined;
    release?.();
    await new Promise((resolve) => setTimeout(resolve, 200));
    places.length = 0;
    const stopAgain = watch.listen('all', () => undefined);
    await until(() => places.length > 0);
    expect(Math.min(...places)).toBeGreaterThanOrEqual(head);
    stopAgain();
    await watch.close();
  });
});

describe('allOrders', () => {
  test('gives staff every change of everybody, those that pass the filter now', async () => {
    const events = await all(staff);
    const expired = await all(staff, { state: ['CANCELLED'] });
    const buyer = userViewer();
    const [one, two] = [await world.place(buyer), await world.place(userViewer())];
    await world.run(buyer, cancelMutation, { id: one.id, key: newId() });
    expect((await take(events, 5)).map(({ order, event }) => [order.id, event.seq])).toEqual([[one.id, 1], [one.id, 2], [two.id, 1], [two.id, 2], [one.id, 3]]); // prettier-ignore
    // Of the cancelled order all entries that are sent after its cancellation, of the other none.
    const cancelled = await take(expired, 1);
    expect(cancelled[0]).toMatchObject({ order: { id: one.id, state: 'CANCELLED' } });
    await Promise.all([events.return?.(), expired.return?.()]);
  });

  test('continues after the last seq', async () => {
    const head = await feedHead(world.deps.db);
    const { id } = await world.place(userViewer());
    const events = await all(staff, undefined, head);
    expect(await take(events, 2)).toMatchObject([
      { seq: head + 1, order: { id } },
      { seq: head + 2, order: { id } },
    ]);
    await events.return?.();
  });

  test('a place beyond the last entry, or before the first, is refused there and in myOrders', async () => {
    const buyer = userViewer();
    await world.place(buyer);
    const head = await feedHead(world.deps.db);
    for (const beyond of [head + 1_000, Number.MAX_SAFE_INTEGER, -1]) {
      expect(await codeOf(await all(staff, undefined, beyond))).toBe('BAD_USER_INPUT');
      expect(await codeOf(await mine(buyer, beyond))).toBe('BAD_USER_INPUT');
    }
  });

  test('is for staff, and a filter with too much in it is refused at once', async () => {
    expect(await codeOf(await all(userViewer()))).toBe('FORBIDDEN');
    expect(await codeOf(await all({ kind: 'anonymous' }))).toBe('UNAUTHENTICATED');
    expect(await codeOf(await all(staff, { type: Array.from({ length: 51 }, String) }))).toBe('BAD_USER_INPUT');
  });
});
