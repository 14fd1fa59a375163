import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Registry } from 'prom-client';
import { catchUpSales } from '../../../subgraphs/order/sales-report.ts';
import { createMetrics } from '../../../subgraphs/shared/process/telemetry.ts';
import { type OrderWorld, openOrderWorld, userViewer } from './order-world.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld({});
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

/** The values of a metric by their labels, as text. */
async function valuesOf(registry: Registry, name: string): Promise<Record<string, number>> {
  const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] };
  return Object.fromEntries(
    values.map(({ labels, value, metricName }: { labels: object; value: number; metricName?: string }) => [
      `${metricName ?? name} ${Object.values(labels).join(' ')}`,
      value,
    ]),
  );
}

it('[ZO-10] counts orders and amounts by type, state and reason, and how long they were in each state, once over all processes', async () => {
  const metrics = createMetrics();
  const deps = { ...world.deps, metrics };
  await catchUpSales(world.deps);
  const buyer = userViewer();
  const [paid, cancelled] = [await world.place(buyer), await world.place(buyer)];
  await world.paymentEvent(world.succeeded(paid.id));
  await world.run(buyer, 'mutation ($id: ID!) { cancelOrder(id: $id, idempotencyKey: "m") { userErrors { __typename } } }', { id: cancelled.id }); // prettier-ignore
  await Promise.all([catchUpSales(deps), catchUpSales(deps), catchUpSales(deps)]);
  const { registry } = metrics;
  expect(await valuesOf(registry, 'order_states_total')).toEqual({
    'order_states_total STANDARD PLACING ': 2,
    'order_states_total STANDARD PENDING_PAYMENT ': 2,
    'order_states_total STANDARD PAID ': 1,
    'order_states_total STANDARD CANCELLED CUSTOMER': 1,
  });
  expect(await valuesOf(registry, 'order_amount_minor_total')).toMatchObject({
    'order_amount_minor_total STANDARD PAID EUR': 1_290,
    'order_amount_minor_total STANDARD CANCELLED EUR': 1_290,
  });
  const seconds = await valuesOf(registry, 'order_state_seconds');
  expect(seconds).toMatchObject({
    'order_state_seconds_count STANDARD PLACING': 2,
    'order_state_seconds_count STANDARD PENDING_PAYMENT': 2,
  });
  const [order] = await world.rows(
    `select timestampdiff(microsecond, p.at, e.at) / 1000000 as seconds from order_event e
     join order_event p on p.order_id = e.order_id and p.to_state = 'PENDING_PAYMENT'
     where e.to_state in ('PAID', 'CANCELLED') order by e.feed_seq desc limit 2`,
  );
  expect(seconds['order_state_seconds_sum STANDARD PENDING_PAYMENT']).toBeGreaterThanOrEqual(
    Number(order?.['seconds']),
  );
});
