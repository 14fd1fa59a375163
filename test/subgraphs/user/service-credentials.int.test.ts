import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { restoreRedis } from '../../../subgraphs/user/jobs.ts';
import { createMetrics } from '../../../subgraphs/shared/process/telemetry.ts';
import { createUserSubgraph } from '../../../subgraphs/user/subgraph.ts';
import { type UserPlatform, openUserPlatform, redisDatabase, viewerWith } from './support.ts';

let platform: UserPlatform;
const admin = viewerWith('ADMIN');
beforeAll(async () => {
  platform = await openUserPlatform({ database: redisDatabase.credentials });
});
afterAll(() => platform.close());

const credentialFields =
  'credential { app service strict createdAt rotatedAt lastUsedAt revokedAt } token replayed userErrors { __typename ... on UserError { code path } }';
const issueMutation = `mutation ($app: String!, $service: String!, $strict: Boolean, $key: String) { issueServiceCredential(app: $app, service: $service, strict: $strict, idempotencyKey: $key) { ${credentialFields} } }`;
const revokeMutation = `mutation ($app: String!, $service: String!, $key: String) { revokeServiceCredential(app: $app, service: $service, idempotencyKey: $key) { ${credentialFields} } }`;
const issue = async (variables: Record<string, unknown>, viewer = admin) =>
  (await platform.run(issueMutation, variables, { viewer })).data.issueServiceCredential;
const revoke = async (variables: Record<string, unknown>, viewer = admin) =>
  (await platform.run(revokeMutation, variables, { viewer })).data.revokeServiceCredential;
const inRedis = (service: string, app: string) => platform.runtime.redis.hGet(`rpc:auth:${service}`, app);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

let last = 0;
let app: string;
beforeEach(() => {
  app = `app-${(last += 1)}`;
});

describe('issueServiceCredential', () => {
  test('[GM-6] gives a token that the service accepts, and keeps only its hash', async () => {
    const { token, credential } = await issue({ app, service: 'user' });
    expect(credential).toMatchObject({ app, service: 'user', strict: true, rotatedAt: null, revokedAt: null });
    expect(await inRedis('user', app)).toBe(sha256(token));
    expect((await platform.run('{ __typename }', {}, { app, token })).errors).toEqual([]);
    expect((await platform.run('{ __typename }', {}, { app, token: 'wrong' })).errors).toMatchObject([
      { code: 'UNAUTHORISED_CALLER' },
    ]);
    const [row] = await platform.sql('select hex(token_hash) as hash from service_credential where app = ?', [app]);
    expect(String(row?.['hash']).toLowerCase()).toBe(sha256(token));
  });

  test('replaces the token of a pair', async () => {
    const first = await issue({ app, service: 'product' });
    const second = await issue({ app, service: 'product', strict: false });
    expect(second.token).not.toBe(first.token);
    expect(second.credential).toMatchObject({
      strict: false,
      createdAt: first.credential.createdAt,
      rotatedAt: expect.any(String),
    });
    expect(await inRedis('product', app)).toBe(`${sha256(second.token)} relaxed`);
  });

  test('repeated with its key issues once and does not show the token again', async () => {
    const first = await issue({ app, service: 'order', key: app });
    const second = await issue({ app, service: 'order', key: app });
    expect(second).toMatchObject({ replayed: true, token: null, credential: { app, rotatedAt: null } });
    expect(await inRedis('order', app)).toBe(sha256(first.token));
    expect((await issue({ app, service: 'payment', key: app })).userErrors).toMatchObject([
      { code: 'IDEMPOTENCY_CONFLICT' },
    ]);
  });

  test('refuses names that are none, also the marker of what was seeded', async () => {
    expect((await issue({ app: '*seeded*', service: 'nonsense' })).userErrors).toMatchObject([
      { path: ['app'] },
      { path: ['service'] },
    ]);
  });
});

describe('revokeServiceCredential', () => {
  test('takes the right back, and again changes nothing', async () => {
    const { token } = await issue({ app, service: 'user' });
    const first = await revoke({ app, service: 'user' });
    expect(first).toMatchObject({ token: null, userErrors: [], credential: { app, revokedAt: expect.any(String) } });
    expect(await inRedis('user', app)).toBeNull();
    expect((await platform.run('{ __typename }', {}, { app, token })).errors).toMatchObject([
      { code: 'UNAUTHORISED_CALLER' },
    ]);
    expect((await revoke({ app, service: 'user' })).credential.revokedAt).toBe(first.credential.revokedAt);
  });

  test('a repeated key does not take back what was issued since', async () => {
    await issue({ app, service: 'user' });
    await revoke({ app, service: 'user', key: app });
    const { token } = await issue({ app, service: 'user' });
    expect(await revoke({ app, service: 'user', key: app })).toMatchObject({ replayed: true });
    expect(await inRedis('user', app)).toBe(sha256(token));
  });

  test('of a pair that never was is NOT_FOUND', async () => {
    expect((await revoke({ app, service: 'user' })).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
  });
});

describe('serviceCredentials', () => {
  const list = async () =>
    (await platform.run('{ serviceCredentials { app service strict lastUsedAt revokedAt } }', {}, { viewer: admin }))
      .data.serviceCredentials;

  test('lists what SERVICE_TOKENS grants and what was issued, with the last use', async () => {
    const { token } = await issue({ app, service: 'user' });
    await platform.run('{ __typename }', {}, { app, token });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const credentials = await list();
    expect(credentials).toContainEqual({
      app,
      service: 'user',
      strict: true,
      lastUsedAt: expect.any(String),
      revokedAt: null,
    });
    for (const service of ['user', 'product', 'order', 'payment'])
      expect(credentials).toContainEqual(expect.objectContaining({ app: 'gateway', service }));
  });

  test('are for administrators only, as is changing them', async () => {
    const pair = { app, service: 'user' };
    for (const viewer of [viewerWith('CUSTOMER'), viewerWith('MERCHANT'), viewerWith('OPERATOR')]) {
      expect((await platform.run('{ serviceCredentials { app } }', {}, { viewer })).errors).toMatchObject([
        { code: 'FORBIDDEN' },
      ]);
      expect((await issue(pair, viewer)).userErrors).toMatchObject([{ __typename: 'ForbiddenError' }]);
      expect((await revoke(pair, viewer)).userErrors).toMatchObject([{ __typename: 'ForbiddenError' }]);
    }
    expect((await platform.run(issueMutation, pair)).errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
    expect((await platform.run(revokeMutation, pair, { app: 'order' })).errors).toMatchObject([
      { code: 'UNAUTHENTICATED' },
    ]);
  });
});

test('after a Redis loss issued credentials come back, revoked ones stay out, and SERVICE_TOKENS holds', async () => {
  const issued = await issue({ app, service: 'user' });
  const revoked = `${app}-revoked`;
  await issue({ app: revoked, service: 'user' });
  await revoke({ app: revoked, service: 'user' });
  await platform.runtime.redis.flushDb();
  // A caller that Redis has forgotten makes the service seed SERVICE_TOKENS again.
  await platform.run('{ __typename }', {}, { app: 'stranger', token: 'x' });
  expect(await inRedis('user', 'payment')).toBe(sha256('development-payment'));
  // As Redis may have it from before a restore of an older state.
  await platform.runtime.redis.hSet('rpc:auth:user', revoked, sha256('whatever'));

  await platform.withDependencies(restoreRedis);
  expect(await inRedis('user', revoked)).toBeNull();
  expect(await inRedis('user', app)).toBe(sha256(issued.token));
  expect(await inRedis('user', 'order')).toBe(sha256('development-order'));
});

describe('what SERVICE_TOKENS sets', () => {
  test.each(['gateway', 'user', 'product', 'order', 'payment'])(
    'is neither issued nor revoked for %s, which would cut it off',
    async (configured) => {
      for (const service of ['user', 'product', 'order', 'payment']) {
        const before = await inRedis(service, configured);
        for (const answer of [
          await issue({ app: configured, service }),
          await revoke({ app: configured, service, key: `${configured}-${service}` }),
        ]) {
          expect(answer).toMatchObject({
            token: null,
            credential: null,
            userErrors: [{ __typename: 'ForbiddenError', path: ['app'] }],
          });
        }
        expect(await inRedis(service, configured)).toBe(before);
      }
    },
  );

  test('holds again after a start, whatever was issued or revoked for its apps before', async () => {
    await platform.sql("update service_credential set revoked_at = now(3) where app = 'order' and service = 'user'");
    await platform.sql(
      "update service_credential set token_hash = repeat('x', 32), strict = 0 where app = 'payment' and service = 'user'",
    );
    await platform.runtime.redis.hDel('rpc:auth:user', 'order');
    await platform.runtime.redis.hSet('rpc:auth:user', 'payment', sha256('another'));
    // As a process of its own has them.
    const again = await createUserSubgraph({ ...platform.runtime, metrics: createMetrics() });
    await again.close();
    await platform.withDependencies(restoreRedis);
    for (const configured of ['order', 'payment'])
      expect(await inRedis('user', configured)).toBe(sha256(`development-${configured}`));
    const rows = await platform.sql(
      "select token_hash, strict, revoked_at from service_credential where service = 'user' and app in ('order', 'payment')",
    );
    expect(rows).toEqual([1, 2].map(() => ({ token_hash: null, strict: 1, revoked_at: null })));
  });
});
