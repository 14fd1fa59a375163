import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from 'redis';
import type { UserViewer, Viewer } from '../../../subgraphs/shared/auth/viewer.ts';
import { idFromBytes, idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { toJson } from '../../../subgraphs/shared/database/database.ts';
import { advanceOrders } from '../../../subgraphs/order/commands/advance-order.ts';
import { openCouponGuesses } from '../../../subgraphs/order/coupon-guesses.ts';
import { expireOrders } from '../../../subgraphs/order/commands/expire-orders.ts';
import { saveCategory } from '../../../subgraphs/product/commands/save-category.ts';
import { type OrderWorld, cancelMutation, openOrderWorld, userViewer } from './order-world.ts';
import { asker } from '../../support/asker.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld();
});
afterEach(async () => {
  world.intercept = (_, next) => next();
  world.clockOffsetMs = 0;
  await expectCountsOfOrders();
  // What applies by itself is of one test only.
  await world.rows('update promotion set active = false where code is null');
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const staff = userViewer('OPERATOR');
const newCode = (): string => `C${newId().slice(-12)}`.toUpperCase();
const euros = (amount: number) => ({ amount, currency: 'EUR' });

/** Makes a promotion: 10 % off by a code of its own unless told otherwise. */
async function promote(input: Record<string, unknown> = {}, id: string | null = null) {
  const given = { name: 'Ten off', kind: 'PERCENT', combinable: true, code: newCode(), ...input };
  if (given.kind === 'PERCENT') Object.assign(given, { valuePpm: 100_000, ...input });
  const document = `mutation ($id: ID, $input: PromotionInput!, $key: String!) { savePromotion(id: $id, input: $input, idempotencyKey: $key) {
    promotion { id code version } userErrors { __typename ... on UserError { code message path } } } }`;
  const { data, errors } = await world.run(staff, document, { id, input: given, key: newId() });
  expect([errors, data.savePromotion.userErrors]).toEqual([[], []]);
  return data.savePromotion.promotion as { id: string; code: string; version: number };
}

const charges = `subtotal { amount } discountTotal { amount } shippingTotal { amount } total { amount } adjustments { source label amount { amount } } lines { subtotal { amount } discount { amount } total { amount } }`;
const placing = `mutation ($input: PlaceOrderInput!, $key: String!) { placeOrder(input: $input, idempotencyKey: $key) {
  order { id state paymentStatus ${charges} } replayed userErrors { __typename ... on UserError { code message path } ... on CouponError { coupon } ... on TotalChangedError { quote { total { amount } } } } } }`;
const quoting = `query ($input: QuoteInput!) { quoteOrder(input: $input) { ${charges} userErrors { __typename ... on UserError { code path } } } }`;

async function tryPlacing(viewer: UserViewer, input: Record<string, unknown>, key = newId()) {
  const { data, errors } = await world.run(viewer, placing, { input: { currency: 'EUR', ...input }, key });
  expect(errors).toEqual([]);
  return data.placeOrder;
}
async function placed(viewer: UserViewer, input: Record<string, unknown>) {
  const { order, userErrors } = await tryPlacing(viewer, input);
  expect(userErrors).toEqual([]);
  return order as { id: string; state: string; total: { amount: number } };
}
async function quoted(viewer: UserViewer, input: Record<string, unknown>) {
  const { data, errors } = await world.run(viewer, quoting, { input: { currency: 'EUR', ...input } });
  expect(errors).toEqual([]);
  return data.quoteOrder;
}
const linesOf = async (quantity = 1, onHand = 1_000) => [{ productId: await world.make(onHand), quantity }];
const usedOf = async (id: string) => Number((await world.rows('select used from promotion where id = ?', [idToBytes(id)]))[0]?.['used']); // prettier-ignore
const usedBy = async (id: string, { userId }: UserViewer) =>
  Number((await world.rows('select used from promotion_customer where promotion_id = ? and customer_id = ?', [idToBytes(id), idToBytes(userId)]))[0]?.['used'] ?? 0); // prettier-ignore
const stateOf = async (id: string) => (await world.rows('select state from orders where id = ?', [idToBytes(id)]))[0]?.['state']; // prettier-ignore
const cancel = async (viewer: UserViewer, id: string) =>
  (await world.run(viewer, cancelMutation, { id, reason: null, key: newId() })).data.cancelOrder;

/** Every counter is what the orders say. */
async function expectCountsOfOrders(): Promise<void> {
  const held = new Map<string, number>();
  const orders = await world.rows("select customer_id, promotion_ids from orders where promotion_ids is not null and state not in ('CANCELLED', 'EXPIRED', 'FAILED', 'REFUNDED')"); // prettier-ignore
  for (const row of orders)
    for (const id of toJson<string[]>(row['promotion_ids']))
      for (const key of [id, `${id} ${idFromBytes(row['customer_id'] as Buffer)}`])
        held.set(key, (held.get(key) ?? 0) + 1);
  const counted = new Map<string, number>();
  for (const row of await world.rows('select id, used, usage_limit from promotion where used <> 0')) {
    counted.set(idFromBytes(row['id'] as Buffer), Number(row['used']));
    expect(Number(row['used'])).toBeLessThanOrEqual(Number(row['usage_limit'] ?? Infinity));
  }
  for (const row of await world.rows('select * from promotion_customer where used <> 0'))
    counted.set(`${idFromBytes(row['promotion_id'] as Buffer)} ${idFromBytes(row['customer_id'] as Buffer)}`, Number(row['used'])); // prettier-ignore
  expect(counted).toEqual(held);
}

describe('[CH-5] an order with a coupon', () => {
  test('is quoted and placed alike, and keeps what was taken off each line', async () => {
    const buyer = userViewer();
    const { id, code } = await promote();
    const lines = [...(await linesOf(3)), ...(await linesOf(1))];
    const quote = await quoted(buyer, { lines, couponCodes: [code.toLowerCase()] });
    expect(quote).toMatchObject({
      subtotal: euros5160(), discountTotal: { amount: 516 }, total: { amount: 4_644 }, userErrors: [],
      lines: [{ discount: { amount: 387 }, total: { amount: 3_483 } }, { discount: { amount: 129 }, total: { amount: 1_161 } }],
      adjustments: [{ source: `promotion:${id}`, label: 'Ten off', amount: { amount: -516 } }],
    }); // prettier-ignore
    expect(await usedOf(id)).toBe(0);
    const order = await placed(buyer, { lines, couponCodes: [code, ` ${code.toLowerCase()} `], expectedTotal: 4_644 });
    const { userErrors: _, ...priced } = quote;
    expect(order).toMatchObject({ ...priced, state: 'PENDING_PAYMENT' });
    expect([await usedOf(id), await usedBy(id, buyer)]).toEqual([1, 1]);
    const [row] = await world.rows('select coupon_codes from orders where id = ?', [idToBytes(order.id)]);
    expect(toJson(row?.['coupon_codes'])).toEqual([code]);
    const [entry] = await world.rows('select data from order_event where order_id = ? and seq = 1', [idToBytes(order.id)]); // prettier-ignore
    expect(toJson(entry?.['data'])).toMatchObject({ totalMinor: 4_644, discountMinor: 516, promotionIds: [id] });
  });
  const euros5160 = () => ({ amount: 5_160 });

  test('that does not count is refused with its reason, and nothing is taken or used', async () => {
    const buyer = userViewer();
    const { id, code } = await promote({ minimumSubtotal: euros(1_291) });
    const lines = await linesOf();
    const refusal = { __typename: 'CouponError', code: 'MINIMUM_NOT_REACHED', coupon: code, path: ['input', 'couponCodes', '1'] }; // prettier-ignore
    const answer = await tryPlacing(buyer, { lines, couponCodes: ['NO-SUCH', code] });
    expect(answer).toMatchObject({ order: null, userErrors: [{ code: 'UNKNOWN', coupon: 'NO-SUCH' }, refusal] });
    expect(await quoted(buyer, { lines, couponCodes: [code] })).toMatchObject({ total: { amount: 1_290 }, userErrors: [{ code: 'MINIMUM_NOT_REACHED' }] }); // prettier-ignore
    expect([await usedOf(id), await world.stock(lines[0]?.productId ?? '')]).toEqual([0, { onHand: 1_000, allocated: 0 }]); // prettier-ignore
  });

  test('takes at most ten codes', async () => {
    const codes = Array.from({ length: 11 }, newCode);
    const { userErrors } = await tryPlacing(userViewer(), { lines: await linesOf(), couponCodes: codes });
    expect(userErrors).toMatchObject([{ __typename: 'ValidationError', path: ['input', 'couponCodes'] }]);
  });

  test('is repeated by its key without another use, also once the coupon is over', async () => {
    const buyer = userViewer();
    const { id, code } = await promote({ usageLimit: 1 });
    const key = newId();
    const input = { lines: await linesOf(), couponCodes: [code] };
    const { order } = await tryPlacing(buyer, input, key);
    await promote({ code, active: false }, id);
    expect(await tryPlacing(buyer, input, key)).toMatchObject({ replayed: true, order: { id: order.id } });
    expect(await usedOf(id)).toBe(1);
  });

  test('applies to a category and all below it', async () => {
    const buyer = userViewer();
    const category = async (parentId: string | null) => {
      const input = { slug: newId(), name: 'Category', parentId };
      const { category: saved, userErrors } = await saveCategory(world.product.deps, asker(staff), input, newId());
      if (!saved) throw new Error(JSON.stringify(userErrors));
      return saved.id;
    };
    const [top, other] = [await category(null), await category(null)];
    const below = await category(top);
    const made = [await world.make(5, { categoryId: below }), await world.make(5, { categoryId: other })];
    const { code } = await promote({ categoryIds: [top] });
    const quote = await quoted(buyer, { lines: made.map((productId) => ({ productId, quantity: 1 })), couponCodes: [code] }); // prettier-ignore
    expect(quote.lines.map(({ discount }: { discount: { amount: number } }) => discount.amount)).toEqual([129, 0]);
  });

  test('is not for what a type refuses: a top-up', async () => {
    const { code } = await promote();
    const productId = await world.make(0, { kind: 'DIGITAL', sku: `TOPUP-${newId()}` });
    const { userErrors } = await tryPlacing(userViewer(), { type: 'TOPUP', lines: [{ productId, quantity: 1 }], couponCodes: [code] }); // prettier-ignore
    expect(userErrors).toMatchObject([{ __typename: 'CouponError', code: 'NOT_APPLICABLE' }]);
  });
});

describe('[CH-5] a use', () => {
  async function ordered(buyer: UserViewer) {
    const { id, code } = await promote();
    const lines = await linesOf();
    const order = await placed(buyer, { lines, couponCodes: [code] });
    expect([await usedOf(id), await usedBy(id, buyer)]).toEqual([1, 1]);
    return { promotionId: id, code, order, lines };
  }
  const expectGivenBack = async (promotionId: string, buyer: UserViewer) =>
    expect([await usedOf(promotionId), await usedBy(promotionId, buyer)]).toEqual([0, 0]);

  test('is kept when the order is paid, completed and refunded afterwards', async () => {
    const buyer = userViewer();
    const { promotionId, order } = await ordered(buyer);
    const paid = world.succeeded(order.id, { amountMinor: 1_161 });
    await world.paymentEvent(paid);
    expect([await stateOf(order.id), await usedOf(promotionId)]).toEqual(['PAID', 1]);
    const fulfil =
      'mutation ($id: ID!, $key: String!) { fulfilOrder(id: $id, idempotencyKey: $key) { order { state } } }';
    await world.run(staff, fulfil, { id: order.id, key: newId() });
    await world.paymentEvent(world.refunded(order.id, { paymentId: paid.data['paymentId'], amountMinor: 1_161 }));
    expect([await stateOf(order.id), await usedOf(promotionId)]).toEqual(['COMPLETED', 1]);
  });

  test('comes back when the order is cancelled, once however often', async () => {
    const buyer = userViewer();
    const { promotionId, order } = await ordered(buyer);
    await Promise.all(Array.from({ length: 5 }, () => cancel(buyer, order.id)));
    expect(await stateOf(order.id)).toBe('CANCELLED');
    await expectGivenBack(promotionId, buyer);
  });

  test('comes back when the time to pay is over, also of many orders at once', async () => {
    const buyers = Array.from({ length: 4 }, () => userViewer());
    const [one, two] = [await promote(), await promote({ name: 'Two' })];
    const lines = await linesOf();
    await Promise.all(buyers.map((buyer, index) => placed(buyer, { lines, couponCodes: index === 0 ? [one.code] : [two.code, one.code] }))); // prettier-ignore
    expect([await usedOf(one.id), await usedOf(two.id)]).toEqual([4, 3]);
    world.clockOffsetMs = 1_201_000;
    await Promise.all([expireOrders(world.deps), expireOrders(world.deps)]);
    for (const buyer of buyers) await expectGivenBack(one.id, buyer);
    expect(await usedOf(two.id)).toBe(0);
  });

  test('comes back when placing fails', async () => {
    const buyer = userViewer();
    const { id, code } = await promote();
    const { order, userErrors } = await tryPlacing(buyer, { lines: await linesOf(2, 1), couponCodes: [code] });
    expect([order.state, userErrors]).toMatchObject(['FAILED', [{ code: 'INSUFFICIENT_STOCK' }]]);
    await expectGivenBack(id, buyer);
  });

  test('comes back when a paid order is cancelled, and when it is refunded in full before its delivery', async () => {
    const buyer = userViewer();
    const cancelled = await ordered(buyer);
    await world.paymentEvent(world.succeeded(cancelled.order.id, { amountMinor: 1_161 }));
    await cancel(buyer, cancelled.order.id);
    expect(await stateOf(cancelled.order.id)).toBe('CANCELLED');
    await expectGivenBack(cancelled.promotionId, buyer);
    const refunded = await ordered(buyer);
    const paid = world.succeeded(refunded.order.id, { amountMinor: 1_161 });
    await world.paymentEvent(paid);
    await world.paymentEvent(world.refunded(refunded.order.id, { paymentId: paid.data['paymentId'], amountMinor: 1_161 })); // prettier-ignore
    expect(await stateOf(refunded.order.id)).toBe('REFUNDED');
    await expectGivenBack(refunded.promotionId, buyer);
  });

  test('that came back can be taken by another order', async () => {
    const [buyer, other] = [userViewer(), userViewer()];
    const { code } = await promote({ usageLimit: 1, usagePerCustomer: 1 });
    const lines = await linesOf();
    const order = await placed(buyer, { lines, couponCodes: [code] });
    const codes = async (viewer: UserViewer) =>
      (await tryPlacing(viewer, { lines, couponCodes: [code] })).userErrors.map((error: { code: string }) => error.code); // prettier-ignore
    expect([await codes(other), await codes(buyer)]).toEqual([['EXHAUSTED'], ['EXHAUSTED']]);
    await cancel(buyer, order.id);
    expect(await codes(other)).toEqual([]);
  });
});

describe('[CH-5] limits under race', () => {
  test('40 customers at once for a coupon of 10: exactly 10 have it, the others are told that it is used up', async () => {
    const { id, code } = await promote({ usageLimit: 10 });
    const lines = await linesOf();
    const answers = await Promise.all(Array.from({ length: 40 }, () => tryPlacing(userViewer(), { lines, couponCodes: [code] }))); // prettier-ignore
    expect(answers.filter(({ order }) => order?.total.amount === 1_161)).toHaveLength(10);
    const refusals = answers.filter(({ order }) => order === null).map(({ userErrors }) => userErrors[0].code);
    expect(refusals).toEqual(Array.from({ length: 30 }, () => 'EXHAUSTED'));
    expect(await usedOf(id)).toBe(10);
    expect(await world.stock(lines[0]?.productId ?? '')).toMatchObject({ allocated: 10 });
  });

  test('one customer twelve times at once for a coupon of 3 a customer: exactly 3 orders have it', async () => {
    const buyer = userViewer();
    const { id, code } = await promote({ usagePerCustomer: 3 });
    const lines = await linesOf();
    const answers = await Promise.all(Array.from({ length: 12 }, () => tryPlacing(buyer, { lines, couponCodes: [code] }))); // prettier-ignore
    expect(answers.filter(({ order }) => order !== null)).toHaveLength(3);
    expect(answers.flatMap(({ userErrors }) => userErrors.map((error: { code: string }) => error.code))).toEqual(Array.from({ length: 9 }, () => 'CUSTOMER_LIMIT')); // prettier-ignore
    expect([await usedOf(id), await usedBy(id, buyer)]).toEqual([3, 3]);
  });

  test('a promotion that applies by itself goes to so many orders, and the others are placed without it', async () => {
    const { id } = await promote({ code: null, usageLimit: 5 });
    const lines = await linesOf();
    const orders = await Promise.all(Array.from({ length: 20 }, () => placed(userViewer(), { lines })));
    const totals = orders.map(({ total }) => total.amount).toSorted((one, other) => one - other);
    expect(totals).toEqual([...Array.from({ length: 5 }, () => 1_161), ...Array.from({ length: 15 }, () => 1_290)]);
    expect(await usedOf(id)).toBe(5);
  });

  test('a client that expects a total is told the new one when the last use is gone', async () => {
    const lines = await linesOf();
    await promote({ code: null, usageLimit: 1 });
    const input = { lines, expectedTotal: 1_161 };
    const answers = await Promise.all(Array.from({ length: 6 }, () => tryPlacing(userViewer(), input)));
    expect(answers.filter(({ order }) => order !== null)).toHaveLength(1);
    const told = answers.flatMap(({ userErrors }) => userErrors);
    expect(told).toHaveLength(5);
    for (const error of told) expect(error).toMatchObject({ __typename: 'TotalChangedError', quote: { total: { amount: 1_290 } } }); // prettier-ignore
  });

  test('customers of the same coupons, who place and cancel at once, wait for each other in no circle', async () => {
    const codes = (await Promise.all([promote(), promote(), promote()])).map(({ code }) => code);
    const lines = await linesOf(1, 10_000);
    const buyers = Array.from({ length: 12 }, () => userViewer());
    await Promise.all(
      buyers.map(async (buyer, index) => {
        for (let round = 0; round < 4; round += 1) {
          const own = index % 2 === 0 ? codes : codes.toReversed();
          const { id } = await placed(buyer, { lines, couponCodes: own.slice(round % 2) });
          if (round % 2 === 0) await cancel(buyer, id);
        }
      }),
    );
  });

  test('a promotion that staff change while an order is placed: the order is priced by what holds then', async () => {
    const buyer = userViewer();
    const { id, code } = await promote();
    const lines = await linesOf();
    let changes = 0;
    world.intercept = async (request, next) => {
      const answer = await next();
      // The order was priced with 10 %; before it is recorded it is 20 %.
      if (request.query.includes('ProductsForOrder') && changes === 0) {
        changes += 1;
        await promote({ code, valuePpm: 200_000 }, id);
      }
      return answer;
    };
    expect(await placed(buyer, { lines, couponCodes: [code] })).toMatchObject({ total: { amount: 1_032 } });
    expect(changes).toBe(1);
  });
});

describe('[CH-5] codes that are guessed', () => {
  const wrong = (count: number) => Array.from({ length: count }, newCode);
  const codesOf = ({ userErrors }: { userErrors: { code: string }[] }) => userErrors.map(({ code }) => code);

  test('one by one or all at once: a customer hears of 30, then of no code, and goes on without', async () => {
    const [guesser, other] = [userViewer(), userViewer()];
    const { id, code } = await promote();
    const lines = await linesOf();
    const guesses = wrong(50).map((guess) => quoted(guesser, { lines, couponCodes: [guess] }));
    const told = (await Promise.all(guesses)).flatMap(codesOf);
    expect(told.filter((each) => each === 'UNKNOWN')).toHaveLength(30);
    expect(told.filter((each) => each === 'TOO_MANY_TRIES')).toHaveLength(20);
    const coupon = { __typename: 'CouponError', code: 'TOO_MANY_TRIES', path: ['input', 'couponCodes', '0'] };
    expect(await quoted(guesser, { lines, couponCodes: [code] })).toMatchObject({ total: { amount: 1_290 }, userErrors: [coupon] }); // prettier-ignore
    const refused = await tryPlacing(guesser, { lines, couponCodes: [code] });
    expect(refused).toMatchObject({ order: null, userErrors: [{ ...coupon, coupon: code, message: expect.stringMatching(/in 1[45] minutes/) }] }); // prettier-ignore
    expect(await placed(guesser, { lines })).toMatchObject({ total: { amount: 1_290 } });
    expect(await usedOf(id)).toBe(0);
    expect(await quoted(other, { lines, couponCodes: [code] })).toMatchObject({ total: { amount: 1_161 }, userErrors: [] }); // prettier-ignore
  });

  test('from one address by people who are not signed in: of 300; another address and staff hear more', async () => {
    const { code } = await promote();
    const lines = await linesOf();
    const from = async (address: string, couponCodes: string[], viewer: Viewer = { kind: 'anonymous' }) => {
      const { data } = await world.run(viewer, quoting, { input: { currency: 'EUR', lines, couponCodes } }, address);
      return codesOf(data.quoteOrder);
    };
    const network = (host: number): string => `2001:db8:0:7::${host.toString(16)}`;
    for (let host = 1; host <= 30; host += 1) expect(new Set(await from(network(host), wrong(10)))).toEqual(new Set(['UNKNOWN'])); // prettier-ignore
    expect(await from(network(31), [code])).toEqual(['TOO_MANY_TRIES']);
    expect(await from(network(32), wrong(2), userViewer())).toEqual(['TOO_MANY_TRIES', 'TOO_MANY_TRIES']);
    expect(await from('2001:db8:0:8::1', [code])).toEqual([]);
    expect(await from(network(33), [code, ...wrong(1)], staff)).toEqual(['UNKNOWN']);
  });

  test('do not keep an order that there is from being answered again', async () => {
    const buyer = userViewer();
    const { code } = await promote();
    const [input, key] = [{ lines: await linesOf(), couponCodes: [code] }, newId()];
    const { order } = await tryPlacing(buyer, input, key);
    for (let tries = 0; tries < 4; tries += 1) await quoted(buyer, { lines: input.lines, couponCodes: wrong(10) });
    expect(await tryPlacing(buyer, input, key)).toMatchObject({ replayed: true, order: { id: order.id }, userErrors: [] }); // prettier-ignore
    expect(codesOf(await tryPlacing(buyer, input))).toEqual(['TOO_MANY_TRIES']);
  });

  test('are not counted while Redis is away: coupons count then as ever', async () => {
    const redis = createClient({ disableOfflineQueue: true });
    const guesses = openCouponGuesses({ redis, log: world.deps.log, limits: { perCustomer: 1, perAddress: 1 } });
    expect(await guesses.count({ customerId: newId(), address: '192.0.2.1' }, 10)).toBeNull();
  });
});

describe('an order that costs nothing', () => {
  const all = { valuePpm: 1_000_000, name: 'All' };

  test('is paid when it is placed, commits its stock and is delivered like any other', async () => {
    const buyer = userViewer();
    const { code } = await promote(all);
    const lines = await linesOf(2);
    const order = await placed(buyer, { lines, couponCodes: [code] });
    expect(order).toMatchObject({ state: 'PAID', paymentStatus: 'NOT_REQUIRED', total: { amount: 0 } });
    expect((await world.deliver()).filter(({ aggregateId }) => aggregateId === order.id).map(({ type }) => type)).toEqual(['order.placed', 'order.paid']); // prettier-ignore
    expect(await world.stock(lines[0]?.productId ?? '')).toEqual({ onHand: 998, allocated: 0 });
  });

  test('and needs nobody is completed', async () => {
    const { code } = await promote(all);
    const productId = await world.make(0, { kind: 'DIGITAL' });
    const { id } = await placed(userViewer(), { type: 'DIGITAL', lines: [{ productId, quantity: 1 }], couponCodes: [code] }); // prettier-ignore
    await advanceOrders(world.deps);
    expect(await stateOf(id)).toBe('COMPLETED');
  });

  test('is not charged to the wallet, where its type is paid from it', async () => {
    const { code } = await promote(all);
    expect(await placed(userViewer(), { type: 'PREPAY', lines: await linesOf(), couponCodes: [code] })).toMatchObject({
      state: 'PAID',
      paymentStatus: 'NOT_REQUIRED',
    });
  });

  test('can be cancelled, and nothing goes back but the stock and the use', async () => {
    const buyer = userViewer();
    const { code, id } = await promote(all);
    const lines = await linesOf();
    const order = await placed(buyer, { lines, couponCodes: [code] });
    await cancel(buyer, order.id);
    await world.deliver();
    expect([await stateOf(order.id), await usedOf(id), await world.stock(lines[0]?.productId ?? '')]).toEqual(['CANCELLED', 0, { onHand: 1_000, allocated: 0 }]); // prettier-ignore
  });
});
