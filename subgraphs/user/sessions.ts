import { createHash } from 'node:crypto';
import type { Sql } from '../shared/database/database.ts';
import { noteFailure } from '../shared/process/dependency.ts';
import { RefusedError, forbiddenError } from '../shared/errors/errors.ts';
import { lockIsSuspended } from './administration/account-store.ts';
import type { UserDeps } from './dependencies.ts';
import { accessTimes } from './domain/session.ts';
import type { User } from './domain/user.ts';
import { insertSession, insertToken } from './session-store.ts';
import { notePlaces } from './sign-in-place-store.ts';
import type { Places } from './sign-in-places.ts';

/** What a client gets of a session; see the SDL. */
export type AuthTokens = {
  readonly accessToken: string;
  readonly accessExpiresAt: Date;
  readonly refreshAfter: Date;
  readonly refreshToken: string;
  readonly deviceToken: string | null;
};

/** A session whose refresh token exists only here and at the client: the database keeps its SHA-256. */
export type OpenSession = {
  readonly sessionId: string;
  readonly userId: string;
  readonly refreshToken: string;
  /** By which the device is known when it signs in again; null where nobody signed in. */
  readonly deviceToken: string | null;
};

const refreshTokenBytes = 32;
/** The gateway's word for a session outlives a cached identity and a clock that is a little off. */
const revocationMarginMs = 120_000;
export const revokedSessionsKey = 'auth:revoked-sessions';

/** 256 random bits need no slow hash: there is nothing to guess. */
export const refreshTokenHash = (token: string): Buffer => createHash('sha256').update(token).digest();

function newToken(deps: UserDeps, sessionId: string) {
  const refreshToken = deps.randomBytes(refreshTokenBytes).toString('base64url');
  const at = deps.now();
  const expiresAt = new Date(at.getTime() + deps.config.refreshDays * 86_400_000);
  return { refreshToken, record: { tokenHash: refreshTokenHash(refreshToken), sessionId, at, expiresAt } };
}

/**
 * A new session, in the transaction that decided to sign the user in; from now on its places are known. Throws RefusedError
 * for a suspended account.
 */
export async function openSession(
  tx: Sql,
  deps: UserDeps,
  visit: { userId: string; places: Places },
): Promise<OpenSession> {
  const { userId } = visit;
  if (await lockIsSuspended(tx, userId))
    throw new RefusedError(forbiddenError('This account is suspended: ask the shop.'));
  const sessionId = deps.newId(userId);
  const { refreshToken, record } = newToken(deps, sessionId);
  await insertSession(tx, { ...record, userId, client: visit.places.client });
  const deviceToken = await notePlaces(tx, { ...visit, at: deps.now(), randomBytes: deps.randomBytes });
  return { sessionId, userId, refreshToken, deviceToken };
}

/** The next refresh token of a session, in the transaction that used up the one before. */
export async function continueSession(
  tx: Sql,
  deps: UserDeps,
  session: { sessionId: string; userId: string },
): Promise<OpenSession> {
  const { refreshToken, record } = newToken(deps, session.sessionId);
  await insertToken(tx, record);
  return { ...session, refreshToken, deviceToken: null };
}

/** Signs the access token, after the commit. Roles are those of this moment. */
export async function tokensFor(deps: UserDeps, session: OpenSession, user: User): Promise<AuthTokens> {
  const { issuedAt, expiresAt, refreshAfter } = accessTimes(deps.now(), deps.config.accessSeconds);
  const accessToken = await deps.accessTokens.sign({
    userId: user.id,
    sessionId: session.sessionId,
    roles: user.roles,
    issuedAt,
    expiresAt,
  });
  const { refreshToken, deviceToken } = session;
  return { accessToken, accessExpiresAt: expiresAt, refreshAfter, refreshToken, deviceToken };
}

/** Until when the gateway has to know of a revocation: the session's last access token ends before. */
export const rememberRevocationUntil = (deps: Pick<UserDeps, 'config'>, revokedAt: Date): number =>
  revokedAt.getTime() + deps.config.accessSeconds * 1000 + revocationMarginMs;

/**
 * Tells the gateways, after the commit, that these sessions' access tokens are no longer good. A Redis that is down is
 * logged only: the session has ended in the database, and the job `user.restore-redis` tells Redis later.
 */
export async function announceRevoked(deps: UserDeps, sessionIds: readonly string[]): Promise<void> {
  if (sessionIds.length === 0) return;
  const score = rememberRevocationUntil(deps, deps.now());
  try {
    await deps.redis.zAdd(
      revokedSessionsKey,
      sessionIds.map((value) => ({ value, score })),
    );
  } catch (error) {
    noteFailure(deps.log, error, 'revoked sessions not told to Redis yet');
  }
  for (const sessionId of sessionIds) deps.live.publish('auth-revoked', sessionId);
}
