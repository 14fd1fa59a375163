import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { UserViewer } from '../../../subgraphs/shared/auth/viewer.ts';
import { addDays } from '../../../subgraphs/shared/values/local-date.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { expireOrders } from '../../../subgraphs/order/commands/expire-orders.ts';
import { readOrderConfig } from '../../../subgraphs/order/config.ts';
import { purgeCounters } from '../../../subgraphs/order/open-orders-store.ts';
import { type OrderWorld, cancelMutation, openOrderWorld, userViewer } from './order-world.ts';

const maxOrders = 4;
const maxUnits = 12;
const maxOrdersOfAddress = 6;
const maxUnitsOfAddress = 20;

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld({
    env: {
      OPEN_ORDERS_PER_CUSTOMER: String(maxOrders),
      OPEN_UNITS_PER_CUSTOMER: String(maxUnits),
      OPEN_ORDERS_PER_ADDRESS: String(maxOrdersOfAddress),
      OPEN_UNITS_PER_ADDRESS: String(maxUnitsOfAddress),
    },
  });
});
afterEach(() => {
  world.clockOffsetMs = 0;
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const newAddress = (): string => `198.51.100.${randomBytes(1)[0]}:${newId()}`;
const place = `mutation ($input: PlaceOrderInput!, $key: String!) { placeOrder(input: $input, idempotencyKey: $key) {
  order { id state } replayed userErrors { __typename ... on UserError { code path } ... on OpenOrderLimitError { measure limit open } } } }`;
type Placing = {
  productId: string;
  quantity?: number;
  key?: string;
  address?: string;
  input?: Record<string, unknown>;
};

async function tryPlacing(viewer: UserViewer, { productId, quantity = 1, key = newId(), address, input }: Placing) {
  const given = { currency: 'EUR', lines: [{ productId, quantity }], ...input };
  const { data, errors } = await world.run(viewer, place, { input: given, key }, address);
  expect(errors).toEqual([]);
  return data.placeOrder as {
    order: { id: string; state: string } | null;
    replayed: boolean;
    userErrors: { code: string; measure?: string; limit?: number; open?: number }[];
  };
}
const placed = async (viewer: UserViewer, placing: Placing): Promise<string> => {
  const { order, userErrors } = await tryPlacing(viewer, placing);
  expect(userErrors).toEqual([]);
  return order?.id ?? '';
};
const refusal = async (viewer: UserViewer, placing: Placing) => (await tryPlacing(viewer, placing)).userErrors;
const tooMany = (measure: string, limit: number, open: number) => [
  { __typename: 'OpenOrderLimitError', code: 'OPEN_ORDER_LIMIT', path: ['input', 'lines'], measure, limit, open },
];

/** What is counted for a customer, and what its orders say. */
async function countsOf({ userId }: UserViewer) {
  const [row] = await world.rows('select orders, units from open_orders where owner = ?', [idToBytes(userId)]);
  const [open] = await world.rows(
    "select count(*) orders, coalesce(sum(open_units), 0) units from orders where customer_id = ? and state in ('PLACING', 'PENDING_PAYMENT')",
    [idToBytes(userId)],
  );
  const counted = { orders: Number(row?.['orders'] ?? 0), units: Number(row?.['units'] ?? 0) };
  expect(counted).toEqual({ orders: Number(open?.['orders']), units: Number(open?.['units']) });
  return counted;
}

test('the defaults are 20 orders and 200 units of a customer', () => {
  expect(readOrderConfig({}).openOrders).toMatchObject({ ordersPerCustomer: 20, unitsPerCustomer: 200 });
});

describe('open unpaid orders of a customer', () => {
  test('are limited in number; nothing is taken by one too many, and the same key works later', async () => {
    const buyer = userViewer();
    const productId = await world.make(100);
    const ids = [];
    for (let index = 0; index < maxOrders; index += 1) ids.push(await placed(buyer, { productId }));
    const key = newId();
    expect(await refusal(buyer, { productId, key })).toEqual(tooMany('ORDERS', maxOrders, maxOrders));
    expect(await world.stock(productId)).toEqual({ onHand: 100, allocated: maxOrders });
    expect(await placed(userViewer(), { productId })).not.toBe('');

    await world.run(buyer, cancelMutation, { id: ids[0], key: newId() });
    const again = await tryPlacing(buyer, { productId, key });
    expect(again).toMatchObject({ order: { state: 'PENDING_PAYMENT' }, replayed: false, userErrors: [] });
    expect(await countsOf(buyer)).toEqual({ orders: maxOrders, units: maxOrders });
  });

  test('are limited in units: pieces of all lines', async () => {
    const buyer = userViewer();
    const [first, second] = [await world.make(100), await world.make(100)];
    expect(await refusal(buyer, { productId: first, quantity: maxUnits + 1 })).toEqual(tooMany('UNITS', maxUnits, 0));
    const lines = [{ productId: first, quantity: 5 }, { productId: second, quantity: 4 }]; // prettier-ignore
    await placed(buyer, { productId: first, input: { lines } });
    expect(await refusal(buyer, { productId: first, quantity: 4 })).toEqual(tooMany('UNITS', maxUnits, 9));
    await placed(buyer, { productId: first, quantity: 3 });
    expect(await countsOf(buyer)).toEqual({ orders: 2, units: maxUnits });
  });

  test('count stays as rooms by nights', async () => {
    const buyer = userViewer();
    const room = await world.make(0, { kind: 'BOOKABLE', capacity: 20, maxGuests: 2 } as never);
    const from = addDays(new Date().toISOString().slice(0, 10), 30);
    const stay = (rooms: number, nights: number) => ({
      type: 'BOOKING',
      lines: [{ productId: room, quantity: rooms, stayFrom: from, stayTo: addDays(from, nights), guests: 1 }],
    });
    expect(await refusal(buyer, { productId: room, input: stay(1, maxUnits + 1) })).toEqual(tooMany('UNITS', maxUnits, 0)); // prettier-ignore
    await placed(buyer, { productId: room, input: stay(2, 3) });
    expect(await countsOf(buyer)).toEqual({ orders: 1, units: 6 });
  });

  test('are given back once each, when they are paid, expire, are cancelled, or fail', async () => {
    const buyer = userViewer();
    const productId = await world.make(100);
    const [paid, cancelled] = [await placed(buyer, { productId, quantity: 2 }), await placed(buyer, { productId, quantity: 3 })]; // prettier-ignore
    const expired = await placed(buyer, { productId, quantity: 4 });
    expect(await countsOf(buyer)).toEqual({ orders: 3, units: 9 });

    const scarce = await world.make(1);
    expect(await refusal(buyer, { productId: scarce, quantity: 2 })).toMatchObject([{ code: 'INSUFFICIENT_STOCK' }]);
    expect(await countsOf(buyer)).toEqual({ orders: 3, units: 9 });

    const payment = world.succeeded(paid, { amountMinor: 2 * 1_290 });
    await world.paymentEvent(payment);
    await world.paymentEvent(payment);
    expect(await countsOf(buyer)).toEqual({ orders: 2, units: 7 });
    for (let twice = 0; twice < 2; twice += 1) await world.run(buyer, cancelMutation, { id: cancelled, key: newId() });
    expect(await countsOf(buyer)).toEqual({ orders: 1, units: 4 });
    await world.rows('update orders set expires_at = ? where id = ?', [new Date(Date.now() - 1_000), idToBytes(expired)]); // prettier-ignore
    await Promise.all([expireOrders(world.deps), expireOrders(world.deps)]);
    expect(await countsOf(buyer)).toEqual({ orders: 0, units: 0 });
  });

  test('never go beyond the limits however many are placed at once, also the first ones', async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      const buyer = userViewer();
      const productId = await world.make(100);
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => tryPlacing(buyer, { productId, quantity: 1 + turn })),
      );
      const done = answers.filter(({ order }) => order !== null);
      expect(done).toHaveLength(Math.min(maxOrders, Math.floor(maxUnits / (1 + turn))));
      for (const { userErrors } of answers.filter(({ order }) => order === null))
        expect(userErrors).toMatchObject([{ code: 'OPEN_ORDER_LIMIT' }]);
      expect(await countsOf(buyer)).toEqual({ orders: done.length, units: done.length * (1 + turn) });
    }
  });

  test('come and go at once without losing count', async () => {
    const buyer = userViewer();
    const productId = await world.make(1_000);
    const life = async () => {
      for (let turn = 0; turn < 6; turn += 1) {
        const { order } = await tryPlacing(buyer, { productId });
        if (!order) continue;
        const change = turn % 3;
        if (change === 0) await world.paymentEvent(world.succeeded(order.id));
        else if (change === 1) await world.run(buyer, cancelMutation, { id: order.id, key: newId() });
        else {
          await world.rows('update orders set expires_at = ? where id = ?', [new Date(Date.now() - 1_000), idToBytes(order.id)]); // prettier-ignore
          await expireOrders(world.deps);
        }
      }
    };
    await Promise.all(Array.from({ length: 6 }, life));
    expect(await countsOf(buyer)).toEqual({ orders: 0, units: 0 });
  });

  test('are counted once where a key or a reference is repeated', async () => {
    const buyer = userViewer();
    const productId = await world.make(100);
    const key = newId();
    const input = { clientReference: newId() };
    const first = await placed(buyer, { productId, key, input });
    expect(await tryPlacing(buyer, { productId, key, input })).toMatchObject({ order: { id: first }, replayed: true });
    expect(await tryPlacing(buyer, { productId, input })).toMatchObject({ order: { id: first }, replayed: true });
    for (let index = 1; index < maxOrders; index += 1) await placed(buyer, { productId });
    expect(await tryPlacing(buyer, { productId, key, input })).toMatchObject({ order: { id: first }, replayed: true, userErrors: [] }); // prettier-ignore
    expect(await tryPlacing(buyer, { productId, input })).toMatchObject({ order: { id: first }, replayed: true, userErrors: [] }); // prettier-ignore
    expect(await countsOf(buyer)).toEqual({ orders: maxOrders, units: maxOrders });
  });

  test('are not limited for staff', async () => {
    const staff = userViewer('CUSTOMER', 'OPERATOR');
    const productId = await world.make(100);
    for (let index = 0; index <= maxOrders; index += 1) await placed(staff, { productId, quantity: 4 });
    expect(await world.rows('select 1 from open_orders where owner = ?', [idToBytes(staff.userId)])).toEqual([]);
  });

  test('cost one statement while placing, and one when they close', async () => {
    const buyer = userViewer();
    const productId = await world.make(100);
    await placed(buyer, { productId });
    const placing = await world.statements(() => placed(buyer, { productId }));
    expect(placing.order.filter((text) => text.includes('open_orders'))).toHaveLength(1);
    const id = await placed(buyer, { productId });
    const paying = await world.statements(() => world.paymentEvent(world.succeeded(id)));
    expect(paying.order.filter((text) => text.includes('open_orders'))).toHaveLength(1);
  });
});

describe('open unpaid orders of an address', () => {
  test('are limited too, whoever places them; other addresses go on', async () => {
    const productId = await world.make(1_000);
    const address = newAddress();
    const first = await placed(userViewer(), { productId, address });
    for (let index = 1; index < maxOrdersOfAddress; index += 1) await placed(userViewer(), { productId, address });
    const buyer = userViewer();
    expect(await refusal(buyer, { productId, address })).toEqual(tooMany('ORDERS', maxOrdersOfAddress, maxOrdersOfAddress)); // prettier-ignore
    expect(await countsOf(buyer)).toEqual({ orders: 0, units: 0 });
    await placed(buyer, { productId, address: newAddress() });
    await world.paymentEvent(world.succeeded(first));
    await placed(buyer, { productId, address });
  });

  test('are limited in units; those of an IPv6 /64 are one address', async () => {
    const productId = await world.make(1_000);
    const network = `2001:db8:${randomBytes(2).toString('hex')}:1`;
    await placed(userViewer(), { productId, quantity: 11, address: `${network}::1` });
    expect(await refusal(userViewer(), { productId, quantity: 10, address: `${network}:a:b:c:d` })).toEqual(tooMany('UNITS', maxUnitsOfAddress, 11)); // prettier-ignore
    await placed(userViewer(), { productId, quantity: 9, address: `${network}::2` });
  });

  test('never go beyond the limit however many customers place at once', async () => {
    const productId = await world.make(1_000);
    const address = newAddress();
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => tryPlacing(userViewer(), { productId, address })),
    );
    expect(answers.filter(({ order }) => order !== null)).toHaveLength(maxOrdersOfAddress);
  });
});

test('counters that count nothing are forgotten, others stay', async () => {
  const [gone, stays] = [userViewer(), userViewer()];
  const productId = await world.make(100);
  const id = await placed(gone, { productId });
  await placed(stays, { productId });
  await world.run(gone, cancelMutation, { id, key: newId() });
  expect(await purgeCounters(world.deps.db.em())).toBeGreaterThan(0);
  expect(await world.rows('select 1 from open_orders where orders = 0')).toEqual([]);
  expect(await countsOf(stays)).toEqual({ orders: 1, units: 1 });
  await placed(gone, { productId });
  expect(await countsOf(gone)).toEqual({ orders: 1, units: 1 });
});
