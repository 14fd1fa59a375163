import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { select, toJson, write } from '../../../subgraphs/shared/database/database.ts';
import { idToBytes } from '../../../subgraphs/shared/values/ids.ts';
import { tellLowStock } from '../../../subgraphs/product/tell-low-stock.ts';
import { type ProductWorld, openProductWorld } from './product-world.ts';

let world: ProductWorld;
beforeAll(async () => {
  world = await openProductWorld();
});
afterAll(() => world?.close());

const told = async (productId: string) => {
  const rows = await select(world.sql(), "select data from outbox where aggregate_id = ? and type = 'product.low_stock' order by id", [idToBytes(productId)]); // prettier-ignore
  return rows.map(({ data }) => toJson<Record<string, unknown>>(data));
};
const stock = (productId: string, onHand: number) => write(world.sql(), 'update stock set on_hand = ?, low_stock_threshold = 2 where product_id = ?', [onHand, idToBytes(productId)]); // prettier-ignore
const tell = () => tellLowStock(world.subgraph.deps);

test('a product that runs out is told once, however many look, and again after it had enough, a day later', async () => {
  const product = await world.make();
  await stock(product.id, 9);
  await tell();
  expect(await told(product.id)).toEqual([]);
  await stock(product.id, 2);
  await Promise.all([tell(), tell(), tell()]);
  await tell();
  const { sellerId, name } = product;
  expect(await told(product.id)).toEqual([{ productId: product.id, name, sellerId, available: 2 }]);

  await stock(product.id, 9);
  await tell();
  await stock(product.id, 1);
  await tell();
  expect(await told(product.id)).toHaveLength(1);
  const yesterday = 'update low_stock_notice set told_at = utc_timestamp(3) - interval 25 hour where product_id = ?';
  await write(world.sql(), yesterday, [idToBytes(product.id)]);
  await tell();
  expect(await told(product.id)).toMatchObject([{ available: 2 }, { available: 1 }]);
  // Low ever since: a day later that is no news.
  await write(world.sql(), yesterday, [idToBytes(product.id)]);
  await tell();
  expect(await told(product.id)).toHaveLength(2);
});

test('what is not on sale runs out in silence', async () => {
  const product = await world.make();
  await stock(product.id, 0);
  await write(world.sql(), "update product set status = 'OFF_SALE' where id = ?", [idToBytes(product.id)]);
  await tell();
  expect(await told(product.id)).toEqual([]);
});
