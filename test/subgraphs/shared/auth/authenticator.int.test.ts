import { createHash } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type StandingApps, authenticator } from '../../../../subgraphs/shared/auth/authenticator.ts';
import {
  type Viewer,
  anonymous,
  isAdmin,
  isService,
  isStaff,
  mayRead,
  requireAdmin,
  requireService,
  requireStaff,
  requireUser,
} from '../../../../subgraphs/shared/auth/viewer.ts';
import { callerHeaders } from '../../../../subgraphs/shared/auth/caller-headers.ts';
import { grantService, revokeService, rpcAuthKey, rpcUsedKey } from '../../../../subgraphs/shared/auth/grants.ts';
import { identitySigner } from '../../../../subgraphs/shared/auth/identity.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { type Redis, openRedis } from '../../../../subgraphs/shared/process/redis.ts';
import { createLogger } from '../../../../subgraphs/shared/process/telemetry.ts';
import { startTestServers } from '../../../support/test-servers.ts';
import { until } from '../../../support/until.ts';

const log = createLogger('test', 'silent');
const database = 3;
const url = (): string => `${process.env['TEST_REDIS_URL']?.replace(/\/\d*$/, '')}/${database}`;
const secret = 'a secret of this test, long enough for HS256';
const user = { kind: 'user', userId: newId(), roles: ['CUSTOMER'], sessionId: newId() } as const;
const sign = identitySigner(secret);

let redis: Redis;
let service: string;
let reseeds: number;
beforeAll(async () => {
  redis = await openRedis(url(), log);
});
afterAll(() => redis.destroy());
beforeEach(() => {
  service = `callee-${newId()}`;
  reseeds = 0;
});

type Given = {
  redis?: Redis;
  strict?: boolean;
  now?: () => Date;
  reseed?: () => Promise<void>;
  standing?: StandingApps;
};
const open = (given: Given = {}) =>
  authenticator({
    service,
    redis,
    identitySecret: secret,
    strict: true,
    now: () => new Date(),
    reseed: async () => {
      reseeds += 1;
    },
    ...given,
  });
const caller = (app: string, token: string, identity?: string) => ({
  [callerHeaders.app]: app,
  [callerHeaders.token]: token,
  ...(identity === undefined ? {} : { [callerHeaders.identity]: identity }),
});
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: { extensions: { code: string } }) => error.extensions.code,
  );

describe('a caller', () => {
  test('is the service that its app and token say', async () => {
    await grantService(redis, { app: 'order', service, token: 'order-token' });
    expect(await open()(caller('order', 'order-token'))).toEqual({
      app: 'order',
      viewer: { kind: 'service', app: 'order' },
    });
    expect(await redis.hGet(rpcAuthKey(service), 'order')).toBe(
      createHash('sha256').update('order-token').digest('hex'),
    );
  });

  test('without app or token, with a wrong or foreign token, or of an unknown app is refused', async () => {
    await grantService(redis, { app: 'order', service, token: 'order-token' });
    await grantService(redis, { app: 'payment', service, token: 'payment-token' });
    const authenticate = open();
    for (const headers of [
      {},
      { [callerHeaders.app]: 'order' },
      { [callerHeaders.token]: 'order-token' },
      caller('order', 'wrong'),
      caller('order', 'payment-token'),
      caller('stranger', 'order-token'),
      caller('*seeded*', 'x'),
    ]) {
      expect(await code(authenticate(headers))).toBe('UNAUTHORISED_CALLER');
    }
  });

  test('is refused when what Redis holds is no hash', async () => {
    await redis.hSet(rpcAuthKey(service), 'order', 'no hash');
    expect(await code(open()(caller('order', 'order-token')))).toBe('UNAUTHORISED_CALLER');
  });

  test('of which Redis knows nothing makes the service put its configured grants back', async () => {
    const authenticate = open({ reseed: () => grantService(redis, { app: 'order', service, token: 'order-token' }) });
    expect(await code(authenticate(caller('order', 'order-token')))).toBe('accepted');
  });

  test('is remembered, so that the next call asks Redis nothing, and its use is noted', async () => {
    await grantService(redis, { app: 'order', service, token: 'order-token' });
    const authenticate = open();
    await authenticate(caller('order', 'order-token'));
    await revokeService(redis, { app: 'order', service });
    expect(await code(authenticate(caller('order', 'order-token')))).toBe('accepted');
    expect(await code(open()(caller('order', 'order-token')))).toBe('UNAUTHORISED_CALLER');
    expect(reseeds).toBe(1);
    expect(Number(await redis.hGet(rpcUsedKey(service), 'order'))).toBeGreaterThan(Date.now() - 10_000);
  });

  test('whose right was taken back is refused within six seconds', async () => {
    await grantService(redis, { app: 'order', service, token: 'order-token' });
    let now = Date.now();
    const authenticate = open({ now: () => new Date(now) });
    await authenticate(caller('order', 'order-token'));
    await revokeService(redis, { app: 'order', service });
    now += 6_000;
    expect(await code(authenticate(caller('order', 'order-token')))).toBe('UNAUTHORISED_CALLER');
  });
});

describe('when Redis does not answer', () => {
  /** Accepts the app once, then loses Redis for longer than a grant is remembered. */
  async function afterLosingRedis(given: { strictService: boolean; strictGrant: boolean }) {
    const own = await openRedis(url(), log);
    await grantService(own, { app: 'order', service, token: 'order-token', strict: given.strictGrant });
    let now = Date.now();
    const authenticate = open({ redis: own, strict: given.strictService, now: () => new Date(now) });
    await authenticate(caller('order', 'order-token'));
    own.destroy();
    now += 6_000;
    return {
      known: await code(authenticate(caller('order', 'order-token'))),
      wrong: await code(authenticate(caller('order', 'wrong'))),
      unknown: await code(authenticate(caller('payment', 'x'))),
    };
  }

  test('a strict service refuses strict grants; a relaxed service or grant is trusted as it was last known, an unknown app never', async () => {
    const strict = await afterLosingRedis({ strictService: true, strictGrant: true });
    const relaxedGrant = await afterLosingRedis({ strictService: true, strictGrant: false });
    const relaxedService = await afterLosingRedis({ strictService: false, strictGrant: true });
    expect(strict).toEqual({
      known: 'SERVICE_UNAVAILABLE',
      wrong: 'SERVICE_UNAVAILABLE',
      unknown: 'SERVICE_UNAVAILABLE',
    });
    expect(relaxedGrant).toEqual({ known: 'accepted', wrong: 'UNAUTHORISED_CALLER', unknown: 'SERVICE_UNAVAILABLE' });
    expect(relaxedService).toEqual({ known: 'accepted', wrong: 'UNAUTHORISED_CALLER', unknown: 'SERVICE_UNAVAILABLE' });
  });
});

describe("the platform's own apps while Redis does not answer", () => {
  const graceMs = 60_000;
  /** Two own apps of which Redis knows, one of them revoked before; then Redis is lost for `lostMs`. */
  async function afterLosingRedis(given: { lostMs: number; graceMs?: number }) {
    const own = await openRedis(url(), log);
    await grantService(own, { app: 'order', service, token: 'order-token' });
    await grantService(own, { app: 'issued', service, token: 'issued-token' });
    let now = Date.now();
    const standing = { tokens: new Map([['order', 'order-token'], ['user', 'user-token']]), graceMs: given.graceMs ?? graceMs }; // prettier-ignore
    const authenticate = open({ redis: own, now: () => new Date(now), standing });
    await authenticate.refresh();
    await authenticate(caller('issued', 'issued-token'));
    own.destroy();
    now += given.lostMs;
    return {
      own: await code(authenticate(caller('order', 'order-token'))),
      wrong: await code(authenticate(caller('order', 'wrong'))),
      neverConfirmed: await code(authenticate(caller('user', 'user-token'))),
      issued: await code(authenticate(caller('issued', 'issued-token'))),
    };
  }
  const refused = 'SERVICE_UNAVAILABLE';

  test('stay accepted for the grace with the token that Redis has confirmed; a wrong token, an app that it has not confirmed and issued credentials do not', async () => {
    expect(await afterLosingRedis({ lostMs: 30_000 })).toEqual({
      own: 'accepted',
      wrong: 'UNAUTHORISED_CALLER',
      neverConfirmed: refused,
      issued: refused,
    });
  });

  test('are refused after the grace, and without one as every strict grant is', async () => {
    const all = { own: refused, wrong: refused, neverConfirmed: refused, issued: refused };
    expect(await afterLosingRedis({ lostMs: graceMs + 1 })).toEqual(all);
    expect(await afterLosingRedis({ lostMs: 6_000, graceMs: 0 })).toEqual(all);
  });

  test('whose grant was taken back are refused at the next look', async () => {
    await grantService(redis, { app: 'order', service, token: 'order-token' });
    let now = Date.now();
    const standing = { tokens: new Map([['order', 'order-token']]), graceMs };
    const authenticate = open({ now: () => new Date(now), standing });
    expect(await code(authenticate(caller('order', 'order-token')))).toBe('accepted');
    await revokeService(redis, { app: 'order', service });
    await authenticate.refresh();
    expect(await code(authenticate(caller('order', 'order-token')))).toBe('UNAUTHORISED_CALLER');
    now += 6_000;
    expect(await code(authenticate(caller('order', 'order-token')))).toBe('UNAUTHORISED_CALLER');
  });
});

describe('an identity', () => {
  beforeEach(async () => {
    await grantService(redis, { app: 'gateway', service, token: 'gateway-token' });
    await grantService(redis, { app: 'order', service, token: 'order-token' });
  });
  const show = async (identity: string | undefined, given: Given = {}) =>
    open(given)(caller('gateway', 'gateway-token', identity));

  test('that the gateway signed is the user; without one nobody is signed in', async () => {
    expect(await show(await sign(user))).toEqual({ app: 'gateway', viewer: user });
    expect(await show(undefined)).toEqual({ app: 'gateway', viewer: anonymous });
  });

  test('from any other service is ignored', async () => {
    expect(await open()(caller('order', 'order-token', await sign(user)))).toEqual({
      app: 'order',
      viewer: { kind: 'service', app: 'order' },
    });
  });

  test('ends after a minute, also one that was accepted before', async () => {
    let now = Date.now();
    const authenticate = open({ now: () => new Date(now) });
    const headers = caller('gateway', 'gateway-token', await sign(user));
    expect(await code(authenticate(headers))).toBe('accepted');
    now += 61_000;
    expect(await code(authenticate(headers))).toBe('UNAUTHORISED_CALLER');
  });

  test('with another secret, type, issuer or audience, unsigned, or nonsense is refused', async () => {
    const forge = (change: { secret?: string; typ?: string; issuer?: string; audience?: string } = {}) =>
      new SignJWT({ roles: ['ADMIN'], sid: newId() })
        .setProtectedHeader({ alg: 'HS256', typ: change.typ ?? 'identity+jwt' })
        .setSubject(newId())
        .setIssuer(change.issuer ?? 'order-platform-gateway')
        .setAudience(change.audience ?? 'order-platform-subgraph')
        .setIssuedAt()
        .setExpirationTime('60s')
        .sign(new TextEncoder().encode(change.secret ?? secret));
    expect(await code(show(await forge()))).toBe('accepted');
    const [header = '', payload = ''] = (await forge()).split('.');
    const unsigned = `${Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(header, 'base64url').toString()), alg: 'none' })).toString('base64url')}.${payload}.`;
    const forged = await Promise.all([
      forge({ secret: 'another secret that is long enough, too' }),
      forge({ typ: 'at+jwt' }),
      forge({ issuer: 'x' }),
      forge({ audience: 'x' }),
    ]);
    for (const identity of [...forged, unsigned, 'nonsense', 'a.b.c'])
      expect(await code(show(identity))).toBe('UNAUTHORISED_CALLER');
  });

  test('without an end, a beginning, a user or a session, of roles that nobody has, too old, or from the future is refused', async () => {
    const now = Math.floor(Date.now() / 1_000);
    const forge = (claims: Record<string, unknown>) =>
      new SignJWT({ roles: ['CUSTOMER'], sid: newId(), sub: newId(), iat: now, exp: now + 60, ...claims })
        .setProtectedHeader({ alg: 'HS256', typ: 'identity+jwt' })
        .setIssuer('order-platform-gateway')
        .setAudience('order-platform-subgraph')
        .sign(new TextEncoder().encode(secret));
    expect(await code(show(await forge({})))).toBe('accepted');
    for (const claims of [
      { exp: undefined },
      { iat: undefined },
      { sub: undefined },
      { sid: undefined },
      { sub: 5 },
      { sid: 5 },
      { roles: undefined },
      { roles: 'ADMIN' },
      { roles: ['EMPEROR'] },
      { iat: now - 70, exp: now + 3_600 },
      { iat: now + 30, exp: now + 60 },
      { exp: now - 10 },
      { nbf: now + 30 },
    ])
      // prettier-ignore
      expect({ claims, code: await code(show(await forge(claims))) }).toEqual({ claims, code: 'UNAUTHORISED_CALLER' });
  });

  test('that says it lasts for years ends a minute after it was made, also where it was accepted before', async () => {
    let now = Date.now();
    const authenticate = open({ now: () => new Date(now) });
    const lasting = await new SignJWT({ roles: ['ADMIN'], sid: newId() })
      .setProtectedHeader({ alg: 'HS256', typ: 'identity+jwt' })
      .setSubject(newId())
      .setIssuer('order-platform-gateway')
      .setAudience('order-platform-subgraph')
      .setIssuedAt()
      .setExpirationTime('10y')
      .sign(new TextEncoder().encode(secret));
    const headers = caller('gateway', 'gateway-token', lasting);
    expect(await code(authenticate(headers))).toBe('accepted');
    now += 67_000;
    expect(await code(authenticate(headers))).toBe('UNAUTHORISED_CALLER');
  });

  test('is signed once for a viewer and anew for other roles or another session', async () => {
    expect(await sign(user)).toBe(await sign({ ...user }));
    expect(await sign({ ...user, roles: ['CUSTOMER', 'OPERATOR'] })).not.toBe(await sign(user));
    expect(await sign({ ...user, sessionId: newId() })).not.toBe(await sign(user));
  });
});

describe('what a viewer may do', () => {
  const viewers: Record<string, Viewer> = {
    anonymous, customer: user, operator: { ...user, userId: newId(), roles: ['OPERATOR'] }, admin: { ...user, userId: newId(), roles: ['ADMIN'] },
    merchant: { ...user, userId: newId(), roles: ['CUSTOMER', 'MERCHANT'] }, service: { kind: 'service', app: 'order' },
  }; // prettier-ignore
  const outcome = (check: () => unknown): string => {
    try {
      check();
      return 'ok';
    } catch (error) {
      return (error as { extensions: { code: string } }).extensions.code;
    }
  };

  test.each([
    [
      'anonymous',
      {
        user: 'UNAUTHENTICATED',
        staff: 'UNAUTHENTICATED',
        admin: 'UNAUTHENTICATED',
        service: 'FORBIDDEN',
        reads: false,
      },
    ],
    ['customer', { user: 'ok', staff: 'FORBIDDEN', admin: 'FORBIDDEN', service: 'FORBIDDEN', reads: true }],
    ['merchant', { user: 'ok', staff: 'FORBIDDEN', admin: 'FORBIDDEN', service: 'FORBIDDEN', reads: false }],
    ['operator', { user: 'ok', staff: 'ok', admin: 'FORBIDDEN', service: 'FORBIDDEN', reads: true }],
    ['admin', { user: 'ok', staff: 'ok', admin: 'ok', service: 'FORBIDDEN', reads: true }],
    [
      'service',
      { user: 'UNAUTHENTICATED', staff: 'UNAUTHENTICATED', admin: 'UNAUTHENTICATED', service: 'ok', reads: true },
    ],
  ])('%s', (name, expected) => {
    const viewer = viewers[name] as Viewer;
    expect({
      user: outcome(() => requireUser(viewer)),
      staff: outcome(() => requireStaff(viewer)),
      admin: outcome(() => requireAdmin(viewer)),
      service: outcome(() => requireService(viewer)),
      reads: mayRead(viewer, user.userId),
    }).toEqual(expected);
    expect([isStaff(viewer), isAdmin(viewer), isService(viewer)]).toEqual([
      expected.staff === 'ok',
      expected.admin === 'ok',
      expected.service === 'ok',
    ]);
  });

  test('a service may only do what is for it', () => {
    expect(outcome(() => requireService({ kind: 'service', app: 'order' }, 'order', 'payment'))).toBe('ok');
    expect(outcome(() => requireService({ kind: 'service', app: 'product' }, 'order', 'payment'))).toBe('FORBIDDEN');
  });
});

test('while Redis hangs, a strict caller is told so within 3 s and a relaxed one is trusted, and both go on afterwards', async () => {
  const servers = await startTestServers({ mysqlUrl: String(process.env['TEST_MYSQL_URL']) });
  const hanging = await openRedis(servers.redisUrl, log);
  const pid = Number(/process_id:(\d+)/.exec(await hanging.info('server'))?.[1]);
  let atMs = Date.now();
  const authenticate = open({ redis: hanging, now: () => new Date(atMs) });
  const strict = caller('order', 'order-token');
  const relaxed = caller('payment', 'payment-token');
  try {
    await grantService(hanging, { app: 'order', service, token: 'order-token' });
    await grantService(hanging, { app: 'payment', service, token: 'payment-token', strict: false });
    expect([await code(authenticate(strict)), await code(authenticate(relaxed))]).toEqual(['accepted', 'accepted']);
    // What was read of the grants is too old now.
    atMs += 6_000;
    process.kill(pid, 'SIGSTOP');
    const started = performance.now();
    const codes = await Promise.all([code(authenticate(strict)), code(authenticate(relaxed))]);
    expect(codes).toEqual(['SERVICE_UNAVAILABLE', 'accepted']);
    expect(performance.now() - started).toBeLessThan(3_000);
    process.kill(pid, 'SIGCONT');
    await until(async () => (await code(authenticate(strict))) === 'accepted', { timeoutMs: 5_000 });
    expect(await code(authenticate(relaxed))).toBe('accepted');
  } finally {
    process.kill(pid, 'SIGCONT');
    hanging.destroy();
    await servers.stop();
  }
});
