import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type Person,
  type UserPlatform,
  openUserPlatform,
  registerPerson,
  userErrorFields,
  viewerWith,
} from './support.ts';

let platform: UserPlatform;
beforeAll(async () => {
  platform = await openUserPlatform();
});
afterAll(() => platform.close());

const berlin = { name: 'Ada Lovelace', line1: 'Ring 1', city: 'Berlin', postalCode: '10115', countryCode: 'DE', phone: '030 1234567' }; // prettier-ignore
const fields = `id label address { name line1 city region postalCode countryCode phone formatted } isDefaultShipping isDefaultBilling version`;
const save = async (person: Person, given: Record<string, unknown> = {}) => {
  const { data, errors } = await platform.run(
    `mutation ($id: ID, $address: PostalAddressInput!, $label: String, $shipping: Boolean, $billing: Boolean, $version: Int, $key: String!) {
      saveAddress(id: $id, address: $address, label: $label, asDefaultShipping: $shipping, asDefaultBilling: $billing, expectedVersion: $version, idempotencyKey: $key) {
        address { ${fields} } replayed userErrors { ${userErrorFields} ... on ConflictError { expectedVersion actualVersion } } } }`,
    { address: berlin, key: newId(), ...given },
    { viewer: person.viewer },
  );
  expect(errors).toEqual([]);
  return data.saveAddress;
};
const remove = async (person: Person, id: string, key = newId()) =>
  (
    await platform.run(
      `mutation ($id: ID!, $key: String!) { removeAddress(id: $id, idempotencyKey: $key) { address { id } replayed userErrors { ${userErrorFields} } } }`,
      { id, key },
      { viewer: person.viewer },
    )
  ).data.removeAddress;
type Listed = { id: string; isDefaultShipping: boolean; isDefaultBilling: boolean };
const book = async (person: Person): Promise<Listed[]> =>
  (await platform.run(`{ me { addresses { ${fields} } } }`, {}, { viewer: person.viewer })).data.me.addresses;
const defaults = (addresses: Listed[]) => ({
  shipping: addresses.filter((address) => address.isDefaultShipping).map(({ id }) => id),
  billing: addresses.filter((address) => address.isDefaultBilling).map(({ id }) => id),
});

describe('[CH-2] the address book', () => {
  it.each(['SUSPENDED', 'ERASED'])(
    'of somebody who is %s takes no changes, though the token is still good',
    async (status) => {
      const ada = await registerPerson(platform);
      const { address } = await save(ada);
      await platform.sql('update user_account set status = ? where mobile = ?', [status, ada.mobile]);
      const refused = [{ code: 'FORBIDDEN', message: 'This account is suspended or erased.' }];
      expect(await save(ada)).toMatchObject({ address: null, userErrors: refused });
      expect(await save(ada, { id: address.id, label: 'Work' })).toMatchObject({ address: null, userErrors: refused });
      expect(await remove(ada, address.id)).toMatchObject({ userErrors: refused });
      expect(await platform.sql('select label from address where id = unhex(?)', [address.id.replaceAll('-', '')])).toEqual([{ label: null }]); // prettier-ignore
    },
  );

  it('keeps an address in the form of its country, and the first one is the default for both', async () => {
    const ada = await registerPerson(platform);
    expect(await save(ada, { label: ' Home ' })).toEqual({
      address: {
        id: expect.any(String),
        label: 'Home',
        address: {
          name: 'Ada Lovelace',
          line1: 'Ring 1',
          city: 'Berlin',
          region: null,
          postalCode: '10115',
          countryCode: 'DE',
          phone: '+49301234567',
          formatted: ['Ada Lovelace', 'Ring 1', '10115 Berlin', 'GERMANY'],
        },
        isDefaultShipping: true,
        isDefaultBilling: true,
        version: 1,
      },
      replayed: false,
      userErrors: [],
    });
  });

  it('moves a default, and gives it to the newest that is left when its address is removed', async () => {
    const ada = await registerPerson(platform);
    const first = (await save(ada)).address;
    const second = (await save(ada, { shipping: true })).address;
    const third = (await save(ada)).address;
    expect(defaults(await book(ada))).toEqual({ shipping: [second.id], billing: [first.id] });
    expect((await book(ada)).map(({ id }) => id)).toEqual([third.id, second.id, first.id]);
    expect(await remove(ada, second.id)).toEqual({ address: null, replayed: false, userErrors: [] });
    expect(defaults(await book(ada))).toEqual({ shipping: [third.id], billing: [first.id] });
    for (const { id } of [first, third]) await remove(ada, id);
    expect(await book(ada)).toEqual([]);
  });

  it('changes an address of the expected version only', async () => {
    const ada = await registerPerson(platform);
    const { id } = (await save(ada)).address;
    const moved = await save(ada, { id, version: 1, address: { ...berlin, city: 'Potsdam', postalCode: '14467' } });
    expect(moved.address).toMatchObject({ id, version: 2, address: { city: 'Potsdam' }, isDefaultShipping: true });
    expect((await save(ada, { id, version: 1 })).userErrors).toMatchObject([
      { __typename: 'ConflictError', expectedVersion: 1, actualVersion: 2 },
    ]);
    expect(await book(ada)).toMatchObject([{ id, version: 2, address: { city: 'Potsdam' } }]);
  });

  it('saves once by one key, refuses the key for other input, and knows a repeated removal', async () => {
    const ada = await registerPerson(platform);
    const key = newId();
    const [once, again] = [await save(ada, { key }), await save(ada, { key })];
    expect([once.replayed, again.replayed, again.address.id]).toEqual([false, true, once.address.id]);
    expect((await save(ada, { key, label: 'Work' })).userErrors).toMatchObject([{ code: 'IDEMPOTENCY_CONFLICT' }]);
    const removal = newId();
    expect((await remove(ada, once.address.id, removal)).replayed).toBe(false);
    expect(await remove(ada, once.address.id, removal)).toEqual({ address: null, replayed: true, userErrors: [] });
  });

  it('has exactly one default each when many are made the default at once', async () => {
    const ada = await registerPerson(platform);
    const saved = await Promise.all(Array.from({ length: 12 }, () => save(ada, { shipping: true, billing: true })));
    expect(new Set(saved.map(({ address }) => address.id)).size).toBe(12);
    const { shipping, billing } = defaults(await book(ada));
    expect([shipping.length, billing.length]).toEqual([1, 1]);
  });

  it('has at most 50 addresses, also when many come at once', async () => {
    const ada = await registerPerson(platform);
    for (let index = 0; index < 45; index += 1) await save(ada);
    const last = await Promise.all(Array.from({ length: 10 }, () => save(ada)));
    expect(last.filter(({ address }) => address !== null)).toHaveLength(5);
    expect(last.flatMap(({ userErrors }) => userErrors)).toMatchObject(
      Array.from({ length: 5 }, () => ({ code: 'VALIDATION', path: ['address'] })),
    );
    expect(await book(ada)).toHaveLength(50);
  });

  it('takes nothing that an address can’t have', async () => {
    const ada = await registerPerson(platform);
    const bad = await save(ada, { address: { ...berlin, postalCode: '1', phone: '1' }, label: 'l'.repeat(65) });
    expect(bad).toMatchObject({ address: null, userErrors: [
      { code: 'VALIDATION', path: ['address', 'postalCode'] },
      { code: 'VALIDATION', path: ['address', 'phone'] },
      { code: 'VALIDATION', path: ['label'] },
    ] }); // prettier-ignore
    expect(await book(ada)).toEqual([]);
  });

  it('measures texts as they are kept: composing can make them longer', async () => {
    const ada = await registerPerson(platform);
    // Becomes two characters.
    const letter = '\u{958}';
    for (const field of ['name', 'line1', 'city'] as const) {
      const given = { address: { ...berlin, [field]: letter.repeat(field === 'line1' ? 200 : 100) } };
      expect(await save(ada, given)).toMatchObject({ address: null, userErrors: [{ code: 'VALIDATION', path: ['address', field] }] }); // prettier-ignore
    }
    expect(await save(ada, { label: letter.repeat(64) })).toMatchObject({ address: null, userErrors: [{ code: 'VALIDATION', path: ['label'] }] }); // prettier-ignore
    expect(await save(ada, { address: { ...berlin, name: letter.repeat(50) } })).toMatchObject({ userErrors: [] });
  });

  it('is the owner’s: others can neither read nor change nor remove its addresses', async () => {
    const [ada, bob] = [await registerPerson(platform), await registerPerson(platform)];
    const { id } = (await save(ada)).address;
    for (const each of [id, newId(), 'nonsense', ''])
      expect((await save(bob, { id: each })).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['id'] }]);
    expect((await remove(bob, id)).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    expect(await book(bob)).toEqual([]);
    expect(await book(ada)).toMatchObject([{ id, version: 1 }]);
    const asStaff = { viewer: viewerWith('OPERATOR') };
    const read = 'query ($id: ID!) { user(id: $id) { addresses { id } } }';
    expect((await platform.run(read, { id: ada.id }, asStaff)).data.user.addresses).toEqual([{ id }]);
    expect((await platform.run(read, { id: ada.id }, { viewer: bob.viewer })).data.user).toBeNull();
    const { errors } = await platform.run(
      'mutation ($address: PostalAddressInput!) { saveAddress(address: $address, idempotencyKey: "k") { replayed } }',
      { address: berlin },
    );
    expect(errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
  });

  it('reads the books of many users by one statement', async () => {
    const people = await Promise.all(Array.from({ length: 5 }, () => registerPerson(platform)));
    for (const person of people) await save(person);
    const status = async () => Number((await platform.sql("show global status like 'Com_select'"))[0]?.['Value']);
    const query = '{ users(first: 100) { edges { node { addresses { address { city } } } } } }';
    const before = await status();
    const { data } = await platform.run(query, {}, { viewer: viewerWith('OPERATOR') });
    expect(data.users.edges.length).toBeGreaterThan(4);
    expect((await status()) - before).toBeLessThan(data.users.edges.length);
  });
});

describe('[CH-2] the addresses of a customer that an order asks for', () => {
  const ask = (variables: Record<string, unknown>, app = 'order') =>
    platform.run(
      `query ($customerId: ID!, $shipping: ID, $billing: ID) {
        customerAddresses(customerId: $customerId, shippingAddressId: $shipping, billingAddressId: $billing) { shipping { line1 formatted } billing { line1 } } }`,
      variables,
      { app },
    );

  it('are those with the ids, and the default ones for ids that are left out', async () => {
    const [ada, bob] = [await registerPerson(platform), await registerPerson(platform)];
    const at = (line1: string) => ({ address: { ...berlin, line1 } });
    await save(ada, at('Ring 1'));
    const { id } = (await save(ada, at('Ring 2'))).address;
    await save(ada, { ...at('Ring 3'), billing: true });
    const of = async (variables: Record<string, unknown>) => {
      const { shipping, billing } = (await ask({ customerId: ada.id, ...variables })).data.customerAddresses;
      return [shipping?.line1, billing?.line1];
    };
    expect(await of({})).toEqual(['Ring 1', 'Ring 3']);
    expect(await of({ shipping: id })).toEqual(['Ring 2', 'Ring 3']);
    expect(await of({ billing: id })).toEqual(['Ring 1', 'Ring 2']);
    expect(await of({ shipping: newId(), billing: 'nonsense' })).toEqual([undefined, undefined]);
    expect(await of({ customerId: bob.id, shipping: id })).toEqual([undefined, undefined]);
    expect(await of({ customerId: 'nonsense' })).toEqual([undefined, undefined]);
  });

  it('are for the order service only', async () => {
    const ada = await registerPerson(platform);
    expect((await ask({ customerId: ada.id }, 'payment')).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect((await ask({ customerId: ada.id }, 'gateway')).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
  });
});
