import type { IncomingMessage } from 'node:http';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeJwt, jwtVerify } from 'jose';
import { type Caller, callerHeadersOf, clientAgent, headersFor } from '../../../gateway/callers/caller.ts';
import { type UserViewer, anonymous } from '../../../subgraphs/shared/auth/viewer.ts';
import { newTraceId } from '../../../subgraphs/shared/process/telemetry.ts';

const identitySecret = 'a secret that only this test knows';
const user = (userId: string, given: Partial<UserViewer> = {}): UserViewer => ({
  kind: 'user',
  userId,
  sessionId: `session of ${userId}`,
  roles: ['CUSTOMER'],
  ...given,
});
const callerOf = (viewer: Caller['viewer'], address = '192.0.2.1'): Caller => ({
  viewer,
  expiresAtMs: Infinity,
  address,
  traceId: newTraceId(),
});

/** What callers say, by a clock that the test moves. */
function world() {
  const clock = { ms: Date.parse('2026-11-21T12:00:00Z') };
  const said = callerHeadersOf({ token: 'token of the gateway', identitySecret, now: () => new Date(clock.ms) });
  const headers = async (caller: Caller) => (await said(caller)).headers as Record<string, string>;
  return {
    said,
    headers,
    identity: async (caller: Caller) => (await headers(caller))['x-identity'],
    clock,
  };
}
const parsed = (text: string): Record<string, string> =>
  Object.fromEntries(text.split('\r\n').slice(0, -1).map((line) => line.split(/: (.*)/s, 2))); // prettier-ignore

describe('what the gateway says of a caller', () => {
  test('is its own app and token, the signed identity, the trace and the address', async () => {
    const { headers, clock } = world();
    const caller = callerOf(user('u1', { roles: ['CUSTOMER', 'ADMIN'] }));
    const { 'x-identity': identity = '', traceparent, ...rest } = await headers(caller);
    expect(rest).toEqual({
      'x-service-app': 'gateway',
      'x-service-token': 'token of the gateway',
      'x-client-address': '192.0.2.1',
    });
    expect(traceparent).toMatch(new RegExp(`^00-${caller.traceId}-[0-9a-f]{16}-01$`));
    const { payload } = await jwtVerify(identity, new TextEncoder().encode(identitySecret), { currentDate: new Date(clock.ms) }); // prettier-ignore
    expect(payload).toMatchObject({ sub: 'u1', sid: 'session of u1', roles: ['CUSTOMER', 'ADMIN'] });
  });

  test('is the same as lines and as headers', async () => {
    const { said } = world();
    const viewers = fc.constantFrom(anonymous, user('u1'), user('u2'), user('u2', { roles: ['ADMIN'] }));
    const addresses = fc.constantFrom('192.0.2.1', '2001:db8::1', 'caf\u00e9', 'unknown');
    await fc.assert(
      fc.asyncProperty(viewers, addresses, async (viewer, address) => {
        const { headers, lines } = await said(callerOf(viewer, address));
        expect(parsed(lines.text)).toEqual(headers);
        expect(lines.isAscii).toBe(!address.includes('\u00e9'));
        expect(lines.text.endsWith('\r\n')).toBe(true);
      }),
    );
  });

  test('has the trace of its operation, and another span each time', async () => {
    const { said } = world();
    const [first, second] = [callerOf(user('u1')), callerOf(user('u1'))];
    const [one, again, other] = [await said(first), await said(first), await said(second)];
    expect(again.headers['traceparent']).not.toBe(one.headers['traceparent']);
    expect(String(other.headers['traceparent'])).toContain(second.traceId);
  });

  test('has the address from which it came, also when another came before with the same identity', async () => {
    const { headers } = world();
    const viewer = user('u1');
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.1', '192.0.2.3'])
      expect((await headers(callerOf(viewer, address)))['x-client-address']).toBe(address);
  });

  test('has the identity of nobody else from the same address', async () => {
    const { headers } = world();
    const subjects = [];
    for (const viewer of [user('u1'), anonymous, user('u2'), anonymous, user('u1', { sessionId: 'another' }), user('u1', { roles: [] })]) {
      const { 'x-identity': identity } = await headers(callerOf(viewer));
      subjects.push(identity === undefined ? null : decodeJwt(identity));
    }
    expect(subjects).toEqual([
      expect.objectContaining({ sub: 'u1', sid: 'session of u1', roles: ['CUSTOMER'] }),
      null,
      expect.objectContaining({ sub: 'u2', sid: 'session of u2', roles: ['CUSTOMER'] }),
      null,
      expect.objectContaining({ sub: 'u1', sid: 'another', roles: ['CUSTOMER'] }),
      expect.objectContaining({ sub: 'u1', sid: 'session of u1', roles: [] }),
    ]);
  }); // prettier-ignore

  test('has no identity of anonymous callers, who are known by their address', async () => {
    const { headers } = world();
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1']) {
      const { traceparent: _, ...rest } = await headers(callerOf(anonymous, address));
      expect(rest).toEqual({
        'x-service-app': 'gateway',
        'x-service-token': 'token of the gateway',
        'x-client-address': address,
      });
    }
  });

  test('is known at once while an identity serves, which is half of its life', async () => {
    const { said, identity, clock } = world();
    const caller = callerOf(user('u1'));
    expect(said(caller)).toBeInstanceOf(Promise);
    const first = await identity(caller);
    clock.ms += 29_999;
    expect(said(caller)).not.toBeInstanceOf(Promise);
    expect(await identity(caller)).toBe(first);
    clock.ms += 1;
    const second = await identity(caller);
    expect(second).not.toBe(first);
    const [before, after] = [decodeJwt(first ?? ''), decodeJwt(second ?? '')];
    expect((before.exp ?? 0) - (before.iat ?? 0)).toBe(60);
    expect((after.exp ?? 0) - (before.exp ?? 0)).toBe(30);
    expect(await identity(caller)).toBe(second);
  });

  test('is signed anew after the clock was put right: it neither has ended nor lasts longer', async () => {
    const { identity, clock } = world();
    const caller = callerOf(user('u1'));
    for (const stepMs of [0, 3_600_000, -3_600_000, -86_400_000, 59_000, 1_000, -1_000]) {
      clock.ms += stepMs;
      const { iat = 0, exp = 0 } = decodeJwt((await identity(caller)) ?? '');
      expect(iat * 1_000).toBeLessThanOrEqual(clock.ms);
      expect(exp * 1_000).toBeGreaterThanOrEqual(clock.ms + 30_000);
    }
  });

  test('is signed once for callers who come at the same time', async () => {
    const { identity } = world();
    const identities = await Promise.all(Array.from({ length: 20 }, () => identity(callerOf(user('u1')))));
    expect(new Set(identities).size).toBe(1);
  });
});

describe('what the gateway says to an added subgraph', () => {
  const secret = 'development-identity-secret-of-the-subgraph-reviews';
  const reviews = { name: 'reviews', url: 'http://reviews/graphql', token: 'token of the reviews', identitySecret: secret }; // prettier-ignore
  const signedAt = new Date('2026-11-30T09:30:00Z');
  const now = () => signedAt;
  const own = callerHeadersOf({ token: 'token of the gateway', identitySecret, now });
  const toUser = callerHeadersOf({ token: 'token of the gateway', identitySecret, now, tellsAgent: true });
  const said = headersFor({ own, user: toUser, added: [reviews], now });
  const viewer = user('01994e2a-7d6b-7c31-9a55-3f2f6c1b8e04', { sessionId: '01994e2b-0c11-7f9e-8d52-6a7be0a3c9d1' });

  test('is the identity that its guide shows, with its own token, and no address', async () => {
    const guide = readFileSync(new URL('../../../docs/your-own-subgraph.md', import.meta.url), 'utf8');
    const [shown] = /^eyJ[\w.-]+$/m.exec(guide) ?? [];
    expect((await said('reviews')(callerOf(viewer))).headers).toEqual({
      'x-service-app': 'gateway',
      'x-service-token': 'token of the reviews',
      'x-identity': shown,
      traceparent: expect.any(String),
    });
  });

  test('is nothing that another subgraph accepts, and ours are told what they were', async () => {
    expect(said('order')).toBe(own);
    const { headers } = await said('reviews')(callerOf(viewer));
    const ours = { algorithms: ['HS256'], issuer: 'order-platform-gateway', audience: 'order-platform-subgraph', currentDate: signedAt }; // prettier-ignore
    await expect(jwtVerify(String(headers['x-identity']), new TextEncoder().encode(identitySecret), ours)).rejects.toThrow('signature'); // prettier-ignore
    await expect(jwtVerify(String(headers['x-identity']), new TextEncoder().encode(secret), ours)).rejects.toThrow('aud'); // prettier-ignore
  });

  test('has no word of what the client calls itself: only the user subgraph is told', async () => {
    const agents = async (subgraph: string, agent?: string) =>
      ((await said(subgraph)({ ...callerOf(viewer), agent })).headers as Record<string, unknown>)['x-client-agent'];
    expect(await agents('user', 'Mozilla/5.0')).toBe('Mozilla/5.0');
    expect(await agents('user', 'curl/8.5')).toBe('curl/8.5');
    expect(await agents('user')).toBeUndefined();
    for (const other of ['order', 'reviews']) expect(await agents(other, 'Mozilla/5.0')).toBeUndefined();
  });

  test('is the token alone for those who are not signed in', async () => {
    const { headers } = await said('reviews')(callerOf(anonymous));
    expect(Object.keys(headers)).toEqual(['x-service-app', 'x-service-token', 'traceparent']);
  });
});

test('what a client calls itself is cut to 200 printable characters', () => {
  const agentOf = (agent?: string) => clientAgent({ headers: { 'user-agent': agent } } as IncomingMessage);
  expect(agentOf('Mozilla/5.0 (X11; Linux)')).toBe('Mozilla/5.0 (X11; Linux)');
  expect(agentOf('a\u0007b\u00e9<c>\r\nx-identity: 1')).toBe('ab<c>x-identity: 1');
  expect(agentOf('x'.repeat(5_000))).toHaveLength(200);
  for (const nothing of [undefined, '', '  ', '\u00e9']) expect(agentOf(nothing)).toBeUndefined();
});
