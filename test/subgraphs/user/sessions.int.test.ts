import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cleanUp, restoreRedis } from '../../../subgraphs/user/jobs.ts';
import {
  type UserPlatform,
  loginMutation,
  openUserPlatform,
  redisDatabase,
  refreshMutation,
  registerPerson,
  viewerOf,
} from './support.ts';

let platform: UserPlatform;
beforeAll(async () => {
  platform = await openUserPlatform({ database: redisDatabase.sessions });
});
afterAll(() => platform.close());

const refresh = async (token: string) => (await platform.run(refreshMutation, { token })).data.refreshTokens;
const isRevoked = async (sessionId: string) =>
  (await platform.runtime.redis.zScore('auth:revoked-sessions', sessionId)) !== null;
const refused = {
  user: null,
  tokens: null,
  userErrors: [{ __typename: 'InvalidCredentialsError', code: 'INVALID_CREDENTIALS' }],
};

describe('access tokens', () => {
  test('verify against the served keys with issuer, audience, type, session and roles', async () => {
    const person = await registerPerson(platform);
    const answer = await platform.subgraph.raw({
      method: 'GET',
      path: '/.well-known/jwks.json',
      headers: {},
      body: Buffer.alloc(0),
    });
    expect(answer.status).toBe(200);
    const keys = JSON.parse(answer.body);
    expect(keys.keys).toEqual([
      { kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: 'development-only', alg: 'EdDSA', use: 'sig' },
    ]);
    const { payload } = await jwtVerify(person.accessToken, createLocalJWKSet(keys), {
      issuer: 'order-platform', audience: 'order-platform-api', typ: 'at+jwt', algorithms: ['EdDSA'],
    }); // prettier-ignore
    expect(payload).toMatchObject({ sub: person.id, roles: ['CUSTOMER'], sid: expect.any(String) });
    expect(decodeProtectedHeader(person.accessToken)).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: 'development-only' });
  });

  test('last ten minutes and are to be refreshed after five', async () => {
    const { mobile, password } = await registerPerson(platform);
    const before = Date.now();
    const { tokens } = (await platform.run(loginMutation, { mobile, password })).data.login;
    const claims = JSON.parse(Buffer.from(tokens.accessToken.split('.')[1], 'base64url').toString());
    expect(claims.exp - claims.iat).toBe(600);
    expect(new Date(tokens.accessExpiresAt).getTime()).toBe(claims.exp * 1000);
    expect(new Date(tokens.refreshAfter).getTime()).toBe((claims.iat + 300) * 1000);
    expect(new Date(tokens.accessExpiresAt).getTime()).toBeLessThanOrEqual(before + 601_000);
  });
});

describe('refreshTokens', () => {
  test('continues the session with new tokens, over and over', async () => {
    const person = await registerPerson(platform);
    let { refreshToken } = person;
    for (let turn = 0; turn < 3; turn += 1) {
      const payload = await refresh(refreshToken);
      expect(payload).toMatchObject({ user: { id: person.id }, replayed: false, userErrors: [] });
      expect(viewerOf(payload.tokens.accessToken).sessionId).toBe(person.viewer.sessionId);
      expect(payload.tokens.refreshToken).not.toBe(refreshToken);
      ({ refreshToken } = payload.tokens);
    }
  });

  test('a token that comes a second time ends the session, its newest token included', async () => {
    const person = await registerPerson(platform);
    const notices: string[] = [];
    const stopListening = platform.runtime.live.listen('auth-revoked', (sessionId) => notices.push(String(sessionId)));
    const { tokens } = await refresh(person.refreshToken);
    expect(await isRevoked(person.viewer.sessionId)).toBe(false);
    expect(await refresh(person.refreshToken)).toMatchObject(refused);
    expect(await refresh(tokens.refreshToken)).toMatchObject(refused);
    expect(await isRevoked(person.viewer.sessionId)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(notices).toContain(person.viewer.sessionId);
    stopListening();
  });

  test('of several refreshes with one token at the same time one wins, and the session ends', async () => {
    const person = await registerPerson(platform);
    const payloads = await Promise.all(Array.from({ length: 6 }, () => refresh(person.refreshToken)));
    const winners = payloads.filter(({ tokens }) => tokens !== null);
    expect(winners).toHaveLength(1);
    expect(await refresh(winners[0].tokens.refreshToken)).toMatchObject(refused);
    expect(await isRevoked(person.viewer.sessionId)).toBe(true);
    const [row] = await platform.sql('select revoked_because from user_session where id = unhex(?)', [
      person.viewer.sessionId.replaceAll('-', ''),
    ]);
    expect(row).toEqual({ revoked_because: 'TOKEN_REUSED' });
  });

  test('leaves the other sessions of the user alone when one ends', async () => {
    const person = await registerPerson(platform);
    const { mobile, password } = person;
    const other = (await platform.run(loginMutation, { mobile, password })).data.login.tokens;
    await refresh(person.refreshToken);
    await refresh(person.refreshToken);
    expect(await refresh(other.refreshToken)).toMatchObject({ userErrors: [] });
  });

  test('refuses unknown and expired tokens', async () => {
    expect(await refresh('nonsense')).toMatchObject(refused);
    expect(await refresh('')).toMatchObject(refused);
    const person = await registerPerson(platform);
    await platform.sql(
      'update refresh_token set expires_at = utc_timestamp(3) - interval 1 second where session_id = unhex(?)',
      [person.viewer.sessionId.replaceAll('-', '')],
    );
    expect(await refresh(person.refreshToken)).toMatchObject(refused);
    expect(await isRevoked(person.viewer.sessionId)).toBe(false);
  });

  test('gives the roles that the user has now', async () => {
    const person = await registerPerson(platform);
    await platform.sql("update user_account set roles = 'CUSTOMER,MERCHANT' where id = unhex(?)", [
      person.id.replaceAll('-', ''),
    ]);
    const { tokens } = await refresh(person.refreshToken);
    expect(viewerOf(tokens.accessToken).roles).toEqual(['CUSTOMER', 'MERCHANT']);
  });
});

describe('logout', () => {
  test('ends the session at once and may be repeated', async () => {
    const { viewer, refreshToken } = await registerPerson(platform);
    for (let turn = 0; turn < 2; turn += 1)
      expect((await platform.run('mutation { logout }', {}, { viewer })).data).toEqual({ logout: true });
    expect(await refresh(refreshToken)).toMatchObject(refused);
    expect(await isRevoked(viewer.sessionId)).toBe(true);
  });

  test('of nobody is UNAUTHENTICATED', async () => {
    expect((await platform.run('mutation { logout }')).errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
  });

  test('can not end a session of somebody else', async () => {
    const [victim, attacker] = [await registerPerson(platform), await registerPerson(platform)];
    await platform.run(
      'mutation { logout }',
      {},
      { viewer: { ...attacker.viewer, sessionId: victim.viewer.sessionId } },
    );
    expect(await refresh(victim.refreshToken)).toMatchObject({ userErrors: [] });
  });
});

describe('changePassword', () => {
  const mutation =
    'mutation ($current: String!, $next: String!, $key: String) { changePassword(current: $current, next: $next, idempotencyKey: $key) { user { id } replayed userErrors { __typename ... on UserError { code path } } } }';

  test('ends all other sessions and makes only the new password good', async () => {
    const { id, mobile, password, viewer, refreshToken } = await registerPerson(platform);
    const other = (await platform.run(loginMutation, { mobile, password })).data.login.tokens;
    const { data } = await platform.run(mutation, { current: password, next: 'another good password' }, { viewer });
    expect(data.changePassword).toEqual({ user: { id }, replayed: false, userErrors: [] });
    expect(await refresh(other.refreshToken)).toMatchObject(refused);
    expect(await isRevoked(viewerOf(other.accessToken).sessionId)).toBe(true);
    expect(await refresh(refreshToken)).toMatchObject({ userErrors: [] });
    expect((await platform.run(loginMutation, { mobile, password })).data.login).toMatchObject(refused);
    expect((await platform.run(loginMutation, { mobile, password: 'another good password' })).data.login).toMatchObject(
      { userErrors: [] },
    );
  });

  test('refuses a wrong current password and a short new one', async () => {
    const { password, viewer } = await registerPerson(platform);
    const wrong = await platform.run(
      mutation,
      { current: 'wrong password', next: 'another good password' },
      { viewer },
    );
    expect(wrong.data.changePassword.userErrors).toEqual([
      { __typename: 'InvalidCredentialsError', code: 'INVALID_CREDENTIALS', path: ['current'] },
    ]);
    const short = await platform.run(mutation, { current: password, next: 'short' }, { viewer });
    expect(short.data.changePassword.userErrors).toEqual([
      { __typename: 'ValidationError', code: 'VALIDATION', path: ['next'] },
    ]);
  });

  test('repeated with its key changes once; with another new password it is a conflict', async () => {
    const { password, viewer } = await registerPerson(platform);
    const change = (next: string) => platform.run(mutation, { current: password, next, key: 'c' }, { viewer });
    expect((await change('another good password')).data.changePassword).toMatchObject({
      replayed: false,
      userErrors: [],
    });
    expect((await change('another good password')).data.changePassword).toMatchObject({
      replayed: true,
      userErrors: [],
    });
    expect((await change('yet another password')).data.changePassword.userErrors).toMatchObject([
      { code: 'IDEMPOTENCY_CONFLICT' },
    ]);
  });

  test('a login with the old password at the same moment leaves no session behind', async () => {
    const { mobile, password, viewer } = await registerPerson(platform);
    const logins = Array.from({ length: 6 }, () => platform.run(loginMutation, { mobile, password }));
    await platform.run(mutation, { current: password, next: 'another good password' }, { viewer });
    const tokens = (await Promise.all(logins)).map(({ data }) => data.login.tokens).filter((given) => given !== null);
    for (const given of tokens) expect(await refresh(given.refreshToken)).toMatchObject(refused);
  });
});

describe('what the jobs keep', () => {
  test('after a Redis loss the gateways learn again which sessions ended', async () => {
    const { viewer } = await registerPerson(platform);
    await platform.run('mutation { logout }', {}, { viewer });
    await platform.runtime.redis.flushDb();
    await platform.withDependencies(restoreRedis);
    expect(await isRevoked(viewer.sessionId)).toBe(true);
  });

  test('a revocation is forgotten when no access token of the session can be good any more', async () => {
    const { viewer } = await registerPerson(platform);
    await platform.run('mutation { logout }', {}, { viewer });
    await platform.withDependencies((deps) => restoreRedis({ ...deps, now: () => new Date(Date.now() + 721_000) }));
    expect(await isRevoked(viewer.sessionId)).toBe(false);
  });

  test('expired sessions and tokens go, live ones stay', async () => {
    const [old, live] = [await registerPerson(platform), await registerPerson(platform)];
    const bytes = old.viewer.sessionId.replaceAll('-', '');
    await platform.sql(
      'update refresh_token set expires_at = utc_timestamp(3) - interval 2 day where session_id = unhex(?)',
      [bytes],
    );
    await platform.sql('update user_session set expires_at = utc_timestamp(3) - interval 2 day where id = unhex(?)', [
      bytes,
    ]);
    await platform.withDependencies(cleanUp);
    const [row] = await platform.sql(
      'select (select count(*) from user_session where id = unhex(?)) + (select count(*) from refresh_token where session_id = unhex(?)) as n',
      [bytes, bytes],
    );
    expect(Number(row?.['n'])).toBe(0);
    expect(await refresh(live.refreshToken)).toMatchObject({ userErrors: [] });
  });
});
