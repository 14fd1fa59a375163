import { beforeAll, describe, expect, test } from '@jest/globals';
import { type CryptoKey, SignJWT, generateKeyPair } from 'jose';
import { tokenVerifier } from '../../../gateway/callers/access-tokens.ts';
import type { RevokedSessions } from '../../../gateway/callers/revoked-sessions.ts';

let privateKey: CryptoKey;
let publicKey: CryptoKey;
beforeAll(async () => {
  ({ privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' }));
});

/** A verifier whose clock the test moves and whose sessions it ends. */
function world() {
  const clock = { ms: Date.parse('2026-11-21T12:00:00Z') };
  const ended = new Set<string>();
  let keysAsked = 0;
  const revoked: RevokedSessions = {
    has: (sessionId) => ended.has(sessionId),
    onRevoked: () => () => undefined,
    close: () => Promise.resolve(),
  };
  const key = (): Promise<CryptoKey> => {
    keysAsked += 1;
    return Promise.resolve(publicKey);
  };
  const verifier = tokenVerifier({ keys: { key }, revoked, now: () => new Date(clock.ms) });
  const token = (sid: string, lifetimeSeconds = 600): Promise<string> =>
    new SignJWT({ sid, roles: ['CUSTOMER'] })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' })
      .setSubject('u1').setIssuer('order-platform').setAudience('order-platform-api')
      .setIssuedAt(clock.ms / 1000).setExpirationTime(clock.ms / 1000 + lifetimeSeconds)
      .sign(privateKey); // prettier-ignore
  return { verifier, clock, ended, token, keysAsked: () => keysAsked };
}

describe('who shows a token', () => {
  test('is known from the second time on, by the very same header', async () => {
    const { verifier, token, keysAsked } = world();
    const header = `Bearer ${await token('s1')}`;
    expect(verifier.known(header)).toBeUndefined();
    const signedIn = await verifier.verify(header);
    expect(signedIn.viewer).toEqual({ kind: 'user', userId: 'u1', sessionId: 's1', roles: ['CUSTOMER'] });
    expect(verifier.known(header)).toBe(signedIn);
    expect(await verifier.verify(header)).toBe(signedIn);
    expect(keysAsked()).toBe(1);
    for (const other of [`bearer ${header.slice(7)}`, `Bearer  ${header.slice(7)}`, `${header} `, header.slice(0, -1)])
      expect(verifier.known(other)).toBeUndefined();
  });

  test('is not known any more from the moment at which the token ends', async () => {
    const { verifier, clock, token } = world();
    const header = `Bearer ${await token('s1', 60)}`;
    await verifier.verify(header);
    clock.ms += 59_999;
    expect(verifier.known(header)).toBeDefined();
    clock.ms += 1;
    expect(verifier.known(header)).toBeUndefined();
    await expect(verifier.verify(header)).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
  });

  test('is not known any more once the session is revoked, while others are', async () => {
    const { verifier, ended, token } = world();
    const [first, second] = [`Bearer ${await token('s1')}`, `Bearer ${await token('s2')}`];
    await Promise.all([first, second].map((header) => verifier.verify(header)));
    ended.add('s1');
    expect(verifier.known(first)).toBeUndefined();
    expect(verifier.known(second)).toBeDefined();
    await expect(verifier.verify(first)).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
  });

  test('is not known for a token that was refused', async () => {
    const { verifier, token } = world();
    const signed = await token('s1');
    const spoilt = `Bearer ${signed.slice(0, -4)}${signed.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
    for (let turn = 0; turn < 2; turn += 1) {
      await expect(verifier.verify(spoilt)).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
      expect(verifier.known(spoilt)).toBeUndefined();
    }
  });

  test('is anonymous without one, which needs no check; an empty header is no such thing', () => {
    const { verifier, keysAsked } = world();
    expect(verifier.known(undefined)).toEqual({ viewer: { kind: 'anonymous' }, expiresAtMs: Infinity });
    expect(verifier.known('')).toBeUndefined();
    expect(keysAsked()).toBe(0);
  });
});
