/** A refresh token's record with its session's, as found by the token's hash. */
export type PresentedToken = {
  readonly rotatedAt: Date | null;
  readonly tokenExpiresAt: Date;
  readonly sessionRevokedAt: Date | null;
};

/**
 * What a presented refresh token leads to. `rotate`: new tokens, this one is used up. `reused`: it was used up before, so
 * two parties hold it and the whole session ends (RFC 9700 §4.14.2). `refused`: nothing changes.
 */
export type RefreshDecision =
  | { readonly kind: 'rotate' }
  | { readonly kind: 'reused' }
  | { readonly kind: 'refused'; readonly because: 'unknown' | 'revoked' | 'expired' };

/** There is no grace for a used-up token: a client that lost the answer signs in again. */
export function decideRefresh(token: PresentedToken | null, now: Date): RefreshDecision {
  if (token === null) return { kind: 'refused', because: 'unknown' };
  if (token.sessionRevokedAt !== null) return { kind: 'refused', because: 'revoked' };
  if (token.rotatedAt !== null) return { kind: 'reused' };
  if (token.tokenExpiresAt <= now) return { kind: 'refused', because: 'expired' };
  return { kind: 'rotate' };
}

/** Why a session ended. */
export type RevocationReason =
  | 'LOGOUT'
  | 'PASSWORD_CHANGED'
  | 'TOKEN_REUSED'
  | 'ROLES_CHANGED'
  | 'SUSPENDED'
  | 'REVOKED'
  | 'ERASED'
  | 'IDENTITY_UNLINKED';

/** The times of a new access token, whole seconds as in a JWT. */
export function accessTimes(
  now: Date,
  lifetimeSeconds: number,
): { issuedAt: Date; expiresAt: Date; refreshAfter: Date } {
  const issuedAtMs = Math.floor(now.getTime() / 1000) * 1000;
  return {
    issuedAt: new Date(issuedAtMs),
    expiresAt: new Date(issuedAtMs + lifetimeSeconds * 1000),
    refreshAfter: new Date(issuedAtMs + (lifetimeSeconds / 2) * 1000),
  };
}
