import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { advanceOrders } from '../../../subgraphs/order/commands/advance-order.ts';
import { expireOrders } from '../../../subgraphs/order/commands/expire-orders.ts';
import { digital } from '../../../subgraphs/order/types/digital.ts';
import { registerOrderTypes } from '../../../subgraphs/order/types/registry.ts';
import { standard } from '../../../subgraphs/order/types/standard.ts';
import { topUp } from '../../../subgraphs/order/types/top-up.ts';
import { type OrderWorld, openOrderWorld, userViewer } from './order-world.ts';

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
const fields = `order { id state paymentStatus fulfilmentStatus refundPendingTotal { amount } allowedActions cancelReason } replayed
  userErrors { __typename ... on BusinessRejectedError { cause } ... on OrderStateError { state } }`;
const mutate = async (viewer: typeof buyer, call: string) => {
  const { data, errors } = await world.run(viewer, `mutation { answer: ${call} { ${fields} } }`);
  expect(errors).toEqual([]);
  return data.answer;
};
const cancel = (id: string, viewer = buyer, key = newId()) => mutate(viewer, `cancelOrder(id: "${id}", reason: "Changed my mind", idempotencyKey: "${key}")`); // prettier-ignore
const fulfil = (id: string, viewer = staff) => mutate(viewer, `fulfilOrder(id: "${id}", idempotencyKey: "${newId()}")`);
const resolve = (id: string, to: string) => mutate(staff, `resolveAttention(id: "${id}", to: ${to}, note: "Looked at it")`); // prettier-ignore
const read = async (id: string) =>
  (await world.run(staff, `{ order(id: "${id}") { state paymentStatus refundPendingTotal { amount } allowedActions closedAt history { edges { node { type toState reason data } } } } }`)).data.order; // prettier-ignore
const told = async (id: string) => (await world.deliver()).filter(({ aggregateId }) => aggregateId === id).map(({ type }) => type); // prettier-ignore
const advanceAtOf = async (id: string) => (await world.rows('select advance_at from orders where id = ?', [idToBytes(id)]))[0]?.['advance_at']; // prettier-ignore

/** A paid order of `quantity` pieces of a product that has five, and its payment. */
async function paidOrder(quantity = 2): Promise<{ id: string; productId: string; paymentId: string }> {
  const productId = await world.make(5);
  const { id } = await world.place(buyer, { lines: [{ productId, quantity }] });
  const paid = world.succeeded(id, { amountMinor: 1_290 * quantity });
  await world.paymentEvent(paid);
  await world.deliver();
  return { id, productId, paymentId: String(paid.data['paymentId']) };
}
const back = (order: { id: string; paymentId: string }, amountMinor: number) => world.paymentEvent(world.refunded(order.id, { paymentId: order.paymentId, amountMinor })); // prettier-ignore

async function placeDigital() {
  const productId = await world.make(0, { kind: 'DIGITAL' });
  const { id } = await world.place(buyer, { type: 'DIGITAL', lines: [{ productId, quantity: 1 }] });
  const paid = world.succeeded(id);
  await world.paymentEvent(paid);
  return { id, paymentId: String(paid.data['paymentId']) };
}
const failing = () => ({ ...world.deps, types: registerOrderTypes(standard, { ...digital, deliver: async () => { throw new Error('the licence server is down'); } }) }); // prettier-ignore

describe('cancelling a paid order', () => {
  test('[LL-7] gives its stock back, and says what is on its way until the money is back', async () => {
    const order = await paidOrder();
    expect(await world.stock(order.productId)).toEqual({ onHand: 3, allocated: 0 });
    expect((await read(order.id)).allowedActions).toContain('CANCEL');
    const key = newId();
    expect(await cancel(order.id, buyer, key)).toMatchObject({
      order: { state: 'CANCELLED', paymentStatus: 'PAID', refundPendingTotal: { amount: 2_580 }, cancelReason: 'CUSTOMER' },
      userErrors: [],
    }); // prettier-ignore
    expect(await cancel(order.id, buyer, key)).toMatchObject({ replayed: true, order: { state: 'CANCELLED' } });
    expect(await told(order.id)).toEqual(['order.closed']);
    expect(await world.stock(order.productId)).toEqual({ onHand: 5, allocated: 0 });
    await back(order, 2_000);
    expect(await read(order.id)).toMatchObject({ paymentStatus: 'PARTIALLY_REFUNDED', refundPendingTotal: { amount: 580 } }); // prettier-ignore
    await back(order, 580);
    const ended = await read(order.id);
    expect(ended).toMatchObject({ state: 'CANCELLED', paymentStatus: 'REFUNDED', refundPendingTotal: { amount: 0 }, allowedActions: ['ARCHIVE'] }); // prettier-ignore
    expect(ended.history.edges.find(({ node }: { node: { type: string } }) => node.type === 'OrderCancelled').node).toMatchObject({ toState: 'CANCELLED', data: { note: 'Changed my mind', refundMinor: 2_580 } }); // prettier-ignore
  });

  test('by staff says so; a stranger does not learn of the order', async () => {
    const { id } = await paidOrder();
    expect(await cancel(id, userViewer())).toMatchObject({
      order: null,
      userErrors: [{ __typename: 'NotFoundError' }],
    });
    expect(await cancel(id, staff)).toMatchObject({ order: { state: 'CANCELLED', cancelReason: 'MERCHANT' } });
  });

  test('of their own staff are its customers', async () => {
    const { id } = await world.place(staff);
    await world.paymentEvent(world.succeeded(id));
    expect((await read(id)).allowedActions).toEqual(['CANCEL']);
    // What only staff may do, another one of them does.
    for (const field of [`advanceOrder(id: "${id}")`, `addOrderNote(id: "${id}", note: "mine")`, `addOrderNote(id: "${id}", note: "mine", public: true)`])
      expect(await mutate(staff, field)).toMatchObject({ order: null, userErrors: [{ __typename: 'ForbiddenError' }] }); // prettier-ignore
    const colleague = userViewer('OPERATOR');
    expect(await mutate(colleague, `addOrderNote(id: "${id}", note: "called")`)).toMatchObject({ userErrors: [] });
    expect(await world.rows("select actor_type from order_event where order_id = ? and type = 'NoteAdded'", [idToBytes(id)])).toEqual([{ actor_type: 'STAFF' }]); // prettier-ignore
    expect(await cancel(id, staff)).toMatchObject({ order: { state: 'CANCELLED', cancelReason: 'CUSTOMER' } });
    const [entry] = await world.rows("select actor_type from order_event where order_id = ? and type = 'OrderCancelled'", [idToBytes(id)]); // prettier-ignore
    expect(entry).toEqual({ actor_type: 'CUSTOMER' });
  });

  test('ends its delivery: it is neither fulfilled nor advanced afterwards', async () => {
    const { id } = await paidOrder();
    await cancel(id);
    expect(await fulfil(id)).toMatchObject({ userErrors: [{ __typename: 'OrderStateError', state: 'CANCELLED' }] });
    expect(await advanceAtOf(id)).toBeNull();
  });

  test('is refused once a part of it was delivered, and changes nothing then', async () => {
    const { id } = await paidOrder();
    const line = (await world.run(staff, `{ order(id: "${id}") { lines { id } } }`)).data.order.lines[0].id;
    await mutate(staff, `fulfilOrder(id: "${id}", lines: [{ lineId: "${line}", quantity: 1 }], idempotencyKey: "${newId()}")`); // prettier-ignore
    expect(await cancel(id)).toMatchObject({ order: null, userErrors: [{ __typename: 'BusinessRejectedError', cause: 'ALREADY_DELIVERED' }] }); // prettier-ignore
    expect(await read(id)).toMatchObject({ state: 'PROCESSING', refundPendingTotal: { amount: 0 } });
  });

  test('is refused while it is being delivered by itself', async () => {
    const { id } = await placeDigital();
    await advanceOrders(failing());
    expect(await cancel(id)).toMatchObject({ userErrors: [{ __typename: 'BusinessRejectedError', cause: 'DELIVERY_UNDER_WAY' }] }); // prettier-ignore
  });

  test('of which a part came first gives that part back', async () => {
    const { id } = await world.place(buyer);
    await world.paymentEvent(world.succeeded(id, { amountMinor: 290 }));
    expect(await cancel(id)).toMatchObject({ order: { state: 'CANCELLED', refundPendingTotal: { amount: 290 } } });
  });

  test('and delivering it at the same time: in 40 races one of the two, and never both', async () => {
    const orders = await Promise.all(Array.from({ length: 40 }, () => paidOrder(1)));
    const wins = new Set<string>();
    for (const { id } of orders) {
      const [cancelled, delivered] = await Promise.all(
        Math.random() < 0.5
          ? [cancel(id), fulfil(id)]
          : [fulfil(id), cancel(id)].toReversed(),
      ); // prettier-ignore
      const won = [cancelled, delivered].filter(({ order }) => order !== null).map(({ order }) => order.state);
      expect(won).toHaveLength(1);
      expect((await read(id)).state).toBe(won[0]);
      wins.add(won[0]);
    }
    expect(wins.size).toBeGreaterThan(0);
  }, 60_000);
});

describe('money that a paid order did not take', () => {
  test('is on its way back: the order has no more to give than its own, and none of its tax has gone', async () => {
    const order = await paidOrder();
    const second = world.succeeded(order.id, { amountMinor: 2_580 });
    await world.paymentEvent(second);
    const money = `{ order(id: "${order.id}") { state paidTotal { amount } refundPendingTotal { amount } refundedTotal { amount } refundedTaxTotal { amount } history { edges { node { type data } } } } }`; // prettier-ignore
    const now = async () => (await world.run(staff, money)).data.order;
    expect(await now()).toMatchObject({ state: 'PAID', paidTotal: { amount: 5_160 }, refundPendingTotal: { amount: 2_580 } }); // prettier-ignore
    await back({ id: order.id, paymentId: String(second.data['paymentId']) }, 2_580);
    const after = await now();
    expect(after).toMatchObject({ state: 'PAID', refundPendingTotal: { amount: 0 }, refundedTotal: { amount: 2_580 }, refundedTaxTotal: { amount: 0 } }); // prettier-ignore
    expect(after.history.edges.at(-1).node).toMatchObject({ type: 'RefundRecorded', data: { ofRefused: true } });
  });

  test('does not keep an order alive whose own money staff give back', async () => {
    const order = await paidOrder();
    await world.paymentEvent(world.succeeded(order.id, { amountMinor: 2_580 }));
    const { data, errors } = await world.run(staff, `mutation { answer: refundOrder(input: { orderId: "${order.id}", amount: { amount: 2580, currency: "EUR" }, reason: "Paid twice" }, idempotencyKey: "${newId()}") { order { state } userErrors { __typename } } }`); // prettier-ignore
    expect(errors).toEqual([]);
    expect(data.answer).toEqual({ order: { state: 'REFUNDED' }, userErrors: [] });
    expect(await fulfil(order.id)).toMatchObject({ userErrors: [{ __typename: 'OrderStateError' }] });
  });

  test('of an order that expires is all of what it has on its way', async () => {
    const { id } = await world.place(buyer);
    world.clockOffsetMs = 3_600_000 * 24 * 40;
    const { data } = await world.run(staff, `{ order(id: "${id}") { expiresAt } }`);
    await world.paymentEvent(world.succeeded(id, { paidAt: data.order.expiresAt }));
    expect(await world.rows('select state, refund_pending_minor pending from orders where id = ?', [idToBytes(id)])).toMatchObject([{ state: 'PENDING_PAYMENT', pending: 1_290 }]); // prettier-ignore
    await expireOrders(world.deps);
    expect(await read(id)).toMatchObject({ state: 'EXPIRED', refundPendingTotal: { amount: 1_290 } });
    expect(await world.rows('select refund_pending_minor pending from orders where id = ?', [idToBytes(id)])).toMatchObject([{ pending: 0 }]); // prettier-ignore
  });
});

describe('an order whose money has all gone back', () => {
  test('[LL-7] before anything was delivered is REFUNDED: its stock is back, and it is never delivered', async () => {
    const order = await paidOrder();
    await back(order, 1_000);
    expect(await read(order.id)).toMatchObject({ state: 'PAID', paymentStatus: 'PARTIALLY_REFUNDED' });
    await back(order, 1_580);
    expect(await read(order.id)).toMatchObject({ state: 'REFUNDED', paymentStatus: 'REFUNDED', refundPendingTotal: { amount: 0 }, closedAt: expect.any(String), allowedActions: ['ARCHIVE'] }); // prettier-ignore
    expect(await told(order.id)).toEqual(['order.closed']);
    expect(await world.stock(order.productId)).toEqual({ onHand: 5, allocated: 0 });
    expect(await fulfil(order.id)).toMatchObject({
      userErrors: [{ __typename: 'OrderStateError', state: 'REFUNDED' }],
    });
    expect(await cancel(order.id)).toMatchObject({
      userErrors: [{ __typename: 'OrderStateError', state: 'REFUNDED' }],
    });
  });

  test('after it was delivered stays COMPLETED, and its stock stays sold', async () => {
    const order = await paidOrder();
    await fulfil(order.id);
    await back(order, 2_580);
    expect(await read(order.id)).toMatchObject({ state: 'COMPLETED', paymentStatus: 'REFUNDED' });
    expect(await told(order.id)).toEqual(['order.shipped', 'order.completed']);
    expect(await world.stock(order.productId)).toEqual({ onHand: 3, allocated: 0 });
  });

  test('while it delivers itself ends by what comes of the delivery', async () => {
    const [one, other] = [await placeDigital(), await placeDigital()];
    const refundMeanwhile = (order: typeof one, fails: boolean) => ({ ...world.deps, types: registerOrderTypes(standard, { ...digital, deliver: async ({ id }: { id: string }) => { if (id !== order.id) return; await back(order, 1_290); if (fails) throw new Error("no"); } }) }); // prettier-ignore
    await world.rows('update orders set advance_at = null where id = ?', [idToBytes(other.id)]);
    await advanceOrders(refundMeanwhile(one, false));
    expect(await read(one.id)).toMatchObject({ state: 'COMPLETED', paymentStatus: 'REFUNDED' });
    await world.rows('update orders set advance_at = ? where id = ?', [new Date(), idToBytes(other.id)]);
    await advanceOrders(refundMeanwhile(other, true));
    expect(await read(other.id)).toMatchObject({ state: 'REFUNDED', paymentStatus: 'REFUNDED' });
  });

  test('between two tries to deliver it is not delivered by the next one', async () => {
    const order = await placeDigital();
    await advanceOrders(failing());
    await back(order, 1_290);
    expect((await read(order.id)).state).toBe('PROCESSING');
    world.clockOffsetMs = 400_000;
    await advanceOrders(world.deps);
    expect((await read(order.id)).state).toBe('REFUNDED');
  });
});

describe('an order that NEEDS_ATTENTION', () => {
  async function stuckOrder() {
    const order = await placeDigital();
    world.clockOffsetMs = (digital.deliveryLifeSeconds + 1) * 1_000;
    await advanceOrders(failing());
    world.clockOffsetMs = 0;
    expect((await read(order.id)).state).toBe('NEEDS_ATTENTION');
    await world.deliver();
    return order;
  }

  test.each(['CANCELLED', 'REFUNDED'])('can end %s: its money goes back', async (to) => {
    const order = await stuckOrder();
    expect(await resolve(order.id, to)).toMatchObject({ order: { state: to, refundPendingTotal: { amount: 1_290 } }, userErrors: [] }); // prettier-ignore
    expect(await told(order.id)).toEqual(['order.closed']);
    await back(order, 1_290);
    expect(await read(order.id)).toMatchObject({ state: to, paymentStatus: 'REFUNDED', refundPendingTotal: { amount: 0 } }); // prettier-ignore
  });

  test('is REFUNDED once its money has gone back, and can be cancelled by its customer', async () => {
    const [one, other] = [await stuckOrder(), await stuckOrder()];
    await back(one, 1_290);
    expect((await read(one.id)).state).toBe('REFUNDED');
    expect(await cancel(other.id)).toMatchObject({ order: { state: 'CANCELLED' } });
  });

  test('because a wallet could not be filled is left to refundPayment: it may have been filled', async () => {
    const productId = await world.make(0, { kind: 'DIGITAL', sku: `TOPUP-${newId()}` });
    const { id } = await world.place(buyer, { type: 'TOPUP', lines: [{ productId, quantity: 1 }] });
    await world.paymentEvent(world.succeeded(id));
    world.clockOffsetMs = 86_401_000;
    await advanceOrders({ ...world.deps, types: registerOrderTypes(topUp(async () => { throw new Error('payment is away'); })) }); // prettier-ignore
    for (const to of ['CANCELLED', 'REFUNDED'])
      expect(await resolve(id, to)).toMatchObject({ userErrors: [{ __typename: 'BusinessRejectedError', cause: 'WALLET_TOP_UP' }] }); // prettier-ignore
    expect(await cancel(id)).toMatchObject({ userErrors: [{ cause: 'WALLET_TOP_UP' }] });
  });

  test('[LL-7] and a top-up that waits to be credited are not cancelled in part: the wallet would keep the whole', async () => {
    const productId = await world.make(0, { kind: 'DIGITAL', sku: `TOPUP-${newId()}` });
    const { id } = await world.place(buyer, { type: 'TOPUP', lines: [{ productId, quantity: 2 }] });
    await world.paymentEvent(world.succeeded(id, { amountMinor: 2_580 }));
    const line = (await world.run(staff, `{ order(id: "${id}") { lines { id } } }`)).data.order.lines[0].id;
    const take = (quantity: number) => mutate(buyer, `cancelOrder(id: "${id}", lines: [{ lineId: "${line}", quantity: ${quantity} }], idempotencyKey: "${newId()}")`); // prettier-ignore
    expect(await take(1)).toMatchObject({ order: null, userErrors: [{ cause: 'WALLET_TOP_UP' }] });
    expect(await take(2)).toMatchObject({ order: { state: 'CANCELLED', refundPendingTotal: { amount: 2_580 } } });
  });
});
