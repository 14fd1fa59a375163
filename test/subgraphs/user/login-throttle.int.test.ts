import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLoginThrottle, isWait } from '../../../subgraphs/user/login-throttle.ts';
import { type UserPlatform, loginMutation, newMobile, openUserPlatform, registerPerson } from './support.ts';

let platform: UserPlatform;
beforeAll(async () => {
  platform = await openUserPlatform({
    env: { LOGIN_FAILURES_PER_ACCOUNT: '3', LOGIN_FAILURES_PER_ADDRESS: '5', LOGIN_WINDOW_SECONDS: '4' },
  });
});
afterAll(() => platform.close());

const login = async (shown: { mobile: string; password: string }, address?: string) =>
  (await platform.run(loginMutation, shown, address === undefined ? {} : { address })).data.login;
const retryAfter = (payload: { userErrors: { retryAfterSeconds: number | null }[] }): number | null | undefined =>
  payload.userErrors[0]?.retryAfterSeconds;
let lastAddress = 0;
const newAddress = (): string => `198.51.${Math.floor(Math.random() * 256)}.${(lastAddress += 1)}`;

test('after too many failures even the right password waits, until the window is over', async () => {
  const { mobile, password } = await registerPerson(platform);
  for (let failure = 0; failure < 3; failure += 1)
    expect(retryAfter(await login({ mobile, password: 'wrong password' }))).toBeNull();
  const throttled = await login({ mobile, password });
  expect(throttled).toMatchObject({ user: null, userErrors: [{ code: 'INVALID_CREDENTIALS' }] });
  expect(retryAfter(throttled)).toBeGreaterThanOrEqual(1);
  expect(retryAfter(throttled)).toBeLessThanOrEqual(4);
  await new Promise((resolve) => setTimeout(resolve, 4_100));
  expect(await login({ mobile, password })).toMatchObject({ userErrors: [] });
}, 20_000);

test('an account that nobody has is throttled the same', async () => {
  const shown = { mobile: newMobile(), password: 'wrong password' };
  const waits = [];
  for (let failure = 0; failure < 4; failure += 1) waits.push(retryAfter(await login(shown)));
  expect(waits).toEqual([null, null, null, expect.any(Number)]);
});

test("several guesses at the same time, or in one operation, don't outrun the counter", async () => {
  const { mobile } = await registerPerson(platform);
  const answers = await Promise.all(Array.from({ length: 8 }, () => login({ mobile, password: 'wrong password' })));
  expect(answers.filter((payload) => retryAfter(payload) === null)).toHaveLength(3);
  const other = await registerPerson(platform);
  const aliases = Array.from(
    { length: 6 },
    (_, index) =>
      `a${index}: login(mobile: "${other.mobile}", password: "wrong ${index}") { userErrors { ... on InvalidCredentialsError { retryAfterSeconds } } }`,
  );
  const { data } = await platform.run(`mutation { ${aliases.join(' ')} }`);
  expect(
    Object.values(data as Record<string, never>)
      .map(retryAfter)
      .filter((wait) => wait === null),
  ).toHaveLength(3);
});

test('many right logins of one account at once all succeed, also beyond the number of failures', async () => {
  const { mobile, password } = await registerPerson(platform);
  const answers = await Promise.all(Array.from({ length: 30 }, () => login({ mobile, password }, newAddress())));
  expect(answers.filter(({ userErrors }) => userErrors.length > 0)).toEqual([]);
  // And none of them counts: all guesses that are allowed are still there.
  const wrong = [];
  for (let failure = 0; failure < 4; failure += 1)
    wrong.push(retryAfter(await login({ mobile, password: 'wrong one' })));
  expect(wrong).toEqual([null, null, null, expect.any(Number)]);
}, 20_000);

test('while others hold all places and nothing has failed, the answer is to come again in a second', async () => {
  const limits = { maxFailuresPerAccount: 2, maxFailuresPerAddress: 5, loginWindowSeconds: 900, maxQueuedPasswords: 9 };
  const throttle = createLoginThrottle(platform.runtime.redis, limits, { maxWaitMs: 100 });
  const attempt = { account: newMobile(), address: undefined, from: null };
  const [first, second] = [await throttle.begin(attempt), await throttle.begin(attempt)];
  expect(await throttle.begin(attempt)).toEqual({ because: 'BUSY', seconds: 1 });
  if (isWait(first) || isWait(second)) throw new Error('two places were free');
  await first.givenUp();
  const third = await throttle.begin(attempt);
  if (isWait(third)) throw new Error('a place was given back');
  await second.failed();
  await third.failed();
  expect(await throttle.begin(attempt)).toMatchObject({ because: 'FAILURES', seconds: 900 });
});

test('a success starts the account anew', async () => {
  const { mobile, password } = await registerPerson(platform);
  for (let turn = 0; turn < 3; turn += 1) {
    await login({ mobile, password: 'wrong password' });
    await login({ mobile, password: 'wrong password' });
    expect(await login({ mobile, password })).toMatchObject({ userErrors: [] });
  }
});

test('an address that tries many accounts is throttled, others are not', async () => {
  const address = newAddress();
  const { mobile, password } = await registerPerson(platform);
  for (let failure = 0; failure < 5; failure += 1)
    await login({ mobile: newMobile(), password: 'wrong password' }, address);
  expect(retryAfter(await login({ mobile, password }, address))).toBeGreaterThanOrEqual(1);
  expect(await login({ mobile, password }, newAddress())).toMatchObject({ userErrors: [] });
});

test('successes from one address are not counted', async () => {
  const address = newAddress();
  const { mobile, password } = await registerPerson(platform);
  for (let turn = 0; turn < 8; turn += 1)
    expect(await login({ mobile, password }, address)).toMatchObject({ userErrors: [] });
});

test('the current password of changePassword is counted, too', async () => {
  const { viewer } = await registerPerson(platform);
  const change = async () =>
    (
      await platform.run(
        'mutation { changePassword(current: "wrong password", next: "another password") { userErrors { ... on InvalidCredentialsError { retryAfterSeconds } } } }',
        {},
        { viewer },
      )
    ).data.changePassword;
  const waits = [];
  for (let failure = 0; failure < 4; failure += 1) waits.push(retryAfter(await change()));
  expect(waits).toEqual([null, null, null, expect.any(Number)]);
});

test('more passwords than may wait are answered TOO_MANY_REQUESTS', async () => {
  const small = await openUserPlatform({ env: { PASSWORD_QUEUE: '1' } });
  try {
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => small.run(loginMutation, { mobile: newMobile(), password: 'some password' })),
    );
    const codes = answers.map(({ errors }) => errors[0]?.code);
    // How many arrive while others are hashed is the machine's affair; the unit test counts exactly.
    expect(new Set(codes)).toEqual(new Set(['TOO_MANY_REQUESTS', undefined]));
  } finally {
    await small.close();
  }
});
