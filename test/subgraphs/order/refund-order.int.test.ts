import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { addDays } from '../../../subgraphs/shared/values/local-date.ts';
import { advanceOrders } from '../../../subgraphs/order/commands/advance-order.ts';
import { digital } from '../../../subgraphs/order/types/digital.ts';
import { registerOrderTypes } from '../../../subgraphs/order/types/registry.ts';
import { standard } from '../../../subgraphs/order/types/standard.ts';
import { type OrderWorld, openOrderWorld, userViewer } from './order-world.ts';

const limit = 5_000;
let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld({ env: { STAFF_APPROVAL_ABOVE: String(limit) } });
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const buyer = userViewer();
const staff = userViewer('OPERATOR');
const admin = userViewer('ADMIN');
const errors = '__typename ... on UserError { code path } ... on BusinessRejectedError { cause }';
const approvalErrors = `${errors} ... on ApprovalRequiredError { limit { amount } }`;
const refundErrors = `${approvalErrors} ... on RefundLimitError { refundable { amount } }`;
const orderFields = `id state paymentStatus fulfilmentStatus refundPendingTotal { amount } refundedTotal { amount } refundedTaxTotal { amount }
  lines { id quantity fulfilledQuantity cancelledQuantity refundedQuantity }`;
type Lines = readonly { lineId: string; quantity: number }[];

const run = async (viewer: typeof buyer, query: string, variables: Record<string, unknown>) => {
  const { data, errors: failed } = await world.run(viewer, query, variables);
  expect(failed).toEqual([]);
  return data.answer;
};
const refund = (input: Record<string, unknown>, viewer = staff, key = newId()) =>
  run(viewer, `mutation R($input: RefundOrderInput!, $key: String!) { answer: refundOrder(input: $input, idempotencyKey: $key) { order { ${orderFields} } amount { amount currency } refunds { id } replayed userErrors { ${refundErrors} } } }`, { input: { reason: 'broken', ...input }, key }); // prettier-ignore
const cancelLines = (id: string, lines: Lines, viewer = buyer, key = newId()) =>
  run(viewer, `mutation C($id: ID!, $lines: [OrderLineQuantityInput!], $key: String!) { answer: cancelOrder(id: $id, lines: $lines, idempotencyKey: $key) { order { ${orderFields} } replayed userErrors { ${errors} } } }`, { id, lines, key }); // prettier-ignore
const fulfil = (id: string, lines: Lines | null = null) =>
  run(staff, `mutation F($id: ID!, $lines: [ReturnLineInput!], $key: String!) { answer: fulfilOrder(id: $id, lines: $lines, idempotencyKey: $key) { order { state } userErrors { ${errors} } } }`, { id, lines, key: newId() }); // prettier-ignore
const read = (id: string) => run(staff, `query Q($id: ID!) { answer: order(id: $id) { ${orderFields} } }`, { id });
const told = async (id: string) => (await world.deliver()).filter(({ aggregateId }) => aggregateId === id);

/** A paid order: `quantity` pieces of one product, at 12.90 each, of which there are five. */
async function paidOrder(quantity = 3) {
  const productId = await world.make(5);
  const { id } = await world.place(buyer, { lines: [{ productId, quantity }] });
  const paid = world.succeeded(id, { amountMinor: 1_290 * quantity });
  await world.paymentEvent(paid);
  await world.deliver();
  const [line] = (await read(id)).lines;
  return { id, productId, lineId: line.id as string, paymentId: String(paid.data['paymentId']) };
}
const ofLine = (lineId: string, quantity: number): Lines => [{ lineId, quantity }];

describe('[LL-7] cancelling pieces of a paid order', () => {
  test('[AP-1] gives their stock and their share of the money back, and the order goes on without them', async () => {
    const order = await paidOrder();
    const key = newId();
    const answer = await cancelLines(order.id, ofLine(order.lineId, 1), buyer, key);
    expect(answer).toMatchObject({ order: { state: 'PAID', refundPendingTotal: { amount: 1_290 }, lines: [{ cancelledQuantity: 1, refundedQuantity: 1 }] }, userErrors: [] }); // prettier-ignore
    expect(await cancelLines(order.id, ofLine(order.lineId, 1), buyer, key)).toMatchObject({ replayed: true, order: { lines: [{ cancelledQuantity: 1 }] } }); // prettier-ignore
    const events = await told(order.id);
    expect(events.map(({ type }) => type)).toEqual(['order.lines_cancelled', 'order.refund_requested']);
    expect(events[1]?.data).toMatchObject({ amountMinor: 1_290, currency: 'EUR', requestedBy: null });
    expect(await world.stock(order.productId)).toEqual({ onHand: 3, allocated: 0 });
    const requestId = String(events[1]?.data['requestId']);
    await world.paymentEvent(world.refunded(order.id, { paymentId: order.paymentId, amountMinor: 1_290, requestId }));
    expect(await read(order.id)).toMatchObject({ paymentStatus: 'PARTIALLY_REFUNDED', refundPendingTotal: { amount: 0 }, refundedTotal: { amount: 1_290 } }); // prettier-ignore
    expect(await fulfil(order.id)).toMatchObject({ order: { state: 'COMPLETED' } });
    expect(await read(order.id)).toMatchObject({ lines: [{ fulfilledQuantity: 2, cancelledQuantity: 1 }] });
  });

  test('cancels the order as a whole with the last of them', async () => {
    const order = await paidOrder();
    await cancelLines(order.id, ofLine(order.lineId, 1));
    expect(await cancelLines(order.id, ofLine(order.lineId, 2))).toMatchObject({ order: { state: 'CANCELLED', refundPendingTotal: { amount: 3_870 } } }); // prettier-ignore
    await told(order.id);
    expect(await world.stock(order.productId)).toEqual({ onHand: 5, allocated: 0 });
  });

  test('is refused for an unpaid order, for pieces that were delivered, and for somebody else', async () => {
    const unpaid = await world.place(buyer);
    const line = (await read(unpaid.id)).lines[0].id;
    expect(await cancelLines(unpaid.id, ofLine(line, 1))).toMatchObject({ order: null, userErrors: [{ __typename: 'OrderStateError' }] }); // prettier-ignore
    const order = await paidOrder();
    await fulfil(order.id, ofLine(order.lineId, 2));
    expect(await cancelLines(order.id, ofLine(order.lineId, 2))).toMatchObject({ userErrors: [{ __typename: 'ValidationError', path: ['lines', '0', 'quantity'] }] }); // prettier-ignore
    expect(await cancelLines(order.id, ofLine(order.lineId, 1), userViewer())).toMatchObject({ userErrors: [{ __typename: 'NotFoundError' }] }); // prettier-ignore
    expect(await cancelLines(order.id, ofLine(order.lineId, 1))).toMatchObject({ order: { state: 'COMPLETED', fulfilmentStatus: 'FULFILLED' } }); // prettier-ignore
  });

  test('and delivering them at the same time gives each piece one end', async () => {
    for (let round = 0; round < 20; round += 1) {
      const order = await paidOrder(5);
      await Promise.all([cancelLines(order.id, ofLine(order.lineId, 3)), fulfil(order.id, ofLine(order.lineId, 3)), cancelLines(order.id, ofLine(order.lineId, 1))]); // prettier-ignore
      const [line] = (await read(order.id)).lines;
      expect(line.fulfilledQuantity + line.cancelledQuantity).toBeLessThanOrEqual(5);
      await told(order.id);
      expect(await world.stock(order.productId)).toEqual({ onHand: line.cancelledQuantity, allocated: 0 });
    }
  }, 60_000);

  test('leaves a booking fewer rooms, whose nights others can have', async () => {
    const seller = userViewer('MERCHANT');
    const productId = await world.make(0, { kind: 'BOOKABLE', capacity: 2, maxGuests: 2, price: { amount: 1_000, currency: 'EUR' } } as never); // prettier-ignore
    expect(seller.roles).toEqual(['MERCHANT']);
    const today = world.runtime.now().toISOString().slice(0, 10);
    const stay = { stayFrom: addDays(today, 2), stayTo: addDays(today, 4), guests: 2 };
    const { id } = await world.place(buyer, { type: 'BOOKING', lines: [{ productId, quantity: 2, ...stay }] });
    await world.paymentEvent(world.succeeded(id, { amountMinor: 4_000 }));
    const [line] = (await read(id)).lines;
    expect(await cancelLines(id, ofLine(line.id, 1))).toMatchObject({ order: { state: 'PAID', refundPendingTotal: { amount: 2_000 } } }); // prettier-ignore
    await world.deliver();
    const nights = await world.productRows('select on_hand, allocated from night where product_id = ? order by night', [idToBytes(productId)]); // prettier-ignore
    expect(nights).toEqual([{ on_hand: 1, allocated: 0 }, { on_hand: 1, allocated: 0 }]); // prettier-ignore
    await world.place(userViewer(), { type: 'BOOKING', lines: [{ productId, quantity: 1, ...stay }] });
    await cancelLines(id, ofLine(line.id, 1));
    await world.deliver();
    expect(await world.productRows('select on_hand, allocated from night where product_id = ? order by night', [idToBytes(productId)])).toEqual([{ on_hand: 2, allocated: 1 }, { on_hand: 2, allocated: 1 }]); // prettier-ignore
  });
});

describe('[PM-4] staff who cancel a paid order of more than one person may give', () => {
  const cancel = (id: string, viewer: typeof buyer, { key = newId(), reason = 'lost' } = {}) =>
    run(viewer, `mutation C($id: ID!, $reason: String, $key: String!) { answer: cancelOrder(id: $id, reason: $reason, idempotencyKey: $key) { order { ${orderFields} } replayed userErrors { ${approvalErrors} } } }`, { id, reason, key }); // prettier-ignore
  const approval = { order: null, userErrors: [{ __typename: 'ApprovalRequiredError', limit: { amount: limit } }] };
  const note = (id: string) => run(staff, `mutation { answer: addOrderNote(id: "${id}", note: "called") { userErrors { ${errors} } } }`, {}); // prettier-ignore
  const actOf = async (id: string, action: string) =>
    JSON.stringify(await world.rows("select data from outbox where type = 'staff.acted' and data like ? and data like ?", [`%order:${id}%`, `%${action}%`])); // prettier-ignore

  test('are two, each with a key and words of their own', async () => {
    const order = await paidOrder(5);
    for (const viewer of [staff, staff, userViewer('OPERATOR')])
      expect(await cancel(order.id, viewer)).toMatchObject(approval);
    expect(await read(order.id)).toMatchObject({ state: 'PAID', refundPendingTotal: { amount: 0 } });
    expect(await world.stock(order.productId)).toEqual({ onHand: 0, allocated: 0 });
    const key = newId();
    for (const replayed of [false, true])
      expect(await cancel(order.id, admin, { key, reason: 'I agree' })).toMatchObject({ replayed, order: { state: 'CANCELLED', refundPendingTotal: { amount: 6_450 } } }); // prettier-ignore
    expect(await cancel(order.id, staff)).toMatchObject({ order: { state: 'CANCELLED' }, userErrors: [] });
    expect(await actOf(order.id, 'order.cancelled')).toContain(staff.userId);
  });

  test('agree on the order as it is: what came in between asks anew', async () => {
    const order = await paidOrder(5);
    expect(await cancel(order.id, staff)).toMatchObject(approval);
    await note(order.id);
    expect(await cancel(order.id, admin)).toMatchObject(approval);
    expect(await cancel(order.id, userViewer('ADMIN'))).toMatchObject({ order: { state: 'CANCELLED' } });
  });

  test('count what was taken off it within a day', async () => {
    const order = await paidOrder(5);
    const cancelSome = (pieces: number, viewer = staff) => cancelLines(order.id, ofLine(order.lineId, pieces), viewer);
    expect(await cancelSome(4)).toMatchObject({ order: null, userErrors: [{ code: 'APPROVAL_REQUIRED', path: ['lines'] }] }); // prettier-ignore
    expect(await cancelSome(3)).toMatchObject({ order: { refundPendingTotal: { amount: 3_870 } } });
    expect(await cancelSome(1)).toMatchObject({ userErrors: [{ code: 'APPROVAL_REQUIRED' }] });
    expect(await cancel(order.id, staff)).toMatchObject(approval);
    expect(await cancelSome(1, admin)).toMatchObject({ order: { lines: [{ cancelledQuantity: 4 }] } });
  });

  test('are one where it is not much, not paid, or their own; and its customer is never two', async () => {
    const [small, large, own] = [await paidOrder(3), await paidOrder(5), userViewer('OPERATOR')];
    expect(await cancel(small.id, staff)).toMatchObject({ order: { state: 'CANCELLED' } });
    expect(await cancel(large.id, buyer)).toMatchObject({ order: { state: 'CANCELLED' } });
    const unpaid = await world.place(buyer, { lines: [{ productId: await world.make(20), quantity: 20 }] });
    expect(await cancel(unpaid.id, staff)).toMatchObject({ order: { state: 'CANCELLED' } });
    const mine = await world.place(own, { lines: [{ productId: await world.make(20), quantity: 20 }] });
    await world.paymentEvent(world.succeeded(mine.id, { amountMinor: 25_800 }));
    expect(await cancel(mine.id, own)).toMatchObject({ order: { state: 'CANCELLED' } });
  });

  test('are two as well where they decide so of one that NEEDS_ATTENTION', async () => {
    const productId = await world.make(0, { kind: 'DIGITAL', price: { amount: 6_000, currency: 'EUR' } });
    const { id } = await world.place(buyer, { type: 'DIGITAL', lines: [{ productId, quantity: 1 }] });
    await world.paymentEvent(world.succeeded(id, { amountMinor: 6_000 }));
    const failing = { ...world.deps, types: registerOrderTypes(standard, { ...digital, deliver: async () => { throw new Error('no licences'); } }) }; // prettier-ignore
    world.clockOffsetMs = (digital.deliveryLifeSeconds + 1) * 1_000;
    await advanceOrders(failing);
    world.clockOffsetMs = 0;
    const resolve = (viewer: typeof buyer, to: string, words: string) =>
      run(viewer, `mutation { answer: resolveAttention(id: "${id}", to: ${to}, note: "${words}") { order { state } userErrors { ${approvalErrors} } } }`, {}); // prettier-ignore
    expect(await resolve(staff, 'REFUNDED', 'no licences')).toMatchObject({ ...approval, userErrors: [{ path: ['to'] }] }); // prettier-ignore
    expect(await resolve(admin, 'CANCELLED', 'another end')).toMatchObject(approval);
    expect(await resolve(admin, 'REFUNDED', 'I agree')).toMatchObject({ order: { state: 'REFUNDED' }, userErrors: [] });
  });
});

describe('refundOrder', () => {
  test('[AP-3] gives delivered pieces back by line and counts them once, with the same key as often as asked', async () => {
    const order = await paidOrder();
    await fulfil(order.id);
    const key = newId();
    const input = { orderId: order.id, lines: ofLine(order.lineId, 2), restock: true };
    const answer = await refund(input, staff, key);
    expect(answer).toMatchObject({ amount: { amount: 2_580, currency: 'EUR' }, refunds: [], replayed: false, userErrors: [], order: { state: 'COMPLETED', refundPendingTotal: { amount: 2_580 }, lines: [{ refundedQuantity: 2, cancelledQuantity: 0 }] } }); // prettier-ignore
    const events = (await told(order.id)).slice(1);
    expect(events.map(({ type }) => type)).toEqual([
      'order.completed',
      'order.refund_requested',
      'order.stock_returned',
    ]);
    expect(events[1]?.data).toMatchObject({ amountMinor: 2_580, requestedBy: staff.userId, reason: 'broken' });
    expect(await world.stock(order.productId)).toEqual({ onHand: 4, allocated: 0 });
    const refundId = newId();
    await world.paymentEvent(world.refunded(order.id, { paymentId: order.paymentId, refundId, amountMinor: 2_580, requestId: events[1]?.data['requestId'] })); // prettier-ignore
    expect(await refund(input, staff, key)).toMatchObject({ replayed: true, amount: { amount: 2_580 }, refunds: [{ id: refundId }] }); // prettier-ignore
    expect(await refund({ ...input, restock: false }, staff, key)).toMatchObject({ userErrors: [{ __typename: 'IdempotencyConflictError' }] }); // prettier-ignore
    expect(await refund({ orderId: order.id, lines: ofLine(order.lineId, 2) })).toMatchObject({ userErrors: [{ path: ['input', 'lines', '0', 'quantity'] }] }); // prettier-ignore
    expect(await refund({ orderId: order.id, amount: { amount: 1_291, currency: 'EUR' } })).toMatchObject({ userErrors: [{ __typename: 'RefundLimitError', refundable: { amount: 1_290 } }] }); // prettier-ignore
  });

  test('stands in the audit log with its amount, also where it ends the order', async () => {
    const [one, other] = [await paidOrder(), await paidOrder()];
    await refund({ orderId: one.id, lines: ofLine(one.lineId, 3) });
    await cancelLines(other.id, ofLine(other.lineId, 3), staff);
    for (const [{ id }, action] of [[one, 'order.refunded'], [other, 'order.cancelled']] as const) {
      const [act] = await world.rows("select data from outbox where type = 'staff.acted' and data like ?", [`%order:${id}%`]); // prettier-ignore
      expect(JSON.stringify(act)).toContain('3870');
      expect(JSON.stringify(act)).toContain(action);
    }
  }); // prettier-ignore

  test('[AP-4] restocks nothing that a return brings, or has brought', async () => {
    const order = await paidOrder();
    await fulfil(order.id);
    await told(order.id);
    const asked = await run(buyer, `mutation R($id: ID!, $lines: [OrderLineQuantityInput!]!, $key: String!) { answer: requestReturn(orderId: $id, lines: $lines, reason: "broken", idempotencyKey: $key) { orderReturn { id } userErrors { ${errors} } } }`, { id: order.id, lines: ofLine(order.lineId, 2), key: newId() }); // prettier-ignore
    const restocked = { orderId: order.id, lines: ofLine(order.lineId, 2), restock: true };
    expect(await refund(restocked)).toMatchObject({ order: null, userErrors: [{ cause: 'RETURN_OPEN' }] });
    const returnId = asked.orderReturn.id;
    const answer = (call: string) => run(staff, `mutation { answer: ${call} { userErrors { ${errors} } } }`, {});
    await answer(`decideReturn(returnId: "${returnId}", approve: true)`);
    await answer(`receiveReturn(returnId: "${returnId}", lines: [{ lineId: "${order.lineId}", quantity: 2, restock: 2 }], refund: false)`); // prettier-ignore
    expect(await refund({ ...restocked, lines: ofLine(order.lineId, 3) })).toMatchObject({ amount: { amount: 3_870 }, userErrors: [] }); // prettier-ignore
    await told(order.id);
    expect(await world.stock(order.productId)).toEqual({ onHand: 5, allocated: 0 });
  });

  test('of all the money before the delivery ends the order as REFUNDED, and its stock is back', async () => {
    const order = await paidOrder();
    const key = newId();
    const input = { orderId: order.id, amount: { amount: 3_870, currency: 'EUR' } };
    expect(await refund(input, staff, key)).toMatchObject({ amount: { amount: 3_870 }, order: { state: 'REFUNDED', refundPendingTotal: { amount: 3_870 }, lines: [{ refundedQuantity: 3 }] } }); // prettier-ignore
    expect(await told(order.id)).toMatchObject([{ type: 'order.closed', data: { state: 'REFUNDED' } }]);
    expect(await world.stock(order.productId)).toEqual({ onHand: 5, allocated: 0 });
    const refundId = newId();
    await world.paymentEvent(world.refunded(order.id, { paymentId: order.paymentId, refundId, amountMinor: 3_870 }));
    expect(await refund(input, staff, key)).toMatchObject({ replayed: true, amount: { amount: 3_870 }, refunds: [{ id: refundId }], order: { paymentStatus: 'REFUNDED' } }); // prettier-ignore
  });

  test('is for staff, and not of their own orders', async () => {
    const order = await paidOrder();
    const input = { orderId: order.id, lines: ofLine(order.lineId, 1) };
    for (const viewer of [buyer, userViewer(), userViewer('MERCHANT')])
      expect(await refund(input, viewer)).toMatchObject({ order: null, amount: null, userErrors: [{ __typename: 'ForbiddenError' }] }); // prettier-ignore
    const own = userViewer('OPERATOR');
    const { id } = await world.place(own);
    await world.paymentEvent(world.succeeded(id));
    expect(await refund({ orderId: id, amount: { amount: 1, currency: 'EUR' } }, own)).toMatchObject({ userErrors: [{ __typename: 'ForbiddenError' }] }); // prettier-ignore
  });

  test.each([
    [{ orderId: 'no-id', amount: { amount: 1, currency: 'EUR' } }, 'NotFoundError', ['input', 'orderId']],
    [{ reason: '' }, 'ValidationError', ['input', 'reason']],
    [{}, 'ValidationError', ['input']],
    [{ shipping: true }, 'ValidationError', ['input', 'shipping']],
    [{ amount: { amount: 1, currency: 'USD' } }, 'ValidationError', ['input', 'amount', 'currency']],
    [{ amount: { amount: -1, currency: 'EUR' } }, 'ValidationError', ['input', 'amount', 'amount']],
    [{ lines: [{ lineId: 'none', quantity: 1 }] }, 'ValidationError', ['input', 'lines', '0', 'lineId']],
  ])('refuses %j as %s at %j and changes nothing', async (input, type, path) => {
    const order = await paidOrder();
    expect(await refund({ orderId: order.id, ...input })).toMatchObject({ order: null, userErrors: [{ __typename: type, path }] }); // prettier-ignore
    expect(await read(order.id)).toMatchObject({ state: 'PAID', refundPendingTotal: { amount: 0 } });
  }); // prettier-ignore

  test('of more than one person may give takes two, also in parts within a day', async () => {
    const { id } = await world.place(buyer, { lines: [{ productId: await world.make(20), quantity: 20 }] });
    await world.paymentEvent(world.succeeded(id, { amountMinor: 25_800 }));
    const euros = (amount: number) => ({ orderId: id, amount: { amount, currency: 'EUR' } });
    const approval = { order: null, userErrors: [{ __typename: 'ApprovalRequiredError', limit: { amount: limit } }] };
    const key = newId();
    expect(await refund(euros(limit + 1), staff, key)).toMatchObject(approval);
    expect(await refund(euros(limit + 1), staff, key)).toMatchObject(approval);
    expect(await refund(euros(limit + 1), admin, key)).toMatchObject({ amount: { amount: limit + 1 }, userErrors: [] });
    const { id: other } = await world.place(buyer, { lines: [{ productId: await world.make(20), quantity: 20 }] });
    const paid = world.succeeded(other, { amountMinor: 25_800 });
    await world.paymentEvent(paid);
    expect(await refund({ orderId: other, amount: { amount: 3_000, currency: 'EUR' } })).toMatchObject({
      userErrors: [],
    });
    // Given back in the payment service meanwhile: it counts as well.
    await world.paymentEvent(world.refunded(other, { paymentId: paid.data['paymentId'], amountMinor: 1_000 }));
    const rest = { orderId: other, amount: { amount: 1_001, currency: 'EUR' } };
    const restKey = newId();
    expect(await refund(rest, staff, restKey)).toMatchObject(approval);
    expect(await refund({ ...rest, amount: { amount: 1_000, currency: 'EUR' } })).toMatchObject({ userErrors: [] });
    expect(await refund(rest, admin, restKey)).toMatchObject({ userErrors: [] });
  });

  test('of pieces that two have given back is answered again for both', async () => {
    const order = await paidOrder(5);
    const [key, input] = [newId(), { orderId: order.id, lines: ofLine(order.lineId, 4) }];
    expect(await refund(input, staff, key)).toMatchObject({ userErrors: [{ __typename: 'ApprovalRequiredError' }] });
    for (const [viewer, replayed] of [
      [admin, false],
      [admin, true],
      [staff, true],
    ] as const)
      expect(await refund(input, viewer, key)).toMatchObject({ replayed, amount: { amount: 5_160 }, userErrors: [] });
    expect(await read(order.id)).toMatchObject({ refundPendingTotal: { amount: 5_160 } });
  });

  test('[AP-3] ten times at once, with different keys, gives each piece back once', async () => {
    const order = await paidOrder(5);
    await fulfil(order.id);
    const answers = await Promise.all(Array.from({ length: 10 }, () => refund({ orderId: order.id, lines: ofLine(order.lineId, 1) }, Math.random() < 0.5 ? staff : admin))); // prettier-ignore
    expect(answers.filter((answer) => answer.order !== null).length).toBeGreaterThanOrEqual(3);
    const now = await read(order.id);
    expect(now.refundPendingTotal.amount).toBe(1_290 * now.lines[0].refundedQuantity);
    expect(now.lines[0].refundedQuantity).toBe(answers.filter((answer) => answer.order !== null).length);
  });
});
