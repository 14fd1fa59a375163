import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ExecutionResult } from 'graphql';
import type { Viewer } from '../../../subgraphs/shared/auth/viewer.ts';
import { write } from '../../../subgraphs/shared/database/database.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { until } from '../../support/until.ts';
import { type OrderWorld, openOrderWorld, placeMutation, userViewer } from './order-world.ts';

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld();
});
afterEach(async () => {
  world.intercept = (_, next) => next();
  for (const table of ['shipping_method', 'tax_rate']) await write(world.deps.db.em(), `delete from ${table}`, []);
  world.deps.priceBook.changed();
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const anonymous: Viewer = { kind: 'anonymous' };
const buyer = userViewer();
const staff = userViewer('OPERATOR');
const germany = { name: 'Ada', line1: 'Ring 1', city: 'Berlin', postalCode: '10115', countryCode: 'DE' };
const austria = { name: 'Ada', line1: 'Ring 1', city: 'Wien', postalCode: '1010', countryCode: 'AT' };

async function run(viewer: Viewer, query: string, variables: Record<string, unknown>) {
  const { data, errors } = await world.run(viewer, query, variables);
  expect(errors).toEqual([]);
  return data;
}

const money = (amount: number, currency = 'EUR') => ({ amount, currency });
const errors = 'userErrors { __typename ... on UserError { code message path } }';
const saveErrors = 'userErrors { ... on UserError { code message path } ... on ConflictError { expectedVersion actualVersion } }'; // prettier-ignore
const methodFields = 'id code name description countries rates { price { amount currency } upToWeightGrams fromSubtotal } taxCategory minDays maxDays active version'; // prettier-ignore
const aMethod = { code: 'parcel', name: 'Parcel', countries: ['AT', 'DE'], rates: [{ price: money(490) }] };
const saveMethod = async (input: object = {}, more: object = {}, viewer: Viewer = staff) =>
  (await run(viewer, `mutation ($id: ID, $input: ShippingMethodInput!, $key: String) { saveShippingMethod(id: $id, input: $input, idempotencyKey: $key) { replayed shippingMethod { ${methodFields} } ${saveErrors} } }`, { input: { ...aMethod, ...input }, ...more })).saveShippingMethod; // prettier-ignore
const rateFields = 'id countryCode region category name ratePpm validFrom validTo active version';
const aRate = { countryCode: 'DE', name: 'VAT 19 %', ratePpm: 190_000 };
const saveRate = async (input: object = {}, more: object = {}, viewer: Viewer = staff) =>
  (await run(viewer, `mutation ($id: ID, $input: TaxRateInput!, $key: String) { saveTaxRate(id: $id, input: $input, idempotencyKey: $key) { replayed taxRate { ${rateFields} } ${saveErrors} } }`, { input: { ...aRate, ...input }, ...more })).saveTaxRate; // prettier-ignore

const amounts = 'subtotal { amount } discountTotal { amount } shippingTotal { amount } taxTotal { amount } total { amount } pricesIncludeTax taxes { name ratePpm taxable { amount } amount { amount } } adjustments { label }'; // prettier-ignore
const option = '{ code name price { amount } tax { amount } minDays maxDays }';
const quoteFields = `lines { product { id } quantity unitPrice { amount } addOns { code } nights subtotal { amount } discount { amount } tax { amount } total { amount } available } ${amounts} shippingOptions ${option} shipping ${option}`; // prettier-ignore
const quote = async (input: Record<string, unknown>, viewer: Viewer = anonymous) =>
  (await run(viewer, `query ($input: QuoteInput!) { quoteOrder(input: $input) { ${quoteFields} ${errors} } }`, { input: { currency: 'EUR', ...input } })).quoteOrder; // prettier-ignore
const place = async (input: Record<string, unknown>, key: string = newId()) =>
  (await run(buyer, placeMutation.replace('__typename ... on UserError', `__typename ... on TotalChangedError { quote { ${quoteFields} } } ... on UserError`), { input: { currency: 'EUR', ...input }, key })).placeOrder; // prettier-ignore
const placed = async (id: string) =>
  (await run(buyer, `query ($id: ID!) { order(id: $id) { lines { subtotal { amount } discount { amount } tax { amount } total { amount } } ${amounts} balanceDue { amount } shippingMethod ${option} shippingAddress { name line1 line2 city postalCode countryCode region phone formatted } billingAddress { city } } }`, { id })).order; // prettier-ignore

/** Plays the user service: an address book. */
function addressBook(book: { shipping?: object | null; billing?: object | null }): { asked: unknown[] } {
  const asked: unknown[] = [];
  world.intercept = (request, next) => {
    if (!request.query.includes('customerAddresses')) return next();
    asked.push(request.variables);
    const whole = (address: object | null | undefined) => address && { company: null, line2: null, region: null, phone: null, ...address }; // prettier-ignore
    const customerAddresses = { shipping: whole(book.shipping) ?? null, billing: whole(book.billing) ?? null };
    return Promise.resolve({ data: { customerAddresses } } as ExecutionResult);
  };
  return { asked };
}

describe('a quote', () => {
  test('[CH-1] tells nobody but staff of a draft, who has its id or not', async () => {
    const productId = await world.make(5, { name: 'Secret', status: 'DRAFT' });
    const lines = [{ productId, quantity: 1 }];
    for (const viewer of [anonymous, buyer, userViewer('MERCHANT')]) {
      const { userErrors } = await quote({ lines }, viewer);
      expect(userErrors).toEqual([{ __typename: 'NotFoundError', code: 'NOT_FOUND', message: 'There is no such product.', path: ['input', 'lines', '0', 'productId'] }]); // prettier-ignore
    }
    expect(await quote({ lines }, staff)).toMatchObject({ userErrors: [{ code: 'PRODUCT_UNAVAILABLE', message: 'Secret is not on sale.' }] }); // prettier-ignore
    expect(await place({ lines })).toMatchObject({ order: null, userErrors: [{ code: 'NOT_FOUND' }] });
  });

  test('[CH-1] tells the whole price to somebody who is not signed in: lines, shipping options, taxes', async () => {
    const productId = await world.make(5);
    await saveMethod({ minDays: 1, maxDays: 3 });
    await saveMethod({ code: 'express', name: 'Express', rates: [{ price: money(1_290) }] });
    await saveRate();
    expect(await quote({ lines: [{ productId, quantity: 2 }], shippingAddress: germany })).toEqual({
      lines: [
        { product: { id: productId }, quantity: 2, unitPrice: { amount: 1_290 }, addOns: [], nights: null, subtotal: { amount: 2_580 }, discount: { amount: 0 }, tax: { amount: 412 }, total: { amount: 2_580 }, available: 5 },
      ],
      subtotal: { amount: 2_580 }, discountTotal: { amount: 0 }, shippingTotal: { amount: 490 }, taxTotal: { amount: 490 }, total: { amount: 3_070 },
      pricesIncludeTax: true,
      taxes: [{ name: 'VAT 19 %', ratePpm: 190_000, taxable: { amount: 2_580 }, amount: { amount: 490 } }],
      adjustments: [],
      shippingOptions: [
        { code: 'parcel', name: 'Parcel', price: { amount: 490 }, tax: { amount: 78 }, minDays: 1, maxDays: 3 },
        { code: 'express', name: 'Express', price: { amount: 1_290 }, tax: { amount: 206 }, minDays: null, maxDays: null },
      ],
      shipping: { code: 'parcel', name: 'Parcel', price: { amount: 490 }, tax: { amount: 78 }, minDays: 1, maxDays: 3 },
      userErrors: [],
    }); // prettier-ignore
  });

  test('is the price that the order then has, with its address, method and taxes', async () => {
    const productId = await world.make(5);
    await saveMethod();
    await saveRate();
    await saveRate({ countryCode: 'AT', name: 'USt 20 %', ratePpm: 200_000 });
    const input = { lines: [{ productId, quantity: 3 }], shippingAddress: austria, shippingMethod: 'parcel' };
    const quoted = await quote(input);
    const { order, userErrors } = await place({ ...input, expectedTotal: quoted.total.amount });
    expect(userErrors).toEqual([]);
    const { lines, shippingMethod, shippingAddress, ...stored } = await placed(order.id);
    const { lines: quotedLines, shippingOptions: _, shipping, userErrors: __, ...told } = quoted;
    expect({ ...stored, billingAddress: undefined, balanceDue: undefined }).toEqual({ ...told, billingAddress: undefined, balanceDue: undefined }); // prettier-ignore
    expect(stored).toMatchObject({ taxes: [{ name: 'USt 20 %', amount: { amount: 727 } }], total: { amount: 4_360 }, balanceDue: { amount: 4_360 }, billingAddress: null }); // prettier-ignore
    expect(shippingMethod).toEqual(shipping);
    for (const [at, line] of lines.entries()) expect(quotedLines[at]).toMatchObject(line);
    expect(shippingAddress).toEqual({ ...austria, line2: null, region: null, phone: null, formatted: ['Ada', 'Ring 1', '1010 Wien', 'AUSTRIA'] }); // prettier-ignore
  });

  test('prices what it can, and says what would be refused of the rest', async () => {
    const [few, gone] = [await world.make(1), newId()];
    await saveMethod();
    const lines = [{ productId: few, quantity: 2 }, { productId: gone, quantity: 1 }, { productId: few, quantity: 0 }]; // prettier-ignore
    const quoted = await quote({ lines });
    expect(quoted).toMatchObject({ subtotal: { amount: 2_580 }, shippingTotal: { amount: 490 }, total: { amount: 3_070 } }); // prettier-ignore
    expect(quoted.userErrors.map(({ code, path }: { code: string; path: string[] }) => [code, path.join('.')])).toEqual(
      [
        ['VALIDATION', 'input.lines.2.quantity'],
        ['NOT_FOUND', 'input.lines.1.productId'],
        ['VALIDATION', 'input.shippingAddress'],
        ['INSUFFICIENT_STOCK', 'input.lines'],
      ],
    );
    expect(await quote({ type: 'BARTER', lines })).toMatchObject({ lines: [], total: { amount: 0 }, userErrors: expect.arrayContaining([expect.objectContaining({ path: ['input', 'type'] })]) }); // prettier-ignore
  });

  test('by staff for a customer is by that customer’s address book, as the order that they place', async () => {
    const [productId, customerId] = [await world.make(5), newId()];
    world.users.set(customerId, 'Ada');
    await saveMethod();
    const { asked } = addressBook({ shipping: germany });
    const document = `query ($input: QuoteInput!, $customerId: ID) { quoteOrder(input: $input, customerId: $customerId) { ${quoteFields} ${errors} } }`;
    const input = { currency: 'EUR', lines: [{ productId, quantity: 1 }] };
    const { quoteOrder } = await run(staff, document, { input, customerId });
    expect(quoteOrder).toMatchObject({ total: { amount: 1_780 }, userErrors: [] });
    expect(asked).toEqual([{ customerId, shippingAddressId: null, billingAddressId: null }]);
    const placing = 'mutation ($input: PlaceOrderInput!, $customerId: ID!, $key: String!) { placeOrderFor(input: $input, customerId: $customerId, idempotencyKey: $key) { order { total { amount } } userErrors { ... on UserError { code } } } }'; // prettier-ignore
    const { placeOrderFor } = await run(staff, placing, { input: { ...input, expectedTotal: 1_780 }, customerId, key: newId() }); // prettier-ignore
    expect(placeOrderFor).toEqual({ order: { total: { amount: 1_780 } }, userErrors: [] });
    // A customer may name itself, and nobody else.
    expect((await run(buyer, document, { input, customerId: buyer.userId })).quoteOrder.userErrors).toEqual([]);
    expect((await world.run(buyer, document, { input, customerId })).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect((await world.run(anonymous, document, { input, customerId })).errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]); // prettier-ignore
  });

  test('by staff for a customer whom there is not, or of what only the customer places, says so', async () => {
    const productId = await world.make(5);
    const document = `query ($input: QuoteInput!, $customerId: ID) { quoteOrder(input: $input, customerId: $customerId) { total { amount } ${errors} } }`;
    const told = async (customerId: string, type = 'STANDARD') =>
      (await run(staff, document, { input: { type, currency: 'EUR', lines: [{ productId, quantity: 1 }] }, customerId })).quoteOrder; // prettier-ignore
    for (const customerId of [newId(), "'; drop table orders; --"])
      expect(await told(customerId)).toMatchObject({ total: { amount: 1_290 }, userErrors: [{ code: 'NOT_FOUND', path: ['customerId'] }] }); // prettier-ignore
    const customerId = newId();
    world.users.set(customerId, 'Ada');
    expect(await told(customerId, 'PREPAY')).toMatchObject({ userErrors: [{ code: 'VALIDATION', path: ['input', 'type'] }] }); // prettier-ignore
  });

  test('says what the order’s type has against the business data', async () => {
    const lines = [{ productId: await world.make(5), quantity: 1 }];
    const told = async (extension: unknown) => (await quote({ lines, extension })).userErrors;
    expect(await told({ wishDate: '2020-01-01' })).toMatchObject([{ code: 'BUSINESS_REJECTED', path: ['input', 'extension', 'wishDate'] }]); // prettier-ignore
    expect(await told({ wish: 1 })).toMatchObject([{ code: 'VALIDATION', path: ['input', 'extension'] }]);
    expect(await told({ giftMessage: 'For you' })).toEqual([]);
  });

  test('of more codes or extras than may be given looks at no more of them', async () => {
    const productId = await world.make(5);
    const couponCodes = Array.from({ length: 12_000 }, (_, at) => `C${at}`);
    const { order } = await world.statements(async () => {
      const { userErrors, total } = await quote({ lines: [{ productId, quantity: 1 }], couponCodes });
      expect(total).toEqual({ amount: 1_290 });
      expect(userErrors).toMatchObject([{ path: ['input', 'couponCodes'] }, ...couponCodes.slice(0, 10).map(() => ({ code: 'UNKNOWN' }))]); // prettier-ignore
      expect(userErrors).toHaveLength(11);
    });
    expect(Math.max(...order.map((statement) => statement.length))).toBeLessThan(2_000);
    const addOns = Array.from({ length: 21 }, () => 'towel');
    const refused = await quote({ lines: [{ productId, quantity: 1, addOns }] });
    expect(refused).toMatchObject({ lines: [], userErrors: [{ code: 'VALIDATION', path: ['input', 'lines', '0', 'addOns'] }] }); // prettier-ignore
  });

  test('in a currency that there isn’t is refused', async () => {
    const { errors: refused } = await world.run(anonymous, 'query ($input: QuoteInput!) { quoteOrder(input: $input) { total { amount } } }', { input: { currency: 'euro', lines: [] } }); // prettier-ignore
    expect(refused).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  });

  test('takes 2 statements in all services, neither of them a write; shipping and taxes take none, nor when placing', async () => {
    const productIds = await Promise.all([1, 2, 3].map(() => world.make(1_000)));
    await saveMethod();
    await saveRate();
    const input = { lines: productIds.map((productId) => ({ productId, quantity: 1 })), shippingAddress: germany };
    // The notices of the changes come back to the process that made them, one by one: after each it reads the rules again.
    const warm = await until(
      async () => {
        const sent = await world.statements(() => quote(input));
        return sent.order.length === 0 && sent;
      },
      { what: 'a quote without a statement for shipping and taxes' },
    );
    // Products and stock; an address of the address book would be a third.
    expect(warm.product.length).toBe(2);
    for (const statement of warm.product) expect(statement.trim().toLowerCase()).toMatch(/^select/);
    const ofRules = /from `(shipping_method|tax_rate|price_rules)`/;
    await until(
      async () => {
        const { order } = await world.statements(() => place(input));
        return order.length > 0 && !order.some((statement) => ofRules.test(statement));
      },
      { what: 'placing without a statement for shipping and taxes' },
    );
  });

  test('of prices without tax adds it', async () => {
    const excluding = await openOrderWorld({ env: { PRICES_INCLUDE_TAX: 'false', SHOP_COUNTRY: 'AT' } });
    const usual = world;
    world = excluding;
    try {
      await saveRate({ countryCode: 'AT', name: 'USt 20 %', ratePpm: 200_000 });
      const productId = await world.make(5);
      // Without an address the shop's country counts.
      const quoted = await quote({ lines: [{ productId, quantity: 1 }] });
      expect(quoted).toMatchObject({ pricesIncludeTax: false, subtotal: { amount: 1_290 }, taxTotal: { amount: 258 }, total: { amount: 1_548 }, userErrors: [] }); // prettier-ignore
      const { order } = await place({ lines: [{ productId, quantity: 1 }] });
      expect(await placed(order.id)).toMatchObject({ pricesIncludeTax: false, total: { amount: 1_548 }, lines: [{ subtotal: { amount: 1_290 }, tax: { amount: 258 }, total: { amount: 1_548 } }] }); // prettier-ignore
    } finally {
      world = usual;
      expect(await excluding.close()).toEqual([]);
    }
  });
});

describe('placing', () => {
  test('[CH-1] at another total than the client showed is refused with the quote, and nothing is taken', async () => {
    const productId = await world.make(5);
    const input = { lines: [{ productId, quantity: 1 }] };
    const quoted = await quote(input);
    await saveMethod();
    const refused = await place({ ...input, shippingAddress: germany, expectedTotal: quoted.total.amount });
    expect(refused).toMatchObject({ order: null, userErrors: [{ __typename: 'TotalChangedError', code: 'TOTAL_CHANGED', path: ['input', 'expectedTotal'], quote: { total: { amount: 1_780 }, shipping: { code: 'parcel' } } }] }); // prettier-ignore
    expect(await world.stock(productId)).toMatchObject({ allocated: 0 });
  });

  test('again with its key gives the same order, whatever the prices are now', async () => {
    const productId = await world.make(5);
    const [input, key] = [{ lines: [{ productId, quantity: 1 }], expectedTotal: 1_290 }, newId()];
    const { order } = await place(input, key);
    await saveMethod();
    expect(await place(input, key)).toMatchObject({ replayed: true, order: { id: order.id }, userErrors: [] });
  });

  test('without an address takes the default ones of the address book, and the cheapest method', async () => {
    const productId = await world.make(5);
    await saveMethod();
    const { asked } = addressBook({ shipping: germany, billing: austria });
    const { order } = await place({ lines: [{ productId, quantity: 1 }] });
    expect(asked).toEqual([{ customerId: buyer.userId, shippingAddressId: null, billingAddressId: null }]);
    expect(await placed(order.id)).toMatchObject({ shippingAddress: { city: 'Berlin' }, billingAddress: { city: 'Wien' }, shippingMethod: { code: 'parcel' } }); // prettier-ignore
  });

  test('by a process that knows of no discounts and taxes leaves lines whose subtotal is their total', async () => {
    const productId = await world.make(5);
    const { order } = await place({ lines: [{ productId, quantity: 2 }] });
    await write(world.deps.db.em(), 'update order_line set total_minor = null where order_id = ?', [
      idToBytes(order.id),
    ]);
    expect((await placed(order.id)).lines).toMatchObject([{ subtotal: { amount: 2_580 }, total: { amount: 2_580 } }]);
  });

  test('asks the address book for nothing where nothing is shipped or the shop has no methods', async () => {
    const goods = await world.make(5);
    const { asked } = addressBook({ shipping: germany });
    await place({ lines: [{ productId: goods, quantity: 1 }] });
    await saveMethod();
    const file = await world.make(0, { kind: 'DIGITAL' });
    const { order } = await place({ lines: [{ productId: file, quantity: 1 }] });
    expect(asked).toEqual([]);
    expect(await placed(order.id)).toMatchObject({ shippingAddress: null, shippingMethod: null });
  });

  test('of what is not shipped goes nowhere by the bill’s address, and costs what its quote says', async () => {
    const productId = await world.make(0, { kind: 'DIGITAL' });
    await saveRate();
    await saveRate({ countryCode: 'AT', name: 'USt 20 %', ratePpm: 200_000 });
    addressBook({ shipping: austria, billing: austria });
    const input = { type: 'DIGITAL', lines: [{ productId, quantity: 1 }] };
    const { taxes, total } = await quote(input, buyer);
    const { order, userErrors } = await place({ ...input, billingAddressId: newId(), expectedTotal: total.amount });
    expect(userErrors).toEqual([]);
    expect(await placed(order.id)).toMatchObject({ shippingAddress: null, billingAddress: { city: 'Wien' }, taxes });
  });

  test('with an address by its id, also of the bill', async () => {
    const productId = await world.make(5);
    const [shippingAddressId, billingAddressId] = [newId(), newId()];
    const { asked } = addressBook({ shipping: germany, billing: austria });
    const { order } = await place({ lines: [{ productId, quantity: 1 }], shippingAddressId, billingAddressId });
    expect(asked).toEqual([{ customerId: buyer.userId, shippingAddressId, billingAddressId }]);
    expect(await placed(order.id)).toMatchObject({ shippingAddress: { city: 'Berlin' }, billingAddress: { city: 'Wien' } }); // prettier-ignore
  });

  test.each<[string, Record<string, unknown>, string, string]>([
    ['no address and an empty address book', {}, 'VALIDATION', 'shippingAddress'],
    ['an address of somebody else', { shippingAddressId: newId() }, 'NOT_FOUND', 'shippingAddressId'],
    ['an address and another one by its id', { shippingAddress: germany, shippingAddressId: newId() }, 'VALIDATION', 'shippingAddress'],
    ['a postal code that is none', { shippingAddress: { ...germany, postalCode: '1' } }, 'VALIDATION', 'shippingAddress.postalCode'],
    ['a bill to a country that is none', { shippingAddress: germany, billingAddress: { ...germany, countryCode: 'XX' } }, 'VALIDATION', 'billingAddress.countryCode'],
    ['a bill to somebody else', { shippingAddress: germany, billingAddressId: newId() }, 'NOT_FOUND', 'billingAddressId'],
    ['a country that is not served', { shippingAddress: { ...germany, countryCode: 'CH', postalCode: '8001', city: 'Zürich' } }, 'VALIDATION', 'shippingAddress.countryCode'],
    ['an unknown method', { shippingAddress: germany, shippingMethod: "'; drop table orders; --" }, 'VALIDATION', 'shippingMethod'],
    ['an expected total below 0', { shippingAddress: germany, expectedTotal: -1 }, 'TOTAL_CHANGED', 'expectedTotal'],
  ])('with %s is refused, and nothing is taken', async (_, input, code, path) => {
    const productId = await world.make(5);
    await saveMethod();
    addressBook({});
    const refused = await place({ lines: [{ productId, quantity: 1 }], ...input });
    expect(refused).toMatchObject({ order: null, userErrors: [{ code, path: ['input', ...path.split('.')] }] });
    expect(await world.stock(productId)).toMatchObject({ allocated: 0 });
  }); // prettier-ignore
});

describe('shipping methods and tax rates', () => {
  test('are saved, changed by version and listed', async () => {
    const first = await saveMethod({ description: 'By bike', expectedVersion: 0 });
    expect(first).toEqual({ replayed: false, userErrors: [], shippingMethod: { id: expect.any(String), code: 'parcel', name: 'Parcel', description: 'By bike', countries: ['AT', 'DE'], rates: [{ price: money(490), upToWeightGrams: null, fromSubtotal: null }], taxCategory: 'standard', minDays: null, maxDays: null, active: true, version: 1 } }); // prettier-ignore
    const { id } = first.shippingMethod;
    const rates = [{ price: money(0), fromSubtotal: 5_000 }, { price: money(300), upToWeightGrams: 1_000 }]; // prettier-ignore
    expect(await saveMethod({ rates, expectedVersion: 1 }, { id })).toMatchObject({ shippingMethod: { id, version: 2, description: null, rates: [{ fromSubtotal: 5_000 }, { upToWeightGrams: 1_000 }] } }); // prettier-ignore
    expect(await saveMethod({ expectedVersion: 1 }, { id })).toMatchObject({ shippingMethod: null, userErrors: [{ code: 'CONFLICT', expectedVersion: 1, actualVersion: 2 }] }); // prettier-ignore
    await saveMethod({ code: 'old', active: false });
    const listed = async (viewer: Viewer, activeOnly: boolean) => (await run(viewer, 'query ($activeOnly: Boolean) { shippingMethods(activeOnly: $activeOnly) { code } }', { activeOnly })).shippingMethods.map(({ code }: { code: string }) => code); // prettier-ignore
    expect(await listed(anonymous, true)).toEqual(['parcel']);
    expect(await listed(staff, false)).toEqual(['old', 'parcel']);
  });

  test('are saved once with one key', async () => {
    const key = newId();
    const first = await saveRate({}, { key });
    expect(await saveRate({}, { key })).toEqual({ ...first, replayed: true });
    expect(await saveRate({ ratePpm: 1 }, { key })).toMatchObject({ userErrors: [{ code: 'IDEMPOTENCY_CONFLICT' }] });
    const { taxRates } = await run(staff, `query { taxRates(countryCode: "DE") { ${rateFields} } }`, {});
    expect(taxRates).toEqual([first.taxRate]);
  });

  test('[CH-4] count from their time on, and until it', async () => {
    const productId = await world.make(5);
    const change = new Date(Date.now() + 3_600_000).toISOString();
    const { taxRate } = await saveRate({ validTo: change });
    await saveRate({ name: 'VAT 16 %', ratePpm: 160_000, validFrom: change });
    const taxNow = async () => (await quote({ lines: [{ productId, quantity: 1 }] })).taxes.map(({ name }: { name: string }) => name); // prettier-ignore
    expect(await taxNow()).toEqual(['VAT 19 %']);
    world.clockOffsetMs = 3_700_000;
    expect(await taxNow()).toEqual(['VAT 16 %']);
    world.clockOffsetMs = 0;
    // Without a beginning, it keeps the one that it had.
    expect(await saveRate({ validTo: change, category: 'food' }, { id: taxRate.id })).toMatchObject({ taxRate: { validFrom: taxRate.validFrom, version: 2 } }); // prettier-ignore
  });

  test('[CH-4] of a region stand in for the country’s, and those of different names add up', async () => {
    const productId = await world.make(5);
    const canada = (region: string) => ({ name: 'Ada', line1: '1 Rue', city: 'Ville', region, postalCode: 'H2X 1Y4', countryCode: 'CA' }); // prettier-ignore
    await saveRate({ countryCode: 'CA', name: 'GST', ratePpm: 50_000 });
    await saveRate({ countryCode: 'CA', region: 'QC', name: 'GST', ratePpm: 50_000 });
    await saveRate({ countryCode: 'CA', region: 'QC', name: 'QST', ratePpm: 99_750 });
    const taxesIn = async (region: string) => (await quote({ lines: [{ productId, quantity: 1 }], shippingAddress: canada(region) })).taxes.map(({ name }: { name: string }) => name); // prettier-ignore
    expect(await taxesIn('Québec')).toEqual(['QST', 'GST']);
    expect(await taxesIn('ON')).toEqual(['GST']);
  });

  test('of a region count however its name is written, and a region that no address has is refused', async () => {
    const productId = await world.make(5);
    const inRegion = async (address: object) => (await quote({ lines: [{ productId, quantity: 1 }], shippingAddress: { ...germany, ...address } })).taxes.map(({ name }: { name: string }) => name); // prettier-ignore
    expect(await saveRate({ countryCode: 'US', region: ' california', name: 'Sales tax' })).toMatchObject({ taxRate: { region: 'CA' } }); // prettier-ignore
    expect(await inRegion({ countryCode: 'US', region: 'ca', postalCode: '90210' })).toEqual(['Sales tax']);
    await saveRate({ countryCode: 'PA', region: 'Colon', name: 'ITBMS' });
    expect(await inRegion({ countryCode: 'PA', region: 'COLÓN', postalCode: null })).toEqual(['ITBMS']);
    expect(await saveRate({ countryCode: 'PA', region: 'colón', name: 'ITBMS' })).toMatchObject({ userErrors: [{ path: ['input', 'validFrom'] }] }); // prettier-ignore
    const path = ['input', 'region'];
    expect(await saveRate({ region: 'Bayern' })).toMatchObject({ userErrors: [{ code: 'VALIDATION', path, message: 'region: Addresses in Germany have no region.' }] }); // prettier-ignore
    expect(await saveRate({ countryCode: 'US', region: 'Bayern' })).toMatchObject({ userErrors: [{ code: 'VALIDATION', path }] }); // prettier-ignore
  });

  test('of one name are refused where they would count twice, also of two that are saved at once', async () => {
    expect((await saveRate()).userErrors).toEqual([]);
    expect(await saveRate({ ratePpm: 1 })).toMatchObject({ taxRate: null, userErrors: [{ code: 'VALIDATION', path: ['input', 'validFrom'] }] }); // prettier-ignore
    expect((await saveRate({ category: 'books' })).userErrors).toEqual([]);
    expect((await saveRate({ active: false })).userErrors).toEqual([]);
    const two = await Promise.all([1, 2].map(() => saveRate({ countryCode: 'FR' })));
    expect(two.map(({ userErrors }) => userErrors.length).toSorted((one, other) => one - other)).toEqual([0, 1]);
  });

  test.each<[string, object, string]>([
    ['an empty code', { code: '' }, 'code'],
    ['a code of 33 characters', { code: 'c'.repeat(33) }, 'code'],
    ['a name of spaces', { name: ' ' }, 'name'],
    ['a name with a line end', { name: 'a\nb' }, 'name'],
    ['a description of 501 characters', { description: 'd'.repeat(501) }, 'description'],
    ['a country that is none', { countries: ['DE', 'XX'] }, 'countries'],
    ['no rate', { rates: [] }, 'rates'],
    ['51 rates', { rates: Array.from({ length: 51 }, () => ({ price: money(1) })) }, 'rates'],
    ['a price below 0', { rates: [{ price: money(-1) }] }, 'rates.0.price.amount'],
    ['a currency that is none', { rates: [{ price: money(1, 'euro') }] }, 'rates.0.price.currency'],
    ['a weight below 0', { rates: [{ price: money(1), upToWeightGrams: -1 }] }, 'rates.0.upToWeightGrams'],
    ['a subtotal below 0', { rates: [{ price: money(1), fromSubtotal: -1 }] }, 'rates.0.fromSubtotal'],
    ['a tax category that is none', { taxCategory: 'A B' }, 'taxCategory'],
    ['days below 0', { minDays: -1 }, 'minDays'],
    ['fewer days at most than at least', { minDays: 3, maxDays: 2 }, 'maxDays'],
  ])('saveShippingMethod with %s is refused', async (_, input, path) => {
    expect(await saveMethod(input)).toMatchObject({ shippingMethod: null, userErrors: [{ code: 'VALIDATION', path: ['input', ...path.split('.')] }] }); // prettier-ignore
  });

  test.each<[string, object, string]>([
    ['a country that is none', { countryCode: 'de' }, 'countryCode'],
    ['a region of 101 characters', { region: 'r'.repeat(101) }, 'region'],
    ['a category that is none', { category: '' }, 'category'],
    ['no name', { name: '' }, 'name'],
    ['a rate below 0', { ratePpm: -1 }, 'ratePpm'],
    ['a rate above 100 %', { ratePpm: 1_000_001 }, 'ratePpm'],
    ['an end before its beginning', { validFrom: '2026-01-02T00:00:00Z', validTo: '2026-01-02T00:00:00Z' }, 'validTo'],
  ])('saveTaxRate with %s is refused', async (_, input, path) => {
    expect(await saveRate(input)).toMatchObject({ taxRate: null, userErrors: [{ code: 'VALIDATION', path: ['input', path] }] }); // prettier-ignore
  });

  test('a code that another method has, and an id of nothing, are refused', async () => {
    await saveMethod();
    expect(await saveMethod()).toMatchObject({ userErrors: [{ code: 'VALIDATION', path: ['input', 'code'] }] });
    for (const id of [newId(), 'x'])
      for (const save of [saveMethod, saveRate]) expect(await save({}, { id })).toMatchObject({ userErrors: [{ code: 'NOT_FOUND', path: ['id'] }] }); // prettier-ignore
  });

  test('are at most 50 and 1,000', async () => {
    const insert = (table: string, columns: string, row: (at: number) => string, count: number) => write(world.deps.db.em(), `insert into ${table} (${columns}) values ${Array.from({ length: count }, (_, at) => row(at)).join(', ')}`, []); // prettier-ignore
    await insert('shipping_method', 'id, code, name, countries, rates, tax_category, active, version', (at) => `(unhex(lpad(hex(${at}), 32, '0')), 'm${at}', 'M', '[]', '[]', 'standard', 0, 1)`, 50); // prettier-ignore
    await insert('tax_rate', 'id, country_code, category, name, rate_ppm, valid_from, active, version', (at) => `(unhex(lpad(hex(${at}), 32, '0')), 'FR', 'standard', 'T${at}', 1, '2026-01-01', 0, 1)`, 1_000); // prettier-ignore
    for (const save of [saveMethod, saveRate]) expect(await save()).toMatchObject({ userErrors: [{ code: 'VALIDATION', path: ['id'] }] }); // prettier-ignore
  });
});
