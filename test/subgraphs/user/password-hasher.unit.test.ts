import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { readUserConfig } from '../../../subgraphs/user/config.ts';
import { createPasswordHasher } from '../../../subgraphs/user/password-hasher.ts';

const turn = { rank: 'SIGN_IN', client: 'somebody' } as const;
const hasher = createPasswordHasher({ maxQueued: 10, randomBytes });

test('a password fits its own hash and no other, and no two hashes are equal', async () => {
  const [first, second] = await Promise.all([hasher.hash('correct horse', turn), hasher.hash('correct horse', turn)]);
  expect(first).not.toBe(second);
  expect(await hasher.verify('correct horse', first, turn)).toBe(true);
  expect(await hasher.verify('wrong horse', first, turn)).toBe(false);
  expect(await hasher.verify('', first, turn)).toBe(false);
});

test('an account that does not exist has no password that fits', async () => {
  expect(await hasher.verify('', null, turn)).toBe(false);
});

test('differently composed characters are the same password', async () => {
  expect(await hasher.verify('sch\u00f6nes Wetter', await hasher.hash('scho\u0308nes Wetter', turn), turn)).toBe(true);
});

test('what neither runs nor may wait is refused, and the queue empties', async () => {
  const small = createPasswordHasher({ maxQueued: 2, randomBytes });
  const settled = await Promise.allSettled(Array.from({ length: 7 }, () => small.hash('some password', turn)));
  expect(settled.map(({ status }) => status)).toEqual([...Array(4).fill('fulfilled'), ...Array(3).fill('rejected')]);
  expect((settled[6] as PromiseRejectedResult).reason.extensions.code).toBe('TOO_MANY_REQUESTS');
  await expect(small.hash('some password', turn)).resolves.toMatch(/^\$argon2id\$/);
});

test('the development key is refused in production, as are nonsense keys and long access tokens', () => {
  expect(readUserConfig({}).accessSeconds).toBe(600);
  expect(() => readUserConfig({ NODE_ENV: 'production' })).toThrow('JWT_PRIVATE_JWK');
  expect(() => readUserConfig({ JWT_PRIVATE_JWK: '{"d":"secret"}' })).toThrow(/^(?!.*secret).*JWT_PRIVATE_JWK/s);
  const ownJwk = { NODE_ENV: 'production', JWT_PRIVATE_JWK: JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: 'x'.repeat(43), d: 'd'.repeat(43) }) }; // prettier-ignore
  expect(() => readUserConfig(ownJwk)).toThrow('WEBHOOK_ENCRYPTION_KEY');
  expect(() => readUserConfig({ WEBHOOK_ENCRYPTION_KEY: `${'k'.repeat(32)},short` })).toThrow('WEBHOOK_ENCRYPTION_KEY');
  const production = readUserConfig({ ...ownJwk, WEBHOOK_ENCRYPTION_KEY: `${'k'.repeat(32)}, ${'l'.repeat(32)}` });
  expect(production.webhooks.addresses).toEqual({ allowPrivate: false, allowHttp: false });
  expect(production.webhooks.encryptionKeys).toEqual(['k'.repeat(32), 'l'.repeat(32)]);
  expect(() => readUserConfig({ JWT_ACCESS_SECONDS: '601' })).toThrow('JWT_ACCESS_SECONDS');
});
