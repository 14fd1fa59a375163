import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { advanceOrders } from '../../../subgraphs/order/commands/advance-order.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type OrderWorld, openOrderWorld, userViewer } from './order-world.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld();
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const buyer = userViewer();
const staff = userViewer('OPERATOR');
const payload = `{ replayed order { state fulfilmentStatus lines { id fulfilledQuantity } fulfilments { id carrier trackingNumber trackingUrl createdAt deliveredAt cancelledAt lines { quantity } } }
  userErrors { __typename ... on UserError { code message path } ... on BusinessRejectedError { cause } ... on OrderStateError { state allowed } } }`;
type Viewer = typeof buyer;
const run = async (name: string, declared: string, variables: Record<string, unknown>, viewer: Viewer) => {
  const passed = Object.keys(variables).map((key) => `${key}: $${key}`).join(', '); // prettier-ignore
  const { data, errors } = await world.run(viewer, `mutation (${declared}) { ${name}(${passed}) ${payload} }`, variables); // prettier-ignore
  expect(errors).toEqual([]);
  return data[name];
};
const fulfil = (id: string, more: Record<string, unknown> = {}, viewer = staff) =>
  run('fulfilOrder', '$id: ID!, $lines: [ReturnLineInput!], $carrier: String, $trackingNumber: String, $trackingUrl: String, $idempotencyKey: String!', { id, lines: null, carrier: null, trackingNumber: null, trackingUrl: null, idempotencyKey: newId(), ...more }, viewer); // prettier-ignore
const arrive = (fulfilmentId: string, viewer = staff, idempotencyKey = newId()) =>
  run('markDelivered', '$fulfilmentId: ID!, $idempotencyKey: String!', { fulfilmentId, idempotencyKey }, viewer);
const cancel = (fulfilmentId: string, more: Record<string, unknown> = {}, viewer = staff) =>
  run('cancelFulfilment', '$fulfilmentId: ID!, $reason: String!, $idempotencyKey: String!', { fulfilmentId, reason: 'Lost in the post', idempotencyKey: newId(), ...more }, viewer); // prettier-ignore
const history = async (id: string, viewer = buyer) =>
  (
    await world.run(viewer, 'query ($id: ID!) { order(id: $id) { state history { edges { node { type actorType data } } } } }', { id })
  ).data.order.history.edges.map(({ node }: { node: object }) => node); // prettier-ignore

/** A paid order of two lines, three pieces of the first and one of the second, and the ids of the lines. */
async function paidOrder(): Promise<{ id: string; lines: string[] }> {
  const [one, two] = [await world.make(5), await world.make(5)];
  const { id } = await world.place(buyer, { lines: [{ productId: one, quantity: 3 }, { productId: two, quantity: 1 }] }); // prettier-ignore
  await world.paymentEvent(world.succeeded(id, { amountMinor: 5_160 }));
  const { data } = await world.run(buyer, 'query ($id: ID!) { order(id: $id) { lines { id } } }', { id });
  return { id, lines: data.order.lines.map((line: { id: string }) => line.id) };
}
const sent = async (order: { id: string; lines: string[] }, quantity = 1): Promise<string> => {
  const answer = await fulfil(order.id, { lines: [{ lineId: order.lines[0], quantity }] });
  return answer.order.fulfilments.at(-1).id;
};

describe('[AP-5] a delivery', () => {
  it('has its carrier, number and page, shown to the buyer, and other services hear of it', async () => {
    const { id, lines } = await paidOrder();
    const part = { lines: [{ lineId: lines[0], quantity: 2 }], carrier: ' UPS ', trackingNumber: '1Z999AA10123456784' };
    const answer = await fulfil(id, part);
    const page = 'https://www.ups.com/track?tracknum=1Z999AA10123456784';
    const shown = { carrier: 'UPS', trackingNumber: '1Z999AA10123456784', trackingUrl: page, deliveredAt: null, cancelledAt: null }; // prettier-ignore
    expect(answer.order).toMatchObject({ state: 'PROCESSING', fulfilmentStatus: 'PARTIALLY_FULFILLED', fulfilments: [shown] }); // prettier-ignore
    const rest = await fulfil(id, { carrier: 'Aunt Mary', trackingUrl: 'https://mary.example/parcels/7?x=1#y' });
    expect(rest.order).toMatchObject({
      state: 'COMPLETED',
      fulfilments: [shown, { carrier: 'Aunt Mary', trackingUrl: 'https://mary.example/parcels/7?x=1#y' }],
    });
    const read = 'query ($id: ID!) { order(id: $id) { fulfilments { trackingUrl } } }';
    expect((await world.run(buyer, read, { id })).data.order.fulfilments[0]).toEqual({ trackingUrl: page });
    const told = (await world.deliver()).filter(({ aggregateId, type }) => aggregateId === id && type === 'order.shipped'); // prettier-ignore
    expect(told).toHaveLength(2);
    expect(told[0]?.data).toMatchObject({ orderId: id, carrier: 'UPS', trackingUrl: page });
  });

  it.each([
    ['a script', 'javascript:alert(1)'],
    ['plain HTTP', 'http://carrier.example/1'],
    ['a path', '/parcels/1'],
    ['nothing', ''],
    ['a user', 'https://user:secret@carrier.example/1'],
    ['too many characters', `https://carrier.example/${'x'.repeat(2_000)}`],
    ['characters that become too many', `https://carrier.example/${'€'.repeat(1_000)}`],
  ])('has no page of %s', async (_, trackingUrl) => {
    const { id } = await paidOrder();
    expect(await fulfil(id, { trackingUrl })).toMatchObject({ order: null, userErrors: [{ code: 'VALIDATION', path: ['trackingUrl'] }] }); // prettier-ignore
    expect((await history(id)).at(-1)).toMatchObject({ type: 'OrderPaid' });
  });

  it('arrives once, also of an order that is completed, and is told of', async () => {
    const order = await paidOrder();
    const id = await sent(order);
    await fulfil(order.id);
    const key = newId();
    const first = await arrive(id, staff, key);
    const { deliveredAt } = first.order.fulfilments[0];
    expect(first).toMatchObject({ replayed: false, order: { state: 'COMPLETED' }, userErrors: [] });
    expect(Date.parse(deliveredAt)).toBeGreaterThan(0);
    expect(await arrive(id, staff, key)).toMatchObject({ replayed: true });
    expect((await arrive(id)).order.fulfilments).toMatchObject([{ deliveredAt }, { deliveredAt: null }]);
    expect((await history(order.id)).filter(({ type }: { type: string }) => type === 'FulfilmentDelivered')).toEqual([
      { type: 'FulfilmentDelivered', actorType: 'STAFF', data: { fulfilmentId: id } },
    ]);
    const told = (await world.deliver()).filter(({ aggregateId, type }) => aggregateId === order.id && type === 'order.delivered'); // prettier-ignore
    expect(told.map(({ data }) => data)).toMatchObject([{ orderId: order.id, customerId: buyer.userId, fulfilmentId: id }]); // prettier-ignore
  });

  it('that never arrives is cancelled, and its pieces are delivered again', async () => {
    const order = await paidOrder();
    const id = await sent(order, 3);
    const cancelled = await cancel(id);
    expect(cancelled).toMatchObject({ order: { state: 'PROCESSING', fulfilmentStatus: 'UNFULFILLED', lines: [{ fulfilledQuantity: 0 }, {}] }, userErrors: [] }); // prettier-ignore
    expect(Date.parse(cancelled.order.fulfilments[0].cancelledAt)).toBeGreaterThan(0);
    expect(await cancel(id)).toMatchObject({ replayed: false, userErrors: [], order: { lines: [{ fulfilledQuantity: 0 }, {}] } }); // prettier-ignore
    expect(await arrive(id)).toMatchObject({ order: null, userErrors: [{ code: 'BUSINESS_REJECTED', cause: 'FULFILMENT_CANCELLED' }] }); // prettier-ignore
    expect(await fulfil(order.id)).toMatchObject({ order: { state: 'COMPLETED', lines: [{ fulfilledQuantity: 3 }, { fulfilledQuantity: 1 }] } }); // prettier-ignore
    expect((await history(order.id)).filter(({ type }: { type: string }) => type === 'FulfilmentCancelled')).toEqual([
      { type: 'FulfilmentCancelled', actorType: 'STAFF', data: { fulfilmentId: id, lines: [{ lineId: order.lines[0], quantity: 3 }], reason: 'Lost in the post' } },
    ]); // prettier-ignore
  });

  it('is not cancelled once it has arrived, or the order is completed', async () => {
    const order = await paidOrder();
    const [arrived, under] = [await sent(order), await sent(order)];
    await arrive(arrived);
    expect(await cancel(arrived)).toMatchObject({ userErrors: [{ cause: 'FULFILMENT_DELIVERED' }] });
    await fulfil(order.id);
    expect(await cancel(under)).toMatchObject({ userErrors: [{ code: 'ORDER_STATE', state: 'COMPLETED', allowed: ['PROCESSING'] }] }); // prettier-ignore
    expect(await cancel(under, { reason: '' })).toMatchObject({ userErrors: [{ code: 'VALIDATION', path: ['reason'] }] }); // prettier-ignore
  });

  it('is cancelled or arrives when both are asked at once, never both', async () => {
    const order = await paidOrder();
    const id = await sent(order);
    const answers = await Promise.all([...Array.from({ length: 5 }, () => cancel(id)), ...Array.from({ length: 5 }, () => arrive(id))]); // prettier-ignore
    const [end] = answers.filter((answer) => answer.order).map((answer) => answer.order.fulfilments[0]);
    const { data } = await world.run(staff, 'query ($id: ID!) { order(id: $id) { lines { fulfilledQuantity } fulfilments { deliveredAt cancelledAt } } }', { id: order.id }); // prettier-ignore
    const [{ deliveredAt, cancelledAt }] = data.order.fulfilments;
    expect([deliveredAt === null, cancelledAt === null].filter(Boolean)).toHaveLength(1);
    expect([end.deliveredAt, end.cancelledAt]).toEqual([deliveredAt, cancelledAt]);
    expect(data.order.lines[0].fulfilledQuantity).toBe(cancelledAt === null ? 1 : 0);
  });

  it('is staff’s to change: its customer is told so, for others it does not exist, and own orders are another’s', async () => {
    const order = await paidOrder();
    const id = await sent(order);
    for (const change of [arrive, (which: string, viewer: Viewer) => cancel(which, {}, viewer)]) {
      expect(await change(id, buyer)).toMatchObject({ userErrors: [{ code: 'FORBIDDEN' }] });
      for (const each of [id, newId(), 'nonsense', ''])
        expect(await change(each, userViewer())).toMatchObject({ order: null, userErrors: [{ code: 'NOT_FOUND', path: ['fulfilmentId'] }] }); // prettier-ignore
      const own = { ...staff, userId: buyer.userId };
      expect(await change(id, own)).toMatchObject({ userErrors: [{ code: 'FORBIDDEN' }] });
    }
    expect((await history(order.id)).at(-1)).toMatchObject({ type: 'LinesFulfilled' });
  });

  it('is in the live stream of its order with each change', async () => {
    const order = await paidOrder();
    const id = await sent(order);
    const before = (await history(order.id)).length;
    const events = await world.subscribe(buyer, `subscription { orderEvents(orderId: "${order.id}", afterSeq: ${before}) { event { type } order { fulfilments { deliveredAt } } } }`); // prettier-ignore
    await arrive(id);
    const { value } = await events.next();
    await events.return?.();
    expect(value.data.orderEvents).toMatchObject({ event: { type: 'FulfilmentDelivered' }, order: { fulfilments: [{ deliveredAt: expect.anything() }] } }); // prettier-ignore
  });
});

describe('[OB-4] a cart of digital and stocked goods', () => {
  it('needs hands for what is stocked alone, and is complete with that', async () => {
    const [book, song] = [await world.make(5), await world.make(0, { kind: 'DIGITAL' })];
    const { id } = await world.place(buyer, { lines: [{ productId: song, quantity: 1 }, { productId: book, quantity: 1 }] }); // prettier-ignore
    await world.paymentEvent(world.succeeded(id, { amountMinor: 2_580 }));
    expect((await world.deliver()).map(({ type }) => type)).toEqual(expect.arrayContaining(['order.placed', 'order.paid'])); // prettier-ignore
    await advanceOrders(world.deps);
    const { data } = await world.run(buyer, 'query ($id: ID!) { order(id: $id) { state lines { id } } }', { id });
    expect(data.order.state).toBe('PAID');
    const byHand = await fulfil(id, { lines: [{ lineId: data.order.lines[0].id, quantity: 1 }] });
    expect(byHand).toMatchObject({ order: null, userErrors: [{ code: 'VALIDATION', path: ['lines', '0', 'lineId'] }] });
    const whole = await fulfil(id);
    expect(whole).toMatchObject({ order: { state: 'COMPLETED', fulfilmentStatus: 'FULFILLED' }, userErrors: [] });
    expect(whole.order.fulfilments).toMatchObject([{ lines: [{ quantity: 1 }] }]);
  });
});
