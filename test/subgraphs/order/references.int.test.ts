import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { write } from '../../../subgraphs/shared/database/database.ts';
import { hashOf } from '../../../subgraphs/shared/tables/idempotency.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { type Answer, type OrderWorld, openOrderWorld, placeMutation, userViewer } from './order-world.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld();
}, 60_000);
afterAll(async () => {
  expect(await world?.close()).toEqual([]);
}, 30_000);

const place = async (viewer: ReturnType<typeof userViewer>, productId: string, change: Record<string, unknown>, key: string = newId()): Promise<Answer['data']> => {
  const { quantity = 1, ...input } = change;
  const answer = await world.run(viewer, placeMutation, { input: { currency: 'EUR', lines: [{ productId, quantity }], ...input }, key });
  return answer.data.placeOrder;
}; // prettier-ignore
const restock = (productId: string) =>
  world.productRows('update stock set on_hand = 50 where product_id = unhex(?)', [productId.replaceAll('-', '')]);

test('an order that failed for want of stock leaves its reference to the next one, with the same or other lines', async () => {
  const viewer = userViewer();
  const productId = await world.make(0);
  const key = newId();
  const failed = await place(viewer, productId, { clientReference: 'basket' }, key);
  expect(failed).toMatchObject({ order: { state: 'FAILED' }, userErrors: [{ code: 'INSUFFICIENT_STOCK' }] });
  await restock(productId);
  const again = await place(viewer, productId, { clientReference: 'basket', quantity: 2 });
  expect(again).toMatchObject({ replayed: false, userErrors: [], order: { state: 'PENDING_PAYMENT' } });
  expect(again.order.id).not.toBe(failed.order.id);
  // The key's own answer stays what it was.
  expect(await place(viewer, productId, { clientReference: 'basket' }, key)).toMatchObject({ replayed: true, order: { id: failed.order.id } }); // prettier-ignore
  expect(await place(viewer, productId, { clientReference: 'basket', quantity: 2 })).toMatchObject({ replayed: true, order: { id: again.order.id } }); // prettier-ignore
});

test('and so as often as it takes: no number that is derived from the reference stands in the way', async () => {
  const viewer = userViewer();
  const productId = await world.make(0);
  const ids = new Set<string>();
  for (let tries = 0; tries < 8; tries += 1) {
    const { order } = await place(viewer, productId, { clientReference: 'eight' });
    expect(order.state).toBe('FAILED');
    ids.add(order.id);
  }
  expect(ids.size).toBe(8);
  await restock(productId);
  expect((await place(viewer, productId, { clientReference: 'eight' })).order.state).toBe('PENDING_PAYMENT');
});

test('other content under the reference of an order is a conflict that names the reference', async () => {
  const viewer = userViewer();
  const productId = await world.make(5);
  const { order } = await place(viewer, productId, { clientReference: 'mine' });
  const [conflict] = (await place(viewer, productId, { clientReference: 'mine', quantity: 2 })).userErrors;
  expect(conflict).toMatchObject({ __typename: 'IdempotencyConflictError', retryable: false, path: ['input', 'clientReference'], message: expect.stringContaining(order.number) }); // prettier-ignore
  expect(conflict.message).not.toContain('idempotency key');
});

test('another total or unit price that is expected by then is the same order: its client lost the answer, and prices have changed', async () => {
  const viewer = userViewer();
  const productId = await world.make(5);
  const expecting = (price: number) => ({ clientReference: 'lost', expectedTotal: price, lines: [{ productId, quantity: 1, expectedUnitPrice: price }] }); // prettier-ignore
  const { order } = await place(viewer, productId, expecting(1_290));
  expect(order.state).toBe('PENDING_PAYMENT');
  await world.productRows('update product set price_minor = 1500 where id = unhex(?)', [productId.replaceAll('-', '')]); // prettier-ignore
  for (const price of [1_290, 1_500, 7])
    expect(await place(viewer, productId, expecting(price))).toMatchObject({ replayed: true, order: { id: order.id }, userErrors: [] }); // prettier-ignore
  const { userErrors } = await place(viewer, productId, { ...expecting(1_500), remark: 'other' });
  expect(userErrors).toMatchObject([{ code: 'IDEMPOTENCY_CONFLICT', path: ['input', 'clientReference'] }]);
});

test('an order of an earlier release, whose hash has all of the input, is found by its reference', async () => {
  const viewer = userViewer();
  const productId = await world.make(5);
  const input = { type: 'STANDARD', currency: 'EUR', lines: [{ productId, quantity: 1 }], clientReference: 'old', expectedTotal: 1_290 }; // prettier-ignore
  const { order } = await place(viewer, productId, input);
  await write(world.deps.db.em(), 'update orders set input_hash = ? where id = ?', [
    hashOf(input),
    idToBytes(order.id),
  ]);
  expect(await place(viewer, productId, input)).toMatchObject({ replayed: true, order: { id: order.id } });
});
