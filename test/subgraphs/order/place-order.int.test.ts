import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { idFromBytes, idToBytes, isNumber, newId, routeOf } from '../../../subgraphs/shared/values/ids.ts';
import { unavailable } from '../../../subgraphs/shared/errors/errors.ts';
import { type OrderWorld, openOrderWorld, orderQuery, placeMutation, userViewer } from './order-world.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld();
});
afterEach(() => {
  world.intercept = (_, next) => next();
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const buyer = userViewer();
const place = (lines: unknown[], change: Record<string, unknown> = {}, key = newId(), viewer = buyer) =>
  world
    .run(viewer, placeMutation, { input: { currency: 'EUR', lines, ...change }, key })
    .then(({ data, errors }) => (errors.length > 0 ? { errors } : data.placeOrder));
const ordersOf = async (viewer: typeof buyer): Promise<number> =>
  Number((await world.rows('select count(*) n from orders where customer_id = ?', [idToBytes(viewer.userId)]))[0]?.['n']); // prettier-ignore

describe('success [GM-10]', () => {
  test('[GM-10] takes the last unit: stock 1 → 0, order payable, saga succeeded', async () => {
    const productId = await world.make(1);
    const payload = await place([{ productId, quantity: 1 }]);
    expect(payload).toMatchObject({
      replayed: false,
      userErrors: [],
      order: { state: 'PENDING_PAYMENT', paymentStatus: 'UNPAID', fulfilmentStatus: 'UNFULFILLED', total: { amount: 1_290, currency: 'EUR' } },
      saga: { state: 'SUCCEEDED', attempts: 1, steps: [{ branchId: 'reserve-stock', actionState: 'DONE', compensationState: 'SKIPPED' }] },
    }); // prettier-ignore
    expect(isNumber(payload.order.number, 'SO')).toBe(true);
    expect(await world.stock(productId)).toEqual({ onHand: 1, allocated: 1 });
    const [event] = (await world.deliver()).filter(({ aggregateId }) => aggregateId === payload.order.id);
    expect(event).toMatchObject({
      type: 'order.placed',
      data: { number: payload.order.number, customerId: buyer.userId, totalMinor: 1_290, currency: 'EUR', expiresAt: payload.order.expiresAt },
    }); // prettier-ignore
  });

  test('[ZO-11] order, lines, saga and reservations have the route of their buyer', async () => {
    const { order, saga } = await place([{ productId: await world.make(2), quantity: 1 }, { productId: await world.make(2), quantity: 1 }]); // prettier-ignore
    const bytes = [idToBytes(order.id)];
    const lines = await world.rows('select id from order_line where order_id = ?', bytes);
    const reservations = await world.productRows('select id from stock_reservation where order_id = ?', bytes);
    expect([lines.length, reservations.length]).toEqual([2, 2]);
    const ids = [...lines, ...reservations].map(({ id }) => idFromBytes(id as Buffer));
    for (const id of [order.id, saga.id, ...ids]) expect(routeOf(id)).toBe(routeOf(buyer.userId));
  });

  test('[OB-1] merges equal lines and takes the stock of lines that differ by extras in one go', async () => {
    const addOns = [{ code: 'WRAP', name: 'Gift wrap', unitPrice: { amount: 200, currency: 'EUR' }, perPerson: false, perNight: false }]; // prettier-ignore
    const productId = await world.make(10, { addOns });
    const lines = [{ productId, quantity: 1 }, { productId, quantity: 2, addOns: ['WRAP'] }, { productId, quantity: 3 }]; // prettier-ignore
    const { order } = await place(lines);
    expect(order.total.amount).toBe(6 * 1_290 + 2 * 200);
    const stored = await world.rows('select quantity, add_ons from order_line where order_id = ? order by position', [idToBytes(order.id)]); // prettier-ignore
    expect(stored.map((line) => line['quantity'])).toEqual([4, 2]);
    expect(await world.stock(productId)).toEqual({ onHand: 10, allocated: 6 });
  });
});

describe('out of stock [GM-10]', () => {
  test('[OB-2] the order is FAILED, the answer tells what is left, and the compensation did nothing', async () => {
    const [plenty, short] = [await world.make(10), await world.make(2)];
    const key = newId();
    const lines = [{ productId: plenty, quantity: 3 }, { productId: short, quantity: 5 }]; // prettier-ignore
    const payload = await place(lines, {}, key);
    const shortages = [{ product: { id: short }, requested: 5, available: 2 }];
    expect(payload).toMatchObject({
      order: { state: 'FAILED', cancelReason: 'OUT_OF_STOCK', paymentStatus: 'VOIDED' },
      saga: { state: 'COMPENSATED', steps: [{ actionState: 'FAILED', compensationState: 'DONE' }] },
      userErrors: [{ __typename: 'InsufficientStockError', code: 'INSUFFICIENT_STOCK', shortages }],
    });
    expect(await world.stock(plenty)).toEqual({ onHand: 10, allocated: 0 });
    expect(await world.stock(short)).toEqual({ onHand: 2, allocated: 0 });
    // The action's barrier row was rolled back with it, and its compensation has taken its place.
    const barrier = await world.productRows('select op, inserted_by from barrier where saga_id = ? order by op', [idToBytes(payload.saga.id)]); // prettier-ignore
    expect(barrier).toEqual([
      { op: 'action', inserted_by: 'compensation' },
      { op: 'compensation', inserted_by: 'compensation' },
    ]);
    expect(await world.productRows('select id from stock_reservation where order_id = ?', [idToBytes(payload.order.id)])).toEqual([]); // prettier-ignore
    expect((await world.deliver()).filter(({ aggregateId }) => aggregateId === payload.order.id)).toMatchObject([{ type: 'order.closed', data: { state: 'FAILED', reason: 'OUT_OF_STOCK' } }]); // prettier-ignore
    expect(await place(lines, {}, key)).toEqual({ ...payload, replayed: true });
  });
});

describe('idempotency', () => {
  test('the same key and input give the same answer, and the stock is taken once', async () => {
    const productId = await world.make(5);
    const key = newId();
    const first = await place([{ productId, quantity: 2 }], {}, key);
    const second = await place([{ productId, quantity: 2 }], {}, key);
    expect(second).toEqual({ ...first, replayed: true });
    expect(await world.stock(productId)).toEqual({ onHand: 5, allocated: 2 });
  });

  test('ten at once with the same key are one order with ten equal answers', async () => {
    const viewer = userViewer();
    const productId = await world.make(5);
    const key = newId();
    const answers = await Promise.all(Array.from({ length: 10 }, () => place([{ productId, quantity: 1 }], {}, key, viewer))); // prettier-ignore
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(answers.map(({ order }) => JSON.stringify(order))).size).toBe(1);
    expect(answers[0].order.state).toBe('PENDING_PAYMENT');
    expect(await ordersOf(viewer)).toBe(1);
    expect(await world.stock(productId)).toEqual({ onHand: 5, allocated: 1 });
  });

  test('the same key with other input is refused and places nothing', async () => {
    const viewer = userViewer();
    const productId = await world.make(5);
    const key = newId();
    await place([{ productId, quantity: 1 }], {}, key, viewer);
    expect(await place([{ productId, quantity: 2 }], {}, key, viewer)).toMatchObject({
      order: null,
      userErrors: [{ __typename: 'IdempotencyConflictError', retryable: false }],
    });
    expect(await ordersOf(viewer)).toBe(1);
  });

  test('a key means nothing to another user', async () => {
    const productId = await world.make(5);
    const key = newId();
    const first = await place([{ productId, quantity: 1 }], {}, key);
    const other = await place([{ productId, quantity: 1 }], {}, key, userViewer());
    expect(other.replayed).toBe(false);
    expect(other.order.id).not.toBe(first.order.id);
  });

  test('a repetition gets its first answer although the product was taken off sale or has another price', async () => {
    const productId = await world.make(5);
    const key = newId();
    const lines = [{ productId, quantity: 1, expectedUnitPrice: 1_290 }];
    const first = await place(lines, {}, key);
    await world.productRows('update product set price_minor = 999 where id = ?', [idToBytes(productId)]);
    expect(await place(lines, {}, key)).toEqual({ ...first, replayed: true });
    expect(await place(lines, {}, newId())).toMatchObject({ order: null, userErrors: [{ __typename: 'PriceChangedError', expected: { amount: 1_290 }, actual: { amount: 999 } }] }); // prettier-ignore
  });

  test('a repetition gets its first answer although the product service does not answer', async () => {
    const productId = await world.make(5);
    const key = newId();
    const first = await place([{ productId, quantity: 1 }], {}, key);
    world.intercept = async () => {
      throw unavailable('product is down');
    };
    expect(await place([{ productId, quantity: 1 }], {}, key)).toEqual({ ...first, replayed: true });
    expect(await place([{ productId, quantity: 1 }])).toMatchObject({ errors: [{ code: 'SERVICE_UNAVAILABLE' }] });
  });

  test('a key of more than 128 characters or with spaces is refused', async () => {
    const productId = await world.make(5);
    for (const key of ['x'.repeat(129), 'a b', ''])
      expect(await place([{ productId, quantity: 1 }], {}, key)).toMatchObject({ order: null, userErrors: [{ code: 'VALIDATION', path: ['idempotencyKey'] }] }); // prettier-ignore
  });
});

describe("the client's own reference", () => {
  test('[ZO-7] placing twice with it is one order, whatever the keys', async () => {
    const viewer = userViewer();
    const productId = await world.make(5);
    const change = { clientReference: 'basket 7' };
    const first = await place([{ productId, quantity: 1 }], change, newId(), viewer);
    const second = await place([{ productId, quantity: 1 }], change, newId(), viewer);
    expect(second).toEqual({ ...first, replayed: true });
    expect(await ordersOf(viewer)).toBe(1);
  });

  test('ten at once with it are one order', async () => {
    const viewer = userViewer();
    const productId = await world.make(20);
    const answers = await Promise.all(Array.from({ length: 10 }, () => place([{ productId, quantity: 1 }], { clientReference: 'basket 8' }, newId(), viewer))); // prettier-ignore
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(answers.map(({ order }) => order.id)).size).toBe(1);
    expect(await world.stock(productId)).toEqual({ onHand: 20, allocated: 1 });
  });

  test('with other input it is a conflict', async () => {
    const viewer = userViewer();
    const productId = await world.make(5);
    await place([{ productId, quantity: 1 }], { clientReference: 'basket 9' }, newId(), viewer);
    expect(await place([{ productId, quantity: 2 }], { clientReference: 'basket 9' }, newId(), viewer)).toMatchObject({ order: null, userErrors: [{ __typename: 'IdempotencyConflictError', retryable: false }] }); // prettier-ignore
  });

  test('is found although the product has another price meanwhile', async () => {
    const viewer = userViewer();
    const productId = await world.make(5);
    const lines = [{ productId, quantity: 1, expectedUnitPrice: 1_290 }];
    const first = await place(lines, { clientReference: 'basket 10' }, newId(), viewer);
    await world.productRows('update product set price_minor = 999 where id = ?', [idToBytes(productId)]);
    expect(await place(lines, { clientReference: 'basket 10' }, newId(), viewer)).toEqual({ ...first, replayed: true });
  });

  test('a key that found its order by it belongs to that order from then on', async () => {
    const viewer = userViewer();
    const productId = await world.make(5);
    const key = newId();
    await place([{ productId, quantity: 1 }], { clientReference: 'basket 11' }, newId(), viewer);
    await place([{ productId, quantity: 1 }], { clientReference: 'basket 11' }, key, viewer);
    expect(await place([{ productId, quantity: 2 }], { clientReference: 'basket 12' }, key, viewer)).toMatchObject({ order: null, userErrors: [{ __typename: 'IdempotencyConflictError' }] }); // prettier-ignore
  });

  test('of another customer is another reference', async () => {
    const productId = await world.make(5);
    const change = { clientReference: 'basket 13' };
    const one = await place([{ productId, quantity: 1 }], change, newId(), userViewer());
    const two = await place([{ productId, quantity: 1 }], change, newId(), userViewer());
    expect(one.order.number).not.toBe(two.order.number);
  });
});

describe('bad input changes nothing', () => {
  const cases: [string, Record<string, unknown>, string][] = [
    ['an unknown product', { lines: [{ productId: newId(), quantity: 1 }] }, 'NOT_FOUND'],
    ['an id that is none', { lines: [{ productId: "'; drop table orders", quantity: 1 }] }, 'NOT_FOUND'],
    ['quantity 0', { lines: [{ productId: newId(), quantity: 0 }] }, 'VALIDATION'],
    ['101 lines', { lines: Array.from({ length: 101 }, () => ({ productId: newId(), quantity: 1 })) }, 'VALIDATION'],
    ['an unknown type', { type: 'NONE', lines: [{ productId: newId(), quantity: 1 }] }, 'VALIDATION'],
  ];
  for (const [what, input, code] of cases)
    test(`${what} is refused`, async () => {
      const before = await world.rows('select count(*) n from orders');
      expect(await place([], input)).toMatchObject({ order: null, saga: null, userErrors: [{ code }] });
      expect(await world.rows('select count(*) n from orders')).toEqual(before);
    });

  test('another currency than the product is sold in', async () => {
    const productId = await world.make();
    expect(await place([{ productId, quantity: 1 }], { currency: 'USD' })).toMatchObject({ order: null, userErrors: [{ code: 'VALIDATION', path: ['input', 'currency'] }] }); // prettier-ignore
  });

  test('a total beyond 2^53 − 1', async () => {
    const productId = await world.make(10, { price: { amount: Number.MAX_SAFE_INTEGER, currency: 'EUR' } });
    expect(await place([{ productId, quantity: 2 }])).toMatchObject({ order: null, userErrors: [{ code: 'VALIDATION', path: ['input', 'lines'] }] }); // prettier-ignore
  });

  test('text that is no valid Unicode', async () => {
    const half = 'half a \ud83d';
    expect(await place([{ productId: half, quantity: 1 }])).toMatchObject({ userErrors: [{ code: 'NOT_FOUND' }] });
    expect(await place([{ productId: newId(), quantity: 1 }], { remark: half })).toMatchObject({ userErrors: [{ code: 'VALIDATION' }] }); // prettier-ignore
  });
});

test('[LL-4] what was bought stays as it was when the product changes', async () => {
  const productId = await world.make(5, { subtitle: 'Dark', cover: 'https://example.com/beans.svg' });
  const { order } = await place([{ productId, quantity: 1 }]);
  await world.productRows("update product set name = 'Tea', price_minor = 1 where id = ?", [idToBytes(productId)]);
  const lines = '{ lines { title cover unitPrice { amount } total { amount } product { id } } }';
  const { data } = await world.run(buyer, `query ($id: ID!) { order(id: $id) ${lines} }`, { id: order.id });
  expect(data.order.lines).toEqual([
    { title: 'Espresso beans', cover: 'https://example.com/beans.svg', unitPrice: { amount: 1_290 }, total: { amount: 1_290 }, product: { id: productId } },
  ]); // prettier-ignore
});

test('twenty buyers race for five units: five orders, never one more', async () => {
  const productId = await world.make(5);
  const answers = await Promise.all(Array.from({ length: 20 }, () => place([{ productId, quantity: 1 }], {}, newId(), userViewer()))); // prettier-ignore
  expect(answers.filter(({ order }) => order.state === 'PENDING_PAYMENT')).toHaveLength(5);
  expect(answers.filter(({ order }) => order.state === 'FAILED')).toHaveLength(15);
  expect(await world.stock(productId)).toEqual({ onHand: 5, allocated: 5 });
});

test('an order that is being placed shows its journal from the first entry', async () => {
  const { id } = await world.place(buyer);
  const { data } = await world.run(buyer, orderQuery, { id });
  expect(data.order.history.edges.map(({ node }: { node: object }) => node)).toMatchObject([
    { seq: 1, type: 'OrderPlaced', fromState: null, toState: 'PLACING', actorType: 'CUSTOMER', actorId: buyer.userId },
    { seq: 2, type: 'StockReserved', fromState: 'PLACING', toState: 'PENDING_PAYMENT', actorType: 'SYSTEM' },
  ]);
});
