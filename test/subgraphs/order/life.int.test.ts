import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { advanceOrders } from '../../../subgraphs/order/commands/advance-order.ts';
import type { OrderDeps } from '../../../subgraphs/order/deps.ts';
import { expireOrders } from '../../../subgraphs/order/commands/expire-orders.ts';
import { registerOrderTypes } from '../../../subgraphs/order/types/registry.ts';
import { digital } from '../../../subgraphs/order/types/digital.ts';
import { standard } from '../../../subgraphs/order/types/standard.ts';
import { type OrderWorld, cancelMutation, openOrderWorld, orderMutation, orderQuery, userViewer } from './order-world.ts'; // prettier-ignore

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld();
});
afterEach(() => {
  world.clockOffsetMs = 0;
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const buyer = userViewer();
const staff = userViewer('OPERATOR');
const pastDeadlineMs = 1_200_000;
const read = async (id: string) => (await world.run(staff, orderQuery, { id })).data.order;
const types = (order: { history: { edges: { node: { type: string } }[] } }) =>
  order.history.edges.map(({ node }) => node.type);
/** Runs a mutation that answers with an OrderPayload, and gives the payload. */
const change = async (viewer: typeof buyer, name: string, declared: string, passed: string, variables: object) => {
  const { data, errors } = await world.run(viewer, orderMutation(name, declared, passed), { ...variables });
  expect(errors).toEqual([]);
  return data[name];
};
const cancel = async (id: string, viewer = buyer, key = newId()) =>
  (await world.run(viewer, cancelMutation, { id, reason: 'No longer needed', key })).data.cancelOrder;
const placeDigital = async () => {
  const productId = await world.make(0, { kind: 'DIGITAL' });
  return world.place(buyer, { type: 'DIGITAL', lines: [{ productId, quantity: 1 }] });
};
const dueEvents = async (orderId: string) => (await world.deliver()).filter(({ aggregateId }) => aggregateId === orderId); // prettier-ignore

describe('payment', () => {
  test('in time marks the order PAID and commits its stock', async () => {
    const productId = await world.make(3);
    const { id } = await world.place(buyer, { lines: [{ productId, quantity: 2 }] });
    const paid = world.succeeded(id, { amountMinor: 2_580 });
    expect(await world.paymentEvent(paid)).toBe(true);
    expect(await read(id)).toMatchObject({ state: 'PAID', paymentStatus: 'PAID', paidTotal: { amount: 2_580 }, balanceDue: { amount: 0 }, paidAt: paid.data['paidAt'] }); // prettier-ignore
    expect((await dueEvents(id)).map(({ type }) => type)).toEqual(['order.placed', 'order.paid']);
    expect(await world.stock(productId)).toEqual({ onHand: 1, allocated: 0 });
  });

  test('told twice counts once', async () => {
    const { id } = await world.place(buyer);
    const paid = world.succeeded(id);
    expect([await world.paymentEvent(paid), await world.paymentEvent(paid)]).toEqual([true, false]);
    expect(await read(id)).toMatchObject({ paidTotal: { amount: 1_290 } });
  });

  test('told again by another event counts once, and does not send the money back', async () => {
    const { id } = await world.place(buyer);
    const paid = world.succeeded(id);
    await world.paymentEvent(paid);
    await world.paymentEvent({ ...paid, id: newId() });
    expect(await read(id)).toMatchObject({ state: 'PAID', paymentStatus: 'PAID', paidTotal: { amount: 1_290 } });
    expect((await dueEvents(id)).map(({ type }) => type)).not.toContain('order.payment_refused');
  });

  test('one millisecond after the deadline is refused and goes back', async () => {
    const { id } = await world.place(buyer);
    const [row] = await world.rows('select expires_at from orders where id = ?', [idToBytes(id)]);
    const paidAt = new Date(`${String(row?.['expires_at']).replace(' ', 'T')}Z`);
    const late = world.succeeded(id, { paidAt: new Date(paidAt.getTime() + 1).toISOString() });
    await world.paymentEvent(late);
    const order = await read(id);
    expect(order.history.edges.at(-1).node).toMatchObject({ type: 'PaymentRefused', reason: 'ORDER_EXPIRED' });
    expect((await dueEvents(id)).at(-1)).toMatchObject({ type: 'order.payment_refused', data: { paymentId: late.data['paymentId'], amountMinor: 1_290, currency: 'EUR', reason: 'ORDER_EXPIRED' } }); // prettier-ignore
  });

  test('of a closed order goes back: nothing is left of it after its refund', async () => {
    const productId = await world.make(1);
    const { id } = await world.place(buyer, { lines: [{ productId, quantity: 1 }] });
    await cancel(id);
    const paid = world.succeeded(id);
    await world.paymentEvent(paid);
    expect((await dueEvents(id)).map(({ type }) => type)).toEqual(['order.placed', 'order.closed', 'order.payment_refused']); // prettier-ignore
    await world.paymentEvent(world.refunded(id, { paymentId: paid.data['paymentId'] }));
    expect(await read(id)).toMatchObject({ state: 'CANCELLED', paymentStatus: 'REFUNDED', paidTotal: { amount: 1_290 }, refundedTotal: { amount: 1_290 } }); // prettier-ignore
    expect(await world.stock(productId)).toEqual({ onHand: 1, allocated: 0 });
  });

  test('whose refund is heard of first does not pay the order', async () => {
    const { id } = await world.place(buyer);
    const paid = world.succeeded(id);
    await world.paymentEvent(world.refunded(id, { paymentId: paid.data['paymentId'] }));
    await world.paymentEvent(paid);
    expect(await read(id)).toMatchObject({ state: 'PENDING_PAYMENT', paidTotal: { amount: 1_290 }, refundedTotal: { amount: 1_290 } }); // prettier-ignore
  });

  test('that went back leaves the order to be paid by another one, or cancelled', async () => {
    const [one, two] = [await world.place(buyer), await world.place(buyer)];
    for (const { id } of [one, two]) {
      const part = world.succeeded(id, { amountMinor: 290 });
      await world.paymentEvent(part);
      await world.paymentEvent(world.refunded(id, { paymentId: part.data['paymentId'], amountMinor: 290 }));
      expect(await read(id)).toMatchObject({ state: 'PENDING_PAYMENT', balanceDue: { amount: 1_290 } });
    }
    await world.paymentEvent(world.succeeded(one.id, { amountMinor: 1_000 }));
    expect(await read(one.id)).toMatchObject({ state: 'PENDING_PAYMENT', balanceDue: { amount: 290 } });
    await world.paymentEvent(world.succeeded(one.id, { amountMinor: 290 }));
    expect(await read(one.id)).toMatchObject({ state: 'PAID', balanceDue: { amount: 0 } });
    expect(await cancel(two.id)).toMatchObject({ order: { state: 'CANCELLED' } });
  });

  test('refunded twice by the same refund is refunded once', async () => {
    const { id } = await world.place(buyer);
    const paid = world.succeeded(id);
    await world.paymentEvent(paid);
    const back = world.refunded(id, { paymentId: paid.data['paymentId'], amountMinor: 500 });
    await world.paymentEvent(back);
    await world.paymentEvent({ ...back, id: newId() });
    expect(await read(id)).toMatchObject({ paymentStatus: 'PARTIALLY_REFUNDED', refundedTotal: { amount: 500 } });
  });

  test.each([
    ['PLATFORM', 'SERVICE', 'payment'],
    ['PROVIDER', 'PROVIDER', 'SIMULATED_CARD'],
    ['DISPUTE', 'PROVIDER', 'SIMULATED_CARD'],
    [undefined, 'SERVICE', 'payment'],
  ])('given back by %s is in the journal as the doing of %s %s', async (origin, actorType, actorId) => {
    const { id } = await world.place(buyer);
    const paid = world.succeeded(id);
    await world.paymentEvent(paid);
    const { paymentId } = paid.data;
    await world.paymentEvent(world.refunded(id, { paymentId, amountMinor: 500, origin, method: 'SIMULATED_CARD' }));
    const journal = 'query ($id: ID!) { order(id: $id) { history { edges { node { actorType actorId } } } } }';
    expect((await world.run(buyer, journal, { id })).data.order.history.edges.at(-1).node).toEqual({ actorType, actorId }); // prettier-ignore
  });

  test('a part that came in goes back when the order expires', async () => {
    const { id } = await world.place(buyer);
    const part = world.succeeded(id, { amountMinor: 290 });
    await world.paymentEvent(part);
    expect(await read(id)).toMatchObject({ state: 'PENDING_PAYMENT', paymentStatus: 'PARTIALLY_PAID', balanceDue: { amount: 1_000 } }); // prettier-ignore
    world.clockOffsetMs = pastDeadlineMs;
    await expireOrders(world.deps);
    expect((await dueEvents(id)).slice(1)).toMatchObject([
      { type: 'order.closed', data: { state: 'EXPIRED' } },
      { type: 'order.payment_refused', data: { paymentId: part.data['paymentId'], amountMinor: 290, reason: 'ORDER_EXPIRED' } },
    ]); // prettier-ignore
    expect(await read(id)).toMatchObject({ state: 'EXPIRED', paidTotal: { amount: 290 } });
  });

  test('in another currency, for no order, or of nonsense changes nothing', async () => {
    const { id } = await world.place(buyer);
    const events: [unknown, RegExp][] = [
      [world.succeeded(id, { currency: 'USD' }), /in USD for an order in EUR/],
      [world.succeeded(newId()), /an order that does not exist/],
      [world.succeeded(id, { amountMinor: -1 }), /amountMinor/],
      [world.succeeded(id, { paidAt: 'soon' }), /paidAt/],
    ];
    for (const [event, message] of events)
      await expect(world.paymentEvent(event as Parameters<OrderWorld['paymentEvent']>[0])).rejects.toThrow(message);
    expect(await read(id)).toMatchObject({ state: 'PENDING_PAYMENT', paidTotal: { amount: 0 } });
  });
});

describe('cancelling', () => {
  test('gives the stock back and is repeated harmlessly', async () => {
    const productId = await world.make(1);
    const { id } = await world.place(buyer, { lines: [{ productId, quantity: 1 }] });
    const key = newId();
    expect(await cancel(id, buyer, key)).toMatchObject({ replayed: false, order: { state: 'CANCELLED' } });
    expect(await cancel(id, buyer, key)).toMatchObject({ replayed: true, order: { state: 'CANCELLED' } });
    expect(await cancel(id)).toMatchObject({ replayed: false, order: { state: 'CANCELLED' }, userErrors: [] });
    expect((await dueEvents(id)).map(({ type }) => type)).toEqual(['order.placed', 'order.closed']);
    expect(await world.stock(productId)).toEqual({ onHand: 1, allocated: 0 });
    const order = await read(id);
    expect(order).toMatchObject({ cancelReason: 'CUSTOMER', paymentStatus: 'VOIDED' });
    expect(order.history.edges.at(-1).node).toMatchObject({ reason: 'CUSTOMER', data: { note: 'No longer needed' } });
  });

  test('a key that was used for another order is a conflict', async () => {
    const [one, two] = [await world.place(buyer), await world.place(buyer)];
    const key = newId();
    await cancel(one.id, buyer, key);
    expect(await cancel(two.id, buyer, key)).toMatchObject({ order: null, userErrors: [{ __typename: 'IdempotencyConflictError', retryable: false }] }); // prettier-ignore
    expect(await read(two.id)).toMatchObject({ state: 'PENDING_PAYMENT' });
  });

  test('a completed order, a foreign one and an unknown one is refused', async () => {
    const { id } = await world.place(buyer);
    expect(await cancel(id, userViewer())).toEqual({ ...(await cancel(newId())), userErrors: [{ __typename: 'NotFoundError', code: 'NOT_FOUND', message: 'There is no such order.', path: ['id'] }] }); // prettier-ignore
    await world.paymentEvent(world.succeeded(id));
    await change(staff, 'fulfilOrder', '$id: ID!, $key: String!', 'id: $id, idempotencyKey: $key', {
      id,
      key: newId(),
    });
    expect(await cancel(id)).toMatchObject({ order: null, userErrors: [{ __typename: 'OrderStateError', code: 'ORDER_STATE', state: 'COMPLETED', allowed: ['PENDING_PAYMENT', 'PAID', 'PROCESSING', 'NEEDS_ATTENTION'] }] }); // prettier-ignore
    expect(await cancel('no-id')).toMatchObject({ order: null, userErrors: [{ code: 'NOT_FOUND' }] });
  });

  test('an order past its deadline is refused as ORDER_EXPIRED', async () => {
    const { id } = await world.place(buyer);
    world.clockOffsetMs = pastDeadlineMs;
    expect(await cancel(id)).toMatchObject({ userErrors: [{ code: 'ORDER_EXPIRED', state: 'EXPIRED' }] });
    expect(await read(id)).toMatchObject({ state: 'EXPIRED', balanceDue: { amount: 0 } });
  });
});

describe('fulfilling', () => {
  const fulfil = (id: string, lines: unknown, viewer = staff, key = newId()) =>
    change(viewer, 'fulfilOrder', '$id: ID!, $lines: [ReturnLineInput!], $key: String!', 'id: $id, lines: $lines, trackingNumber: "1Z", idempotencyKey: $key', { id, lines, key }); // prettier-ignore

  test('in parts ends in COMPLETED, each part once', async () => {
    const [one, two] = [await world.make(5), await world.make(5)];
    const { id } = await world.place(buyer, { lines: [{ productId: one, quantity: 2 }, { productId: two, quantity: 1 }] }); // prettier-ignore
    expect(await fulfil(id, null)).toMatchObject({ userErrors: [{ code: 'ORDER_STATE', state: 'PENDING_PAYMENT' }] });
    await world.paymentEvent(world.succeeded(id, { amountMinor: 3_870 }));
    const [first] = (await read(id)).lines;
    const key = newId();
    const part = [{ lineId: first.id, quantity: 1 }];
    expect(await fulfil(id, part, staff, key)).toMatchObject({ order: { state: 'PROCESSING', fulfilmentStatus: 'PARTIALLY_FULFILLED' } }); // prettier-ignore
    expect(await fulfil(id, part, staff, key)).toMatchObject({ replayed: true });
    expect(await fulfil(id, [{ lineId: first.id, quantity: 2 }])).toMatchObject({ userErrors: [{ code: 'VALIDATION', path: ['lines', '0', 'quantity'] }] }); // prettier-ignore
    expect(await fulfil(id, null)).toMatchObject({ order: { state: 'COMPLETED', fulfilmentStatus: 'FULFILLED' } });
    const order = await read(id);
    expect(order.lines.map((line: { fulfilledQuantity: number }) => line.fulfilledQuantity)).toEqual([2, 1]);
    expect(order.fulfilments).toMatchObject([{ lines: [{ quantity: 1, line: { id: first.id } }], trackingNumber: '1Z' }, { lines: [{ quantity: 1 }, { quantity: 1 }] }]); // prettier-ignore
    expect(types(order).slice(3)).toEqual(['ProcessingStarted', 'LinesFulfilled', 'LinesFulfilled', 'OrderCompleted']);
    expect((await dueEvents(id)).at(-1)).toMatchObject({ type: 'order.completed' });
  });

  test("is staff's: the customer is told so, others don't learn of the order", async () => {
    const { id } = await world.place(buyer);
    expect(await fulfil(id, null, buyer)).toMatchObject({ userErrors: [{ __typename: 'ForbiddenError' }] });
    expect(await fulfil(id, null, userViewer())).toMatchObject({ userErrors: [{ __typename: 'NotFoundError' }] });
  });

  test('ten at once deliver each piece once', async () => {
    const productId = await world.make(5);
    const { id } = await world.place(buyer, { lines: [{ productId, quantity: 5 }] });
    await world.paymentEvent(world.succeeded(id, { amountMinor: 6_450 }));
    const [line] = (await read(id)).lines;
    const answers = await Promise.all(Array.from({ length: 10 }, () => fulfil(id, [{ lineId: line.id, quantity: 1 }])));
    expect(answers.filter(({ order }) => order)).toHaveLength(5);
    expect(await read(id)).toMatchObject({ state: 'COMPLETED', lines: [{ fulfilledQuantity: 5 }] });
  });
});

describe('[OB-4] delivery of orders that need nobody', () => {
  const advance = (deps: OrderDeps = world.deps) => advanceOrders(deps);

  test('[ZO-8] a digital order goes on to COMPLETED, once, however often it is advanced', async () => {
    const { id } = await placeDigital();
    await world.paymentEvent(world.succeeded(id));
    await Promise.all([advance(), advance(), advance()]);
    await advance();
    const answer = await change(staff, 'advanceOrder', '$id: ID!', 'id: $id', { id });
    expect(answer).toMatchObject({ order: { state: 'COMPLETED' }, userErrors: [] });
    expect(types(await read(id)).slice(3)).toEqual(['ProcessingStarted', 'OrderCompleted']);
    expect((await dueEvents(id)).filter(({ type }) => type === 'order.completed')).toHaveLength(1);
  });

  test('[ZO-4] goes on where a crash left it, in PROCESSING', async () => {
    const { id } = await placeDigital();
    await world.paymentEvent(world.succeeded(id));
    const crash = new Error('killed');
    let delivered = 0;
    const dying = { ...world.deps, types: registerOrderTypes(standard, { ...digital, deliver: async () => { delivered += 1; throw crash; } }), log: { ...world.deps.log, warn: () => { throw crash; }, error: () => { throw crash; } } as never }; // prettier-ignore
    await advance(dying).catch(() => undefined);
    expect([delivered, (await read(id)).state]).toEqual([1, 'PROCESSING']);
    await advance();
    expect(await read(id)).toMatchObject({ state: 'COMPLETED' });
  });

  test('[ZO-9] a failing delivery is postponed with back-off, then NEEDS_ATTENTION, and resolved by staff', async () => {
    const { id } = await placeDigital();
    await world.paymentEvent(world.succeeded(id));
    const failing = { ...world.deps, types: registerOrderTypes(standard, { ...digital, deliver: async () => { throw new Error('the licence server is down'); } }) }; // prettier-ignore
    await advance(failing);
    const postponed = async () => (await world.rows('select advance_at > ? later, advance_attempts attempts from orders where id = ?', [world.runtime.now(), idToBytes(id)]))[0]; // prettier-ignore
    expect(await postponed()).toMatchObject({ later: 1, attempts: 1 });
    await advance(failing); // not due: nothing happens
    expect(await postponed()).toMatchObject({ attempts: 1 });
    world.clockOffsetMs = (digital.deliveryLifeSeconds + 1) * 1_000;
    await advance(failing);
    expect(await read(id)).toMatchObject({ state: 'NEEDS_ATTENTION' });
    expect((await read(id)).history.edges.at(-1).node).toMatchObject({ type: 'AttentionNeeded', reason: 'the licence server is down' }); // prettier-ignore
    await advance(failing);

    const resolve = (to: string, viewer = staff) => change(viewer, 'resolveAttention', '$id: ID!, $to: OrderState!', 'id: $id, to: $to, note: "Sent by mail"', { id, to }); // prettier-ignore
    expect(await resolve('COMPLETED', buyer)).toMatchObject({ userErrors: [{ __typename: 'ForbiddenError' }] });
    expect(await resolve('LAPSED')).toMatchObject({ userErrors: [{ code: 'VALIDATION' }] });
    expect(await resolve('PROCESSING')).toMatchObject({ order: { state: 'PROCESSING' } });
    await advance(failing);
    expect(await read(id)).toMatchObject({ state: 'NEEDS_ATTENTION' });
    expect(await resolve('COMPLETED')).toMatchObject({ order: { state: 'COMPLETED' } });
    expect(await resolve('COMPLETED')).toMatchObject({ userErrors: [{ code: 'ORDER_STATE' }] });
    expect((await dueEvents(id)).at(-1)).toMatchObject({ type: 'order.completed' });
  });

  test('one order that can not be advanced does not keep the others waiting', async () => {
    const [broken, fine] = [await placeDigital(), await placeDigital()];
    for (const { id } of [broken, fine]) await world.paymentEvent(world.succeeded(id));
    await world.rows("update orders set type = 'GONE', advance_at = '2026-01-01' where id = ?", [idToBytes(broken.id)]);
    await advance();
    expect(await read(fine.id)).toMatchObject({ state: 'COMPLETED' });
    await world.rows("update orders set type = 'DIGITAL' where id = ?", [idToBytes(broken.id)]);
    world.clockOffsetMs = 600_000;
    await advance();
    expect(await read(broken.id)).toMatchObject({ state: 'COMPLETED' });
  });
});

test('[OB-4] an order whose journal can not be written waits with back-off, so that it is not the first that is due for ever', async () => {
  const { id } = await placeDigital();
  await world.paymentEvent(world.succeeded(id));
  await world.rows("update orders set seq = seq - 1, advance_at = '2026-01-01' where id = ?", [idToBytes(id)]);
  const waits = async () => (await world.rows('select advance_at > ? later, advance_attempts attempts from orders where id = ?', [world.runtime.now(), idToBytes(id)]))[0]; // prettier-ignore
  await advanceOrders(world.deps);
  expect(await waits()).toMatchObject({ later: 1, attempts: 1 });
  world.clockOffsetMs += 600_000;
  await advanceOrders(world.deps);
  expect(await waits()).toMatchObject({ later: 1, attempts: 2 });
  await world.rows('update orders set seq = seq + 1 where id = ?', [idToBytes(id)]);
  world.clockOffsetMs += 600_000;
  await advanceOrders(world.deps);
  expect(await read(id)).toMatchObject({ state: 'COMPLETED' });
});

describe('remark, note and archive', () => {
  const remark = (id: string, text: string, more: object = {}, viewer = buyer) =>
    change(viewer, 'updateOrderRemark', '$id: ID!, $remark: String!, $version: Int, $key: String', 'id: $id, remark: $remark, expectedVersion: $version, idempotencyKey: $key', { id, remark: text, ...more }); // prettier-ignore
  const archive = (id: string, viewer = buyer) => change(viewer, 'archiveOrder', '$id: ID!', 'id: $id', { id });
  const note = (id: string, text: string, open: boolean, viewer = staff) =>
    change(viewer, 'addOrderNote', '$id: ID!, $note: String!, $open: Boolean', 'id: $id, note: $note, public: $open', { id, note: text, open }); // prettier-ignore

  test('[GM-3] a remark is changed under its version, until the order is closed', async () => {
    const { id } = await world.place(buyer);
    expect(await remark(id, 'Ring twice', { version: 2 })).toMatchObject({ order: { remark: 'Ring twice', version: 3 } }); // prettier-ignore
    expect(await remark(id, 'Ring once', { version: 2 })).toMatchObject({ userErrors: [{ __typename: 'ConflictError', expectedVersion: 2, actualVersion: 3 }] }); // prettier-ignore
    expect(await remark(id, 'Ring twice')).toMatchObject({ order: { version: 3 } });
    const key = newId();
    expect(await remark(id, '', { key })).toMatchObject({ replayed: false, order: { remark: '' } });
    expect(await remark(id, '', { key })).toMatchObject({ replayed: true });
    expect(await remark(id, 'x', { key })).toMatchObject({ userErrors: [{ __typename: 'IdempotencyConflictError' }] });
    for (const wrong of ['x'.repeat(1_025), 'half a \ud83d'])
      expect(await remark(id, wrong)).toMatchObject({ userErrors: [{ code: 'VALIDATION', path: ['remark'] }] });
    expect(await remark(id, '😀'.repeat(512))).toMatchObject({ userErrors: [] });
    expect(await remark(id, 'x', {}, userViewer())).toMatchObject({ userErrors: [{ code: 'NOT_FOUND' }] });
    await cancel(id);
    expect(await remark(id, 'too late')).toMatchObject({ userErrors: [{ code: 'ORDER_STATE' }] });
  });

  test('a private note is hidden from the customer, a public one is not', async () => {
    const { id } = await world.place(buyer);
    expect(await note(id, 'Called: nobody there', false)).toMatchObject({ userErrors: [] });
    expect(await note(id, 'We will call again', true)).toMatchObject({ userErrors: [] });
    expect(await note(id, '', true)).toMatchObject({ userErrors: [{ code: 'VALIDATION' }] });
    expect(await note(id, 'me too', true, buyer)).toMatchObject({ userErrors: [{ __typename: 'ForbiddenError' }] });
    const notes = async (viewer: typeof buyer) => (await world.run(viewer, orderQuery, { id })).data.order.history.edges.slice(-2).map(({ node }: { node: { seq: number; data: unknown } }) => [node.seq, node.data]); // prettier-ignore
    expect(await notes(staff)).toEqual([
      [3, { note: 'Called: nobody there', public: false }],
      [4, { note: 'We will call again', public: true }],
    ]);
    expect(await notes(buyer)).toEqual([[3, null], [4, { note: 'We will call again', public: true }]]); // prettier-ignore
  });

  test('[GM-3] an order that is over is put away; my orders leave it out unless asked for by number', async () => {
    const viewer = userViewer();
    const { id, number } = await world.place(viewer);
    expect(await archive(id, viewer)).toMatchObject({ userErrors: [{ code: 'ORDER_STATE' }] });
    // It reads EXPIRED, and may still turn out to have been paid in time.
    world.clockOffsetMs = 3_600_000;
    const { data } = await world.run(viewer, 'query ($id: ID!) { order(id: $id) { state allowedActions } }', { id });
    expect(data.order).toEqual({ state: 'EXPIRED', allowedActions: [] });
    expect(await archive(id, viewer)).toMatchObject({ userErrors: [{ code: 'ORDER_STATE' }] });
    world.clockOffsetMs = 0;
    await cancel(id, viewer);
    expect(await archive(id, viewer)).toMatchObject({ order: { id }, userErrors: [] });
    expect(await archive(id, viewer)).toMatchObject({ order: { id }, userErrors: [] });
    const mine = 'query ($filter: OrderFilter) { myOrders(filter: $filter) { totalCount edges { node { id } } } }';
    expect((await world.run(viewer, mine)).data.myOrders).toEqual({ totalCount: 0, edges: [] });
    expect((await world.run(viewer, mine, { filter: { number } })).data.myOrders).toEqual({ totalCount: 1, edges: [{ node: { id } }] }); // prettier-ignore
  });
});
