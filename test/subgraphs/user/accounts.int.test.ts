import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ConfigError } from '../../../subgraphs/shared/process/env.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { createUserDirectly, ensureAdmin } from '../../../subgraphs/user/accounts.ts';
import { type UserPlatform, loginMutation, newMobile, openUserPlatform, registerPerson } from './support.ts';

let platform: UserPlatform;
beforeAll(async () => {
  platform = await openUserPlatform({ env: { ADMIN_MOBILE: '10000000000' } });
});
afterAll(() => platform.close());

const login = async (mobile: string, password: string) =>
  (await platform.run(loginMutation, { mobile, password })).data.login;

test('the first administrator is made once, with a password that is told once', async () => {
  const first = await platform.accounts.ensureAdmin();
  expect(first).toEqual({
    id: expect.any(String),
    created: true,
    mobile: '10000000000',
    password: expect.stringMatching(/^[A-Za-z0-9_-]{16}$/),
  });
  expect(await platform.accounts.ensureAdmin()).toEqual({ ...first, created: false, password: null });
  expect((await login('10000000000', first.password ?? '')).user.roles).toEqual(['CUSTOMER', 'ADMIN']);
});

test('an administrator with a given password is made by one of several processes', async () => {
  const wanted = { mobile: newMobile(), password: 'given by the operator' };
  const made = await platform.withDependencies((deps) =>
    Promise.all(Array.from({ length: 4 }, () => ensureAdmin(deps, wanted))),
  );
  expect(made.filter(({ created }) => created)).toHaveLength(1);
  expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  expect(made.map(({ password }) => password)).toEqual([null, null, null, null]);
  expect((await login(wanted.mobile, wanted.password)).userErrors).toEqual([]);
});

test('a number that a customer has is refused for the administrator', async () => {
  const { mobile } = await registerPerson(platform);
  await expect(platform.withDependencies((deps) => ensureAdmin(deps, { mobile, password: undefined }))).rejects.toThrow(
    ConfigError,
  );
});

test('accounts with any roles and a known id are made through the rules of registration', async () => {
  const account = {
    id: newId(),
    name: 'Merchant',
    mobile: newMobile(),
    password: 'merchant password',
    roles: ['CUSTOMER', 'MERCHANT'] as const,
  };
  expect(await platform.accounts.createUser(account)).toEqual({ id: account.id, created: true });
  expect(await platform.accounts.createUser({ ...account, id: newId() })).toEqual({ id: account.id, created: false });
  expect((await login(account.mobile, account.password)).user).toMatchObject({
    id: account.id,
    roles: ['CUSTOMER', 'MERCHANT'],
  });
  await expect(
    platform.withDependencies((deps) => createUserDirectly(deps, { ...account, mobile: 'x' })),
  ).rejects.toThrow('5 to 15 digits');
});
