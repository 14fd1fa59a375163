import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { UserViewer } from '../../../subgraphs/shared/auth/viewer.ts';
import { idToBytes, isNumber, newId } from '../../../subgraphs/shared/values/ids.ts';
import { addDays } from '../../../subgraphs/shared/values/local-date.ts';
import { advanceOrders } from '../../../subgraphs/order/commands/advance-order.ts';
import { expireOrders } from '../../../subgraphs/order/commands/expire-orders.ts';
import { maxWrongCodes } from '../../../subgraphs/order/domain/confirmation-code.ts';
import { auditNights } from '../../../subgraphs/product/ledger-store.ts';
import { createProduct } from '../../../subgraphs/product/commands/create-product.ts';
import { updateProduct } from '../../../subgraphs/product/commands/update-product.ts';
import { type OrderWorld, openOrderWorld, placeMutation, service, userViewer } from './order-world.ts';
import { asker } from '../../support/asker.ts';

let world: OrderWorld;
beforeAll(async () => {
  // A busy machine is given its time: who asks is answered with the outcome.
  world = await openOrderWorld({ env: { PLACING_WAIT_MS: '20000' } });
});
afterEach(() => {
  world.clockOffsetMs = 0;
  world.intercept = (_, next) => next();
});
/** Whatever the tests did: no night is booked twice, every ledger and journal is whole. */
afterAll(async () => {
  const nights = await auditNights(world.product.deps.db.em(), null);
  expect(await world.close()).toEqual([]);
  expect(nights.filter(({ consistent }) => !consistent)).toEqual([]);
});

const buyer = userViewer();
const staff = userViewer('OPERATOR');
const host = userViewer('MERCHANT');
const dayMs = 86_400_000;
const today = new Date().toISOString().slice(0, 10);
const [from, to] = [addDays(today, 10), addDays(today, 12)];

const breakfast = { code: 'BREAKFAST', name: 'Breakfast', unitPrice: { amount: 1_100, currency: 'EUR' }, perPerson: true, perNight: true }; // prettier-ignore
/** A place to stay at 90.00 EUR a night, of the host unless told otherwise. */
async function room(capacity = 1, seller: UserViewer = host): Promise<string> {
  const input = {
    sku: newId(), kind: 'BOOKABLE' as const, name: 'Garden room', subtitle: 'Under the pear tree', description: 'Quiet', cover: '/garden.svg',
    price: { amount: 9_000, currency: 'EUR' }, marketPrice: { amount: 9_900, currency: 'EUR' }, addOns: [breakfast], capacity, maxGuests: 2,
  }; // prettier-ignore
  const { product, userErrors } = await createProduct(world.product.deps, asker(seller), input, newId());
  if (!product) throw new Error(JSON.stringify(userErrors));
  return product.id;
}
const stay = (productId: string, change: Record<string, unknown> = {}) => ({ productId, quantity: 1, stayFrom: from, stayTo: to, guests: 2, ...change }); // prettier-ignore
const bookingOf = (...lines: Record<string, unknown>[]) => ({ type: 'BOOKING', currency: 'EUR', lines });
const book = (productId: string, viewer = buyer, change: Record<string, unknown> = {}) =>
  world.place(viewer, bookingOf(stay(productId, change)));
const tryBooking = async (lines: Record<string, unknown>[], key = newId(), viewer = buyer) =>
  (await world.run(viewer, placeMutation, { input: bookingOf(...lines), key })).data.placeOrder;
const pay = async (orderId: string, amountMinor = 18_000): Promise<string> => {
  const event = world.succeeded(orderId, { amountMinor });
  await world.paymentEvent(event);
  await world.deliver();
  return String(event.data['paymentId']);
};
const fields = `id number state paymentStatus fulfilmentStatus confirmationCode allowedActions completedAt closedAt type { code productKind }
  lines { title subtitle cover quantity stayFrom stayTo nights guests unitPrice { amount } marketPrice { amount } subtotal { amount }
    addOns { code quantity total { amount } } fulfilledQuantity } total { amount }
  history { edges { node { type toState actorId } } }`;
const read = async (id: string, viewer: UserViewer = buyer) =>
  (await world.run(viewer, `query O($id: ID!) { order(id: $id) { ${fields} } }`, { id })).data.order;
const redeemMutation = `mutation R($number: String!, $code: String!, $key: String) {
  redeemOrder(number: $number, confirmationCode: $code, idempotencyKey: $key) {
    order { ${fields} } replayed userErrors { __typename ... on UserError { code path } ... on BusinessRejectedError { cause } ... on OrderStateError { state allowed } }
  }
}`;
const redeem = async (number: string, code: string, viewer: UserViewer = host, key: string | null = null) =>
  (await world.run(viewer, redeemMutation, { number, code, key })).data.redeemOrder;
const codeOf = async (id: string): Promise<string> => String((await read(id)).confirmationCode);
/** Held and sold rooms of the first night. */
const night = async (productId: string) => {
  const [row] = await world.productRows('select allocated as held, capacity - on_hand as sold from night where product_id = ? and night = ?', [idToBytes(productId), from]); // prettier-ignore
  return { held: Number(row?.['held'] ?? 0), sold: Number(row?.['sold'] ?? 0) };
};

describe('booking', () => {
  test('[LL-1] [LL-3] [LL-4] holds the nights, is priced by the server and keeps what was bought as it was', async () => {
    const productId = await room(2);
    const { id, number } = await book(productId, buyer, { quantity: 2, guests: 3, addOns: ['BREAKFAST'] });
    expect(isNumber(number, 'BO')).toBe(true);
    expect(await night(productId)).toEqual({ held: 2, sold: 0 });
    const before = await read(id);
    expect(before).toMatchObject({
      state: 'PENDING_PAYMENT', fulfilmentStatus: 'NOT_REQUIRED', type: { code: 'BOOKING', productKind: 'BOOKABLE' }, confirmationCode: null,
      total: { amount: 2 * 2 * 9_000 + 3 * 2 * 1_100 },
      lines: [{
        title: 'Garden room', subtitle: 'Under the pear tree', cover: '/garden.svg', quantity: 2, stayFrom: from, stayTo: to, nights: 2, guests: 3,
        unitPrice: { amount: 9_000 }, marketPrice: { amount: 9_900 }, addOns: [{ code: 'BREAKFAST', quantity: 6, total: { amount: 6_600 } }],
      }],
    }); // prettier-ignore
    const input = { id: productId, expectedVersion: 1, name: 'Cellar', subtitle: null, cover: null, price: { amount: 1, currency: 'EUR' }, addOns: [], maxGuests: 1 }; // prettier-ignore
    expect((await updateProduct(world.product.deps, asker(staff), input, null)).userErrors).toEqual([]);
    expect((await read(id)).lines).toEqual(before.lines);
    const [line] = await world.rows('select seller_id from order_line where order_id = ?', [idToBytes(id)]);
    expect(line?.['seller_id']).toEqual(idToBytes(host.userId));
  });

  test('of nights that are taken is refused with the nights, and nothing is held', async () => {
    const productId = await room(1);
    await book(productId, buyer, { stayFrom: addDays(from, 1), stayTo: addDays(from, 2) });
    const { order, userErrors } = await tryBooking([stay(productId)]);
    expect(userErrors).toMatchObject([
      {
        __typename: 'InsufficientStockError',
        message: expect.stringContaining('rooms'),
        shortages: [{ product: { id: productId }, requested: 1, available: 0, night: addDays(from, 1) }],
      },
    ]);
    expect(order).toMatchObject({ state: 'FAILED', cancelReason: 'OUT_OF_STOCK' });
    expect(await night(productId)).toEqual({ held: 0, sold: 0 });
  });

  test('by 20 guests at once of a place with 3 rooms: exactly 3 get one', async () => {
    const productId = await room(3);
    const answers = await Promise.all(Array.from({ length: 20 }, () => tryBooking([stay(productId)])));
    expect(answers.filter(({ userErrors }) => userErrors.length === 0)).toHaveLength(3);
    expect(await night(productId)).toEqual({ held: 3, sold: 0 });
  });

  test('[LL-2] breaking a rule is refused with the field, by the date of the shop', async () => {
    const productId = await room();
    const pathOf = async (change: Record<string, unknown>) =>
      (await tryBooking([stay(productId, change)])).userErrors.map(({ code, path }: { code: string; path: string[] }) => `${code} ${path.at(-1)}`); // prettier-ignore
    expect(await pathOf({ guests: 3 })).toEqual(['VALIDATION guests']);
    expect(await pathOf({ stayTo: from })).toEqual(['VALIDATION stayTo']);
    expect(await pathOf({ stayFrom: addDays(today, -1), stayTo: to })).toEqual(['VALIDATION stayFrom']);
    world.clockOffsetMs = 11 * dayMs;
    expect(await pathOf({})).toEqual(['VALIDATION stayFrom']);
    expect((await world.run(buyer, placeMutation, { input: bookingOf(stay(productId, { stayFrom: '2027-02-30' })), key: newId() })).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]); // prettier-ignore
  });

  test('repeated after its first day has come answers with the same order', async () => {
    const productId = await room();
    const key = newId();
    const { order } = await tryBooking([stay(productId)], key);
    await pay(order.id);
    world.clockOffsetMs = 11 * dayMs;
    expect(await tryBooking([stay(productId)], key)).toMatchObject({ replayed: true, order: { id: order.id, state: 'PAID' }, userErrors: [] }); // prettier-ignore
    expect((await tryBooking([stay(productId, { guests: 1 })], key)).userErrors).toMatchObject([{ code: 'IDEMPOTENCY_CONFLICT' }]); // prettier-ignore
  });

  test('whose answer got lost is asked for again and holds the nights once', async () => {
    const productId = await room(2);
    let lost = 0;
    world.intercept = async (request, next) => {
      const answer = await next();
      if (!request.query.includes('reserveStock') || lost > 0) return answer;
      lost += 1;
      throw Object.assign(new Error('connection reset'), { code: 'ECONNRESET' });
    };
    const { order } = await tryBooking([stay(productId)]);
    expect(lost).toBe(1);
    expect(order.state).toBe('PENDING_PAYMENT');
    expect(await night(productId)).toEqual({ held: 1, sold: 0 });
  });

  test('that can not be finished after the nights were taken gives them back', async () => {
    const productId = await room(1);
    world.intercept = async (request, next) => {
      const answer = await next();
      if (!request.query.includes('reserveStock')) return answer;
      // Taken, but the answer never comes, until the time for placing is over.
      world.clockOffsetMs += 21_000;
      throw Object.assign(new Error('connection reset'), { code: 'ECONNRESET' });
    };
    const { order, userErrors } = await tryBooking([stay(productId)]);
    expect(userErrors).toMatchObject([{ code: 'BUSINESS_REJECTED' }]);
    expect(order).toMatchObject({ state: 'FAILED', cancelReason: 'SAGA_ROLLBACK' });
    expect(await night(productId)).toEqual({ held: 0, sold: 0 });
    world.intercept = (_, next) => next();
    expect((await tryBooking([stay(productId)])).order.state).toBe('PENDING_PAYMENT');
  });
});

describe('nights that are not paid for', () => {
  test('[LL-8] go back when the time to pay is over; paid ones are left alone', async () => {
    const productId = await room(2);
    const [unpaid, paid] = [await book(productId), await book(productId)];
    await pay(paid.id);
    expect(await night(productId)).toEqual({ held: 1, sold: 1 });
    world.clockOffsetMs = 1_200_000;
    await expireOrders(world.deps);
    await world.deliver();
    expect((await read(unpaid.id)).state).toBe('EXPIRED');
    expect((await read(paid.id)).state).toBe('PAID');
    expect(await night(productId)).toEqual({ held: 0, sold: 1 });
  });

  test('go back when the booking is cancelled, before it is paid or afterwards', async () => {
    const cancel = 'mutation C($id: ID!, $key: String!) { cancelOrder(id: $id, idempotencyKey: $key) { order { state } userErrors { __typename } } }'; // prettier-ignore
    const productId = await room(1);
    const { id } = await book(productId);
    const run = async (orderId: string) => (await world.run(buyer, cancel, { id: orderId, key: newId() })).data.cancelOrder; // prettier-ignore
    for (let times = 0; times < 2; times += 1)
      expect(await run(id)).toEqual({ order: { state: 'CANCELLED' }, userErrors: [] });
    await world.deliver();
    expect(await night(productId)).toEqual({ held: 0, sold: 0 });
    const paid = await book(productId);
    await pay(paid.id);
    expect(await night(productId)).toEqual({ held: 0, sold: 1 });
    expect(await run(paid.id)).toEqual({ order: { state: 'CANCELLED' }, userErrors: [] });
    await world.deliver();
    expect(await night(productId)).toEqual({ held: 0, sold: 0 });
  });
});

describe('the confirmation code', () => {
  test('[LL-6] is shown to the buyer alone, once paid', async () => {
    const { id } = await book(await room());
    expect((await read(id)).confirmationCode).toBeNull();
    await pay(id);
    expect(await codeOf(id)).toMatch(/^[0-9A-HJKMNP-TV-Z]{8}$/);
    expect((await read(id, staff)).confirmationCode).toBeNull();
    const entity =
      'query E($r: [_Any!]!) { _entities(representations: $r) { ... on Order { number confirmationCode } } }';
    const { data } = await world.run(service('payment'), entity, { r: [{ __typename: 'Order', id }] });
    expect(data._entities).toEqual([{ number: expect.any(String), confirmationCode: null }]);
    expect(JSON.stringify(await world.rows('select * from order_event where order_id = ?', [idToBytes(id)]))).not.toContain(await codeOf(id)); // prettier-ignore
  });

  test('[LL-6] completes the order by its seller, and once more does nothing', async () => {
    const { id, number } = await book(await room());
    await pay(id);
    const code = await codeOf(id);
    const first = await redeem(number.toLowerCase(), `${code.slice(0, 4).toLowerCase()} ${code.slice(4)}`);
    expect(first).toMatchObject({ replayed: false, userErrors: [], order: { state: 'COMPLETED', confirmationCode: null, fulfilmentStatus: 'NOT_REQUIRED' } }); // prettier-ignore
    expect(await redeem(number, code)).toMatchObject({ userErrors: [], order: { state: 'COMPLETED' } });
    const order = await read(id);
    expect(order.history.edges.map(({ node }: { node: { type: string } }) => node.type)).toEqual(['OrderPlaced', 'StockReserved', 'OrderPaid', 'OrderRedeemed']); // prettier-ignore
    expect(order.history.edges.at(-1).node).toMatchObject({ toState: 'COMPLETED', actorId: host.userId });
    expect(order.completedAt).not.toBeNull();
    expect((await world.deliver()).map(({ type }) => type)).toEqual(['order.completed', 'staff.acted']);
  });

  test('of an order shows its seller neither address nor anything else of the customer', async () => {
    const { id, number } = await world.place(buyer, { ...bookingOf(stay(await room())), remark: 'for two', clientReference: 'ref-1', billingAddress: { name: 'Ada', line1: 'Ring 1', city: 'Wien', postalCode: '1010', countryCode: 'AT' } }); // prettier-ignore
    await pay(id);
    const addresses = 'shippingAddress { city } billingAddress { city }';
    const seen = async (viewer: UserViewer) => (await world.run(viewer, `query ($id: ID!) { order(id: $id) { ${addresses} } }`, { id })).data.order; // prettier-ignore
    for (const viewer of [buyer, staff]) expect(await seen(viewer)).toEqual({ shippingAddress: null, billingAddress: { city: 'Wien' } }); // prettier-ignore
    const more = 'remark extension clientReference fulfilments { trackingNumber } saga { id } history { edges { node { type } } }'; // prettier-ignore
    const own = await world.run(buyer, `query ($id: ID!) { order(id: $id) { ${more} } }`, { id });
    expect(own.data.order).toMatchObject({ remark: 'for two', clientReference: 'ref-1', history: { edges: [{}, {}, {}] } }); // prettier-ignore
    const redeeming = redeemMutation.replace(fields, `${addresses} ${more}`);
    const { data } = await world.run(host, redeeming, { number, code: await codeOf(id), key: newId() });
    expect(data.redeemOrder).toMatchObject({
      order: { shippingAddress: null, billingAddress: null, remark: null, extension: null, clientReference: null, saga: null, history: { edges: [] } },
      userErrors: [],
    }); // prettier-ignore
  });

  test('of staff is as good, and an idempotency key answers again', async () => {
    const { id, number } = await book(await room(1, staff));
    await pay(id);
    const code = await codeOf(id);
    const key = newId();
    expect(await redeem(number, code, staff, key)).toMatchObject({ replayed: false, order: { state: 'COMPLETED' } });
    expect(await redeem(number, code, staff, key)).toMatchObject({ replayed: true, order: { state: 'COMPLETED' } });
  });

  test('is nobody else’s to redeem: who may not is not told whether it was right', async () => {
    const { id, number } = await book(await room());
    await pay(id);
    const code = await codeOf(id);
    const typeOf = async (viewer: UserViewer, given = code) =>
      (await redeem(number, given, viewer)).userErrors[0].__typename;
    expect(await typeOf(userViewer('MERCHANT'))).toBe('NotFoundError');
    expect(await typeOf(userViewer())).toBe('NotFoundError');
    expect(await typeOf(buyer)).toBe('ForbiddenError');
    expect(await typeOf(buyer, 'WRONG')).toBe('ForbiddenError');
    // Neither by selling it to oneself.
    await world.rows('update orders set customer_id = ? where id = ?', [idToBytes(host.userId), idToBytes(id)]);
    expect(await typeOf(host)).toBe('ForbiddenError');
    await world.rows('update orders set customer_id = ? where id = ?', [idToBytes(buyer.userId), idToBytes(id)]);
    // A host who is no merchant any more.
    expect(await typeOf({ ...host, roles: ['CUSTOMER'] })).toBe('NotFoundError');
    expect((await redeem('BO000000000000000', code)).userErrors).toMatchObject([{ __typename: 'NotFoundError', path: ['number'] }]); // prettier-ignore
    expect((await read(id)).state).toBe('PAID');
  });

  test('of an order with lines of two sellers is for staff', async () => {
    const { id, number } = await world.place(buyer, bookingOf(stay(await room()), stay(await room(1, userViewer('MERCHANT'))))); // prettier-ignore
    await pay(id, 36_000);
    const code = await codeOf(id);
    expect((await redeem(number, code)).userErrors).toMatchObject([{ __typename: 'NotFoundError' }]);
    expect((await redeem(number, code, staff)).order.state).toBe('COMPLETED');
  });

  test('that is wrong is refused, and after five wrong ones none is looked at for a while', async () => {
    const { id, number } = await book(await room());
    await pay(id);
    const code = await codeOf(id);
    const guesses = await Promise.all(Array.from({ length: 12 }, (_, index) => redeem(number, `WRONG-${index}`)));
    const causes = guesses.map(({ userErrors }) => userErrors[0].cause);
    expect(causes.filter((cause) => cause === 'WRONG_CONFIRMATION_CODE')).toHaveLength(maxWrongCodes);
    expect(causes.filter((cause) => cause === 'TOO_MANY_WRONG_CODES')).toHaveLength(12 - maxWrongCodes);
    expect((await redeem(number, code)).userErrors).toMatchObject([{ __typename: 'BusinessRejectedError', cause: 'TOO_MANY_WRONG_CODES', path: ['confirmationCode'] }]); // prettier-ignore
    expect((await read(id)).state).toBe('PAID');
    world.clockOffsetMs = 15 * 60_000 + 1;
    expect((await redeem(number, 'WRONG')).userErrors).toMatchObject([{ cause: 'WRONG_CONFIRMATION_CODE' }]);
    expect((await redeem(number, code)).order.state).toBe('COMPLETED');
  });

  test('is good for a paid order alone', async () => {
    const { id, number } = await book(await room());
    const [row] = await world.rows('select confirmation_code from orders where id = ?', [idToBytes(id)]);
    const code = String(row?.['confirmation_code']);
    expect((await redeem(number, code)).userErrors).toMatchObject([{ __typename: 'OrderStateError', state: 'PENDING_PAYMENT', allowed: ['PAID'] }]); // prettier-ignore
    const mug = await world.place(buyer);
    expect((await redeem(mug.number, code, staff)).userErrors).toMatchObject([{ cause: 'NOT_REDEEMABLE' }]);
    expect((await redeem(number, 'x'.repeat(65))).userErrors).toMatchObject([{ code: 'VALIDATION' }]);
  });

  test('of a refunded order is hidden and not redeemed', async () => {
    const { id, number } = await book(await room());
    const paymentId = await pay(id);
    const code = await codeOf(id);
    await world.paymentEvent(world.refunded(id, { paymentId, amountMinor: 18_000 }));
    expect(await read(id)).toMatchObject({ state: 'REFUNDED', paymentStatus: 'REFUNDED', confirmationCode: null });
    expect((await redeem(number, code)).userErrors).toMatchObject([{ __typename: 'OrderStateError', state: 'REFUNDED' }]); // prettier-ignore
  });

  test('redeemed twice at the same time redeems once', async () => {
    const { id, number } = await book(await room());
    await pay(id);
    const code = await codeOf(id);
    const answers = await Promise.all(Array.from({ length: 5 }, () => redeem(number, code)));
    for (const { userErrors, order } of answers) expect([userErrors, order.state]).toEqual([[], 'COMPLETED']);
    const types = (await read(id)).history.edges.map(({ node }: { node: { type: string } }) => node.type);
    expect(types.filter((type: string) => type === 'OrderRedeemed')).toHaveLength(1);
  });
});

describe('a paid booking', () => {
  const advance = 'mutation A($id: ID!) { advanceOrder(id: $id) { order { state } userErrors { __typename } } }';

  test('is not advanced by the job or by staff before its time, and lapses after it', async () => {
    const { id, number } = await book(await room());
    await pay(id);
    const code = await codeOf(id);
    await advanceOrders(world.deps);
    expect((await world.run(staff, advance, { id })).data.advanceOrder).toEqual({ order: { state: 'PAID' }, userErrors: [] }); // prettier-ignore
    expect((await read(id, staff)).allowedActions).toEqual(['CANCEL', 'REDEEM', 'REFUND']);
    // Departure is in 12 days, at its beginning in UTC; the grace is 48 h.
    const startOfTodayMs = new Date(`${today}T00:00:00Z`).getTime();
    const lapseMs = startOfTodayMs + 14 * dayMs;
    world.clockOffsetMs = lapseMs - Date.now() - 60_000;
    await advanceOrders(world.deps);
    expect((await read(id)).state).toBe('PAID');
    world.clockOffsetMs = lapseMs - Date.now();
    await advanceOrders(world.deps);
    expect(await read(id)).toMatchObject({ state: 'LAPSED', paymentStatus: 'PAID', confirmationCode: null, closedAt: expect.any(String) }); // prettier-ignore
    expect((await redeem(number, code)).userErrors).toMatchObject([{ __typename: 'OrderStateError', state: 'LAPSED' }]);
    expect(await world.rows('select advance_at from orders where id = ?', [idToBytes(id)])).toEqual([{ advance_at: null }]); // prettier-ignore
  });

  test('whose money went back leaves its nights to others, at the last of it and once', async () => {
    const productId = await room(1);
    const { id } = await book(productId);
    const paymentId = await pay(id);
    await world.paymentEvent(world.refunded(id, { paymentId, amountMinor: 17_999 }));
    await world.deliver();
    expect(await night(productId)).toEqual({ held: 0, sold: 1 });
    await world.paymentEvent(world.refunded(id, { paymentId, amountMinor: 1 }));
    expect((await world.deliver()).map(({ type }) => type)).toEqual(['order.closed']);
    expect(await read(id)).toMatchObject({ state: 'REFUNDED', confirmationCode: null });
    expect(await night(productId)).toEqual({ held: 0, sold: 0 });
    const next = await book(productId, userViewer());
    await pay(next.id);
    expect(await night(productId)).toEqual({ held: 0, sold: 1 });
  });

  test('[AP-1] is cancelled by its customer up to its first day, by staff of the shop also later, and other stays of it always', async () => {
    const cancel = async (viewer: UserViewer, id: string, lineId: string | null = null) =>
      (await world.run(viewer, 'mutation C($id: ID!, $lines: [OrderLineQuantityInput!], $key: String!) { answer: cancelOrder(id: $id, lines: $lines, idempotencyKey: $key) { order { state cancelReason } userErrors { __typename ... on BusinessRejectedError { cause } } } }', { id, lines: lineId === null ? null : [{ lineId, quantity: 1 }], key: newId() })).data.answer; // prettier-ignore
    const refused = { order: null, userErrors: [{ __typename: 'BusinessRejectedError', cause: 'STAY_BEGUN' }] };
    const places = [await room(), await room()] as const;
    const later = stay(places[1], { stayFrom: addDays(from, 5), stayTo: addDays(to, 5) });
    const { id } = await world.place(buyer, bookingOf(stay(places[0]), later));
    await pay(id, 36_000);
    const given = await world.place(buyer, bookingOf(stay(await room()), { ...later, productId: await room() }));
    await pay(given.id, 36_000);
    const refund = `mutation { answer: refundOrder(input: { orderId: "${given.id}", amount: { amount: 18000, currency: "EUR" }, reason: "noise" }, idempotencyKey: "${newId()}") { userErrors { __typename } } }`; // prettier-ignore
    expect((await world.run(staff, refund)).data.answer).toEqual({ userErrors: [] });
    const own = (await book(await room(), staff)).id;
    await pay(own);
    const next = await book(await room());
    await pay(next.id);
    const lines = (await world.run(buyer, `{ order(id: "${id}") { lines { id stayFrom } } }`)).data.order.lines;
    const lineOf = (day: string): string => lines.find(({ stayFrom }: { stayFrom: string }) => stayFrom === day).id;
    const firstDayMs = new Date(`${from}T00:00:00Z`).getTime() - Date.now();
    world.clockOffsetMs = firstDayMs + dayMs + 60_000;
    expect(await cancel(buyer, id)).toEqual(refused);
    expect(await cancel(buyer, id, lineOf(from))).toEqual(refused);
    expect(await cancel(staff, own)).toEqual(refused);
    // What is left of this one's money is for the stay that has begun.
    const second = (await world.run(buyer, `{ order(id: "${given.id}") { lines { id stayFrom } } }`)).data.order.lines.find(({ stayFrom }: { stayFrom: string }) => stayFrom === addDays(from, 5)).id; // prettier-ignore
    expect(await cancel(buyer, given.id, second)).toEqual(refused);
    expect(await cancel(staff, given.id, second)).toMatchObject({ order: { state: 'PAID' }, userErrors: [] });
    expect(await cancel(buyer, id, lineOf(addDays(from, 5)))).toMatchObject({ order: { state: 'PAID' }, userErrors: [] }); // prettier-ignore
    expect(await cancel(staff, id)).toMatchObject({ order: { state: 'CANCELLED', cancelReason: 'MERCHANT' } });
    world.clockOffsetMs = firstDayMs + dayMs - 60_000;
    expect(await cancel(buyer, next.id)).toMatchObject({ order: { state: 'CANCELLED', cancelReason: 'CUSTOMER' } });
  }); // prettier-ignore

  test('that was used keeps its nights when its money goes back', async () => {
    const productId = await room(1);
    const { id, number } = await book(productId);
    const paymentId = await pay(id);
    await redeem(number, await codeOf(id));
    await world.paymentEvent(world.refunded(id, { paymentId, amountMinor: 18_000 }));
    expect((await world.deliver()).map(({ type }) => type)).toEqual(['order.completed', 'staff.acted']);
    expect(await night(productId)).toEqual({ held: 0, sold: 1 });
  });

  test('whose money went back is REFUNDED, and nobody looks at it again', async () => {
    const { id } = await book(await room());
    const paymentId = await pay(id);
    await world.paymentEvent(world.refunded(id, { paymentId, amountMinor: 18_000 }));
    await world.deliver();
    world.clockOffsetMs = 30 * dayMs;
    await advanceOrders(world.deps);
    expect((await read(id)).state).toBe('REFUNDED');
    expect(await world.rows('select advance_at from orders where id = ?', [idToBytes(id)])).toEqual([{ advance_at: null }]); // prettier-ignore
  });
});

test('an order without a stay takes as many statements as any', async () => {
  const productId = await world.make(5);
  // The rules of prices are read now, and kept for a while.
  await world.place(buyer, { lines: [{ productId, quantity: 1 }] });
  const sent = await world.statements(() => world.place(buyer, { lines: [{ productId, quantity: 1 }] }));
  expect([sent.order.length, sent.product.length]).toEqual([10, 5]);
});

describe('what a merchant sold', () => {
  const seller = userViewer('MERCHANT');
  const sold = async (viewer: UserViewer, args = '') => {
    const line = 'line { title quantity stayFrom total { amount } seller { id } returnableQuantity }';
    const { data, errors } = await world.run(viewer, `{ soldLines${args} { edges { cursor node { orderNumber orderState placedAt redeemable ${line} } } pageInfo { hasNextPage hasPreviousPage endCursor } } }`, {}); // prettier-ignore
    return { ...data?.soldLines, errors, nodes: data?.soldLines?.edges.map(({ node }: { node: object }) => node) };
  };
  const numbers = async (viewer: UserViewer, args = '') =>
    (await sold(viewer, args)).nodes.map((node: { orderNumber: string }) => node.orderNumber);

  test('[LL-6] is listed newest first, with what redeeming needs and nothing of the customer', async () => {
    const [own, others] = [await room(9, seller), await room(9)];
    const placed: { id: string; number: string }[] = [];
    for (let count = 0; count < 3; count += 1) placed.push(await book(own, buyer, { stayFrom: addDays(from, count), stayTo: addDays(to, count) })); // prettier-ignore
    await book(others);
    const mixed = await world.place(buyer, bookingOf(stay(own), stay(others)));
    await pay(placed[0]!.id);
    await pay(mixed.id, 36_000);
    const newest = [mixed, ...placed.toReversed()].map(({ number }) => number);
    const { nodes } = await sold(seller);
    expect(nodes.map((node: { orderNumber: string }) => node.orderNumber)).toEqual(newest);
    expect(nodes.at(-1)).toEqual({
      orderNumber: placed[0]!.number, orderState: 'PAID', placedAt: expect.any(String), redeemable: true,
      line: { title: 'Garden room', quantity: 1, stayFrom: from, total: { amount: 18_000 }, seller: { id: seller.userId }, returnableQuantity: 0 },
    }); // prettier-ignore
    // Of an order with lines of others the seller sees the own one, and redeems none of it.
    expect(nodes[0]).toMatchObject({ orderState: 'PAID', redeemable: false });
    expect(nodes[1]).toMatchObject({ orderState: 'PENDING_PAYMENT', redeemable: false });
    expect(await numbers(host)).not.toContain(placed[0]!.number);
    expect(await numbers(staff, `(sellerId: "${seller.userId}")`)).toEqual(newest);
    expect(await redeem(placed[0]!.number, await codeOf(placed[0]!.id), seller)).toMatchObject({ userErrors: [] });
    expect((await sold(seller, `(filter: { number: "${placed[0]!.number.toLowerCase()}" })`)).nodes).toMatchObject([{ orderState: 'COMPLETED', redeemable: false }]); // prettier-ignore

    const first = await sold(seller, '(first: 3)');
    expect(first.pageInfo).toMatchObject({ hasNextPage: true });
    expect(await numbers(seller, `(first: 3, after: "${first.pageInfo.endCursor}")`)).toEqual(newest.slice(3));
    expect(await numbers(seller, '(last: 2)')).toEqual(newest.slice(2));
    const foreign = await sold(seller, `(after: "${first.pageInfo.endCursor}", filter: { number: "x" })`);
    expect(foreign.errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);

    const placedAt = nodes[2].placedAt;
    expect(await numbers(seller, `(filter: { placedFrom: "${placedAt}" })`)).toEqual(newest.slice(0, 3));
    expect(await numbers(seller, `(filter: { placedTo: "${placedAt}" })`)).toEqual(newest.slice(3));
    expect(await numbers(seller, '(filter: { placedTo: "1969-01-01T00:00:00Z" })')).toEqual([]);
    expect(await numbers(seller, '(filter: { number: "BO000000000000000" })')).toEqual([]);
  });

  test('is nobody else’s to see, and has no order that was not placed', async () => {
    const other = userViewer('MERCHANT');
    expect(await numbers(other)).toEqual([]);
    for (const [viewer, args] of [
      [buyer, ''],
      [other, `(sellerId: "${seller.userId}")`],
      [buyer, `(sellerId: "${buyer.userId}")`],
    ] as const)
      expect((await sold(viewer, args)).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect(await numbers(staff, '(sellerId: "nobody")')).toEqual([]);
    const full = await room(1, other);
    await book(full);
    expect((await tryBooking([stay(full)])).order.state).toBe('FAILED');
    expect(await numbers(other)).toHaveLength(1);
  });
});
