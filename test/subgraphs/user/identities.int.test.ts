import { createHmac, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type CryptoKey, SignJWT, UnsecuredJWT, exportJWK, exportSPKI, generateKeyPair, importJWK } from 'jose';
import pino from 'pino';
import { identitiesDocument } from '../../../subgraphs/payment/payers.ts';
import { putCode } from '../../../subgraphs/user/administration/one-time-code-store.ts';
import { createIdentityProofs } from '../../../subgraphs/user/identities/identity-proofs.ts';
import { type OidcServer, type Sign, honest, startOidcServer } from '../../support/oidc-server.ts';
import {
  type Answer,
  type Caller,
  type Person,
  type UserPlatform,
  authFields,
  newMobile,
  openUserPlatform,
  registerPerson,
  userErrorFields,
  viewerOf,
} from './support.ts';

const redirectUri = 'https://shop.example/sign-in/callback';
const [appId, appSecret] = ['wx1234567890', 'the secret of the mini program'];

let issuer: OidcServer;
let wechat: Awaited<ReturnType<typeof startWechat>>;
let platform: UserPlatform;
beforeAll(async () => {
  [issuer, wechat] = await Promise.all([startOidcServer(), startWechat()]);
  const issuers = [
    { issuer: issuer.issuer, name: 'Example ID', clientId: issuer.clientId, clientSecret: issuer.clientSecret, redirectUris: [redirectUri] },
  ]; // prettier-ignore
  platform = await openUserPlatform({
    env: { OIDC_ISSUERS: JSON.stringify(issuers), WX_API_BASE: wechat.url, WX_APP_ID: appId, WX_APP_SECRET: appSecret },
  });
});
afterAll(async () => {
  await platform.close();
  await Promise.all([issuer.close(), wechat.close()]);
});

let lastPerson = 0;
const newSubject = () => `subject-${Date.now()}-${(lastPerson += 1)}`;
beforeEach(() => {
  issuer.person = { sub: newSubject(), name: 'Ada Lovelace' };
});
afterEach(() => {
  issuer.sign = honest;
  issuer.namesItself = false;
  issuer.instead = null;
});

/** WeChat's `jscode2session`. Each code is good once. */
async function startWechat() {
  const codes = new Map<string, object>();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://wechat');
    const isOurs = searchParams.get('appid') === appId && searchParams.get('secret') === appSecret;
    const code = searchParams.get('js_code') ?? '';
    const known = codes.get(code) ?? { errcode: 40029, errmsg: 'invalid code' };
    codes.delete(code);
    const answer = !isOurs ? { errcode: 40125, errmsg: 'invalid appsecret' } : known;
    response.writeHead(pathname === '/sns/jscode2session' ? 200 : 404).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    codes,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

const refusal = (code: string, path: string[] | null = null) => [expect.objectContaining({ code, path })];
const identityFields = 'identities { type key issuer }';
type Login = { authorizationUrl: string; state: string; proof: string; expiresAt: string };

async function begin(by?: Person, given: Record<string, unknown> = {}) {
  const { data, errors } = await platform.run(
    `mutation ($issuer: String!, $redirectUri: String!) { beginIdentityLogin(issuer: $issuer, redirectUri: $redirectUri) {
      identityLogin { authorizationUrl state proof expiresAt } userErrors { ${userErrorFields} } } }`,
    { issuer: issuer.issuer, redirectUri, ...given },
    by ? { viewer: by.viewer } : {},
  );
  return { ...data?.beginIdentityLogin, errors };
}
const begun = async (by?: Person): Promise<Login> => (await begin(by)).identityLogin;

/** Begins, goes to the issuer, and comes back with what the browser brings. */
async function visited(by?: Person): Promise<{ code: string; proof: string; callbackIssuer: string | null }> {
  const { authorizationUrl, proof, state } = await begun(by);
  const back = (await issuer.visit(authorizationUrl)).searchParams;
  expect(back.get('state')).toBe(state);
  return { code: back.get('code') ?? '', proof, callbackIssuer: back.get('iss') };
}

const loginRaw = (shown: Record<string, unknown>, caller: Caller = {}): Promise<Answer> =>
  platform.run(
    `mutation ($type: IdentityType!, $code: String!, $proof: String, $callbackIssuer: String) {
      loginWithIdentity(type: $type, code: $code, proof: $proof, callbackIssuer: $callbackIssuer) { ${authFields.replace('mobile', 'mobile email emailVerified status')} } }`,
    { type: 'OIDC', ...shown },
    caller,
  );
const login = async (shown: Record<string, unknown>) => (await loginRaw(shown)).data?.loginWithIdentity;
const signIn = async () => login(await visited());
const personOf = (payload: {
  user: { id: string };
  tokens: { accessToken: string; refreshToken: string };
}): Person => ({
  id: payload.user.id,
  mobile: '',
  password: '',
  viewer: viewerOf(payload.tokens.accessToken),
  ...payload.tokens,
});

async function change(name: 'linkIdentity' | 'unlinkIdentity', by: Person, given: Record<string, unknown>) {
  const types: Record<string, string> = { type: 'IdentityType!', code: 'String!' };
  const names = Object.keys(given);
  const { data, errors } = await platform.run(
    `mutation (${names.map((each) => `$${each}: ${types[each] ?? 'String'}`).join(', ')}) {
      ${name}(${names.map((each) => `${each}: $${each}`).join(', ')}) { user { id ${identityFields} } replayed userErrors { ${userErrorFields} } } }`,
    given,
    { viewer: by.viewer },
  );
  return data?.[name] ?? { errors };
}
const link = async (by: Person, given: Record<string, unknown> = {}) =>
  change('linkIdentity', by, { type: 'OIDC', ...(await visited(by)), ...given });
const unlink = (by: Person, given: Record<string, unknown> = { type: 'OIDC' }) => change('unlinkIdentity', by, given);
const accounts = async () => Number((await platform.sql('select count(*) as users from user_account'))[0]?.['users']);

describe('signing in at an OpenID provider', () => {
  it('[PM-1] makes an account the first time, and finds it again', async () => {
    const first = await signIn();
    expect(first).toMatchObject({
      user: {
        name: 'Ada Lovelace',
        mobile: null,
        email: null,
        status: 'ACTIVE',
        roles: ['CUSTOMER'],
        identities: [{ type: 'OIDC', key: issuer.person.sub }],
      },
      tokens: { accessToken: expect.any(String) },
      userErrors: [],
    });
    const again = await signIn();
    expect(again.user.id).toBe(first.user.id);
    expect(viewerOf(again.tokens.accessToken).sessionId).not.toBe(viewerOf(first.tokens.accessToken).sessionId);
  });

  it('asks for a code with PKCE and a nonce, which no two sign-ins share, and keeps both to itself', async () => {
    const [one, other] = [await begun(), await begun()];
    const asked = new URL(one.authorizationUrl).searchParams;
    expect(Object.fromEntries(asked)).toEqual({
      client_id: issuer.clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid profile email',
      state: one.state,
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
    const others = new URL(other.authorizationUrl).searchParams;
    for (const name of ['state', 'nonce', 'code_challenge']) expect(others.get(name)).not.toBe(asked.get(name));
    expect(one.proof).not.toBe(other.proof);
    expect(one.authorizationUrl).not.toContain(one.proof);
  });

  it('of one person in several browsers at the same time makes one account', async () => {
    const before = await accounts();
    const shown = [];
    for (let browser = 0; browser < 6; browser += 1) shown.push(await visited());
    const signedIn = await Promise.all(shown.map(login));
    expect(signedIn.flatMap(({ userErrors }) => userErrors)).toEqual([]);
    expect(new Set(signedIn.map(({ user }) => user.id)).size).toBe(1);
    expect(await accounts()).toBe(before + 1);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['the nickname where there is no name', { name: ' ', nickname: 'ada' }, 'ada'],
    ['what people are called here where there is none', { name: undefined }, 'Customer'],
    ['that where the name breaks our rules', { name: 'x'.repeat(200) }, 'Customer'],
    ['that where the name is no text', { name: { first: 'Ada' } }, 'Customer'],
  ])('takes %s', async (_, claims, name) => {
    issuer.person = { ...issuer.person, ...claims };
    expect((await signIn()).user.name).toBe(name);
  });

  it('takes over the e-mail address that the issuer has verified, and no other', async () => {
    const email = `Ada.${Date.now()}@Example.COM`;
    issuer.person = { ...issuer.person, email, email_verified: true };
    expect((await signIn()).user).toMatchObject({
      email: email.replace('Example.COM', 'example.com'),
      emailVerified: true,
    });
    for (const email_verified of [false, 'true', undefined]) {
      issuer.person = { sub: newSubject(), email: `bo.${newSubject()}@example.com`, email_verified };
      expect((await signIn()).user).toMatchObject({ email: null, emailVerified: false });
    }
  });

  it('[PM-1] takes no account over that has verified the same e-mail address: its owner links', async () => {
    const email = `ada.${Date.now()}@example.com`;
    const ada = await registerPerson(platform);
    await platform.sql('update user_account set email = ?, verified_email = ? where id = unhex(?)', [email, email, ada.id.replaceAll('-', '')]); // prettier-ignore
    issuer.person = { ...issuer.person, email: email.toUpperCase(), email_verified: true };
    const before = await accounts();
    expect(await signIn()).toMatchObject({ user: null, tokens: null, userErrors: refusal('EMAIL_TAKEN', []) });
    expect(await accounts()).toBe(before);
    expect((await link(ada)).userErrors).toEqual([]);
    expect((await signIn()).user).toMatchObject({ id: ada.id, mobile: ada.mobile });
  });

  it('is not kept from an address that another account has and never verified', async () => {
    const email = `ada.${Date.now()}@example.com`;
    const squatter = await registerPerson(platform);
    await platform.sql('update user_account set email = ? where id = unhex(?)', [email, squatter.id.replaceAll('-', '')]); // prettier-ignore
    issuer.person = { ...issuer.person, email, email_verified: true };
    const { user } = await signIn();
    expect(user).toMatchObject({ email, emailVerified: true });
    expect(user.id).not.toBe(squatter.id);
  });

  it('of a suspended user is refused', async () => {
    const { user } = await signIn();
    await platform.sql("update user_account set status = 'SUSPENDED' where id = unhex(?)", [user.id.replaceAll('-', '')]); // prettier-ignore
    expect(await signIn()).toMatchObject({ tokens: null, userErrors: refusal('FORBIDDEN') });
  });

  it('counts what one address begins and ends, and then refuses', async () => {
    const env = { OIDC_ISSUERS: '', IDENTITY_REQUESTS_PER_ADDRESS: '2' };
    const own = await openUserPlatform({ env });
    const caller = { address: `2001:db8:${Date.now() % 65_535}::1` };
    try {
      const codes = [];
      for (let time = 0; time < 3; time += 1)
        codes.push((await own.run('mutation { loginWithIdentity(type: OIDC, code: "x", proof: "y") { userErrors { ... on UserError { code } } } }', {}, caller)).errors[0]?.code); // prettier-ignore
      expect(codes).toEqual([undefined, undefined, 'TOO_MANY_REQUESTS']);
    } finally {
      await own.close();
    }
  });
});

/** Signs as the provider does, with other claims. */
const claiming =
  (change: Record<string, unknown>): Sign =>
  ({ claims, ...rest }) =>
    honest({ ...rest, claims: { ...claims, ...change } });
const nowSeconds = () => Math.floor(Date.now() / 1_000);
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const hmac = (header: object, claims: object, secret: string | Buffer) => {
  const content = `${base64url(header)}.${base64url(claims)}`;
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
};

const forgeries: Readonly<Record<string, Sign>> = {
  'has no signature (alg none)': async ({ claims }) => new UnsecuredJWT(claims).encode(),
  'says none, with a signature': async (parts) =>
    `${base64url({ alg: 'none', kid: parts.kid })}.${(await honest(parts))?.split('.').slice(1).join('.')}`,
  'is signed by the client’s secret (HS256)': async ({ claims }) => new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(createSecretKey(Buffer.from(issuer.clientSecret))),
  'is signed by the public key as a secret (PEM)': async ({ claims, publicJwk, kid }) =>
    hmac({ alg: 'HS256', kid }, claims, await exportSPKI((await importJWK(publicJwk, 'RS256', { extractable: true })) as CryptoKey)),
  'is signed by the public key as a secret (modulus)': async ({ claims, publicJwk, kid }) =>
    hmac({ alg: 'HS256', kid }, claims, Buffer.from(publicJwk.n ?? '', 'base64url')),
  'is signed by another key of the same id': async ({ claims, kid }) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign((await generateKeyPair('RS256')).privateKey),
  'is signed by a key that the issuer does not have': async ({ claims }) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'other' }).sign((await generateKeyPair('RS256')).privateKey),
  'brings its key along (jwk)': async ({ claims }) => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', jwk: await exportJWK(publicKey) }).sign(privateKey);
  },
  'is signed by another algorithm with the same id': async ({ claims, kid }) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign((await generateKeyPair('ES256')).privateKey),
  'is signed by a weak key': async ({ claims, kid }) =>
    `${base64url({ alg: 'RS256', kid })}.${base64url(claims)}.${generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey.export({ type: 'spki', format: 'der' }).toString('base64url')}`,
  'was changed after it was signed': async (parts) => {
    const [header, , signature] = ((await honest(parts)) ?? '').split('.');
    return `${header}.${base64url({ ...parts.claims, sub: 'somebody else' })}.${signature}`;
  },
  'has an extension that must be understood (crit)': async ({ claims, key, kid }) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid, crit: ['b64'], b64: true }).sign(key),
  'is of another issuer': claiming({ iss: 'https://other.example' }),
  'is of the issuer with a slash more': (parts) => claiming({ iss: `${issuer.issuer}/` })(parts),
  'has no issuer': claiming({ iss: undefined }),
  'is for another client': claiming({ aud: 'another-shop' }),
  'is for nobody': claiming({ aud: undefined }),
  'is for several clients, and does not say which asked': (parts) => claiming({ aud: [issuer.clientId, 'another-shop'] })(parts),
  'is for several clients, and another one asked': (parts) => claiming({ aud: [issuer.clientId, 'another-shop'], azp: 'another-shop' })(parts),
  'is for us, and another one asked': claiming({ azp: 'another-shop' }),
  'has ended': (parts) => claiming({ exp: nowSeconds() - 60 })(parts),
  'never ends': claiming({ exp: undefined }),
  'ends in words': claiming({ exp: 'tomorrow' }),
  'was issued at no time': claiming({ iat: undefined }),
  'is not valid yet': (parts) => claiming({ nbf: nowSeconds() + 600 })(parts),
  'has the nonce of another sign-in': claiming({ nonce: 'another' }),
  'has no nonce': claiming({ nonce: undefined }),
  'is about nobody': claiming({ sub: undefined }),
  'is about an empty name': claiming({ sub: '' }),
  'is about a number': claiming({ sub: 7 }),
  'is about a name that a database may cut': claiming({ sub: 'ada ' }),
  'is about a name beyond ASCII': claiming({ sub: 'ad\u00e1' }),
  'is about a name of 256 characters': claiming({ sub: 'x'.repeat(256) }),
  'is not there': async () => null,
  'is no token': async () => 'not.a.token',
  'is empty': async () => '',
}; // prettier-ignore

describe('an ID token', () => {
  it.each(Object.keys(forgeries))('[PM-1] that %s signs nobody in, and makes no account', async (name) => {
    const before = await accounts();
    issuer.sign = forgeries[name] as Sign;
    const shown = await visited();
    const { data, errors } = await loginRaw(shown);
    expect(errors).toEqual([]);
    expect(data.loginWithIdentity).toMatchObject({ user: null, tokens: null, userErrors: refusal('INVALID_CREDENTIALS') });
    expect(await accounts()).toBe(before);
    // What it was for is over: the honest one comes too late.
    issuer.sign = honest;
    expect((await login(shown)).userErrors).toEqual(refusal('INVALID_CREDENTIALS'));
  }); // prettier-ignore

  it('for several clients is good where it says that we asked', async () => {
    issuer.sign = claiming({ aud: [issuer.clientId, 'another-shop'], azp: issuer.clientId });
    expect((await signIn()).userErrors).toEqual([]);
  });
});

describe('a sign-in that has begun', () => {
  it('is good for one code, once', async () => {
    const shown = await visited();
    const both = await Promise.all([login(shown), login(shown)]);
    expect(both.filter(({ tokens }) => tokens !== null)).toHaveLength(1);
    expect((await login(shown)).userErrors).toEqual(refusal('INVALID_CREDENTIALS'));
  });

  it('takes no code of another one: what somebody planted or stole fits to nothing', async () => {
    const [mine, theirs] = [await visited(), await visited()];
    expect((await login({ ...theirs, proof: mine.proof })).userErrors).toEqual(refusal('INVALID_CREDENTIALS'));
    expect((await login({ ...mine, proof: theirs.proof })).userErrors).toEqual(refusal('INVALID_CREDENTIALS'));
  });

  it('by somebody who is signed in is for that user’s link alone', async () => {
    const [ada, bo] = [await registerPerson(platform), await registerPerson(platform)];
    expect((await login(await visited(ada))).userErrors).toEqual(refusal('INVALID_CREDENTIALS'));
    expect((await change('linkIdentity', bo, { type: 'OIDC', ...(await visited(ada)) })).userErrors).toEqual(refusal('INVALID_CREDENTIALS')); // prettier-ignore
    expect((await change('linkIdentity', bo, { type: 'OIDC', ...(await visited()) })).userErrors).toEqual(refusal('INVALID_CREDENTIALS')); // prettier-ignore
  });

  it('ends after ten minutes', async () => {
    const redis = platform.runtime.redis;
    const before = new Set(await redis.keys('auth:identity-logins:*'));
    const shown = await visited();
    const [key = ''] = (await redis.keys('auth:identity-logins:*')).filter((each) => !before.has(each));
    expect(await redis.pTTL(key)).toBeGreaterThan(590_000);
    expect(await redis.pTTL(key)).toBeLessThanOrEqual(600_000);
    expect(key).not.toContain(shown.proof);
    await redis.del(key);
    expect((await login(shown)).userErrors).toEqual(refusal('INVALID_CREDENTIALS'));
  });

  it.each<[string, Record<string, unknown>, unknown]>([
    ['at an issuer that is not ours', { issuer: 'https://evil.example' }, refusal('NOT_FOUND', ['issuer'])],
    ['with a page of somebody else', { redirectUri: 'https://evil.example/sign-in/callback' }, refusal('VALIDATION', ['redirectUri'])],
    ['with a page that begins like ours', { redirectUri: `${redirectUri}/../evil` }, refusal('VALIDATION', ['redirectUri'])],
  ])('is refused %s', async (_, given, expected) => {
    expect(await begin(undefined, given)).toMatchObject({ identityLogin: null, userErrors: expected });
  }); // prettier-ignore

  it.each<[string, Record<string, unknown>, unknown]>([
    ['without a proof', { code: 'x' }, refusal('VALIDATION', ['proof'])],
    ['with a proof of nothing', { code: 'x', proof: 'y' }, refusal('INVALID_CREDENTIALS')],
    ['without a code', { code: '', proof: 'y' }, refusal('VALIDATION', ['code'])],
    ['with a code that is too long', { code: 'x'.repeat(2_049), proof: 'y' }, refusal('VALIDATION', ['code'])],
    ['by a mobile number', { type: 'MOBILE', code: newMobile() }, refusal('VALIDATION', ['type'])],
  ])('is not ended %s', async (_, shown, expected) => {
    expect(await login(shown)).toMatchObject({ tokens: null, userErrors: expected });
  });

  it('takes the issuer’s word for itself where it gives one, and needs it where it says that it does', async () => {
    const { runtime } = platform;
    const own = await openUserPlatform({ env: { ...(runtime.env as Record<string, string>), DATABASE_PREFIX: `v${Date.now().toString(36)}` } }); // prettier-ignore
    const usual = platform;
    platform = own;
    issuer.namesItself = true;
    try {
      expect((await signIn()).userErrors).toEqual([]);
      for (const callbackIssuer of [null, 'https://evil.example', `${issuer.issuer}/`])
        expect((await login({ ...(await visited()), callbackIssuer })).userErrors).toEqual(refusal('INVALID_CREDENTIALS')); // prettier-ignore
    } finally {
      platform = usual;
      await own.close();
    }
  });
});

describe('an issuer that can’t be asked', () => {
  const failing = async (path: string, answer: { status: number; body: unknown } | 'silence') => {
    const shown = await visited();
    issuer.instead = (asked) => (asked === path ? answer : null);
    return (await loginRaw(shown)).errors.map(({ code }) => code);
  };
  it.each<[string, string, { status: number; body: unknown } | 'silence']>([
    ['answers 500', '/token', { status: 500, body: {} }],
    ['does not know us', '/token', { status: 401, body: { error: 'invalid_client' } }],
    ['answers with a page', '/token', { status: 502, body: '<h1>' }],
    ['says nothing', '/token', 'silence'],
  ])('since it %s makes SERVICE_UNAVAILABLE, and the next one signs in', async (_, path, answer) => {
    expect(await failing(path, answer)).toEqual(['SERVICE_UNAVAILABLE']);
    issuer.instead = null;
    expect((await signIn()).userErrors).toEqual([]);
  });

  it('at the discovery is asked again the next time, and metadata of another issuer are not taken', async () => {
    const own = await startOidcServer();
    const issuers = [{ issuer: own.issuer, clientId: own.clientId, clientSecret: own.clientSecret, redirectUris: [redirectUri] }]; // prettier-ignore
    const usual = platform;
    platform = await openUserPlatform({ env: { OIDC_ISSUERS: JSON.stringify(issuers) } });
    try {
      const attempt = async () => (await begin(undefined, { issuer: own.issuer })).errors.map(({ code }: { code: unknown }) => code); // prettier-ignore
      own.instead = () => ({ status: 503, body: {} });
      expect(await attempt()).toEqual(['SERVICE_UNAVAILABLE']);
      own.instead = () => ({ status: 200, body: { issuer: 'https://evil.example', authorization_endpoint: 'https://evil.example' } }); // prettier-ignore
      expect(await attempt()).toEqual(['SERVICE_UNAVAILABLE']);
      own.instead = null;
      expect(await attempt()).toEqual([]);
      const asked = own.asked.length;
      expect(await attempt()).toEqual([]);
      expect(own.asked).toHaveLength(asked);
    } finally {
      await platform.close();
      platform = usual;
      await own.close();
    }
  });
});

describe('the metadata of an issuer', () => {
  const hour = 3_600_000;
  async function discovering() {
    const own = await startOidcServer();
    let atMs = Date.now();
    const given = { issuer: own.issuer, name: 'Own', clientId: own.clientId, clientSecret: own.clientSecret, scopes: ['openid'], redirectUris: [redirectUri] }; // prettier-ignore
    const parts = {
      redis: platform.runtime.redis,
      log: pino({ level: 'silent' }),
      now: () => new Date(atMs),
      randomBytes,
    };
    const open = () => createIdentityProofs({ issuers: [given], wechat: null }, parts);
    const begun = (proofs: ReturnType<typeof open>) => proofs.begin({ issuer: own.issuer, redirectUri, userId: null });
    return { own, open, begun, pass: (ms: number) => (atMs += ms) };
  }

  it('that are good serve for a day while newer ones can’t be had', async () => {
    const { own, open, begun, pass } = await discovering();
    try {
      const proofs = open();
      await begun(proofs);
      own.instead = () => ({ status: 503, body: {} });
      for (const ms of [2 * hour, 21 * hour]) {
        pass(ms);
        await begun(proofs);
      }
      pass(2 * hour);
      await expect(begun(proofs)).rejects.toThrow('does not answer as it should');
      own.instead = null;
      await begun(proofs);
    } finally {
      await own.close();
    }
  });

  it('that can’t be had use no sign-in up', async () => {
    const { own, open, begun } = await discovering();
    try {
      const { authorizationUrl, proof } = await begun(open());
      const code = (await own.visit(authorizationUrl)).searchParams.get('code') ?? '';
      const restarted = open();
      own.instead = () => ({ status: 503, body: {} });
      await expect(restarted.prove({ type: 'OIDC', code, proof }, null)).rejects.toThrow(
        'does not answer as it should',
      );
      own.instead = null;
      expect(await restarted.prove({ type: 'OIDC', code, proof }, null)).toMatchObject({ issuer: own.issuer });
    } finally {
      await own.close();
    }
  });
});

describe('linking', () => {
  it('[PM-1] adds a way to sign in, which a repeated key does once', async () => {
    const ada = await registerPerson(platform);
    const shown = { type: 'OIDC', ...(await visited(ada)), idempotencyKey: 'link-1' };
    const linked = await change('linkIdentity', ada, shown);
    const identities = [
      { type: 'MOBILE', key: ada.mobile, issuer: null },
      { type: 'OIDC', key: issuer.person.sub, issuer: issuer.issuer },
    ];
    expect(linked).toEqual({ user: { id: ada.id, identities }, replayed: false, userErrors: [] });
    expect(await change('linkIdentity', ada, shown)).toEqual({ user: { id: ada.id, identities }, replayed: true, userErrors: [] }); // prettier-ignore
    expect((await link(ada)).userErrors).toEqual([]);
    expect((await signIn()).user.id).toBe(ada.id);
  });

  it('takes no identity of another account, and no second one of an issuer', async () => {
    const [ada, bo] = [await registerPerson(platform), await registerPerson(platform)];
    await link(ada);
    expect((await link(bo)).userErrors).toEqual(refusal('CONFLICT'));
    issuer.person = { sub: newSubject() };
    expect((await link(ada)).userErrors).toEqual(refusal('CONFLICT'));
  });

  it('one identity to two accounts at the same time gives it to one', async () => {
    const people = await Promise.all([1, 2, 3].map(() => registerPerson(platform)));
    const shown: Record<string, unknown>[] = [];
    for (const person of people) shown.push({ type: 'OIDC', ...(await visited(person)) });
    const answers = await Promise.all(
      people.map((person, index) => change('linkIdentity', person, shown[index] ?? {})),
    );
    expect(answers.filter(({ userErrors }) => userErrors?.length === 0)).toHaveLength(1);
  });

  it('[PM-1] is undone, but never for the last way to sign in', async () => {
    const ada = await registerPerson(platform);
    await link(ada);
    expect((await unlink(ada, { type: 'OIDC', issuer: 'https://other.example' })).userErrors).toEqual(refusal('NOT_FOUND', ['type'])); // prettier-ignore
    expect(await unlink(ada, { type: 'OIDC', issuer: issuer.issuer })).toMatchObject({ user: { identities: [{ type: 'MOBILE' }] }, userErrors: [] }); // prettier-ignore
    expect((await unlink(ada)).userErrors).toEqual(refusal('NOT_FOUND', ['type']));
    expect((await unlink(ada, { type: 'MOBILE' })).userErrors).toEqual(refusal('VALIDATION', ['type']));
    issuer.person = { sub: newSubject() };
    const bo = personOf(await signIn());
    expect((await unlink(bo)).userErrors).toEqual(refusal('FORBIDDEN', ['type']));
    expect((await signIn()).user.id).toBe(bo.id);
  });

  it('[PM-1] undone twice at the same time leaves one way', async () => {
    const bo = personOf(await signIn());
    wechat.codes.set('code-of-bo', { openid: `openid-${newSubject()}` });
    expect((await change('linkIdentity', bo, { type: 'WX_MINI', code: 'code-of-bo' })).userErrors).toEqual([]);
    const both = await Promise.all([unlink(bo), unlink(bo, { type: 'WX_MINI' })]);
    expect(both.flatMap(({ userErrors }) => userErrors)).toEqual(refusal('FORBIDDEN', ['type']));
  });
});

describe('a linked identity', () => {
  const later = (person: Person) =>
    platform.sql('update user_session set created_at = now(3) - interval 11 minute where user_id = unhex(?)', [person.id.replaceAll('-', '')]); // prettier-ignore

  it('[PM-1] is added and taken off with the password, later than ten minutes after the sign-in', async () => {
    const ada = await registerPerson(platform);
    await later(ada);
    const wrong = refusal('INVALID_CREDENTIALS', ['password']);
    for (const given of [{}, { password: 'wrong horse battery' }]) expect((await link(ada, given)).userErrors).toEqual(wrong);
    expect((await link(ada, { password: ada.password })).userErrors).toEqual([]);
    const { type, password } = { type: 'OIDC', password: ada.password };
    expect((await unlink(ada)).userErrors).toEqual(wrong);
    expect((await unlink(ada, { type, password: 'wrong horse battery' })).userErrors).toEqual(wrong);
    expect((await unlink(ada, { type, password })).userErrors).toEqual([]);
  }); // prettier-ignore

  it('of an account without a password needs none', async () => {
    const bo = personOf(await signIn());
    await later(bo);
    wechat.codes.set('later', { openid: newSubject() });
    expect((await change('linkIdentity', bo, { type: 'WX_MINI', code: 'later' })).userErrors).toEqual([]);
  });

  it('[PM-1] ends with a password that is set by a code: whoever linked it is out', async () => {
    const ada = await registerPerson(platform);
    await link(ada);
    const code = 'AAAA-BBBB-CCCC';
    const at = new Date();
    await platform.withDependencies((deps) =>
      deps.db.transaction((tx) =>
        putCode(tx, { userId: ada.id, code, at, expiresAt: new Date(at.getTime() + 60_000) }),
      ),
    );
    const { data } = await platform.run(
      `mutation ($mobile: String!, $code: String!) { resetPassword(mobile: $mobile, code: $code, password: "staple battery horse") {
        user { ${identityFields} } userErrors { ${userErrorFields} } } }`,
      { mobile: ada.mobile, code },
    );
    expect(data.resetPassword).toMatchObject({ user: { identities: [{ type: 'MOBILE' }] }, userErrors: [] });
    expect((await signIn()).user.id).not.toBe(ada.id);
  });

  it('that is taken off ends the other sessions, and this one goes on', async () => {
    const ada = await registerPerson(platform);
    await link(ada);
    const other = viewerOf((await signIn()).tokens.accessToken);
    expect((await unlink(ada)).userErrors).toEqual([]);
    const isRevoked = async (id: string) => (await platform.runtime.redis.zScore('auth:revoked-sessions', id)) !== null;
    expect([await isRevoked(other.sessionId), await isRevoked(ada.viewer.sessionId)]).toEqual([true, false]);
  });

  it('of an issuer that is no longer configured is no way to sign in', async () => {
    const bo = personOf(await signIn());
    const ofBo = 'where user_id = unhex(?)';
    await platform.sql(`update user_identity set issuer = 'https://gone.example' ${ofBo}`, [bo.id.replaceAll('-', '')]);
    wechat.codes.set('still', { openid: newSubject() });
    expect((await change('linkIdentity', bo, { type: 'WX_MINI', code: 'still' })).userErrors).toEqual([]);
    expect((await unlink(bo, { type: 'WX_MINI' })).userErrors).toEqual(refusal('FORBIDDEN', ['type']));
    expect((await unlink(bo)).userErrors).toEqual([]);
  });

  it.each(['SUSPENDED', 'ERASED'])('is not added to an account that is %s meanwhile, nor is anything else', async (status) => {
    const ada = await registerPerson(platform);
    const shown = { type: 'OIDC', ...(await visited(ada)) };
    await platform.sql('update user_account set status = ? where id = unhex(?)', [status, ada.id.replaceAll('-', '')]);
    expect((await change('linkIdentity', ada, shown)).userErrors).toEqual(refusal('FORBIDDEN'));
    const by = { viewer: ada.viewer };
    const email = `ada.${newSubject()}@example.com`;
    for (const call of [
      'updateProfile(input: { name: "Eve" })',
      `requestEmailVerification(email: "${email}", password: "${ada.password}")`,
    ]) {
      const { data, errors } = await platform.run(`mutation { done: ${call} { userErrors { ${userErrorFields} } } }`, {}, by);
      expect({ errors, refused: data?.done.userErrors }).toEqual({ errors: [], refused: refusal('FORBIDDEN') });
    }
    expect(await platform.sql('select email from email_code where email = ?', [email])).toEqual([]);
  }); // prettier-ignore
});

describe('signing in by WeChat', () => {
  const byWechat = async (answer: object | null, code = newSubject()) => {
    if (answer !== null) wechat.codes.set(code, answer);
    return loginRaw({ type: 'WX_MINI', code });
  };

  it('[PM-1] makes an account the first time, and finds it again', async () => {
    const openid = newSubject();
    const first = (await byWechat({ openid, session_key: 'kept by nobody' })).data.loginWithIdentity;
    expect(first).toMatchObject({ user: { name: 'Customer', mobile: null, identities: [{ type: 'WX_MINI', key: openid }] }, userErrors: [] }); // prettier-ignore
    expect((await byWechat({ openid })).data.loginWithIdentity.user.id).toBe(first.user.id);
    expect(JSON.stringify(await platform.sql('select * from user_identity'))).not.toContain('kept by nobody');
  });

  it('tells the payment service whose openid it is, and the gateway nothing', async () => {
    const openid = newSubject();
    const { id } = (await byWechat({ openid })).data.loginWithIdentity.user;
    const asked = { representations: [{ __typename: 'User', id }] };
    const byPayment = await platform.run(identitiesDocument, asked, { app: 'payment' });
    expect(byPayment).toMatchObject({ errors: [], data: { _entities: [{ identities: [{ type: 'WX_MINI', key: openid, issuer: appId }] }] } }); // prettier-ignore
    expect((await platform.run(identitiesDocument, asked)).data).toEqual({ _entities: [null] });
  });

  it.each<[string, object | null, object]>([
    ['a code that WeChat does not know', null, { refused: 'INVALID_CREDENTIALS' }],
    ['a code that was used', { errcode: 40163, errmsg: 'code been used' }, { refused: 'INVALID_CREDENTIALS' }],
    ['a user whom WeChat has blocked', { errcode: 40226, errmsg: 'code blocked' }, { refused: 'INVALID_CREDENTIALS' }],
    ['more than WeChat answers', { errcode: 45011, errmsg: 'api minute-quota reach limit' }, { error: 'TOO_MANY_REQUESTS' }],
    ['WeChat when it is busy', { errcode: -1, errmsg: 'system error' }, { error: 'SERVICE_UNAVAILABLE' }],
    ['an answer without an openid', { session_key: 'x' }, { error: 'SERVICE_UNAVAILABLE' }],
    ['an openid that is none', { openid: 'x '.repeat(200) }, { error: 'SERVICE_UNAVAILABLE' }],
  ])('by %s is refused', async (_, answer, expected) => {
    const { data, errors } = await byWechat(answer);
    const [refused] = data?.loginWithIdentity?.userErrors ?? [];
    expect({ refused: refused?.code, error: errors[0]?.code }).toMatchObject(expected);
  }); // prettier-ignore

  it('is SERVICE_UNAVAILABLE while WeChat is away, and tells the secret to no log', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'debug' }, { write: (line) => void lines.push(line) });
    const env = { WX_API_BASE: 'http://127.0.0.1:9', WX_APP_ID: appId, WX_APP_SECRET: appSecret };
    const own = await openUserPlatform({ env, log });
    try {
      const { errors } = await own.run('mutation { loginWithIdentity(type: WX_MINI, code: "x") { tokens { accessToken } } }'); // prettier-ignore
      expect(errors.map(({ code }) => code)).toEqual(['SERVICE_UNAVAILABLE']);
      expect(lines.join()).toContain('WeChat can’t be asked');
      expect(lines.join()).not.toContain(appSecret);
    } finally {
      await own.close();
    }
  });
});

describe('a platform without other systems', () => {
  it('says so, and signs nobody in by them', async () => {
    const own = await openUserPlatform();
    try {
      expect((await own.run('{ identityIssuers { issuer } }')).data).toEqual({ identityIssuers: [] });
      for (const type of ['OIDC', 'WX_MINI']) {
        const { data } = await own.run(`mutation { loginWithIdentity(type: ${type}, code: "x", proof: "y") { userErrors { ${userErrorFields} } } }`); // prettier-ignore
        expect(data.loginWithIdentity.userErrors).toEqual(refusal('NOT_FOUND'));
      }
    } finally {
      await own.close();
    }
  });

  it('shows those that it has to anybody, without what is secret of them', async () => {
    expect((await platform.run('{ identityIssuers { type issuer name } }')).data.identityIssuers).toEqual([
      { type: 'OIDC', issuer: issuer.issuer, name: 'Example ID' },
      { type: 'WX_MINI', issuer: appId, name: 'WeChat' },
    ]);
  });
});
