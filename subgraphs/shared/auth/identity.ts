import { SignJWT, errors as joseErrors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { unauthorisedCaller } from '../errors/errors.ts';
import { type UserViewer, areRoles } from './viewer.ts';

const identityLifetimeSeconds = 60;
/** Clocks are put right to within a second: an identity may be dated ahead by no more than this. */
const identityToleranceSeconds = 5;
const identityRenewalMs = 30_000;
const identityCacheSize = 10_000;
type SignedIdentity = { identity: string | Promise<string>; readonly atMs: number };
const issuer = 'order-platform-gateway';
const audience = 'order-platform-subgraph';

/**
 * Signs the gateway's word about who is asking, by default for the platform's own subgraphs: an HS256 JWT of at most 60 s. One signature serves a viewer for 30 s, by
 * the clock that it is dated with: when that is put right, what was signed before may have ended for who reads it.
 */
export function identitySigner(
  secret: string,
  now: () => Date = () => new Date(),
  forAudience: string = audience,
): (viewer: UserViewer) => string | Promise<string> {
  const key = new TextEncoder().encode(secret);
  const cache = new LRUCache<string, SignedIdentity>({ max: identityCacheSize });
  return (viewer) => {
    const cacheKey = `${viewer.userId} ${viewer.sessionId} ${viewer.roles.join(',')}`;
    const cached = cache.get(cacheKey);
    const at = now();
    const atMs = at.getTime();
    if (cached && cached.atMs <= atMs && atMs < cached.atMs + identityRenewalMs) return cached.identity;
    const signed = new SignJWT({ roles: viewer.roles, sid: viewer.sessionId })
      .setProtectedHeader({ alg: 'HS256', typ: 'identity+jwt' })
      .setSubject(viewer.userId).setIssuer(issuer).setAudience(forAudience)
      .setIssuedAt(at).setExpirationTime(new Date(atMs + identityLifetimeSeconds * 1_000))
      .sign(key); // prettier-ignore
    const entry: SignedIdentity = { identity: signed, atMs };
    cache.set(cacheKey, entry);
    signed.then(
      (text) => (entry.identity = text),
      () => cache.delete(cacheKey),
    );
    return signed;
  };
}

/**
 * Reads what `identitySigner` signed, for the subgraph `service`. Rejects with UNAUTHORISED_CALLER for an identity that has
 * ended or is signed by another secret.
 */
export function identityReader(options: {
  service: string;
  identitySecret: string;
  now: () => Date;
}): (identity: string) => Promise<UserViewer> {
  const { service, now } = options;
  const key = new TextEncoder().encode(options.identitySecret);
  const identities = new LRUCache<string, { viewer: UserViewer; expiresAtMs: number }>({ max: identityCacheSize });

  return async (token) => {
    const cached = identities.get(token);
    if (cached && cached.expiresAtMs > now().getTime()) return cached.viewer;
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['HS256'],
        typ: 'identity+jwt',
        issuer,
        audience,
        requiredClaims: ['sub', 'sid', 'iat', 'exp'],
        maxTokenAge: identityLifetimeSeconds,
        clockTolerance: identityToleranceSeconds,
        currentDate: now(),
      });
      const {
        sub,
        sid,
        iat = 0,
        exp = 0,
        roles: given,
      } = payload as typeof payload & { sid?: unknown; roles?: unknown };
      // However late it ends by its own word.
      const expiresAtMs = Math.min(exp, iat + identityLifetimeSeconds) * 1000;
      const isOver = expiresAtMs <= now().getTime();
      if (isOver || typeof sub !== 'string' || typeof sid !== 'string' || !areRoles(given))
        throw unauthorisedCaller(`${service} does not accept this identity: it has ended or is not a user's.`);
      const viewer: UserViewer = { kind: 'user', userId: sub, roles: given, sessionId: sid };
      identities.set(token, { viewer, expiresAtMs });
      return viewer;
    } catch (error) {
      if (error instanceof joseErrors.JOSEError)
        throw unauthorisedCaller(`${service} does not accept this identity (${error.code}).`);
      throw error;
    }
  };
}
