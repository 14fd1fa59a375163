import { createHash, randomBytes } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type CryptoKey, type JWK, type JWTPayload, SignJWT, exportJWK, generateKeyPair } from 'jose';

/** An ID token before it is signed. */
export type TokenParts = {
  readonly claims: JWTPayload;
  readonly key: CryptoKey;
  readonly kid: string;
  readonly publicJwk: JWK;
};
/** Makes the token that is sent; null sends none. */
export type Sign = (parts: TokenParts) => Promise<string | null>;

/** An OpenID provider over HTTP: discovery, authorization code with PKCE, ID tokens. */
export type OidcServer = {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Who is signed in at the provider. */
  person: JWTPayload & { sub: string };
  sign: Sign;
  /** Whether it says its name in callbacks (RFC 9207), and that it does. */
  namesItself: boolean;
  /** Answers a request in place of the provider; null leaves it to the provider. */
  instead: ((path: string) => { status: number; body: unknown } | 'silence' | null) | null;
  /** Requests so far, by path. */
  readonly asked: string[];
  /** What a browser does with an authorization URL: the page to which it is sent back. */
  visit(authorizationUrl: string): Promise<URL>;
  close(): Promise<void>;
};

export const honest: Sign = ({ claims, key, kid }) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(key);

type Code = {
  readonly challenge: string;
  readonly redirectUri: string;
  readonly nonce: string | null;
  readonly person: JWTPayload;
};

export async function startOidcServer(options: { port?: number; clientId?: string } = {}): Promise<OidcServer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = randomBytes(6).toString('hex');
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' };
  const codes = new Map<string, Code>();
  const clientId = options.clientId ?? 'shop';
  const clientSecret = randomBytes(24).toString('base64url');
  const http = createServer((request, response) => {
    answer(request, response).catch((error: Error) => response.writeHead(500).end(error.message));
  });
  await new Promise<void>((resolve) => http.listen(options.port ?? 0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', issuer);
    server.asked.push(url.pathname);
    const other = server.instead?.(url.pathname) ?? null;
    if (other === 'silence') return;
    if (other !== null) return void json(response, other.status, other.body);
    if (url.pathname === '/.well-known/openid-configuration') json(response, 200, metadata());
    else if (url.pathname === '/jwks') json(response, 200, { keys: [publicJwk] });
    else if (url.pathname === '/authorize') response.writeHead(302, { location: authorize(url.searchParams) }).end();
    else if (url.pathname === '/token') await token(request, response);
    else json(response, 404, {});
  }

  const metadata = () => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    code_challenge_methods_supported: ['S256'],
    // As much as a provider could say: what may be trusted of it is the client's to know.
    id_token_signing_alg_values_supported: ['RS256', 'ES256', 'HS256', 'none'],
    authorization_response_iss_parameter_supported: server.namesItself,
  });

  function authorize(asked: URLSearchParams): string {
    const given = (name: string) => asked.get(name) ?? '';
    if (
      given('client_id') !== clientId ||
      given('response_type') !== 'code' ||
      given('code_challenge_method') !== 'S256'
    )
      throw new Error('this is no request of the client');
    if (!given('scope').split(' ').includes('openid')) throw new Error('no ID token is asked for');
    const code = randomBytes(16).toString('hex');
    const redirectUri = given('redirect_uri');
    codes.set(code, {
      challenge: given('code_challenge'),
      redirectUri,
      nonce: asked.get('nonce'),
      person: server.person,
    });
    const back = new URL(redirectUri);
    back.searchParams.set('code', code);
    back.searchParams.set('state', given('state'));
    if (server.namesItself) back.searchParams.set('iss', issuer);
    return back.href;
  }

  /** OAuth 2.0, 2.3.1: both parts of HTTP Basic are encoded as in a form. */
  function isClient(authorization = ''): boolean {
    const [, encoded = ''] = /^Basic (.*)$/.exec(authorization) ?? [];
    const given = Buffer.from(encoded, 'base64').toString().split(':').map((part) => new URLSearchParams(`v=${part}`).get('v')); // prettier-ignore
    return given[0] === clientId && given[1] === clientSecret;
  }

  async function token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await text(request));
    if (!isClient(request.headers.authorization)) return void json(response, 401, { error: 'invalid_client' });
    const code = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (!code || code.redirectUri !== form.get('redirect_uri') || code.challenge !== challenge)
      return void json(response, 400, { error: 'invalid_grant' });
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      iss: issuer,
      aud: clientId,
      iat: now,
      exp: now + 300,
      ...(code.nonce !== null && { nonce: code.nonce }),
      ...code.person,
    };
    const id_token = await server.sign({ claims, key: privateKey, kid, publicJwk });
    json(response, 200, { access_token: 'opaque', token_type: 'Bearer', ...(id_token !== null && { id_token }) });
  }

  const server: OidcServer = {
    issuer,
    clientId,
    clientSecret,
    person: { sub: 'nobody' },
    sign: honest,
    namesItself: false,
    instead: null,
    asked: [],
    async visit(authorizationUrl) {
      const { headers, status } = await fetch(authorizationUrl, { redirect: 'manual' });
      if (status !== 302) throw new Error(`the provider answered ${status}`);
      return new URL(headers.get('location') ?? '');
    },
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
