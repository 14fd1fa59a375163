import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { anonymous } from '../../../subgraphs/shared/auth/viewer.ts';
import { write } from '../../../subgraphs/shared/database/database.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { adjustStock } from '../../../subgraphs/product/commands/adjust-stock.ts';
import { reserveStock } from '../../../subgraphs/product/commands/reserve-stock.ts';
import { type ProductWorld, answerOf, openProductWorld, userViewer } from './product-world.ts';
import { asker } from '../../support/asker.ts';

let world: ProductWorld;
beforeAll(async () => {
  world = await openProductWorld();
});
afterAll(() => world.close());

const staff = userViewer('OPERATOR');
const query =
  'subscription S($ids: [ID!]!) { stockChanged(productIds: $ids) { available at product { id name stock { onHand allocated version } } } }';
const watch = async (ids: string[]) =>
  world.subgraph.subscribe({ query, variables: { ids }, headers: await world.headers(anonymous) });
const hold = (productId: string, quantity: number) =>
  reserveStock(world.subgraph.deps, {
    sagaId: newId(),
    branch: 'b',
    orderId: newId(),
    lines: [{ productId, quantity }],
    expiresAt: new Date(),
  });
const add = (productId: string, delta: number) =>
  adjustStock(world.subgraph.deps, asker(staff), [{ productId, delta, reason: 'r' }], newId());
const next = async (stream: Awaited<ReturnType<typeof watch>>) => {
  const step = await stream.next();
  return step.done ? null : answerOf(step.value).data?.stockChanged;
};
/** Long enough that a subscription stands and a notice has gone round. */
const settle = () => sleep(150);

test('each change comes with the product and its counters as they are then', async () => {
  const { id, name } = await world.make({ initialOnHand: 10 });
  const stream = await watch([id, newId(), 'nonsense']);
  const first = next(stream);
  await settle();
  await hold(id, 3);
  expect(await first).toMatchObject({
    available: 7,
    product: { id, name, stock: { onHand: 10, allocated: 3, version: 2 } },
  });
  const second = next(stream);
  await add(id, 5);
  expect(await second).toMatchObject({ available: 12, product: { stock: { onHand: 15, allocated: 3, version: 3 } } });
  await stream.return?.();
});

test('a slow reader gets the latest state, not each one before', async () => {
  const { id } = await world.make({ initialOnHand: 10 });
  const stream = await watch([id]);
  await settle();
  for (let turn = 0; turn < 5; turn += 1) await hold(id, 1);
  expect(await next(stream)).toMatchObject({ available: 5, product: { stock: { version: 6 } } });
  const more = stream.next().then(() => 'more');
  expect(await Promise.race([more, sleep(150, 'nothing more')])).toBe('nothing more');
  await stream.return?.();
});

test('changes of other products are silent, and so is a draft of somebody else', async () => {
  const [watched, other, draft] = [await world.make(), await world.make(), await world.make({ status: 'DRAFT' })];
  const stream = await watch([watched.id, draft.id]);
  const first = next(stream);
  await settle();
  await add(other.id, 1);
  await add(draft.id, 1);
  await settle();
  await add(watched.id, 1);
  expect(await first).toMatchObject({ product: { id: watched.id } });
  await stream.return?.();
});

test('a change that many watch is read once for all of them, and so is the beginning', async () => {
  const products = await Promise.all(Array.from({ length: 3 }, () => world.make({ initialOnHand: 10 })));
  const ids = products.map(({ id }) => id);
  const streams: Awaited<ReturnType<typeof watch>>[] = [];
  const firsts: Promise<unknown>[] = [];
  const beginning = await world.statements(async () => {
    for (let nth = 0; nth < 100; nth += 1) streams.push(await watch(ids));
    firsts.push(...streams.map(next));
    await settle();
  });
  // A few batches of 20 ms; each subscription by itself would read twice.
  expect(beginning.length).toBeLessThan(30);
  const statements = await world.statements(async () => {
    await add(String(ids[0]), 1);
    await Promise.all(firsts);
  });
  expect(await Promise.all(firsts)).toEqual(
    streams.map(() => expect.objectContaining({ available: 11, product: expect.objectContaining({ id: ids[0] }) })),
  );
  expect(statements.filter((text) => /from stock where product_id in/.test(text)).length).toBeLessThanOrEqual(3);
  expect(statements.filter((text) => /from product p where p.id in/.test(text)).length).toBeLessThanOrEqual(3);
  for (const stream of streams) await stream.return?.();
});

test('a change without a notice is found by the poll', async () => {
  const { id } = await world.make({ initialOnHand: 10 });
  const stream = await watch([id]);
  const first = next(stream);
  await settle();
  await write(world.sql(), 'update stock set on_hand = 4, version = version + 1 where product_id = ?', [idToBytes(id)]);
  expect(await first).toMatchObject({ available: 4 });
  await stream.return?.();
}, 10_000);

test('no ids, and more than 50, are BAD_USER_INPUT', async () => {
  for (const ids of [[], Array.from({ length: 51 }, () => newId())]) {
    const stream = await watch(ids);
    const { value } = await stream.next();
    expect(answerOf(value).errors[0]?.code).toBe('BAD_USER_INPUT');
  }
});
