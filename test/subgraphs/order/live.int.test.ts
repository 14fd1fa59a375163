import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ExecutionResult } from 'graphql';
import { type DomainEvent, partitionOf, streamOf } from '../../../subgraphs/shared/tables/outbox.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { type OrderWorld, cancelMutation, openOrderWorld, orderQuery, service, userViewer } from './order-world.ts'; // prettier-ignore
import { until } from '../../support/until.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld({ env: { PAYMENT_WINDOW_SECONDS: '3' } });
});
afterAll(async () => {
  await world.runtime.jobs.stop();
  expect(await world.close()).toEqual([]);
});

const buyer = userViewer();
const staff = userViewer('OPERATOR');
const subscription = 'subscription ($id: ID!, $after: SafeInt) { orderEvents(orderId: $id, afterSeq: $after) { order { state version total { amount } } event { seq type toState data } } }'; // prettier-ignore
const watch = (id: string, after?: number, viewer: Parameters<OrderWorld['subscribe']>[0] = buyer) => world.subscribe(viewer, subscription, { id, after }); // prettier-ignore
const next = async (events: AsyncIterableIterator<ExecutionResult>) => {
  const { value, done } = (await events.next()) as IteratorResult<{ data?: { orderEvents: { order: { state: string }; event: { seq: number; type: string; data: unknown } } }; errors?: { extensions: { code: string } }[] }>; // prettier-ignore
  if (done || !value?.data) throw new Error(JSON.stringify(value));
  return value.data.orderEvents;
};
const remark = (id: string, text: string) =>
  world.run(buyer, 'mutation ($id: ID!, $remark: String!) { updateOrderRemark(id: $id, remark: $remark) { replayed } }', { id, remark: text }); // prettier-ignore

/** For what may take longer than this world's time to pay. */
const postpone = (id: string) =>
  world.rows('update orders set expires_at = ? where id = ?', [new Date(Date.now() + 60_000), idToBytes(id)]);

describe('orderEvents', () => {
  test('[LL-10] gives the history after afterSeq, then what happens, without a gap', async () => {
    const { id } = await world.place(buyer);
    const events = await watch(id, 0);
    expect([(await next(events)).event.type, (await next(events)).event.type]).toEqual(['OrderPlaced', 'StockReserved']); // prettier-ignore
    const waiting = next(events);
    await world.run(buyer, cancelMutation, { id, key: newId() });
    expect(await waiting).toMatchObject({ event: { seq: 3, type: 'OrderCancelled', toState: 'CANCELLED' }, order: { state: 'CANCELLED', version: 3 } }); // prettier-ignore
    await events.return?.();
  });

  test('misses nothing of what happens while it reads', async () => {
    const { id } = await world.place(buyer);
    await postpone(id);
    const events = await watch(id, 2);
    const changing = (async () => {
      for (let count = 0; count < 30; count += 1) await remark(id, String(count));
    })();
    const seqs: number[] = [];
    while (seqs.length < 30) seqs.push((await next(events)).event.seq);
    await changing;
    expect(seqs).toEqual(Array.from({ length: 30 }, (_, index) => index + 3));
    await events.return?.();
  });

  test('without afterSeq gives only what is new, and continues where another one stopped', async () => {
    const { id } = await world.place(buyer);
    const first = await watch(id);
    const waiting = next(first);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await remark(id, 'one');
    const { event } = await waiting;
    expect(event.seq).toBe(3);
    await first.return?.();
    await remark(id, 'two');
    const second = await watch(id, event.seq);
    expect((await next(second)).event).toMatchObject({ seq: 4, data: { remark: 'two' } });
    await second.return?.();
  });

  test.each([3, 50, Number.MAX_SAFE_INTEGER, -1])('afterSeq %d in a journal of two is refused', async (afterSeq) => {
    const { id } = await world.place(buyer);
    const { value } = await (await watch(id, afterSeq)).next();
    expect((value as ExecutionResult).errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  test('return() ends a waiting next() at once', async () => {
    const { id } = await world.place(buyer);
    const events = await watch(id);
    const waiting = events.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const started = performance.now();
    await events.return?.();
    expect((await waiting).done).toBe(true);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test("hides a private note's text from the customer, not its entry", async () => {
    const { id } = await world.place(buyer);
    const [own, staffs] = [await watch(id, 2), await watch(id, 2, staff)];
    await world.run(staff, 'mutation ($id: ID!) { addOrderNote(id: $id, note: "hm") { replayed } }', { id });
    expect((await next(own)).event).toMatchObject({ seq: 3, type: 'NoteAdded', data: null });
    expect((await next(staffs)).event).toMatchObject({ seq: 3, data: { note: 'hm' } });
    await Promise.all([own.return?.(), staffs.return?.()]);
  });

  test('of a foreign, an unknown or no order is NOT_FOUND, for nobody UNAUTHENTICATED', async () => {
    const { id } = await world.place(buyer);
    const codeOf = async (viewer: Parameters<OrderWorld['subscribe']>[0], orderId: string, after = 0) => {
      const events = await watch(orderId, after, viewer);
      const { value } = await events.next();
      await events.return?.();
      return (value as ExecutionResult).errors?.[0]?.extensions['code'];
    };
    expect(await codeOf(userViewer(), id)).toBe('NOT_FOUND');
    expect(await codeOf(buyer, newId())).toBe('NOT_FOUND');
    expect(await codeOf(buyer, 'none')).toBe('NOT_FOUND');
    expect(await codeOf({ kind: 'anonymous' }, id)).toBe('UNAUTHENTICATED');
    expect(await codeOf(buyer, id, -1)).toBe('BAD_USER_INPUT');
    expect(await codeOf(service('payment'), id)).toBeUndefined();
  });
});

describe('with the background work running', () => {
  beforeAll(async () => {
    await world.product.startWorker();
    await world.order.startWorker();
  });
  const publish = (event: DomainEvent) => world.runtime.redis.xAdd(streamOf('payment', partitionOf(event.aggregateId)), '*', { event: JSON.stringify(event) }); // prettier-ignore
  const stateOf = async (id: string) => (await world.run(staff, orderQuery, { id })).data.order.state;

  test('a payment on the stream pays the order, its stock is committed, and a digital one is completed', async () => {
    const stocked = await world.make(2);
    const song = await world.make(0, { kind: 'DIGITAL' });
    const [shirt, digital] = [await world.place(buyer, { lines: [{ productId: stocked, quantity: 1 }] }), await world.place(buyer, { type: 'DIGITAL', lines: [{ productId: song, quantity: 1 }] })]; // prettier-ignore
    const paid = world.succeeded(shirt.id);
    for (const event of [paid, paid, world.succeeded(digital.id), paid]) await publish(event);
    await until(async () => (await stateOf(shirt.id)) === 'PAID');
    await until(async () => (await stateOf(digital.id)) === 'COMPLETED');
    await until(async () => (await world.stock(stocked)).onHand === 1);
    expect(await world.stock(stocked)).toEqual({ onHand: 1, allocated: 0 });
  });

  test('an event that can not be handled goes to the dead letters, and the next one is handled', async () => {
    const { id } = await world.place(buyer);
    await postpone(id);
    const wrong = world.succeeded(id, { currency: 'USD' });
    await publish(wrong);
    await publish(world.succeeded(id));
    await until(async () => (await stateOf(id)) === 'PAID', { timeoutMs: 20_000 });
    expect(await world.rows('select type, attempts, error from dead_letter')).toMatchObject([{ type: 'payment.succeeded', attempts: 5, error: 'payment.succeeded in USD for an order in EUR' }]); // prettier-ignore
  });

  test('[OB-7] staff see the dead letters and replay them: one fails again until its cause is mended, then it is handled once', async () => {
    const { id } = await world.place(buyer);
    await postpone(id);
    await publish(world.succeeded(id, { currency: 'USD' }));
    type Letter = { id: string; aggregateId: string; attempts: number; error: string; replayedAt: string | null };
    const letters = async (viewer = staff, replayed = false): Promise<Letter[]> => {
      const { data, errors } = await world.run(viewer, 'query ($replayed: Boolean) { orderDeadLetters(first: 50, replayed: $replayed) { edges { node { id service type aggregateId attempts error event replayedAt } } } }', { replayed }); // prettier-ignore
      if (errors.length > 0) throw new Error(errors[0]?.code);
      return data.orderDeadLetters.edges.map(({ node }: { node: Letter }) => node);
    };
    const replay = async (letterId: string, viewer = staff) =>
      (await world.run(viewer, 'mutation ($id: ID!) { replayOrderDeadLetter(id: $id) { deadLetter { attempts error replayedAt } userErrors { ... on ReplayFailedError { code message } ... on NotFoundError { code } } } }', { id: letterId })); // prettier-ignore
    await until(async () => (await letters()).some((letter) => letter.aggregateId === id), { timeoutMs: 8_000 });
    const letter = (await letters()).find((one) => one.aggregateId === id) as Letter;
    expect(letter).toMatchObject({ service: 'order', type: 'payment.succeeded', attempts: 5, replayedAt: null, event: { data: { currency: 'USD' } } }); // prettier-ignore

    const again = (await replay(letter.id)).data.replayOrderDeadLetter;
    expect(again.deadLetter).toMatchObject({ attempts: 6, replayedAt: null });
    expect(again.userErrors).toEqual([{ code: 'REPLAY_FAILED', message: expect.stringContaining('in USD for an order in EUR') }]); // prettier-ignore
    await world.rows("update orders set currency = 'USD' where id = ?", [idToBytes(id)]);
    const both = await Promise.all([replay(letter.id), replay(letter.id)]);
    for (const { data } of both) {
      expect(data.replayOrderDeadLetter.userErrors).toEqual([]);
      expect(data.replayOrderDeadLetter.deadLetter.replayedAt).not.toBeNull();
    }
    expect(await stateOf(id)).toBe('PAID');
    expect(await world.rows("select count(*) as count from order_event where order_id = ? and type = 'OrderPaid'", [idToBytes(id)])).toMatchObject([{ count: 1 }]); // prettier-ignore
    expect((await letters()).map((one) => one.id)).not.toContain(letter.id);
    expect((await letters(staff, true)).map((one) => one.id)).toContain(letter.id);

    expect((await replay(newId())).data.replayOrderDeadLetter).toEqual({ deadLetter: null, userErrors: [{ code: 'NOT_FOUND' }] }); // prettier-ignore
    expect((await replay(letter.id, buyer)).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    await expect(letters(buyer)).rejects.toThrow('FORBIDDEN');
  });

  test('[LL-8] an unpaid order expires by itself within two seconds of its deadline, and its stock comes back', async () => {
    const productId = await world.make(1);
    const { id } = await world.place(buyer, { lines: [{ productId, quantity: 1 }] });
    await until(async () => (await world.stock(productId)).allocated === 0, { timeoutMs: 8_000 });
    const [order] = await world.rows('select state, cancel_reason, timestampdiff(microsecond, expires_at, closed_at) late from orders where id = unhex(?)', [id.replaceAll('-', '')]); // prettier-ignore
    expect(order).toMatchObject({ state: 'EXPIRED', cancel_reason: 'PAYMENT_TIMEOUT' });
    expect(Number(order?.['late'])).toBeGreaterThanOrEqual(0);
    expect(Number(order?.['late'])).toBeLessThan(2_500_000);
  });

  test('jobs that wait are shown to staff', async () => {
    const { data } = await world.run(staff, '{ delayedJobs { id name state dueAt attempts lagSeconds } }');
    expect(data.delayedJobs.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(['order.feed', 'order.purge'])); // prettier-ignore
  });
});
