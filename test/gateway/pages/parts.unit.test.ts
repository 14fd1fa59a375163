import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'graphql';
import { exportJWK, generateKeyPair } from 'jose';
import { remoteKeySet } from '../../../gateway/callers/access-tokens.ts';
import { readGatewayConfig } from '../../../gateway/config.ts';
import { openConnections } from '../../../gateway/front/connections.ts';
import { clientAddress, clientOf } from '../../../gateway/callers/caller.ts';
import { allowedOrigins } from '../../../gateway/front/origins.ts';
import { anonymous } from '../../../subgraphs/shared/auth/viewer.ts';
import { createEngine, jsonResponse } from '../../../subgraphs/shared/engine/subgraph.ts';
import { createLogger, createMetrics } from '../../../subgraphs/shared/process/telemetry.ts';

describe("the client's address", () => {
  const request = (forwarded?: string) =>
    ({
      socket: { remoteAddress: '10.0.0.1' },
      headers: { 'x-forwarded-for': forwarded },
    }) as unknown as IncomingMessage;

  test('is the peer unless proxies of ours stand in front', () => {
    expect(clientAddress(request('6.6.6.6'), 0)).toBe('10.0.0.1');
    expect(clientAddress(request('6.6.6.6, 1.2.3.4'), 1)).toBe('1.2.3.4');
    expect(clientAddress(request('6.6.6.6, 1.2.3.4, 10.0.0.9'), 2)).toBe('1.2.3.4');
    expect(clientAddress(request(), 1)).toBe('10.0.0.1');
  });

  test('of IPv6 counts by its /64, for turns and for sockets: one customer has all addresses of it', () => {
    const nobody = { viewer: anonymous, expiresAtMs: Infinity, traceId: '0'.repeat(32) };
    const turnOf = (address: string) => clientOf({ ...nobody, address });
    expect(turnOf('2001:db8::1')).toBe(turnOf('2001:db8:0:0:ffff::2'));
    expect(turnOf('2001:db8::1')).not.toBe(turnOf('2001:db8:0:1::1'));
    expect(turnOf('::ffff:1.2.3.4')).toBe(turnOf('1.2.3.4'));

    const connections = openConnections({ onRevoked: () => () => undefined, anonymousSocketsPerAddress: 1, now: () => new Date(), metrics: createMetrics() }); // prettier-ignore
    const signIn = (address: string) => {
      const closed: number[] = [];
      const socket = { OPEN: 1, readyState: 1, close: (code: number) => void closed.push(code), terminate: () => undefined, once: () => undefined }; // prettier-ignore
      return [connections.signIn(socket, nobody, address), closed];
    };
    expect(signIn('2001:db8::1')).toEqual([true, []]);
    expect(signIn('2001:db8::2')).toEqual([false, [4429]]);
    expect(signIn('2001:db8:0:1::1')).toEqual([true, []]);
  });
});

describe('origins', () => {
  test('are our own, those listed, and every loopback name when ours is one', () => {
    const isAllowed = allowedOrigins({
      publicUrl: 'http://localhost:4000',
      listed: ['https://shop.example'],
      port: () => 4123,
    });
    for (const origin of [
      'http://localhost:4000',
      'http://127.0.0.1:4000',
      'http://[::1]:4000',
      'http://localhost:4123',
      'https://shop.example',
    ])
      expect([origin, isAllowed(origin)]).toEqual([origin, true]);
    for (const origin of ['http://localhost:5000', 'https://localhost:4000', 'http://evil.example', 'null', ''])
      expect([origin, isAllowed(origin)]).toEqual([origin, false]);
    const isPublic = allowedOrigins({ publicUrl: 'https://orders.example', listed: [], port: () => 4000 });
    expect([
      isPublic('https://orders.example'),
      isPublic('http://orders.example'),
      isPublic('http://localhost:4000'),
    ]).toEqual([true, false, false]);
  });
});

describe('the configuration', () => {
  test('names the variable that can not work', () => {
    expect(() => readGatewayConfig({ ALLOWED_ORIGINS: 'https://a.example, nonsense' })).toThrow(
      'ALLOWED_ORIGINS: nonsense is not an origin',
    );
    expect(() => readGatewayConfig({ TRUSTED_PROXY_HOPS: '-1', INTROSPECTION: 'maybe' })).toThrow(
      /TRUSTED_PROXY_HOPS[\s\S]*INTROSPECTION|INTROSPECTION[\s\S]*TRUSTED_PROXY_HOPS/,
    );
    expect(readGatewayConfig({ ALLOWED_ORIGINS: 'https://a.example/ ,' }).allowedOrigins).toEqual([
      'https://a.example',
    ]);
  });
});

describe('the key set', () => {
  async function keySet() {
    let now = Date.now();
    const jwks: object[] = [];
    const calls = { count: 0, down: false };
    const user = createEngine({
      name: 'user',
      typeDefs: parse('type Query { nothing: Int }'),
      resolvers: {},
      authenticate: async () => ({ viewer: anonymous, app: 'gateway' }),
      context: (call) => call,
      log: createLogger('test', 'silent'),
      metrics: createMetrics(),
      routes: {
        'GET /.well-known/jwks.json': async () => {
          calls.count += 1;
          return calls.down ? jsonResponse(503, {}) : jsonResponse(200, { keys: jwks });
        },
      },
    });
    const add = async (kid: string) => {
      const { publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
      jwks.push({ ...(await exportJWK(publicKey)), kid });
    };
    const keys = remoteKeySet({ user: () => ({ ...user, close: async () => undefined }), now: () => new Date(now) });
    return { keys, calls, add, pass: (ms: number) => (now += ms) };
  }

  test('asks again for an unknown key, at most once in ten seconds', async () => {
    const { keys, calls, add, pass } = await keySet();
    await add('a');
    await keys.key('a');
    await add('b');
    for (let tries = 0; tries < 20; tries += 1) await expect(keys.key('b')).rejects.toThrow('does not know');
    expect(calls.count).toBe(1);
    pass(10_001);
    await Promise.all([keys.key('b'), keys.key('b'), keys.key('a')]);
    expect(calls.count).toBe(2);
  });

  test('serves on with the keys it has while the user subgraph is away', async () => {
    const { keys, calls, add, pass } = await keySet();
    await add('a');
    await keys.key('a');
    calls.down = true;
    pass(600_000);
    await expect(keys.key('a')).resolves.toBeDefined();
    pass(20_000);
    await expect(keys.key('unknown')).rejects.toMatchObject({ extensions: { code: 'SERVICE_UNAVAILABLE' } });
    await expect(keys.key(undefined)).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
  });
});
