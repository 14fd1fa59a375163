import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cleanUp } from '../../../subgraphs/user/jobs.ts';
import {
  type Caller,
  type UserPlatform,
  newMobile,
  openUserPlatform,
  refreshMutation,
  registerMutation,
  viewerOf,
} from './support.ts';

const maxFailures = 3;
const maxRegistrations = 5;
const password = 'correct horse battery';
let platform: UserPlatform;
beforeAll(async () => {
  platform = await openUserPlatform({
    env: { LOGIN_FAILURES_PER_ACCOUNT: String(maxFailures), REGISTRATIONS_PER_ADDRESS: String(maxRegistrations) },
  });
});
afterAll(() => platform.close());

let lastAddress = 0;
const newAddress = (): string => `203.0.${Math.floor(Math.random() * 256)}.${(lastAddress += 1)}`;
const authFields = 'tokens { accessToken refreshToken deviceToken } userErrors { __typename ... on UserError { code message } ... on InvalidCredentialsError { retryAfterSeconds } }'; // prettier-ignore
const login = async (shown: { mobile: string; password?: string; device?: string | null }, address?: string) =>
  (
    await platform.run(
      `mutation ($mobile: String!, $password: String!, $device: String) { login(mobile: $mobile, password: $password, deviceToken: $device) { ${authFields} } }`,
      { password, ...shown },
      address === undefined ? {} : { address },
    )
  ).data.login;
const outcome = (payload: { userErrors: { retryAfterSeconds: number | null }[] }): 'in' | 'wrong' | 'locked' =>
  payload.userErrors.length === 0 ? 'in' : payload.userErrors[0]?.retryAfterSeconds === null ? 'wrong' : 'locked';

async function registered(address = newAddress()) {
  const mobile = newMobile();
  const { data } = await platform.run(
    `mutation ($input: RegisterInput!) { register(input: $input) { ${authFields} } }`,
    { input: { name: 'Ada', mobile, password } },
    { address },
  );
  return { mobile, address, ...(data.register.tokens as { accessToken: string; refreshToken: string; deviceToken: string }) }; // prettier-ignore
}

/** Strangers fail until the account is locked for them. */
async function lockFor(mobile: string): Promise<void> {
  for (let failure = 0; failure < maxFailures; failure += 1)
    expect(outcome(await login({ mobile, password: 'wrong password' }, newAddress()))).toBe('wrong');
  expect(outcome(await login({ mobile }, newAddress()))).toBe('locked');
}

describe("strangers' failures", () => {
  test("don't keep out who signs in from an address that signed in before", async () => {
    const { mobile, address } = await registered();
    await lockFor(mobile);
    expect(outcome(await login({ mobile }, address))).toBe('in');
    expect(outcome(await login({ mobile }, newAddress()))).toBe('locked');
  });

  test("don't keep out a device that signed in before, wherever it is now", async () => {
    const { mobile, deviceToken } = await registered();
    await lockFor(mobile);
    const again = await login({ mobile, device: deviceToken }, newAddress());
    expect(outcome(again)).toBe('in');
    expect(again.tokens.deviceToken).toBe(deviceToken);
    for (const device of [null, '', 'x', deviceToken.slice(1), 'A'.repeat(22), 'x'.repeat(10_000)])
      expect(outcome(await login({ mobile, device }, newAddress()))).toBe('locked');
  });

  test("don't keep the administrator out of where the administrator works", async () => {
    const admin = await platform.accounts.createUser({ name: 'Root', mobile: newMobile(), password, roles: ['CUSTOMER', 'ADMIN'] }); // prettier-ignore
    const [row] = await platform.sql('select mobile from user_account where id = ?', [Buffer.from(admin.id.replaceAll('-', ''), 'hex')]); // prettier-ignore
    const mobile = String(row?.['mobile']);
    const office = newAddress();
    expect(outcome(await login({ mobile }, office))).toBe('in');
    await lockFor(mobile);
    expect(outcome(await login({ mobile }, office))).toBe('in');
  });

  test("don't stop a live session from changing its password; its own failures do", async () => {
    const { mobile, accessToken } = await registered();
    await lockFor(mobile);
    const change = async (current: string, next: string, caller: Caller) =>
      (
        await platform.run(
          'mutation ($current: String!, $next: String!) { changePassword(current: $current, next: $next) { userErrors { ... on InvalidCredentialsError { retryAfterSeconds } } } }',
          { current, next },
          caller,
        )
      ).data.changePassword;
    const caller = { viewer: viewerOf(accessToken), address: newAddress() };
    expect(outcome(await change(password, 'another horse battery', caller))).toBe('in');
    for (let failure = 0; failure < maxFailures; failure += 1)
      expect(outcome(await change('wrong password', 'a third horse battery', caller))).toBe('wrong');
    expect(outcome(await change('another horse battery', 'a third horse battery', caller))).toBe('locked');
  });

  test('of a known device or address lock only these', async () => {
    const { mobile, address, deviceToken } = await registered();
    const elsewhere = newAddress();
    for (let failure = 0; failure < maxFailures; failure += 1)
      expect(outcome(await login({ mobile, password: 'wrong password' }, address))).toBe('wrong');
    expect(outcome(await login({ mobile }, address))).toBe('locked');
    expect(outcome(await login({ mobile, device: deviceToken }, address))).toBe('in');
    for (let failure = 0; failure < maxFailures; failure += 1)
      expect(outcome(await login({ mobile, password: 'wrong password', device: deviceToken }, elsewhere))).toBe(
        'wrong',
      );
    expect(outcome(await login({ mobile, device: deviceToken }, elsewhere))).toBe('locked');
    expect(outcome(await login({ mobile }, elsewhere))).toBe('in');
  });

  test('at one account are nothing to another on the same device or at the same address', async () => {
    const [first, second] = [await registered(), await registered()];
    await lockFor(second.mobile);
    expect(outcome(await login({ mobile: second.mobile, device: first.deviceToken }, first.address))).toBe('locked');
  });
});

test('an unknown number, a wrong password and a locked account answer the same, known places or not', async () => {
  const { mobile } = await registered();
  const answers = async (number: string) => {
    const found = [];
    for (let failure = 0; failure <= maxFailures; failure += 1)
      found.push(await login({ mobile: number, password: 'wrong password', device: 'A'.repeat(22) }, newAddress()));
    return found.map(({ userErrors }) => ({ ...userErrors[0], retryAfterSeconds: userErrors[0].retryAfterSeconds !== null })); // prettier-ignore
  };
  expect(await answers(newMobile())).toEqual(await answers(mobile));
});

describe("a device's token", () => {
  test('is given at each sign-in, kept by the same device for all its accounts, and not by refreshTokens', async () => {
    const { mobile, deviceToken, refreshToken } = await registered();
    expect(deviceToken).toMatch(/^[\w-]{22}$/);
    expect((await login({ mobile })).tokens.deviceToken).not.toBe(deviceToken);
    expect((await login({ mobile, device: 'made up' })).tokens.deviceToken).toMatch(/^[\w-]{22}$/);
    const other = await registered();
    expect((await login({ mobile: other.mobile, device: deviceToken })).tokens.deviceToken).toBe(deviceToken);
    const { data } = await platform.run(refreshMutation.replace('refreshToken }', 'refreshToken deviceToken }'), { token: refreshToken }); // prettier-ignore
    expect(data.refreshTokens.tokens).toMatchObject({ deviceToken: null });
  });

  test('signs nobody in', async () => {
    const { mobile, deviceToken } = await registered();
    expect(outcome(await login({ mobile, password: deviceToken, device: deviceToken }))).toBe('wrong');
  });

  test('stands nowhere in the database, and is forgotten after 90 days', async () => {
    const { mobile, deviceToken, address } = await registered();
    const rows = await platform.sql('select hex(place_hash) as place from sign_in_place');
    const stored = rows.map(({ place }) => Buffer.from(String(place), 'hex').toString('latin1')).join('\n');
    for (const text of [deviceToken, address, mobile]) expect(stored).not.toContain(text);
    await platform.sql('update sign_in_place set last_used_at = utc_timestamp(3) - interval 91 day');
    await platform.withDependencies(cleanUp);
    expect(await platform.sql('select 1 from sign_in_place')).toEqual([]);
    await lockFor(mobile);
    expect(outcome(await login({ mobile, device: deviceToken }, address))).toBe('locked');
  });
});

describe('registrations of one address', () => {
  const register = (mobile: string, address: string | undefined, key?: string) =>
    platform.run(
      registerMutation,
      { input: { name: 'Ada', mobile, password }, key },
      address === undefined ? {} : { address },
    );
  const codeOf = (answer: Awaited<ReturnType<typeof register>>) =>
    answer.errors[0]?.code ?? answer.data.register.userErrors[0]?.code ?? 'registered';

  test('are limited, those of taken numbers too; of IPv6 a /64 is one; others go on', async () => {
    const { mobile } = await registered();
    const network = `2001:db8:${Math.floor(Math.random() * 65_536).toString(16)}:7`;
    const codes = [];
    for (let index = 0; index <= maxRegistrations; index += 1)
      codes.push(codeOf(await register(index === 0 ? mobile : newMobile(), `${network}::${index + 1}`)));
    expect(codes).toEqual(['MOBILE_TAKEN', ...Array(maxRegistrations - 1).fill('registered'), 'TOO_MANY_REQUESTS']);
    expect(codeOf(await register(newMobile(), newAddress()))).toBe('registered');
    expect(codeOf(await register(mobile, `${network}::99`))).toBe('TOO_MANY_REQUESTS');
  });

  test('with input that breaks a rule, or repeated by their key, are not counted', async () => {
    const address = newAddress();
    const mobile = newMobile();
    for (let index = 0; index < maxRegistrations + 2; index += 1) {
      expect(codeOf(await register('12', address))).toBe('VALIDATION');
      expect(codeOf(await register(mobile, address, 'once'))).toBe('registered');
    }
  });
});
