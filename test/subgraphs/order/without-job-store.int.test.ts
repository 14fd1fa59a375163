import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createOrderSubgraph } from '../../../subgraphs/order/subgraph.ts';
import { idToBytes } from '../../../subgraphs/shared/values/ids.ts';
import { type OrderWorld, openOrderWorld, userViewer } from './order-world.ts';
import { until } from '../../support/until.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld();
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

// Its store may be away, or hold the next run of every job at a time that another worker's clock has made up.
test('what is due is done although no job ever runs', async () => {
  const jobs = { ...world.runtime.jobs, start: async () => undefined, recurring: () => undefined, define: () => undefined };
  const unpaid = await world.place(userViewer());
  await world.rows('update orders set expires_at = ? where id = ?', [new Date(Date.now() - 1_000), idToBytes(unpaid.id)]);
  const left = await world.place(userViewer());
  const undone = "update orders o join saga s on s.order_id = o.id set s.state = 'RUNNING', s.steps = replace(s.steps, '\"DONE\"', '\"RUNNING\"'), s.lease_until = null, s.next_retry_at = utc_timestamp(3) where o.id = ?";
  await world.rows(undone, [idToBytes(left.id)]);
  const worker = await createOrderSubgraph({ ...world.runtime, jobs });
  await worker.startWorker();
  try {
    await until(async () => {
      const [row] = await world.rows('select state from orders where id = ?', [idToBytes(unpaid.id)]);
      const [saga] = await world.rows('select state from saga where order_id = ?', [idToBytes(left.id)]);
      return row?.['state'] === 'EXPIRED' && saga?.['state'] === 'SUCCEEDED';
    }, { timeoutMs: 20_000 });
  } finally {
    await worker.close();
  }
}, 40_000); // prettier-ignore
