import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Platform, startPlatform } from '../../support/platform.ts';
import {
  type Person,
  dataOf,
  logIn,
  logInAsAdmin,
  newMobile,
  orderIn,
  pay,
  placeOrder,
  register,
  watch,
} from '../../support/shop.ts';
import { until } from '../../support/until.ts';
import { addDays, dateIn } from '../../../subgraphs/shared/values/local-date.ts';

const withinMs = 5_000;

describe('an administrator, over the API', () => {
  let platform: Platform;
  let admin: Person;
  beforeAll(async () => {
    platform = await startPlatform({ shape: 'split' });
    admin = await logInAsAdmin(platform);
  }, 150_000);
  afterAll(async () => {
    await platform?.stop();
  }, 60_000);

  const run = async (document: string, variables: Record<string, unknown>, by = admin) =>
    dataOf(await platform.gql<Record<string, { userErrors: unknown[] }>>(document, variables, { token: by.token }));
  const setRoles = (userId: string, roles: string[]) =>
    run('mutation ($userId: ID!, $roles: [Role!]!) { setRoles(userId: $userId, roles: $roles) { userErrors { ... on UserError { code } } } }', { userId, roles }); // prettier-ignore
  /** What `me` is answered with this token: a name, or a code. */
  const me = async ({ token }: Person): Promise<string | undefined> => {
    const { data, errors } = await platform.gql<{ me: { name: string } | null }>('{ me { name } }', {}, { token });
    return errors?.[0]?.extensions.code ?? data?.me?.name;
  };
  const orders = async ({ token }: Person): Promise<string> => {
    const { errors } = await platform.gql('{ orders(first: 1) { edges { node { id } } } }', {}, { token });
    return errors?.[0]?.extensions.code ?? 'allowed';
  };

  it('[PM-1] makes somebody staff, and a customer again: tokens and sockets end within five seconds', async () => {
    const ada = await register(platform, 'Ada');
    expect(await orders(ada)).toBe('FORBIDDEN');
    expect(await setRoles(ada.id, ['CUSTOMER', 'OPERATOR'])).toEqual({ setRoles: { userErrors: [] } });
    const staff = await logIn(platform, ada);
    expect(await orders(staff)).toBe('allowed');

    const live = watch(platform, 'subscription { allOrders { seq } }', {}, { token: staff.token });
    await setRoles(ada.id, ['CUSTOMER']);
    await until(async () => (await orders(staff)) === 'UNAUTHENTICATED', { timeoutMs: withinMs, what: 'the end of the token' }); // prettier-ignore
    await Promise.race([
      live.closed,
      sleep(withinMs, undefined, { ref: false }).then(() => Promise.reject(new Error('the socket stays open'))),
    ]);
    expect(await orders(await logIn(platform, ada))).toBe('FORBIDDEN');
  });

  it('[PM-1] suspends somebody within five seconds, and lets them in again', async () => {
    const ada = await register(platform, 'Ada');
    const suspend = 'mutation ($userId: ID!) { suspendUser(userId: $userId, reason: "Fraud") { user { status } userErrors { ... on UserError { code } } } }'; // prettier-ignore
    expect(await run(suspend, { userId: ada.id })).toEqual({
      suspendUser: { user: { status: 'SUSPENDED' }, userErrors: [] },
    });
    await until(async () => (await me(ada)) === 'UNAUTHENTICATED', {
      timeoutMs: withinMs,
      what: 'the end of the token',
    });
    await expect(logIn(platform, ada)).rejects.toThrow('FORBIDDEN');
    await run('mutation ($userId: ID!) { reinstateUser(userId: $userId) { userErrors { ... on UserError { code } } } }', { userId: ada.id }); // prettier-ignore
    expect(await me(await logIn(platform, ada))).toBe('Ada');
  });

  it('[LL-6] the demo shop has a merchant, who redeems the stays that they sell, and sees nothing else of them', async () => {
    const merchant = await logIn(platform, { mobile: '10000000005', password: 'demo-merchant' });
    const guest = await register(platform, 'Guest');
    type Room = { product: { id: string; seller: { id: string } | null } };
    const { product } = dataOf(await platform.gql<Room>('{ product(sku: "STAY-GARDEN-HOUSE") { id seller { id } } }', {}, { token: admin.token })); // prettier-ignore
    expect(product.seller).toEqual({ id: merchant.id });
    const from = addDays(dateIn('UTC', new Date()), 3);
    const line = { productId: product.id, quantity: 1, stayFrom: from, stayTo: addDays(from, 1), guests: 1 };
    const stay = await placeOrder(platform, guest, [line], { type: 'BOOKING' });
    await pay(platform, guest, stay.id);
    await orderIn(platform, guest, stay.id, ['PAID']);
    type Code = { order: { confirmationCode: string } | null };
    const read = (person: Person) => platform.gql<Code>('query ($id: ID!) { order(id: $id) { confirmationCode } }', { id: stay.id }, { token: person.token }); // prettier-ignore
    const code = dataOf(await read(guest)).order?.confirmationCode;
    expect((await read(merchant)).errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    expect(await orders(merchant)).toBe('FORBIDDEN');
    const redeem = 'mutation ($number: String!, $code: String!) { redeemOrder(number: $number, confirmationCode: $code) { order { state shippingAddress { city } } userErrors { ... on UserError { code } } } }'; // prettier-ignore
    expect(await run(redeem, { number: stay.number, code }, merchant)).toEqual({
      redeemOrder: { order: { state: 'COMPLETED', shippingAddress: null }, userErrors: [] },
    });
  });

  it('[PM-1] invites a merchant, who signs in by the code and a password of their own', async () => {
    const mobile = newMobile();
    type Invited = { inviteUser: { user: { id: string }; code: string; userErrors: unknown[] } };
    const invite = 'mutation ($mobile: String!) { inviteUser(name: "Mona", mobile: $mobile, roles: [CUSTOMER, MERCHANT]) { user { id } code userErrors { ... on UserError { code } } } }'; // prettier-ignore
    const { inviteUser: invited } = dataOf(await platform.gql<Invited>(invite, { mobile }, { token: admin.token }));
    expect(invited.userErrors).toEqual([]);
    const password = 'staple battery horse';
    const reset = 'mutation ($mobile: String!, $code: String!, $password: String!) { resetPassword(mobile: $mobile, code: $code, password: $password) { user { id } userErrors { ... on UserError { code } } } }'; // prettier-ignore
    expect(dataOf(await platform.gql(reset, { mobile, code: invited.code, password }))).toEqual({
      resetPassword: { user: { id: invited.user.id }, userErrors: [] },
    });
    expect(await me(await logIn(platform, { mobile, password }))).toBe('Mona');
    const log = dataOf(await platform.gql<{ auditLog: { edges: { node: { action: string; actor: { id: string } } }[] } }>('{ auditLog(first: 1) { edges { node { action actor { id } } } } }', {}, { token: admin.token })); // prettier-ignore
    expect(log.auditLog.edges).toEqual([{ node: { action: 'user.invited', actor: { id: admin.id } } }]);
  });
});
