import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectCleanAudit } from '../../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../../support/platform.ts';
import {
  type Person,
  createProduct,
  dataOf,
  logInAsAdmin,
  newKey,
  orderIn,
  pay,
  register,
} from '../../support/shop.ts';
import { until } from '../../support/until.ts';

type Amount = { readonly amount: number };
type Option = { readonly code: string; readonly price: Amount; readonly tax: Amount };
type Quote = {
  readonly total: Amount;
  readonly taxes: readonly { readonly name: string; readonly amount: Amount }[];
  readonly shippingOptions: readonly Option[];
  readonly userErrors: readonly { readonly code: string; readonly path: readonly string[] }[];
};

const berlin = { name: 'Ada Lovelace', line1: 'Ring 1', city: 'Berlin', postalCode: '10115', countryCode: 'DE' };
const vienna = { name: 'Ada Lovelace', line1: 'Ring 1', city: 'Wien', postalCode: '1010', countryCode: 'AT' };
const quoteFields = 'total { amount } taxes { name amount { amount } } shippingOptions { code price { amount } tax { amount } }'; // prettier-ignore
const orderFields = 'id total { amount } balanceDue { amount } shippingTotal { amount } taxTotal { amount } taxes { name amount { amount } } shippingMethod { code } shippingAddress { city formatted } lines { tax { amount } total { amount } }'; // prettier-ignore

/** A shop that ships and taxes, with the real product and user services behind the gateway. */
describe.each(['one', 'split'] as const)('a checkout with shipping and taxes, in shape %s', (shape) => {
  let platform: Platform;
  let staff: Person;
  let buyer: Person;
  let productId: string;

  const send = async <Data>(query: string, variables: object, token?: string): Promise<Data> =>
    dataOf(await platform.gql<Data>(query, variables as Record<string, unknown>, token === undefined ? {} : { token }));
  const quote = async (input: object, person?: Person): Promise<Quote> =>
    (await send<{ quoteOrder: Quote }>(`query ($input: QuoteInput!) { quoteOrder(input: $input) { ${quoteFields} userErrors { ... on UserError { code path } } } }`, { input: { currency: 'EUR', lines: [{ productId, quantity: 2 }], ...input } }, person?.token)).quoteOrder; // prettier-ignore
  type Placed = { id: string; total: Amount; shippingAddress: { city: string } | null; shippingMethod: { code: string } | null; taxes: Quote['taxes'] }; // prettier-ignore
  type Payload = { order: Placed | null; userErrors: { code: string; path: string[]; quote?: Quote }[] };
  const place = async (input: object, person: Person = buyer): Promise<Payload> =>
    (await send<{ placeOrder: Payload }>(`mutation ($input: PlaceOrderInput!, $key: String!) { placeOrder(input: $input, idempotencyKey: $key) { order { ${orderFields} } userErrors { ... on UserError { code path } ... on TotalChangedError { quote { ${quoteFields} } } } } }`, { input: { currency: 'EUR', lines: [{ productId, quantity: 2 }], ...input }, key: newKey() }, person.token)).placeOrder; // prettier-ignore

  beforeAll(async () => {
    platform = await startPlatform({ shape });
    [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform)]);
    ({ id: productId } = await createProduct(platform, staff, { onHand: 20, priceMinor: 1_190 }));
    const cents = (amount: number) => ({ amount, currency: 'EUR' });
    const methods = [
      { code: 'parcel', name: 'Parcel', countries: ['AT', 'DE'], rates: [{ price: cents(0), fromSubtotal: 5_000 }, { price: cents(490) }] }, // prettier-ignore
      { code: 'express', name: 'Express', countries: ['DE'], rates: [{ price: cents(1_290) }] },
    ];
    const rates = [
      { countryCode: 'DE', name: 'VAT 19 %', ratePpm: 190_000 },
      { countryCode: 'AT', name: 'USt 20 %', ratePpm: 200_000 },
    ];
    for (const input of methods)
      await send('mutation ($input: ShippingMethodInput!) { saveShippingMethod(input: $input) { userErrors { ... on UserError { message } } } }', { input }, staff.token); // prettier-ignore
    for (const input of rates)
      await send('mutation ($input: TaxRateInput!) { saveTaxRate(input: $input) { userErrors { ... on UserError { message } } } }', { input }, staff.token); // prettier-ignore
    // Every process of the order service has heard of them, at the latest when it reads them again.
    await until(async () => (await quote({ shippingAddress: berlin })).shippingOptions.length === 2, { what: 'both methods' }); // prettier-ignore
  }, 150_000);
  afterAll(async () => {
    await platform?.stop();
  }, 60_000);

  test('somebody who is not signed in sees the whole price, with fields of the product service', async () => {
    const query = 'query ($input: QuoteInput!) { quoteOrder(input: $input) { total { amount } lines { available product { name stock { available } } } } shippingMethods { code rates { price { amount } } } }'; // prettier-ignore
    const input = { currency: 'EUR', lines: [{ productId, quantity: 2 }], shippingAddress: berlin };
    expect(await send(query, { input })).toMatchObject({
      quoteOrder: { total: { amount: 2_870 }, lines: [{ available: 20, product: { name: expect.any(String), stock: { available: 20 } } }] },
      shippingMethods: [{ code: 'express' }, { code: 'parcel' }],
    }); // prettier-ignore
  });

  test('[CH-1] [CH-3] the order costs what the quote said, is paid and leaves books that agree', async () => {
    const quoted = await quote({ shippingAddress: vienna });
    expect(quoted).toMatchObject({ total: { amount: 2_870 }, taxes: [{ name: 'USt 20 %', amount: { amount: 478 } }], shippingOptions: [{ code: 'parcel', price: { amount: 490 }, tax: { amount: 81 } }], userErrors: [] }); // prettier-ignore
    const { order, userErrors } = await place({ shippingAddress: vienna, expectedTotal: quoted.total.amount });
    expect(userErrors).toEqual([]);
    expect(order).toMatchObject({ total: { amount: 2_870 }, balanceDue: { amount: 2_870 }, shippingTotal: { amount: 490 }, taxTotal: { amount: 478 }, taxes: quoted.taxes, shippingMethod: { code: 'parcel' }, shippingAddress: { city: 'Wien', formatted: ['Ada Lovelace', 'Ring 1', '1010 Wien', 'AUSTRIA'] }, lines: [{ tax: { amount: 397 }, total: { amount: 2_380 } }] }); // prettier-ignore
    await pay(platform, buyer, order?.id ?? '');
    await orderIn(platform, buyer, order?.id ?? '', ['PAID', 'PROCESSING']);
    await expectCleanAudit(platform);
  });

  test('[CH-2] an order is shipped to the default address of the address book', async () => {
    const person = await register(platform);
    expect((await place({}, person)).userErrors).toMatchObject([{ code: 'VALIDATION', path: ['input', 'shippingAddress'] }]); // prettier-ignore
    const save = 'mutation ($address: PostalAddressInput!, $key: String!) { saveAddress(address: $address, idempotencyKey: $key) { address { id } } }'; // prettier-ignore
    const book = await send<{ saveAddress: { address: { id: string } } }>(save, { address: vienna, key: newKey() }, person.token); // prettier-ignore
    await send(save, { address: berlin, key: newKey() }, person.token);
    expect((await place({}, person)).order).toMatchObject({ shippingAddress: { city: 'Wien' }, shippingMethod: { code: 'parcel' } }); // prettier-ignore
    const shippingAddressId = book.saveAddress.address.id;
    expect((await quote({ shippingAddressId }, person)).taxes).toMatchObject([{ name: 'USt 20 %' }]);
    // Nobody else's address can be asked for, nor by somebody who is not signed in.
    expect((await place({ shippingAddressId })).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['input', 'shippingAddressId'] }]); // prettier-ignore
    expect((await quote({ shippingAddressId })).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['input', 'shippingAddressId'] }]); // prettier-ignore
  });

  test('[CH-3] another total is refused with the quote; free shipping counts from its subtotal on', async () => {
    const { order, userErrors } = await place({ shippingAddress: berlin, lines: [{ productId, quantity: 5 }], expectedTotal: 6_440 }); // prettier-ignore
    expect(order).toBeNull();
    expect(userErrors).toMatchObject([{ code: 'TOTAL_CHANGED', quote: { total: { amount: 5_950 }, shippingOptions: [{ code: 'parcel', price: { amount: 0 } }, { code: 'express' }] } }]); // prettier-ignore
  });

  test.each<[string, object, string]>([
    ['a country that is not served', { shippingAddress: { ...berlin, city: 'Paris', postalCode: '75001', countryCode: 'FR' } }, 'shippingAddress.countryCode'],
    ['a method that does not ship there', { shippingAddress: vienna, shippingMethod: 'express' }, 'shippingMethod'],
    ['a method that there is not', { shippingAddress: berlin, shippingMethod: 'pigeon' }, 'shippingMethod'],
  ])('%s is refused', async (_, input, path) => {
    const refusal = { code: 'VALIDATION', path: ['input', ...path.split('.')] };
    expect((await quote(input)).userErrors).toEqual([refusal]);
    expect(await place(input)).toMatchObject({ order: null, userErrors: [refusal] });
  }); // prettier-ignore
});
