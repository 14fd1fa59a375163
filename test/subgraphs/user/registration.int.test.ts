import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type UserPlatform,
  authFields,
  loginMutation,
  newMobile,
  openUserPlatform,
  registerMutation,
  registerPerson,
} from './support.ts';

let platform: UserPlatform;
beforeAll(async () => {
  platform = await openUserPlatform();
});
afterAll(() => platform.close());

const input = (given: Record<string, unknown> = {}) => ({
  name: 'Grace Hopper',
  mobile: newMobile(),
  password: 'a good password',
  ...given,
});
const codes = (payload: { userErrors: { code: string }[] }): string[] => payload.userErrors.map(({ code }) => code);

describe('register', () => {
  test('[LL-11] [GM-1] makes a customer who is signed in at once', async () => {
    const mobile = newMobile();
    const { data, errors } = await platform.run(registerMutation, {
      input: input({ mobile, gender: 'FEMALE', nickname: 'Amazing Grace' }),
    });
    expect(errors).toEqual([]);
    expect(data.register).toMatchObject({
      user: {
        name: 'Grace Hopper',
        nickname: 'Amazing Grace',
        gender: 'FEMALE',
        mobile,
        roles: ['CUSTOMER'],
        version: 1,
        identities: [{ type: 'MOBILE', key: mobile }],
      },
      replayed: false,
      userErrors: [],
    });
    expect(data.register.tokens.refreshToken).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test('[GM-1] stores the password as argon2id and no token at all', async () => {
    const person = await registerPerson(platform);
    const [row] = await platform.sql('select password_hash from user_password where user_id = unhex(?)', [
      person.id.replaceAll('-', ''),
    ]);
    expect(row?.['password_hash']).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    const stored = await platform.sql(
      'select hex(token_hash) as hash from refresh_token where hex(token_hash) = hex(?)',
      [person.refreshToken],
    );
    expect(stored).toEqual([]);
  });

  test('refuses a number that somebody has, however it is written', async () => {
    const person = await registerPerson(platform);
    const spaced = `${person.mobile.slice(0, 3)} ${person.mobile.slice(3, 6)}-${person.mobile.slice(6)}`;
    for (const mobile of [spaced, `+${person.mobile}`, `00${person.mobile}`, `+${spaced}`]) {
      const { data } = await platform.run(registerMutation, { input: input({ mobile }) });
      expect(data.register).toMatchObject({
        user: null,
        tokens: null,
        userErrors: [{ __typename: 'MobileTakenError', code: 'MOBILE_TAKEN' }],
      });
      const { data: signedIn } = await platform.run(loginMutation, { mobile, password: person.password });
      expect(signedIn.login).toMatchObject({ user: { id: person.id, mobile: person.mobile } });
    }
  });

  test('names every field that breaks a rule', async () => {
    const { data } = await platform.run(registerMutation, {
      input: { name: ' ', mobile: '12ab', password: 'short', nickname: 'x'.repeat(65) },
    });
    expect(data.register.userErrors.map((error: { path: string[] }) => error.path[1]).toSorted()).toEqual([
      'mobile',
      'name',
      'nickname',
      'password',
    ]);
  });

  test('of several registrations of one number at the same time exactly one succeeds', async () => {
    const mobile = newMobile();
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => platform.run(registerMutation, { input: input({ mobile }) })),
    );
    const payloads = answers.map(({ data }) => data.register);
    expect(payloads.filter(({ user }) => user !== null)).toHaveLength(1);
    expect(payloads.flatMap(codes)).toEqual(Array(5).fill('MOBILE_TAKEN'));
    const [row] = await platform.sql('select count(*) as n from user_account where mobile = ?', [mobile]);
    expect(Number(row?.['n'])).toBe(1);
  });
});

describe('register with an idempotency key', () => {
  test('registers once, and answers a repetition with a new session of the same user', async () => {
    const variables = { input: input(), key: 'first-key' };
    const first = await platform.run(registerMutation, variables);
    const second = await platform.run(registerMutation, variables);
    expect(second.data.register).toMatchObject({
      replayed: true,
      userErrors: [],
      user: { id: first.data.register.user.id },
    });
    expect(second.data.register.tokens.refreshToken).not.toBe(first.data.register.tokens.refreshToken);
  });

  test('repeated at the same time makes one user whom every answer names', async () => {
    const variables = { input: input(), key: 'concurrent' };
    const answers = await Promise.all(Array.from({ length: 4 }, () => platform.run(registerMutation, variables)));
    const payloads = answers.map(({ data }) => data.register);
    expect(payloads.flatMap(codes)).toEqual([]);
    expect(new Set(payloads.map(({ user }) => user.id)).size).toBe(1);
    expect(payloads.filter(({ replayed }) => !replayed)).toHaveLength(1);
  });

  test('with another name or another password is a conflict and signs nobody in', async () => {
    const given = input();
    await platform.run(registerMutation, { input: given, key: 'k' });
    for (const change of [{ name: 'Somebody Else' }, { password: 'another password' }]) {
      const { data } = await platform.run(registerMutation, { input: { ...given, ...change }, key: 'k' });
      expect(data.register).toMatchObject({
        tokens: null,
        userErrors: [{ __typename: 'IdempotencyConflictError', retryable: false }],
      });
    }
  });

  test('can not be used to guess the password beyond the limit of logins', async () => {
    const given = input();
    await platform.run(registerMutation, { input: given, key: 'k' });
    let last;
    for (let guess = 0; guess < 12; guess += 1)
      last = await platform.run(registerMutation, { input: { ...given, password: `wrong guess ${guess}` }, key: 'k' });
    expect(last?.data.register.userErrors[0]).toMatchObject({
      __typename: 'InvalidCredentialsError',
      retryAfterSeconds: expect.any(Number),
    });
  });

  test('keys of different numbers never meet', async () => {
    const answers = [
      await platform.run(registerMutation, { input: input(), key: 'same' }),
      await platform.run(registerMutation, { input: input(), key: 'same' }),
    ];
    expect(answers.map(({ data }) => data.register.replayed)).toEqual([false, false]);
  });

  test('a key with a space in it is refused as such', async () => {
    const { data } = await platform.run(registerMutation, { input: input(), key: 'a b' });
    expect(data.register.userErrors).toMatchObject([{ __typename: 'ValidationError', path: ['idempotencyKey'] }]);
  });
});

describe('login', () => {
  test('opens a new session for the right password, however the number is written', async () => {
    const person = await registerPerson(platform);
    const { data } = await platform.run(loginMutation, {
      mobile: ` ${person.mobile.slice(0, 5)} ${person.mobile.slice(5)}`,
      password: person.password,
    });
    expect(data.login).toMatchObject({ user: { id: person.id }, userErrors: [] });
    expect(data.login.tokens.refreshToken).not.toBe(person.refreshToken);
  });

  test('answers an unknown number, a wrong password and nonsense alike', async () => {
    const person = await registerPerson(platform);
    const refusals = [];
    for (const shown of [
      { mobile: person.mobile, password: 'wrong password' },
      { mobile: newMobile(), password: person.password },
      { mobile: 'nonsense', password: '' },
      { mobile: person.mobile, password: 'x'.repeat(5000) },
    ]) {
      refusals.push((await platform.run(loginMutation, shown)).data.login);
    }
    expect(refusals[0]).toMatchObject({
      user: null,
      tokens: null,
      userErrors: [{ code: 'INVALID_CREDENTIALS', retryAfterSeconds: null }],
    });
    for (const refusal of refusals) expect(refusal).toEqual(refusals[0]);
  });

  test('takes the time of a hash for a number that nobody has', async () => {
    const person = await registerPerson(platform);
    const elapsedMs = async (mobile: string) => {
      const started = performance.now();
      await platform.run(loginMutation, { mobile, password: 'wrong password' });
      return performance.now() - started;
    };
    // In turns, and the fastest of each: what else the machine does must not tell them apart.
    const known: number[] = [];
    const unknown: number[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      known.push(await elapsedMs(person.mobile));
      unknown.push(await elapsedMs(newMobile()));
    }
    expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) / 2);
    expect(Math.min(...unknown)).toBeLessThan(Math.min(...known) * 2);
  });

  test('with a repeated key checks the password again and says that it was repeated', async () => {
    const { mobile, password } = await registerPerson(platform);
    const first = await platform.run(loginMutation, { mobile, password, key: 'l' });
    const second = await platform.run(loginMutation, { mobile, password, key: 'l' });
    const wrong = await platform.run(loginMutation, { mobile, password: 'wrong password', key: 'l' });
    expect([first, second].map(({ data }) => data.login.replayed)).toEqual([false, true]);
    expect(codes(wrong.data.login)).toEqual(['INVALID_CREDENTIALS']);
  });
});

test('a number that was registered shows in no answer to somebody else who registers', async () => {
  const person = await registerPerson(platform);
  const { data } = await platform.run(
    `mutation ($input: RegisterInput!) { register(input: $input) { ${authFields} } }`,
    { input: input({ mobile: person.mobile }) },
  );
  expect(JSON.stringify(data)).not.toContain(person.id);
});
