import type { Sql } from '../../shared/database/database.ts';
import type { UserDeps } from '../dependencies.ts';
import { decideRefresh } from '../domain/session.ts';
import { invalidCredentialsError } from '../domain/user.ts';
import { findToken, prolongSession, revokeSession, rotateToken } from '../session-store.ts';
import { type OpenSession, announceRevoked, continueSession, refreshTokenHash } from '../sessions.ts';
import { type AuthPayload, authRefused, signedIn } from './sign-in.ts';

type Outcome =
  | { readonly kind: 'rotated'; readonly session: OpenSession }
  | { readonly kind: 'reused'; readonly sessionId: string }
  | { readonly kind: 'refused' };

/** New tokens for a refresh token, once. A token that comes again ends its session: its rightful holder must sign in. */
export async function refreshTokens(deps: UserDeps, refreshToken: string): Promise<AuthPayload> {
  const tokenHash = refreshTokenHash(refreshToken);
  const outcome = await deps.db.transaction((tx) => rotate(tx, deps, tokenHash));
  switch (outcome.kind) {
    case 'rotated':
      return signedIn(deps, outcome.session, false);
    case 'reused':
      deps.log.warn({ sessionId: outcome.sessionId }, 'a used refresh token came again: session revoked');
      await announceRevoked(deps, [outcome.sessionId]);
      return authRefused([
        invalidCredentialsError('This refresh token was used before, so the session was ended; sign in again.'),
      ]);
    case 'refused':
      return authRefused([invalidCredentialsError('This refresh token is no longer valid; sign in again.')]);
  }
}

/** Refusals are results and not errors here: ending the session must be committed. */
async function rotate(tx: Sql, deps: UserDeps, tokenHash: Buffer): Promise<Outcome> {
  const at = deps.now();
  const token = await findToken(tx, tokenHash);
  const decision = decideRefresh(token, at);
  if (token === null || decision.kind === 'refused') return { kind: 'refused' };
  if (decision.kind === 'rotate') {
    const expiresAt = new Date(at.getTime() + deps.config.refreshDays * 86_400_000);
    // Locks the session, so that of several refreshes with one token exactly one finds it unused.
    if (!(await prolongSession(tx, { id: token.sessionId, at, expiresAt }))) return { kind: 'refused' };
    if (await rotateToken(tx, tokenHash, at))
      return { kind: 'rotated', session: await continueSession(tx, deps, token) };
  }
  await revokeSession(tx, { id: token.sessionId, userId: token.userId, because: 'TOKEN_REUSED', at });
  return { kind: 'reused', sessionId: token.sessionId };
}
