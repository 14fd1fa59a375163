import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEventConsumer } from '../../../subgraphs/shared/events/event-consumer.ts';
import { handleOnce } from '../../../subgraphs/shared/events/handle-events.ts';
import { type DomainEvent, partitionOf, streamOf } from '../../../subgraphs/shared/tables/outbox.ts';
import { select } from '../../../subgraphs/shared/database/database.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { releaseStock } from '../../../subgraphs/product/commands/release-stock.ts';
import { reserveStock } from '../../../subgraphs/product/commands/reserve-stock.ts';
import { eventHandlers, sources } from '../../../subgraphs/product/events.ts';
import { type ProductWorld, openProductWorld } from './product-world.ts';

let world: ProductWorld;
beforeAll(async () => {
  world = await openProductWorld();
});
afterAll(() => world.close());

const order = () => ({ sagaId: newId(), branch: 'reserve', orderId: newId() });
const reserve = (of: ReturnType<typeof order>, ...lines: [string, number][]) =>
  reserveStock(world.subgraph.deps, {
    ...of,
    lines: lines.map(([productId, quantity]) => ({ productId, quantity })),
    expiresAt: new Date(),
  });
const event = (type: string, orderId: string, data: Record<string, unknown> = {}): DomainEvent => ({
  id: newId(), type, aggregateId: orderId, traceId: '0'.repeat(32), at: new Date().toISOString(), data: { orderId, ...data },
}); // prettier-ignore
const handle = (happened: DomainEvent) => {
  const { handlers, onHandled } = eventHandlers(world.subgraph.deps);
  return handleOnce(world.subgraph.deps.db, happened, handlers[happened.type]!).then((fresh) => {
    if (fresh) onHandled(happened);
    return fresh;
  });
};
const paid = (orderId: string) => event('order.paid', orderId);
const closed = (orderId: string, state = 'CANCELLED') => event('order.closed', orderId, { state });
const soldOf = async (productId: string) =>
  Number((await select(world.sql(), 'select sold from product where id = ?', [idToBytes(productId)]))[0]?.['sold']);
const ledgerOf = async (productId: string) =>
  (
    await select(world.sql(), 'select type from stock_movement where product_id = ? order by seq', [
      idToBytes(productId),
    ])
  ).map((row) => row['type']);
const stateOf = async (orderId: string) =>
  (
    await select(world.sql(), 'select distinct state from stock_reservation where order_id = ?', [idToBytes(orderId)])
  ).map((row) => row['state']);

describe('order.paid', () => {
  test('commits what the order holds: the units leave the stock and count as sold', async () => {
    const [first, second, digital] = [
      await world.make({ initialOnHand: 5 }),
      await world.make({ initialOnHand: 5 }),
      await world.make({ kind: 'DIGITAL' }),
    ];
    const of = order();
    await reserve(of, [first.id, 2], [second.id, 1], [digital.id, 4]);
    await handle(paid(of.orderId));
    expect(await world.stock(first.id)).toEqual({ onHand: 3, allocated: 0, version: 3, movements: 3, held: 0 });
    expect(await world.stock(second.id)).toMatchObject({ onHand: 4, allocated: 0 });
    expect([await soldOf(first.id), await soldOf(digital.id)]).toEqual([2, 4]);
    expect(await stateOf(of.orderId)).toEqual(['COMMITTED']);
  });

  test('twice, as the same or another event, commits once', async () => {
    const { id } = await world.make({ initialOnHand: 5 });
    const of = order();
    await reserve(of, [id, 2]);
    const first = paid(of.orderId);
    expect([await handle(first), await handle(first), await handle(paid(of.orderId))]).toEqual([true, false, true]);
    expect(await world.stock(id)).toMatchObject({ onHand: 3, allocated: 0, version: 3 });
    expect(await soldOf(id)).toBe(2);
  });

  test('before there is a reservation does nothing', async () => {
    expect(await handle(paid(newId()))).toBe(true);
  });

  test('what is committed stays so, however it is released or closed unpaid', async () => {
    const { id } = await world.make({ initialOnHand: 5 });
    const of = order();
    await reserve(of, [id, 2]);
    await handle(paid(of.orderId));
    for (const state of ['EXPIRED', 'FAILED']) await handle(closed(of.orderId, state));
    await releaseStock(world.subgraph.deps, { ...of, reason: 'late' });
    expect(await world.stock(id)).toMatchObject({ onHand: 3, allocated: 0, version: 3 });
    expect(await stateOf(of.orderId)).toEqual(['COMMITTED']);
  });
});

describe('order.closed', () => {
  test.each([
    ['CANCELLED', 'RELEASE', 'RELEASED'],
    ['FAILED', 'RELEASE', 'RELEASED'],
    ['EXPIRED', 'EXPIRE', 'EXPIRED'],
  ])('%s gives the units back as %s', async (state, movement, reservation) => {
    const { id } = await world.make({ initialOnHand: 5 });
    const of = order();
    await reserve(of, [id, 2]);
    await handle(closed(of.orderId, state));
    await handle(closed(of.orderId, state));
    await handle(paid(of.orderId));
    expect(await world.stock(id)).toEqual({ onHand: 5, allocated: 0, version: 3, movements: 3, held: 0 });
    expect(await ledgerOf(id)).toEqual(['RECEIVE', 'HOLD', movement]);
    expect(await stateOf(of.orderId)).toEqual([reservation]);
    expect(await soldOf(id)).toBe(0);
  });

  test.each(['CANCELLED', 'REFUNDED'])('%s of a paid order gives back what was sold, once, whichever is heard of first', async (state) => {
    const { id } = await world.make({ initialOnHand: 5 });
    const [one, other] = [order(), order()];
    await reserve(one, [id, 2]);
    await handle(paid(one.orderId));
    for (let times = 0; times < 2; times += 1) await handle(closed(one.orderId, state));
    expect(await world.stock(id)).toEqual({ onHand: 5, allocated: 0, version: 4, movements: 4, held: 0 });
    expect(await ledgerOf(id)).toEqual(['RECEIVE', 'HOLD', 'COMMIT', 'RETURN']);
    expect(await stateOf(one.orderId)).toEqual(['RELEASED']);
    await reserve(other, [id, 2]);
    await handle(closed(other.orderId, state));
    await handle(paid(other.orderId));
    expect(await world.stock(id)).toMatchObject({ onHand: 5, allocated: 0 });
  }); // prettier-ignore

  test('before the reservation: the late reservation is refused, and holds nothing', async () => {
    const { id } = await world.make({ initialOnHand: 5 });
    const of = order();
    await handle(closed(of.orderId));
    await expect(reserve(of, [id, 1])).rejects.toMatchObject({ extensions: { code: 'BRANCH_COMPENSATED' } });
    await expect(reserve({ ...of, sagaId: newId() }, [id, 1])).rejects.toMatchObject({
      extensions: { code: 'BRANCH_COMPENSATED' },
    });
    expect(await world.stock(id)).toMatchObject({ allocated: 0, version: 1 });
  });

  test('at the same time as the reservation and its compensation never leaves anything held', async () => {
    const { id } = await world.make({ initialOnHand: 1_000 });
    const orders = Array.from({ length: 30 }, order);
    await Promise.all(
      orders.flatMap((of, index) => [
        reserve(of, [id, 1]).catch((error: Error) =>
          expect(error).toMatchObject({ extensions: { code: 'BRANCH_COMPENSATED' } }),
        ),
        handle(closed(of.orderId, 'EXPIRED')),
        index % 2 === 0
          ? releaseStock(world.subgraph.deps, { ...of, reason: 'race' })
          : handle(closed(of.orderId, 'EXPIRED')),
      ]),
    );
    expect(await world.stock(id)).toMatchObject({ onHand: 1_000, allocated: 0, held: 0 });
  });
});

test('payments and closings of many orders of the same products at once keep counters and ledger together', async () => {
  const products = await Promise.all(Array.from({ length: 3 }, () => world.make({ initialOnHand: 100 })));
  await Promise.all(
    Array.from({ length: 30 }, async (_, index) => {
      const of = order();
      const lines = products.map((product): [string, number] => [product.id, 1]);
      await reserve(of, ...(index % 2 === 0 ? lines : lines.toReversed()));
      await handle(index % 3 === 0 ? closed(of.orderId) : paid(of.orderId));
    }),
  );
  for (const { id } of products) {
    expect(await world.stock(id)).toEqual({ onHand: 80, allocated: 0, version: 61, movements: 61, held: 0 });
    expect(await soldOf(id)).toBe(20);
  }
});

test('the events come from the order service’s streams, and listeners are told after the commit', async () => {
  const { deps } = world.subgraph;
  const consumer = startEventConsumer({
    service: 'product',
    sources,
    ...eventHandlers(deps),
    ...deps,
    ...world.runtime,
  });
  const { id } = await world.make({ initialOnHand: 5 });
  const of = order();
  let notices = 0;
  const end = world.runtime.live.listen(`stock:${id}`, () => {
    notices += 1;
  });
  await reserve(of, [id, 2]);
  const happened = paid(of.orderId);
  for (const _ of ['published', 'and again']) {
    await world.runtime.redis.xAdd(streamOf('order', partitionOf(of.orderId)), '*', {
      event: JSON.stringify(happened),
    });
  }
  for (let tries = 0; tries < 100 && notices < 2; tries += 1) await sleep(50);
  await sleep(100);
  await consumer.stop();
  end();
  // One of the reservation, one of the payment, none of the repetition.
  expect(notices).toBe(2);
  expect(await world.stock(id)).toMatchObject({ onHand: 3, allocated: 0, version: 3 });
});
