import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { type OrderWorld, openOrderWorld, placeMutation, userViewer } from './order-world.ts';

let world: OrderWorld;
const ada = userViewer();
const staff = userViewer('OPERATOR');
beforeAll(async () => {
  world = await openOrderWorld();
  world.users.set(ada.userId, 'Ada Lovelace');
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const mutation = placeMutation
  .replace('mutation Place(', 'mutation Place($customer: ID!, ')
  .replace('placeOrder(', 'placeOrderFor(customerId: $customer, ')
  .replace('order { id', 'order { placedBy { id } customer { id } clientReference history { edges { node { type actorType actorId } } } id'); // prettier-ignore
const placeFor = async (customer: string, input: Record<string, unknown>, key = newId(), viewer = staff) => {
  const { data, errors } = await world.run(viewer, mutation, { customer, input: { currency: 'EUR', ...input }, key });
  expect(errors).toEqual([]);
  return data.placeOrderFor;
};
const one = async (onHand = 5) => {
  const productId = await world.make(onHand);
  return { productId, lines: [{ productId, quantity: 1 }] };
};

describe('an order that staff place for a customer', () => {
  it('is the customer’s, says who placed it, holds stock and is paid like any other', async () => {
    const { productId, lines } = await one();
    const { order, userErrors } = await placeFor(ada.userId, { lines });
    expect(userErrors).toEqual([]);
    expect(order).toMatchObject({ state: 'PENDING_PAYMENT', customer: { id: ada.userId }, placedBy: { id: staff.userId } }); // prettier-ignore
    expect(order.history.edges[0].node).toEqual({ type: 'OrderPlaced', actorType: 'STAFF', actorId: staff.userId });
    expect(await world.stock(productId)).toEqual({ onHand: 5, allocated: 1 });
    const { data } = await world.run(ada, '{ myOrders(first: 1) { edges { node { id placedBy { id } } } } }');
    expect(data.myOrders.edges).toEqual([{ node: { id: order.id, placedBy: { id: staff.userId } } }]);
    await world.paymentEvent(world.succeeded(order.id));
    const read = await world.run(ada, 'query ($id: ID!) { order(id: $id) { state } }', { id: order.id });
    expect(read.data.order.state).toBe('PAID');
  });

  it('is one for a key, and another customer under that key is refused', async () => {
    const { lines } = await one();
    const bob = newId();
    world.users.set(bob, 'Bob');
    const key = newId();
    const first = await placeFor(ada.userId, { lines }, key);
    expect(await placeFor(ada.userId, { lines }, key)).toMatchObject({ replayed: true, order: { id: first.order.id } });
    expect(await placeFor(bob, { lines }, key)).toMatchObject({ order: null, userErrors: [{ code: 'IDEMPOTENCY_CONFLICT' }] }); // prettier-ignore
    const own = await world.run(staff, placeMutation, { input: { currency: 'EUR', lines }, key });
    expect(own.data.placeOrder).toMatchObject({ replayed: false, userErrors: [] });
  });

  it('is refused for who is suspended or unknown, as an erased one is, and holds nothing; a quote says so, too', async () => {
    const { productId, lines } = await one();
    const eve = newId();
    world.users.set(eve, 'Eve');
    world.suspended.add(eve);
    const suspended = { __typename: 'BusinessRejectedError', code: 'BUSINESS_REJECTED', path: ['customerId'], cause: 'CUSTOMER_SUSPENDED' }; // prettier-ignore
    expect(await placeFor(eve, { lines })).toMatchObject({ order: null, userErrors: [suspended] });
    expect(await placeFor(newId(), { lines })).toMatchObject({ order: null, userErrors: [{ code: 'NOT_FOUND' }] });
    expect(await world.stock(productId)).toEqual({ onHand: 5, allocated: 0 });
    const quote = await world.run(staff, 'query ($input: QuoteInput!, $id: ID!) { quoteOrder(input: $input, customerId: $id) { userErrors { ... on BusinessRejectedError { cause } } } }', { id: eve, input: { currency: 'EUR', lines } }); // prettier-ignore
    expect(quote.data.quoteOrder.userErrors).toEqual([{ cause: 'CUSTOMER_SUSPENDED' }]);
    world.suspended.delete(eve);
    expect(await placeFor(eve, { lines })).toMatchObject({ userErrors: [] });
  });

  it('is answered again while the user service is away, and not placed anew', async () => {
    const { lines } = await one();
    const key = newId();
    const first = await placeFor(ada.userId, { lines }, key);
    const before = world.intercept;
    world.intercept = async (request, next) => {
      if (request.query.includes('CustomerOfOrder')) throw new Error('away');
      return next();
    };
    try {
      expect(await placeFor(ada.userId, { lines }, key)).toMatchObject({ replayed: true, order: { id: first.order.id } }); // prettier-ignore
      const { errors } = await world.run(staff, mutation, { customer: ada.userId, input: { currency: 'EUR', lines }, key: newId() }); // prettier-ignore
      expect(errors).toHaveLength(1);
    } finally {
      world.intercept = before;
    }
  });

  it('shares the customer’s references: one that the customer used is the same order', async () => {
    const { lines } = await one();
    const input = { lines, clientReference: newId() };
    const own = await world.place(ada, input);
    const { data } = await world.run(staff, mutation, { customer: ada.userId, input: { currency: 'EUR', ...input }, key: newId() }); // prettier-ignore
    expect(data.placeOrderFor).toMatchObject({ replayed: true, order: { id: own.id, placedBy: null } });
    const other = await placeFor(ada.userId, { ...input, remark: 'other' });
    expect(other).toMatchObject({ order: null, userErrors: [{ code: 'IDEMPOTENCY_CONFLICT' }] });
  });

  it.each([newId(), 'nonsense', ''])('for nobody, %j, is refused and takes nothing', async (customer) => {
    const { productId, lines } = await one();
    expect(await placeFor(customer, { lines })).toMatchObject({ order: null, userErrors: [{ __typename: 'NotFoundError', code: 'NOT_FOUND', path: ['customerId'] }] }); // prettier-ignore
    expect(await world.stock(productId)).toEqual({ onHand: 5, allocated: 0 });
  });

  it('does not spend the customer’s wallet', async () => {
    const { lines } = await one();
    expect(await placeFor(ada.userId, { lines, type: 'PREPAY' })).toMatchObject({ order: null, userErrors: [{ code: 'VALIDATION', path: ['input', 'type'] }] }); // prettier-ignore
  });

  it('is for staff alone', async () => {
    const { lines } = await one();
    for (const viewer of [ada, userViewer('MERCHANT')]) {
      const { errors } = await world.run(viewer, mutation, { customer: ada.userId, input: { currency: 'EUR', lines }, key: newId() }); // prettier-ignore
      expect(errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    }
    expect(await world.rows('select id from orders where placed_by = ?', [idToBytes(ada.userId)])).toEqual([]);
  });
});
