import { type CryptoKey, type JWK, errors as joseErrors, importJWK, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { type UserViewer, type Viewer, anonymous, areRoles } from '../../subgraphs/shared/auth/viewer.ts';
import { unauthenticated, unavailable } from '../../subgraphs/shared/errors/errors.ts';
import type { SubgraphLink } from '../../subgraphs/shared/calls/link.ts';
import type { RevokedSessions } from './revoked-sessions.ts';

/** A viewer for as long as its token lasts (epoch milliseconds; Infinity for anonymous). */
export type SignedIn = { readonly viewer: Viewer; readonly expiresAtMs: number };

export type TokenVerifier = {
  /**
   * Who shows this `Authorization` header; absent is anonymous. Throws UNAUTHENTICATED for any token that is not good
   * (never silently anonymous), SERVICE_UNAVAILABLE when the keys can't be had.
   */
  verify(authorization: string | undefined): Promise<SignedIn>;
  /** The same where nothing has to be waited for: this very header was found good before, and still is. */
  known(authorization: string | undefined): SignedIn | undefined;
  /** False once the token has ended or its session was revoked. */
  stands(signedIn: SignedIn): boolean;
};

const issuer = 'order-platform';
const audience = 'order-platform-api';
const maxLifetimeSeconds = 600;
const clockToleranceSeconds = 5;
const maxTokenChars = 4_096;
const bearer = 'Bearer ';
const nobody: SignedIn = { viewer: anonymous, expiresAtMs: Infinity };
const verifiedTokens = 10_000;

export function tokenVerifier(options: { keys: KeySet; revoked: RevokedSessions; now: () => Date }): TokenVerifier {
  const verified = new LRUCache<string, { viewer: UserViewer; expiresAtMs: number }>({ max: verifiedTokens });
  const stands = ({ viewer, expiresAtMs }: SignedIn): boolean =>
    expiresAtMs > options.now().getTime() && !(viewer.kind === 'user' && options.revoked.has(viewer.sessionId));

  async function check(token: string): Promise<{ viewer: UserViewer; expiresAtMs: number }> {
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => options.keys.key(kid), {
        algorithms: ['EdDSA', 'Ed25519'],
        typ: 'at+jwt',
        issuer,
        audience,
        requiredClaims: ['sub', 'sid', 'iat', 'exp'],
        // Not from the future either, whatever its end.
        maxTokenAge: maxLifetimeSeconds,
        clockTolerance: clockToleranceSeconds,
        currentDate: options.now(),
      });
      const {
        sub,
        sid,
        exp = 0,
        roles: given,
      } = payload as { sub?: unknown; sid?: unknown; exp?: number; roles?: unknown };
      const tooLong = exp * 1000 > options.now().getTime() + (maxLifetimeSeconds + clockToleranceSeconds) * 1000;
      if (typeof sub !== 'string' || typeof sid !== 'string' || !areRoles(given) || tooLong) {
        throw unauthenticated('The access token has claims that this platform does not make.');
      }
      return { viewer: { kind: 'user', userId: sub, sessionId: sid, roles: given }, expiresAtMs: exp * 1000 };
    } catch (error) {
      if (!(error instanceof joseErrors.JOSEError)) throw error;
      throw unauthenticated(
        error instanceof joseErrors.JWTExpired
          ? 'The access token has expired; refresh it.'
          : 'The access token is not good; sign in again.',
      );
    }
  }

  function known(authorization: string | undefined): SignedIn | undefined {
    if (authorization === undefined) return nobody;
    // As nearly everybody writes it; others are read by `verify`.
    const signedIn = authorization.startsWith(bearer) ? verified.get(authorization.slice(bearer.length)) : undefined;
    return signedIn && stands(signedIn) ? signedIn : undefined;
  }
  return {
    stands,
    known,
    async verify(authorization) {
      if (authorization === undefined) return nobody;
      const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization)?.[1];
      if (token === undefined || token.length > maxTokenChars)
        throw unauthenticated('The Authorization header is not "Bearer" and an access token.');
      let signedIn = verified.get(token);
      if (!signedIn) {
        signedIn = await check(token);
        verified.set(token, signedIn);
      }
      if (options.revoked.has(signedIn.viewer.sessionId))
        throw unauthenticated('The session has ended; sign in again.');
      if (!stands(signedIn)) throw unauthenticated('The access token has expired; refresh it.');
      return signedIn;
    },
  };
}

/** The public keys by which access tokens are verified. */
export type KeySet = {
  /** Rejects with UNAUTHENTICATED for a key that the user subgraph doesn't know, SERVICE_UNAVAILABLE when it can't be asked. */
  key(kid: string | undefined): Promise<CryptoKey>;
};

const refreshCooldownMs = 10_000;
const retryAfterFailureMs = 500;
/** After this a retired key is noticed, though no unknown one was shown. */
const keysFreshMs = 300_000;

/**
 * The user subgraph's `/.well-known/jwks.json`, cached. An unknown key id asks again, at most once in 10 s, so that
 * made-up ids can't be used to hammer it.
 */
export function remoteKeySet(options: { user: () => SubgraphLink; now: () => Date }): KeySet {
  let keys: ReadonlyMap<string, CryptoKey> | undefined;
  let fetchedAtMs = -Infinity;
  let failedAtMs = -Infinity;
  let fetching: Promise<void> | undefined;
  const nowMs = () => options.now().getTime();

  async function fetchKeys(): Promise<void> {
    try {
      const response = await options
        .user()
        .raw({ method: 'GET', path: '/.well-known/jwks.json', headers: {}, body: Buffer.alloc(0) });
      if (response.status !== 200) throw new Error(`answered ${response.status}`);
      const { keys: given } = JSON.parse(response.body) as { keys: JWK[] };
      const usable = given.filter((jwk) => jwk.kty === 'OKP' && jwk.crv === 'Ed25519' && typeof jwk.kid === 'string');
      keys = new Map(
        await Promise.all(
          usable.map(async (jwk) => [jwk.kid as string, (await importJWK(jwk, 'EdDSA')) as CryptoKey] as const),
        ),
      );
      fetchedAtMs = nowMs();
    } catch (error) {
      failedAtMs = nowMs();
      throw unavailable(
        `Access tokens can't be checked right now: the keys can't be had (${(error as Error).message}).`,
      );
    }
  }
  const refresh = (): Promise<void> => {
    fetching ??= fetchKeys().finally(() => {
      fetching = undefined;
    });
    return fetching;
  };

  return {
    async key(kid) {
      if (kid === undefined) throw unauthenticated('The access token names no key.');
      const known = keys?.get(kid);
      if (known) {
        // Keys already had serve on while the user subgraph is away.
        if (nowMs() - fetchedAtMs > keysFreshMs && nowMs() - failedAtMs > refreshCooldownMs)
          refresh().catch(() => undefined);
        return known;
      }
      if (nowMs() - failedAtMs < retryAfterFailureMs)
        throw unavailable("Access tokens can't be checked right now: the keys can't be had.");
      if (nowMs() - fetchedAtMs > refreshCooldownMs || fetching) await refresh();
      const key = keys?.get(kid);
      if (!key) throw unauthenticated('The access token was signed with a key that this platform does not know.');
      return key;
    },
  };
}
