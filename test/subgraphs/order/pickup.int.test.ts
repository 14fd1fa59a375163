import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { addDays } from '../../../subgraphs/shared/values/local-date.ts';
import { advanceOrders } from '../../../subgraphs/order/commands/advance-order.ts';
import { type OrderWorld, openOrderWorld, orderQuery, userViewer } from './order-world.ts';
import { pickup } from './pickup.ts';

/** The counter of a shop: when it opens, what it was told, and whether it can put anything aside. */
const counter = { opensAt: null as Date | null, told: [] as string[], isBroken: false };

let world: OrderWorld;
beforeAll(async () => {
  const type = pickup({
    opensAt: async () => counter.opensAt,
    async putAside(number) {
      if (counter.isBroken) throw new Error('no shelf is free');
      counter.told.push(`${number} ASIDE`);
    },
    async tell(number, what) {
      counter.told.push(`${number} ${what}`);
    },
  });
  world = await openOrderWorld({ types: [type] });
});
afterEach(() => {
  world.clockOffsetMs = 0;
  Object.assign(counter, { opensAt: null, told: [], isBroken: false });
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const buyer = userViewer();
const today = (): string => new Date().toISOString().slice(0, 10);
const fields =
  'order { id number state subtotal { amount } total { amount } lines { unitPrice { amount } } extension shippingAddress { city } } userErrors { __typename ... on UserError { code path } ... on BusinessRejectedError { cause } }';
const place = async (input: Record<string, unknown>) => {
  const document = `mutation ($input: PlaceOrderInput!, $key: String!) { placeOrder(input: $input, idempotencyKey: $key) { ${fields} } }`;
  const { data, errors } = await world.run(buyer, document, { input: { type: 'PICKUP', currency: 'EUR', ...input }, key: newId() }); // prettier-ignore
  expect(errors).toEqual([]);
  return data.placeOrder;
};
const quote = async (lines: unknown) => {
  const document =
    'query ($input: QuoteInput!) { quoteOrder(input: $input) { total { amount } userErrors { __typename ... on BusinessRejectedError { cause } } } }';
  const { data, errors } = await world.run(buyer, document, { input: { type: 'PICKUP', currency: 'EUR', lines } });
  expect(errors).toEqual([]);
  return data.quoteOrder;
};
const stateOf = async (id: string) => (await world.run(buyer, orderQuery, { id })).data.order.state;

describe('[ZO-1] a type that the documents add in two files', () => {
  test('is word by word the one that is tried here', () => {
    const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
    const [, shown] = /^```ts\n([^]*?)```$/m.exec(read('../../../docs/order-types.md')) ?? [];
    const own = read('./pickup.ts').replaceAll('../../../subgraphs/order/types/', './');
    expect(shown).toBe(own);
  });

  test('is quoted, placed, paid, held back, delivered and finished', async () => {
    const lines = [{ productId: await world.make(5), quantity: 2 }];
    const quoted = await quote(lines);
    expect(quoted).toEqual({ total: { amount: 2_502 }, userErrors: [] });
    const extension = { pickUpOn: today() };
    const { order, userErrors } = await place({ lines, extension, expectedTotal: 2_502 });
    expect(userErrors).toEqual([]);
    expect(order).toMatchObject({
      number: expect.stringMatching(/^PU/),
      lines: [{ unitPrice: { amount: 1_251 } }],
      total: { amount: 2_502 },
      shippingAddress: null,
      extension,
    });
    counter.opensAt = new Date(world.runtime.now().getTime() + 60_000);
    await world.paymentEvent(world.succeeded(order.id, { amountMinor: 2_502 }));
    await advanceOrders(world.deps);
    expect([await stateOf(order.id), counter.told]).toEqual(['PAID', []]);
    counter.opensAt = null;
    world.clockOffsetMs = 61_000;
    await advanceOrders(world.deps);
    expect([await stateOf(order.id), counter.told]).toEqual(['COMPLETED', [`${order.number} ASIDE`, `${order.number} DONE`]]); // prettier-ignore
  });

  test('tells the counter of an order that it could not put aside in time', async () => {
    const { order } = await place({ lines: [{ productId: await world.make(5), quantity: 1 }] });
    await world.paymentEvent(world.succeeded(order.id, { amountMinor: 1_251 }));
    counter.isBroken = true;
    world.clockOffsetMs = 86_401_000;
    await advanceOrders(world.deps);
    expect([await stateOf(order.id), counter.told]).toEqual(['NEEDS_ATTENTION', [`${order.number} TROUBLE`]]);
  });

  test('refuses by its own rules, in quotes as well as while placing, and nothing is taken', async () => {
    const productId = await world.make(50);
    const tooMuch = [{ productId, quantity: 21 }];
    expect(await quote(tooMuch)).toMatchObject({
      userErrors: [{ __typename: 'BusinessRejectedError', cause: 'TOO_MUCH_TO_CARRY' }],
    });
    expect(await place({ lines: tooMuch })).toMatchObject({ order: null, userErrors: [{ code: 'BUSINESS_REJECTED', cause: 'TOO_MUCH_TO_CARRY' }] }); // prettier-ignore
    const lines = [{ productId, quantity: 1 }];
    expect(await place({ lines, extension: { pickUpOn: addDays(today(), -1) } })).toMatchObject({ order: null, userErrors: [{ cause: 'DAY_IS_OVER' }] }); // prettier-ignore
    expect(await place({ lines, extension: { pickUpOn: 'soon' } })).toMatchObject({ order: null, userErrors: [{ code: 'VALIDATION', path: ['input', 'extension', 'pickUpOn'] }] }); // prettier-ignore
    expect(await world.stock(productId)).toEqual({ onHand: 50, allocated: 0 });
  });

  test('compares the price that the client expects with its own', async () => {
    const productId = await world.make(5);
    const expecting = (expectedUnitPrice: number) => place({ lines: [{ productId, quantity: 1, expectedUnitPrice }] });
    expect(await expecting(1_290)).toMatchObject({ order: null, userErrors: [{ code: 'PRICE_CHANGED' }] });
    expect((await expecting(1_251)).userErrors).toEqual([]);
  });
});
