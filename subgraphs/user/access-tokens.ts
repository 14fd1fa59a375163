import { SignJWT, calculateJwkThumbprint, importJWK } from 'jose';
import type { Role } from '../shared/auth/viewer.ts';
import type { PrivateJwk } from './config.ts';

export const tokenIssuer = 'order-platform';
export const tokenAudience = 'order-platform-api';

/** Signs access tokens (RFC 9068): EdDSA over Ed25519, `typ` `at+jwt`. */
export type AccessTokens = {
  sign(claims: {
    userId: string;
    sessionId: string;
    roles: readonly Role[];
    issuedAt: Date;
    expiresAt: Date;
  }): Promise<string>;
  /** The public keys, as served under `/.well-known/jwks.json`. */
  readonly jwks: { readonly keys: readonly Record<string, string>[] };
};

/** The key's id is the JWK's `kid`, or its RFC 7638 thumbprint. */
export async function createAccessTokens(jwk: PrivateJwk): Promise<AccessTokens> {
  const publicJwk = { kty: jwk.kty, crv: jwk.crv, x: jwk.x };
  const kid = jwk.kid ?? (await calculateJwkThumbprint(publicJwk));
  const key = await importJWK({ ...publicJwk, d: jwk.d }, 'EdDSA');
  const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);
  return {
    jwks: { keys: [{ ...publicJwk, kid, alg: 'EdDSA', use: 'sig' }] },
    sign: ({ userId, sessionId, roles, issuedAt, expiresAt }) =>
      new SignJWT({ sid: sessionId, roles })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid })
        .setIssuer(tokenIssuer)
        .setAudience(tokenAudience)
        .setSubject(userId)
        .setIssuedAt(seconds(issuedAt))
        .setExpirationTime(seconds(expiresAt))
        .sign(key),
  };
}
