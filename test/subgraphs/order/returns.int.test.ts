import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type OrderWorld, openOrderWorld, userViewer } from './order-world.ts';

const limit = 5_000;
const dayMs = 86_400_000;
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
const errors = '__typename ... on UserError { code path } ... on BusinessRejectedError { cause } ... on ApprovalRequiredError { limit { amount } }'; // prettier-ignore
const returnFields = `id number state reason decidedReason restock refunds { id } order { id } lines { line { id } quantity receivedQuantity restockedQuantity }`;
const payload = `{ orderReturn { ${returnFields} } replayed userErrors { ${errors} } }`;
const orderFields = `id state fulfilmentStatus allowedActions refundPendingTotal { amount } returns { id state } lines { id refundedQuantity returnableQuantity }
  history(first: 100) { edges { node { type actorType data } } }`;
type Lines = readonly { lineId: string; quantity: number }[];
type Received = readonly { lineId: string; quantity: number; restock: number }[];

const run = async (viewer: typeof buyer, query: string, variables: Record<string, unknown>) => {
  const { data, errors: failed } = await world.run(viewer, query, variables);
  expect(failed).toEqual([]);
  return data.answer;
};
const request = (orderId: string, lines: Lines, viewer = buyer, { key = newId(), reason = 'too small' } = {}) =>
  run(viewer, `mutation R($orderId: ID!, $lines: [OrderLineQuantityInput!]!, $reason: String!, $key: String!) { answer: requestReturn(orderId: $orderId, lines: $lines, reason: $reason, idempotencyKey: $key) ${payload} }`, { orderId, lines, reason, key }); // prettier-ignore
const decide = (id: string, approve = true, viewer = staff, reason: string | null = null) =>
  run(viewer, `mutation D($id: ID!, $approve: Boolean!, $reason: String) { answer: decideReturn(returnId: $id, approve: $approve, reason: $reason) ${payload} }`, { id, approve, reason }); // prettier-ignore
const receive = (id: string, lines: Received, viewer = staff, { refund = true, key = null as string | null } = {}) =>
  run(viewer, `mutation V($id: ID!, $lines: [ReceivedLineInput!]!, $refund: Boolean!, $key: String) { answer: receiveReturn(returnId: $id, lines: $lines, refund: $refund, idempotencyKey: $key) ${payload} }`, { id, lines, refund, key }); // prettier-ignore
const cancel = (id: string, viewer = buyer) =>
  run(viewer, `mutation C($id: ID!) { answer: cancelReturn(returnId: $id) ${payload} }`, { id });
const refundLines = (orderId: string, lines: Lines, restock = false) =>
  run(staff, `mutation G($input: RefundOrderInput!, $key: String!) { answer: refundOrder(input: $input, idempotencyKey: $key) { order { id } userErrors { ${errors} } } }`, { input: { orderId, lines, restock, reason: 'broken' }, key: newId() }); // prettier-ignore
const read = (id: string, viewer = staff) => run(viewer, `query Q($id: ID!) { answer: order(id: $id) { ${orderFields} } }`, { id }); // prettier-ignore
const list = (args: string) => run(staff, `{ answer: returns(${args}) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage } totalCount } }`, {}); // prettier-ignore
const told = async (id: string) => (await world.deliver()).filter(({ aggregateId }) => aggregateId === id);
const ofLine = (lineId: string, quantity: number): Lines => [{ lineId, quantity }];
const back = (lineId: string, quantity: number, restock = quantity): Received => [{ lineId, quantity, restock }];

/** A paid order of `quantity` pieces of one product, at 12.90 each; delivered where `delivered` says so. */
async function makeOrder(quantity = 3, delivered = true) {
  const productId = await world.make(quantity);
  const { id } = await world.place(buyer, { lines: [{ productId, quantity }] });
  const paid = world.succeeded(id, { amountMinor: 1_290 * quantity });
  await world.paymentEvent(paid);
  if (delivered)
    await run(staff, 'mutation F($id: ID!, $key: String!) { answer: fulfilOrder(id: $id, idempotencyKey: $key) { order { state } } }', { id, key: newId() }); // prettier-ignore
  await world.deliver();
  const [line] = (await read(id)).lines;
  return { id, productId, lineId: line.id as string, paymentId: String(paid.data['paymentId']) };
}

/** As `makeOrder`, with an approved return of some pieces. */
async function approved(quantity = 2, of = 3) {
  const order = await makeOrder(of);
  const { orderReturn } = await request(order.id, ofLine(order.lineId, quantity));
  expect(await decide(orderReturn.id)).toMatchObject({ orderReturn: { state: 'APPROVED' }, userErrors: [] });
  await told(order.id);
  return { ...order, returnId: orderReturn.id as string };
}

describe('[AP-4] a return', () => {
  test('is asked for, approved, received, put back into the stock and refunded', async () => {
    const order = await makeOrder();
    expect(await read(order.id, buyer)).toMatchObject({ allowedActions: expect.arrayContaining(['RETURN']), lines: [{ returnableQuantity: 3 }] }); // prettier-ignore
    const key = newId();
    const { orderReturn } = await request(order.id, ofLine(order.lineId, 3), buyer, { key });
    const withReturn = (hasReturn: boolean, viewer = staff) => run(viewer, 'query L($filter: OrderFilter) { answer: orders(filter: $filter, first: 100) { edges { node { id } } } }', { filter: { hasReturn } }); // prettier-ignore
    const isIn = async (hasReturn: boolean) => (await withReturn(hasReturn)).edges.some(({ node }: { node: { id: string } }) => node.id === order.id); // prettier-ignore
    expect([await isIn(true), await isIn(false)]).toEqual([true, false]);
    expect(orderReturn).toMatchObject({ number: expect.stringMatching(/^RE\d{6}/), state: 'REQUESTED', reason: 'too small', order: { id: order.id }, restock: false, refunds: [], lines: [{ line: { id: order.lineId }, quantity: 3, receivedQuantity: 0 }] }); // prettier-ignore
    expect(await request(order.id, ofLine(order.lineId, 3), buyer, { key })).toMatchObject({ replayed: true, orderReturn: { id: orderReturn.id } }); // prettier-ignore
    const asked = await read(order.id, buyer);
    expect(asked).toMatchObject({ fulfilmentStatus: 'FULFILLED', returns: [{ id: orderReturn.id, state: 'REQUESTED' }], lines: [{ returnableQuantity: 0 }] }); // prettier-ignore
    expect(asked.allowedActions).not.toContain('RETURN');
    await decide(orderReturn.id, true, staff, 'of course');
    expect(await receive(orderReturn.id, back(order.lineId, 3, 2))).toMatchObject({ orderReturn: { state: 'REFUNDED', decidedReason: 'of course', restock: true, refunds: [], lines: [{ receivedQuantity: 3, restockedQuantity: 2 }] }, userErrors: [] }); // prettier-ignore
    const events = await told(order.id);
    expect(events.map(({ type }) => type)).toEqual(['order.return_requested', 'order.return_decided', 'order.return_received', 'order.stock_returned', 'order.refund_requested']); // prettier-ignore
    expect(await world.stock(order.productId)).toEqual({ onHand: 2, allocated: 0 });
    const now = await read(order.id);
    expect(now).toMatchObject({ state: 'COMPLETED', fulfilmentStatus: 'RETURNED', refundPendingTotal: { amount: 3_870 }, lines: [{ refundedQuantity: 3, returnableQuantity: 0 }] }); // prettier-ignore
    const steps = now.history.edges.map(({ node }: { node: { type: string } }) => node.type);
    expect(steps.slice(-4)).toEqual(['ReturnRequested', 'ReturnDecided', 'ReturnReceived', 'RefundRequested']);
    const refundId = newId();
    await world.paymentEvent(world.refunded(order.id, { paymentId: order.paymentId, refundId, amountMinor: 3_870, requestId: events[4]?.data['requestId'] })); // prettier-ignore
    expect(await run(buyer, `query Q($id: ID!) { answer: order(id: $id) { refundPendingTotal { amount } returns { refunds { id } } } }`, { id: order.id })).toEqual({ refundPendingTotal: { amount: 0 }, returns: [{ refunds: [{ id: refundId }] }] }); // prettier-ignore
  });

  test('can come in part, and what did not come can be asked for again', async () => {
    const order = await approved();
    expect(await receive(order.returnId, back(order.lineId, 1, 0))).toMatchObject({ orderReturn: { state: 'REFUNDED', restock: false, lines: [{ quantity: 2, receivedQuantity: 1 }] } }); // prettier-ignore
    expect((await told(order.id)).map(({ type }) => type)).toEqual(['order.return_received', 'order.refund_requested']);
    expect(await read(order.id)).toMatchObject({ fulfilmentStatus: 'PARTIALLY_RETURNED', refundPendingTotal: { amount: 1_290 }, lines: [{ returnableQuantity: 2 }] }); // prettier-ignore
    expect(await world.stock(order.productId)).toEqual({ onHand: 0, allocated: 0 });
    expect(await receive(order.returnId, back(order.lineId, 1))).toMatchObject({ userErrors: [{ cause: 'RETURN_STATE' }] }); // prettier-ignore
  });

  test('without a refund stays RECEIVED', async () => {
    const order = await approved();
    expect(await receive(order.returnId, back(order.lineId, 2), staff, { refund: false })).toMatchObject({ orderReturn: { state: 'RECEIVED', refunds: [] } }); // prettier-ignore
    expect((await told(order.id)).map(({ type }) => type)).toEqual(['order.return_received', 'order.stock_returned']);
    expect(await read(order.id)).toMatchObject({ refundPendingTotal: { amount: 0 }, lines: [{ refundedQuantity: 0, returnableQuantity: 1 }] }); // prettier-ignore
    // The refund that follows is of these pieces: one is still with the customer.
    await refundLines(order.id, ofLine(order.lineId, 2));
    expect(await read(order.id)).toMatchObject({ lines: [{ refundedQuantity: 2, returnableQuantity: 1 }] });
    await told(order.id);
  });

  test('of a piece whose order had goodwill before goes into the stock once', async () => {
    const order = await makeOrder();
    await refundLines(order.id, ofLine(order.lineId, 2));
    const { orderReturn } = await request(order.id, ofLine(order.lineId, 1));
    await decide(orderReturn.id);
    await receive(orderReturn.id, back(order.lineId, 1), staff, { refund: false });
    await told(order.id);
    expect(await read(order.id)).toMatchObject({ lines: [{ refundedQuantity: 2, returnableQuantity: 0 }] });
    expect(await refundLines(order.id, ofLine(order.lineId, 1), true)).toMatchObject({ userErrors: [] });
    await told(order.id);
    expect(await world.stock(order.productId)).toEqual({ onHand: 1, allocated: 0 });
    const counts = await world.rows('select returned_quantity returned, unrefunded_return_quantity unrefunded, restocked_quantity restocked from order_line where order_id = unhex(?)', [order.id.replaceAll('-', '')]); // prettier-ignore
    expect(counts).toEqual([{ returned: 1, unrefunded: 0, restocked: 0 }]);
    const other = await makeOrder();
    await refundLines(other.id, ofLine(other.lineId, 2), true);
    await told(other.id);
    expect(await world.rows('select restocked_quantity restocked from order_line where order_id = unhex(?)', [other.id.replaceAll('-', '')])).toEqual([{ restocked: 2 }]); // prettier-ignore
  });

  test('is rejected with a reason, or cancelled, and its pieces can be asked for again', async () => {
    const order = await makeOrder();
    const { orderReturn: first } = await request(order.id, ofLine(order.lineId, 3));
    expect(await decide(first.id, false)).toMatchObject({ orderReturn: null, userErrors: [{ __typename: 'ValidationError', path: ['reason'] }] }); // prettier-ignore
    expect(await decide(first.id, false, staff, 'worn')).toMatchObject({ orderReturn: { state: 'REJECTED', decidedReason: 'worn' } }); // prettier-ignore
    expect(await decide(first.id)).toMatchObject({ userErrors: [{ cause: 'RETURN_STATE' }] });
    expect(await cancel(first.id)).toMatchObject({ userErrors: [{ cause: 'RETURN_STATE' }] });
    const { orderReturn: second } = await request(order.id, ofLine(order.lineId, 3));
    expect(await receive(second.id, back(order.lineId, 1))).toMatchObject({ userErrors: [{ cause: 'RETURN_STATE' }] });
    expect(await cancel(second.id)).toMatchObject({ orderReturn: { state: 'CANCELLED' } });
    expect(await cancel(second.id)).toMatchObject({ orderReturn: { state: 'CANCELLED' }, userErrors: [] });
    expect((await told(order.id)).map(({ type }) => type)).toEqual(['order.return_requested', 'order.return_decided', 'order.return_requested', 'order.return_cancelled']); // prettier-ignore
    expect(await read(order.id)).toMatchObject({ fulfilmentStatus: 'FULFILLED', lines: [{ returnableQuantity: 3 }] });
  });

  test('is refused of what was not delivered, is too much, was refunded, is too late, or takes none', async () => {
    const open = await makeOrder(3, false);
    expect(await request(open.id, ofLine(open.lineId, 1))).toMatchObject({ orderReturn: null, userErrors: [{ __typename: 'OrderStateError' }] }); // prettier-ignore
    const order = await makeOrder();
    await refundLines(order.id, ofLine(order.lineId, 1));
    await request(order.id, ofLine(order.lineId, 1));
    for (const [lines, path] of [
      [ofLine(order.lineId, 2), ['lines', '0', 'quantity']],
      [ofLine(order.lineId, 0), ['lines', '0', 'quantity']],
      [ofLine(newId(), 1), ['lines', '0', 'lineId']],
      [[], ['lines']],
    ] as const)
      // prettier-ignore
      expect(await request(order.id, lines)).toMatchObject({ userErrors: [{ __typename: 'ValidationError', path }] });
    expect(await request(order.id, ofLine(order.lineId, 1), buyer, { reason: '' })).toMatchObject({ userErrors: [{ path: ['reason'] }] }); // prettier-ignore
    world.clockOffsetMs = 31 * dayMs;
    expect(await request(order.id, ofLine(order.lineId, 1))).toMatchObject({ userErrors: [{ cause: 'RETURN_WINDOW_OVER' }] }); // prettier-ignore
    expect(await read(order.id)).toMatchObject({ lines: [{ returnableQuantity: 0 }] });
    world.clockOffsetMs = 0;
    await world.rows("update orders set type = 'BOOKING' where id = unhex(?)", [order.id.replaceAll('-', '')]);
    expect(await request(order.id, ofLine(order.lineId, 1))).toMatchObject({ userErrors: [{ cause: 'NOT_RETURNABLE' }] }); // prettier-ignore
    await told(order.id);
  });

  test.each([
    [[], ['lines']],
    [[{ lineId: 'none', quantity: 1, restock: 0 }], ['lines', '0', 'lineId']],
    [[{ quantity: 3, restock: 0 }], ['lines', '0', 'quantity']],
    [[{ quantity: 0, restock: 0 }], ['lines', '0', 'quantity']],
    [[{ quantity: 1, restock: 2 }], ['lines', '0', 'restock']],
    [[{ quantity: 1, restock: -1 }], ['lines', '0', 'restock']],
    [[{ quantity: 1, restock: 0 }, { quantity: 1, restock: 0 }], ['lines', '1', 'lineId']],
  ])('can not be received as %j: %j', async (lines, path) => {
    const order = await approved();
    const given = lines.map((line) => ({ lineId: order.lineId, ...line }));
    expect(await receive(order.returnId, given)).toMatchObject({ orderReturn: null, userErrors: [{ __typename: 'ValidationError', path }] }); // prettier-ignore
    expect(await read(order.id)).toMatchObject({ fulfilmentStatus: 'FULFILLED', returns: [{ state: 'APPROVED' }] });
  }); // prettier-ignore

  test('is for its customer and staff, and staff decide on no return of their own', async () => {
    const order = await makeOrder();
    const stranger = userViewer();
    expect(await request(order.id, ofLine(order.lineId, 1), stranger)).toMatchObject({ userErrors: [{ __typename: 'NotFoundError', path: ['orderId'] }] }); // prettier-ignore
    const { orderReturn } = await request(order.id, ofLine(order.lineId, 1));
    const gone = { orderReturn: null, userErrors: [{ __typename: 'NotFoundError', path: ['returnId'] }] };
    for (const answer of [
      await cancel(orderReturn.id, stranger),
      await decide(orderReturn.id, true, stranger),
      await receive(orderReturn.id, back(order.lineId, 1), stranger),
      await cancel('none'),
    ])
      // prettier-ignore
      expect(answer).toMatchObject(gone);
    for (const answer of [
      await decide(orderReturn.id, true, buyer),
      await receive(orderReturn.id, back(order.lineId, 1), buyer),
    ])
      // prettier-ignore
      expect(answer).toMatchObject({ userErrors: [{ __typename: 'ForbiddenError' }] });
    const own = { ...staff, userId: buyer.userId };
    expect(await decide(orderReturn.id, true, own)).toMatchObject({ userErrors: [{ __typename: 'ForbiddenError' }] });
    await told(order.id);
  });

  test('of more than one person may give takes two', async () => {
    const order = await approved(5, 5);
    const approval = { orderReturn: null, userErrors: [{ __typename: 'ApprovalRequiredError', limit: { amount: limit } }] }; // prettier-ignore
    expect(await receive(order.returnId, back(order.lineId, 5))).toMatchObject(approval);
    expect(await receive(order.returnId, back(order.lineId, 5))).toMatchObject(approval);
    expect(await read(order.id)).toMatchObject({ returns: [{ state: 'APPROVED' }] });
    expect(await receive(order.returnId, back(order.lineId, 5), admin)).toMatchObject({ orderReturn: { state: 'REFUNDED' } }); // prettier-ignore
    expect(await read(order.id)).toMatchObject({ refundPendingTotal: { amount: 6_450 } });
    await told(order.id);
  });

  test('and takes two with a key of each, of whom the second may repeat it', async () => {
    const order = await approved(5, 5);
    const keys = [newId(), newId(), newId()] as const;
    const approval = { orderReturn: null, userErrors: [{ __typename: 'ApprovalRequiredError' }] };
    expect(await receive(order.returnId, back(order.lineId, 5), staff, { key: keys[0] })).toMatchObject(approval);
    expect(await receive(order.returnId, back(order.lineId, 5), staff, { key: keys[1] })).toMatchObject(approval);
    const agreed = () => receive(order.returnId, back(order.lineId, 5), admin, { key: keys[2] });
    expect(await agreed()).toMatchObject({ replayed: false, orderReturn: { state: 'REFUNDED' } });
    expect(await agreed()).toMatchObject({ replayed: true, orderReturn: { state: 'REFUNDED' } });
    expect(await receive(order.returnId, back(order.lineId, 5), staff, { key: keys[0] })).toMatchObject({ userErrors: [{ cause: 'RETURN_STATE' }] }); // prettier-ignore
    expect(await read(order.id)).toMatchObject({ refundPendingTotal: { amount: 6_450 } });
    await told(order.id);
  });

  test('received twice with one key is received once', async () => {
    const order = await approved();
    const key = newId();
    await receive(order.returnId, back(order.lineId, 2), staff, { key });
    expect(await receive(order.returnId, back(order.lineId, 2), staff, { key })).toMatchObject({ replayed: true, orderReturn: { state: 'REFUNDED' } }); // prettier-ignore
    expect(await receive(order.returnId, back(order.lineId, 1), staff, { key })).toMatchObject({ userErrors: [{ __typename: 'IdempotencyConflictError' }] }); // prettier-ignore
    expect(await read(order.id)).toMatchObject({ refundPendingTotal: { amount: 2_580 } });
    await told(order.id);
  });
});

describe('[AP-4] at the same time', () => {
  test('ten requests for the same pieces get each of them once', async () => {
    const order = await makeOrder();
    const answers = await Promise.all(Array.from({ length: 10 }, () => request(order.id, ofLine(order.lineId, 1))));
    expect(answers.filter(({ orderReturn }) => orderReturn !== null)).toHaveLength(3);
    expect(await read(order.id)).toMatchObject({ lines: [{ returnableQuantity: 0 }] });
    await told(order.id);
  });

  test('a return and a refund of the same pieces give their money back once', async () => {
    for (let round = 0; round < 10; round += 1) {
      const order = await approved(2, 2);
      const [received, given] = await Promise.all([receive(order.returnId, back(order.lineId, 2)), refundLines(order.id, ofLine(order.lineId, 2))]); // prettier-ignore
      expect([received.orderReturn, given.order].filter((one) => one !== null)).toHaveLength(1);
      if (received.orderReturn === null) {
        expect(received.userErrors).toMatchObject([{ cause: 'ALREADY_REFUNDED' }]);
        await receive(order.returnId, back(order.lineId, 2), staff, { refund: false });
      }
      expect(await read(order.id)).toMatchObject({ fulfilmentStatus: 'RETURNED', refundPendingTotal: { amount: 2_580 } }); // prettier-ignore
      await told(order.id);
      expect(await world.stock(order.productId)).toEqual({ onHand: 2, allocated: 0 });
    }
  }, 60_000);
});

test('[AP-4] staff read returns of all orders by pages, from both ends, and by state', async () => {
  const ids: string[] = [];
  for (let count = 0; count < 3; count += 1) ids.unshift((await approved()).returnId);
  const idsOf = (page: { edges: { node: { id: string } }[] }) => page.edges.map(({ node }) => node.id);
  const first = await list('first: 2');
  expect(idsOf(first)).toEqual(ids.slice(0, 2));
  expect(idsOf(await list(`first: 1, after: "${first.edges[1].cursor}"`))).toEqual([ids[2]]);
  expect(idsOf(await list(`last: 1, before: "${first.edges[1].cursor}"`))).toEqual([ids[0]]);
  const rejected = await list('state: [REJECTED]');
  expect(rejected.totalCount).toBe(rejected.edges.length);
  expect(idsOf(rejected)).not.toContain(ids[0]);
});
