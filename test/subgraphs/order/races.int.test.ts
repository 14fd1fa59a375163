import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { idFromBytes, idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { expireOrders } from '../../../subgraphs/order/commands/expire-orders.ts';
import { addDays, datesBetween } from '../../../subgraphs/shared/values/local-date.ts';
import { until } from '../../support/until.ts';
import { recoverSagas } from '../../../subgraphs/order/saga.ts';
import { type OrderWorld, cancelMutation, openOrderWorld, placeMutation, userViewer } from './order-world.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld();
});
afterEach(() => {
  world.clockOffsetMs = 0;
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const buyer = userViewer();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** Sets the deadline of orders, in ms from now. */
const setDeadline = (ids: readonly string[], ms: number) =>
  world.rows(`update orders set expires_at = ? where id in (${ids.map(() => '?').join(', ')})`, [new Date(Date.now() + ms), ...ids.map(idToBytes)]); // prettier-ignore

const inTens = (ids: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(ids.length / 10) }, (_, index) => ids.slice(index * 10, index * 10 + 10));

/** Many payable orders of one product, placed through the API. */
async function placeMany(count: number, deadlineMs: number): Promise<string[]> {
  const productId = await world.make(count);
  const ids: string[] = [];
  for (let left = count; left > 0; left -= 25)
    ids.push(...(await Promise.all(Array.from({ length: Math.min(25, left) }, () => world.place(buyer, { lines: [{ productId, quantity: 1 }] })))).map(({ id }) => id)); // prettier-ignore
  await setDeadline(ids, deadlineMs);
  return ids;
}
const statesOf = async (ids: readonly string[]) =>
  new Map(
    (await world.rows(`select id, state, paid_minor, refunded_minor from orders where id in (${ids.map(() => '?').join(', ')})`, ids.map(idToBytes))) // prettier-ignore
      .map((row) => [idFromBytes(row['id'] as Buffer), row]),
  );

describe('an order that is paid while it is closed', () => {
  test('by its customer: in 100 interleavings it is cancelled, and its money goes back whichever was first', async () => {
    const ids = await placeMany(100, 600_000);
    await world.deliver();
    for (const ten of inTens(ids))
      await Promise.all(
        ten.flatMap((id) => [
          pause(Math.random() * 20).then(() => world.paymentEvent(world.succeeded(id))),
          pause(Math.random() * 10).then(() => world.run(buyer, cancelMutation, { id, key: newId() })),
        ]),
      );
    const states = await statesOf(ids);
    const events = await world.deliver();
    const ways = new Set<string>();
    for (const id of ids) {
      expect(states.get(id)).toMatchObject({ state: 'CANCELLED', paid_minor: 1_290 });
      ways.add(events.filter(({ aggregateId }) => aggregateId === id).map(({ type }) => type).join(' ')); // prettier-ignore
    }
    // Payment gives back what an order that was closed has, and what came too late for it.
    expect(ways).toEqual(new Set(['order.paid order.closed', 'order.closed order.payment_refused']));
  });

  test('by its deadline: in 100 interleavings never both, and the money of a closed one is told to go back', async () => {
    const ids = await placeMany(100, 600_000);
    await world.deliver();
    const paidAt = new Date(Date.now() - 1_000).toISOString();
    for (const ten of inTens(ids)) {
      await setDeadline(ten, -10);
      const expire = pause(Math.random() * 15).then(() => expireOrders(world.deps));
      await Promise.all([
        expire,
        ...ten.map((id) => pause(Math.random() * 20).then(() => world.paymentEvent(world.succeeded(id, { paidAt })))),
      ]);
    }
    await expectNeverBoth(ids, 'EXPIRED');
  });

  async function expectNeverBoth(ids: readonly string[], closed: string): Promise<void> {
    const states = await statesOf(ids);
    const events = await world.deliver();
    const sorts = new Set<unknown>();
    for (const id of ids) {
      const state = states.get(id)?.['state'];
      sorts.add(state);
      const told = events.filter(({ aggregateId }) => aggregateId === id).map(({ type }) => type);
      if (state === 'PAID') expect(told).toEqual(['order.paid']);
      else expect([state, told]).toEqual([closed, ['order.closed', 'order.payment_refused']]);
      expect(Number(states.get(id)?.['paid_minor'])).toBe(1_290);
    }
    // Otherwise nothing raced.
    expect(sorts).toEqual(new Set(['PAID', closed]));
  }
});

describe('expiry', () => {
  test('of 500 orders by three workers at once: each once, within a second, and the stock comes back', async () => {
    const ids = await placeMany(100, 600_000);
    await world.deliver();
    const [productRow] = await world.rows('select product_id from order_line where order_id = ?', [idToBytes(ids[0] ?? '')]); // prettier-ignore
    // Copies, so that not every one has to be placed by hand; they have neither lines nor a journal so far.
    for (let copy = 0; copy < 4; copy += 1)
      await world.rows(
        `insert into orders (id, number, type, customer_id, state, payment_status, fulfilment_status, version, seq, last_hash, currency, subtotal_minor, total_minor, input_hash, trace_id, placed_at, expires_at, updated_at)
         select unhex(replace(uuid(), '-', '')), concat(number, ?), type, customer_id, state, payment_status, fulfilment_status, version, 0, repeat(char(0), 32), currency, subtotal_minor, total_minor, input_hash, trace_id, placed_at, expires_at, updated_at
         from orders where state = 'PENDING_PAYMENT' and seq = 2`,
        [String(copy)],
      );
    await world.rows("update orders set expires_at = ? where state = 'PENDING_PAYMENT'", [
      new Date(Date.now() - 1_000),
    ]);
    const started = performance.now();
    const expired = await Promise.all([expireOrders(world.deps), expireOrders(world.deps), expireOrders(world.deps)]);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(expired.reduce((sum, one) => sum + one, 0)).toBe(500);
    expect(await world.rows("select count(*) n from orders where state = 'PENDING_PAYMENT'")).toEqual([{ n: 0 }]);
    const [once] = await world.rows(
      "select count(*) n, count(distinct e.order_id) orders from order_event e join orders o on o.id = e.order_id where e.type = 'OrderExpired' and o.paid_minor = 0",
    );
    expect([Number(once?.['n']), Number(once?.['orders'])]).toEqual([500, 500]);
    await world.deliver();
    const [stock] = await world.productRows('select on_hand, allocated from stock where product_id = ?', [productRow?.['product_id']]); // prettier-ignore
    expect(stock).toEqual({ on_hand: 100, allocated: 0 });
    // The copies' journals begin in the middle of a life.
    await world.rows('delete from order_event where order_id in (select id from orders where seq = 1)');
    await world.rows('delete from orders where seq = 1');
  });

  test('takes six statements for a batch, and leaves an order alone that is not due', async () => {
    const ids = await placeMany(20, 600_000);
    const [kept] = ids;
    await setDeadline(ids.slice(1), -1);
    const { order } = await world.statements(() => expireOrders(world.deps));
    expect(order).toHaveLength(6);
    expect((await statesOf([kept ?? ''])).get(kept ?? '')?.['state']).toBe('PENDING_PAYMENT');
  });

  test('tells how late it was', async () => {
    const { id } = await world.place(buyer);
    await setDeadline([id], -1_500);
    const sum = async () => (await world.deps.metrics.expiryLateness.get()).values.find(({ metricName }) => metricName?.endsWith('_sum'))?.value ?? 0; // prettier-ignore
    const before = await sum();
    await expireOrders(world.deps);
    // A sum of floats: the metric itself is exact to the millisecond.
    expect((await sum()) - before).toBeGreaterThan(1.499);
    expect((await sum()) - before).toBeLessThan(3);
  });
});

describe('300 guests at once for the same 30 nights of 5 rooms', () => {
  const guests = Array.from({ length: 300 }, () => userViewer());
  const first = addDays(new Date().toISOString().slice(0, 10), 30);
  const last = addDays(first, 30);
  type Stay = { readonly from: string; readonly to: string };

  /** Each guest asks for a room; which of the stays are held in the end. */
  async function book(wanted: readonly Stay[]): Promise<{ productId: string; held: boolean[] }> {
    const productId = await world.make(0, { kind: 'BOOKABLE', capacity: 5, maxGuests: 2 });
    const answers = await Promise.all(
      guests.map((guest, index) => {
        const { from: stayFrom, to: stayTo } = wanted[index % wanted.length] as Stay;
        const input = { type: 'BOOKING', currency: 'EUR', lines: [{ productId, quantity: 1, stayFrom, stayTo, guests: 1 }] }; // prettier-ignore
        return world.run(guest, placeMutation, { input, key: newId() });
      }),
    );
    // Neither a deadlock nor a wait that was given up is a client's to hear of.
    expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
    // What a busy machine did not do in time the job does.
    await until(async () => {
      await recoverSagas(world.deps);
      return (await world.rows("select 1 from orders where state = 'PLACING'")).length === 0;
    }, { timeoutMs: 60_000, everyMs: 200 }); // prettier-ignore
    const codes = new Set(answers.flatMap(({ data }) => data.placeOrder.userErrors.map(({ code }: { code: string }) => code))); // prettier-ignore
    expect([...codes].filter((code) => code !== 'INSUFFICIENT_STOCK')).toEqual([]);
    const states = await statesOf(answers.map(({ data }) => data.placeOrder.order.id));
    const held = answers.map(({ data }) => states.get(data.placeOrder.order.id)?.['state'] === 'PENDING_PAYMENT');
    return { productId, held };
  }
  const nightsOf = async (productId: string): Promise<Map<string, number>> =>
    new Map(
      (
        await world.productRows('select night, on_hand, allocated from night where product_id = ?', [
          idToBytes(productId),
        ])
      ).map((row) => {
        // prettier-ignore
        expect(row['on_hand']).toBe(5);
        return [String(row['night']), Number(row['allocated'])];
      }),
    );

  test('for all of them: five get a room, and every night is full', async () => {
    const { productId, held } = await book([{ from: first, to: last }]);
    expect(held.filter(Boolean)).toHaveLength(5);
    expect([...(await nightsOf(productId))]).toEqual(datesBetween(first, last).map((night) => [night, 5]));
  }, 90_000);

  test('for some of them: no night has more than five, and nobody was refused whose nights are still free', async () => {
    const wanted = guests.map((_, index): Stay => {
      const from = addDays(first, (index * 7) % 26);
      return { from, to: addDays(from, Math.min(1 + (index % 9), 30 - ((index * 7) % 26))) };
    });
    const { productId, held } = await book(wanted);
    const booked = new Map<string, number>();
    for (const [index, { from, to }] of wanted.entries())
      if (held[index]) for (const night of datesBetween(from, to)) booked.set(night, (booked.get(night) ?? 0) + 1);
    expect(Math.max(...booked.values())).toBe(5);
    for (const [night, allocated] of await nightsOf(productId)) expect(allocated).toBe(booked.get(night) ?? 0);
    for (const [index, { from, to }] of wanted.entries())
      if (!held[index]) expect(datesBetween(from, to).some((night) => booked.get(night) === 5)).toBe(true);
  }, 90_000);
});
