import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { remoteKeySet, tokenVerifier } from '../../../gateway/callers/access-tokens.ts';
import type { SubgraphLink } from '../../../subgraphs/shared/calls/link.ts';

const nowMs = Date.parse('2026-12-01T12:00:00Z');
const nowSeconds = nowMs / 1_000;
const own = generateKeyPairSync('ed25519');
const strange = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed448 = generateKeyPairSync('ed448');
const jwk = own.publicKey.export({ format: 'jwk' });
const pem = own.publicKey.export({ format: 'pem', type: 'spki' }).toString();

/** Knows one key, as the user service serves it. */
const user = {
  raw: async () => ({ status: 200, headers: {}, body: JSON.stringify({ keys: [{ ...jwk, kid: 'k1' }] }) }),
} as unknown as SubgraphLink;
const now = () => new Date(nowMs);
const nothingRevoked = { has: () => false, onRevoked: () => () => undefined, close: () => Promise.resolve() };
const verifier = tokenVerifier({ keys: remoteKeySet({ user: () => user, now }), revoked: nothingRevoked, now });

const goodHeader = { alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' };
const goodClaims = {
  iss: 'order-platform', aud: 'order-platform-api', sub: 'u1', sid: 's1', roles: ['CUSTOMER'], iat: nowSeconds - 10, exp: nowSeconds + 590,
}; // prettier-ignore
const part = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url'); // prettier-ignore
const signed = (content: string, key = own.privateKey): string => `${content}.${signBytes(null, Buffer.from(content), key).toString('base64url')}`; // prettier-ignore
/** Of our own key, with these parts in place of good ones; a text is taken as it is. */
const token = (header: unknown = goodHeader, claims: unknown = goodClaims, key = own.privateKey): string =>
  signed(`${part(header)}.${part(claims)}`, key);
const withHeader = (change: object, key = own.privateKey): string => token({ ...goodHeader, ...change }, goodClaims, key); // prettier-ignore
const withClaims = (change: object): string => token(goodHeader, { ...goodClaims, ...change });
const byHmac = (alg: string, secret: string | Buffer): string => {
  const content = `${part({ ...goodHeader, alg })}.${part({ ...goodClaims, roles: ['ADMIN'] })}`;
  return `${content}.${createHmac(alg.replace('HS', 'sha'), secret).update(content).digest('base64url')}`;
};
const by = (alg: string, hash: string | null, key: Parameters<typeof signBytes>[2]): string => {
  const content = `${part({ ...goodHeader, alg })}.${part({ ...goodClaims, roles: ['ADMIN'] })}`;
  return `${content}.${signBytes(hash, Buffer.from(content), key).toString('base64url')}`;
};
const good = token();
const [head = '', body = '', signature = ''] = good.split('.');
const admin = part({ ...goodClaims, roles: ['ADMIN'] });
const flipped = (at: number): string => {
  const bytes = Buffer.from(signature, 'base64url');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return `${head}.${body}.${bytes.toString('base64url')}`;
};
/** The same signature with the group's order added to its second half, which other libraries have taken (RFC 8032, 5.1.7). */
function malleable(): string {
  const bytes = Buffer.from(signature, 'base64url');
  const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;
  const half = BigInt(`0x${Buffer.from(bytes.subarray(32).toReversed()).toString('hex')}`) + order;
  const sum = Buffer.from(half.toString(16).padStart(64, '0'), 'hex').toReversed();
  return `${head}.${body}.${Buffer.concat([bytes.subarray(0, 32), sum]).toString('base64url')}`;
}
const ownJwk = strange.publicKey.export({ format: 'jwk' });
const none = (alg: string, rest = ''): string => `${part({ ...goodHeader, alg })}.${admin}.${rest}`;
const at = (seconds: number): number => nowSeconds + seconds;

const forgeries: Readonly<Record<string, string>> = {
  'says none': none('none'), 'says None': none('None'), 'says NONE': none('NONE'), 'says nOnE': none('nOnE'), 'says none, and has a signature': none('none', signature),
  'says no algorithm': withHeader({ alg: undefined }), 'says an empty algorithm': withHeader({ alg: '' }), 'says a number for an algorithm': withHeader({ alg: 1 }), 'says a list of algorithms': withHeader({ alg: ['EdDSA'] }), 'says another case of the algorithm': withHeader({ alg: 'eddsa' }),
  'HS256 with the public key as PEM': byHmac('HS256', pem), 'HS256 with the PEM without its last line break': byHmac('HS256', pem.trim()), 'HS256 with the bytes of the key': byHmac('HS256', Buffer.from(String(jwk['x']), 'base64url')), 'HS256 with the text of the key': byHmac('HS256', String(jwk['x'])), 'HS256 with the key as JWK': byHmac('HS256', JSON.stringify(jwk)),
  'HS256 with the name of the key': byHmac('HS256', 'k1'), 'HS256 with nothing': byHmac('HS256', ''), 'HS384 with the public key': byHmac('HS384', pem), 'HS512 with the public key': byHmac('HS512', pem),
  'RS256 of another key': by('RS256', 'sha256', rsa.privateKey), 'RS512 of another key': by('RS512', 'sha512', rsa.privateKey), 'ES256 of another key': by('ES256', 'sha256', { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }), 'EdDSA of an Ed448 key': by('EdDSA', null, ed448.privateKey), 'Ed448': by('Ed448', null, ed448.privateKey),
  'EdDSA of another key': token(goodHeader, goodClaims, strange.privateKey), 'Ed25519 of another key': withHeader({ alg: 'Ed25519' }, strange.privateKey), 'EdDSA of another key, that it brings along': withHeader({ jwk: ownJwk }, strange.privateKey), 'of another key at an address': withHeader({ jku: 'https://evil.example/jwks.json' }, strange.privateKey),
  'of a certificate at an address': withHeader({ x5u: 'https://evil.example/cert.pem' }, strange.privateKey), 'of a certificate that it brings along': withHeader({ x5c: ['MIIB'] }, strange.privateKey), 'of another key, with the thumbprint of a certificate': withHeader({ x5t: 'AAAA' }, strange.privateKey),
  'names no key': withHeader({ kid: undefined }), 'names an unknown key': withHeader({ kid: 'k2' }), 'names an empty key': withHeader({ kid: '' }), 'names a key by a number': withHeader({ kid: 1 }), 'names a key by a list': withHeader({ kid: ['k1'] }), 'names a key by an object': withHeader({ kid: { toString: 'k1' } }),
  'names a file': withHeader({ kid: '../../../../dev/null' }), 'names a statement': withHeader({ kid: "k1' union select 'x" }), 'names a member of all objects': withHeader({ kid: '__proto__' }), 'names null': withHeader({ kid: null }),
  'has no type': withHeader({ typ: undefined }), 'is of type JWT': withHeader({ typ: 'JWT' }), 'is of the type that services show each other': withHeader({ typ: 'identity+jwt' }), 'is an ID token': withHeader({ typ: 'id_token+jwt' }), 'is of a type that is a list': withHeader({ typ: ['at+jwt'] }),
  'has an extension that must be understood': withHeader({ crit: ['https://example.com/more'], 'https://example.com/more': true }), 'has an unknown extension': withHeader({ crit: ['exp'], exp: 1 }), 'has an empty list of extensions': withHeader({ crit: [] }), 'is not encoded': withHeader({ crit: ['b64'], b64: false }), 
  'has a header that is a list': token([goodHeader]), 'has a header that is null': token('null'), 'has a header that is a text': token('"EdDSA"'), 'has a header that is no JSON': token('{alg:EdDSA}'), 'has an empty header': signed(`.${body}`),
  'has claims that are a list': token(goodHeader, [goodClaims]), 'has claims that are null': token(goodHeader, 'null'), 'has claims that are a text': token(goodHeader, '"u1"'), 'has claims that are no JSON': token(goodHeader, '{'), 'has no claims': signed(`${head}.`),
  'was changed to an administrator’s': `${head}.${admin}.${signature}`, 'has the signature of another token': `${head}.${body}.${token(goodHeader, { ...goodClaims, sid: 's2' }).split('.')[2]}`, 'has another header than was signed': `${part({ kid: 'k1', typ: 'at+jwt', alg: 'EdDSA' })}.${body}.${signature}`,
  'has no signature': `${head}.${body}.`, 'has two parts': `${head}.${body}`, 'has one part': head, 'has four parts': `${good}.${signature}`, 'has five parts, as what is encrypted': `${good}.${signature}.${signature}`, 'begins with a dot': `.${good}`, 'ends in a dot': `${good}.`,
  'has the first bit of the signature flipped': flipped(0), 'has a bit in the midst of it flipped': flipped(31), 'has the last bit of it flipped': flipped(63), 'has a signature of another form that means the same': malleable(), 'has a signature of zeros': `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`, 'has a signature that is cut off': `${head}.${body}.${signature.slice(0, -4)}`, 'has a longer signature': `${head}.${body}.${signature}AAAA`,
  'is encrypted': `${part({ alg: 'dir', enc: 'A256GCM', kid: 'k1' })}..AAAA.AAAA.AAAA`, 'is written as JSON': JSON.stringify({ protected: head, payload: body, signature }), 'is in quotes': `"${good}"`, 'is there twice': `${good}, Bearer ${good}`, 'has a line break': `${good}\n`, 'has a space within': `${head}. ${body}.${signature}`, 'has a byte of zero': `${good}\0`, 'is longer than any': withClaims({ more: 'x'.repeat(5_000) }),
  'has no issuer': withClaims({ iss: undefined }), 'is of another issuer': withClaims({ iss: 'order-platform.evil.example' }), 'is of the gateway, for services': withClaims({ iss: 'order-platform-gateway' }), 'is of a list of issuers': withClaims({ iss: ['order-platform'] }), 'is for nobody': withClaims({ aud: undefined }), 'is for another audience': withClaims({ aud: 'order-platform-subgraph' }), 'is for others': withClaims({ aud: ['a', 'b'] }), 'is for an object': withClaims({ aud: { 0: 'order-platform-api' } }),
  'is about nobody': withClaims({ sub: undefined }), 'is about a number': withClaims({ sub: 1 }), 'is about a list': withClaims({ sub: ['u1'] }), 'is of no session': withClaims({ sid: undefined }), 'is of a session that is a number': withClaims({ sid: 1 }), 'is of a session that is null': withClaims({ sid: null }),
  'has no roles': withClaims({ roles: undefined }), 'has a role in place of a list': withClaims({ roles: 'ADMIN' }), 'has a role that there is not': withClaims({ roles: ['ROOT'] }), 'has a role in small letters': withClaims({ roles: ['admin'] }), 'has a list within the list of roles': withClaims({ roles: [['ADMIN']] }), 'has an object of roles': withClaims({ roles: { 0: 'ADMIN', length: 1 } }),
  'has ended': withClaims({ exp: at(-6) }), 'ends a long time ago': withClaims({ exp: 1 }), 'never ends': withClaims({ exp: undefined }), 'ends in words': withClaims({ exp: '2030-01-01' }), 'ends at a text of digits': withClaims({ exp: String(at(590)) }), 'ends in an hour': withClaims({ exp: at(3_600) }), 'ends beyond all numbers': token(goodHeader, JSON.stringify(goodClaims).replace(/"exp":\d+/, '"exp":1e400')), 'ends at null': withClaims({ exp: null }), 'ends before the beginning of time': withClaims({ exp: -1 }),
  'began never': withClaims({ iat: undefined }), 'begins in the future': withClaims({ iat: at(60) }), 'began too long ago': withClaims({ iat: at(-700) }), 'began in words': withClaims({ iat: 'now' }), 'is not good yet': withClaims({ nbf: at(60) }), 'is good from a word on': withClaims({ nbf: 'now' }),
}; // prettier-ignore

test('a good token signs in', async () => {
  for (const authorization of [`Bearer ${good}`, `bearer ${withHeader({ alg: 'Ed25519' })}`])
    expect((await verifier.verify(authorization)).viewer).toEqual({ kind: 'user', userId: 'u1', sessionId: 's1', roles: ['CUSTOMER'] }); // prettier-ignore
});

test('there are as many kinds of forged tokens as were tried before, each another one', () => {
  expect(Object.keys(forgeries).length).toBeGreaterThanOrEqual(77);
  expect(new Set(Object.values(forgeries)).size).toBe(Object.keys(forgeries).length);
});

test.each(Object.keys(forgeries))('[LL-11] a token that %s signs nobody in, and is not taken as anonymous', async (kind) => {
  const authorization = `Bearer ${forgeries[kind] ?? ''}`;
  for (let turn = 0; turn < 2; turn += 1) {
    await expect(verifier.verify(authorization)).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
    expect(verifier.known(authorization)).toBeUndefined();
  }
}); // prettier-ignore
