import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
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
