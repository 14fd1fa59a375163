import { type Sql, insertRows, run, select, toDate, write } from '../shared/database/database.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { PresentedToken, RevocationReason } from './domain/session.ts';

export type NewToken = {
  readonly tokenHash: Buffer;
  readonly sessionId: string;
  readonly at: Date;
  readonly expiresAt: Date;
};

/** A session with its first refresh token. */
export async function insertSession(tx: Sql, session: NewToken & { readonly userId: string }): Promise<void> {
  await insertRows(tx, 'user_session', [
    {
      id: idToBytes(session.sessionId), user_id: idToBytes(session.userId), created_at: session.at, refreshed_at: session.at,
      expires_at: session.expiresAt, revoked_at: null, revoked_because: null,
    }, // prettier-ignore
  ]);
  await insertToken(tx, session);
}

export const insertToken = (tx: Sql, token: NewToken): Promise<void> =>
  insertRows(tx, 'refresh_token', [
    {
      token_hash: token.tokenHash,
      session_id: idToBytes(token.sessionId),
      issued_at: token.at,
      expires_at: token.expiresAt,
      rotated_at: null,
    },
  ]);

export type FoundToken = PresentedToken & { readonly sessionId: string; readonly userId: string };

export async function findToken(sql: Sql, tokenHash: Buffer): Promise<FoundToken | null> {
  const [row] = await select(
    sql,
    'select t.session_id, t.rotated_at, t.expires_at, s.user_id, s.revoked_at from refresh_token t join user_session s on s.id = t.session_id where t.token_hash = ?',
    [tokenHash],
  );
  if (!row) return null;
  return {
    sessionId: idFromBytes(row['session_id'] as Buffer),
    userId: idFromBytes(row['user_id'] as Buffer),
    rotatedAt: toDate(row['rotated_at']),
    tokenExpiresAt: toDate(row['expires_at']) as Date,
    sessionRevokedAt: toDate(row['revoked_at']),
  };
}

/** Locks the session for this transaction and prolongs it. False when it was revoked meanwhile. */
export const prolongSession = async (tx: Sql, session: { id: string; at: Date; expiresAt: Date }): Promise<boolean> =>
  (await write(tx, 'update user_session set refreshed_at = ?, expires_at = ? where id = ? and revoked_at is null', [
    session.at,
    session.expiresAt,
    idToBytes(session.id),
  ])) === 1;

/** Uses the token up. False when somebody else did. */
export const rotateToken = async (tx: Sql, tokenHash: Buffer, at: Date): Promise<boolean> =>
  (await write(tx, 'update refresh_token set rotated_at = ? where token_hash = ? and rotated_at is null', [
    at,
    tokenHash,
  ])) === 1;

/** Ends a session of this user. A session that has ended keeps its first reason. */
export async function revokeSession(
  tx: Sql,
  session: { id: string; userId: string; because: RevocationReason; at: Date },
): Promise<void> {
  await run(tx, 'update user_session set revoked_at = ?, revoked_because = ? where id = ? and user_id = ? and revoked_at is null', [
    session.at, session.because, idToBytes(session.id), idToBytes(session.userId),
  ]); // prettier-ignore
}

/** Ends all sessions of a user but `keep`, all of them where it is null; returns the ids of those that it ended. */
export async function revokeOtherSessions(
  tx: Sql,
  options: { userId: string; keep: string | null; because: RevocationReason; at: Date },
): Promise<readonly string[]> {
  // No session has the id of nothing but zeros.
  const keep = options.keep === null ? Buffer.alloc(16) : idToBytes(options.keep);
  const rows = await select(
    tx,
    'select id from user_session where user_id = ? and id <> ? and revoked_at is null order by id for update',
    [idToBytes(options.userId), keep],
  );
  if (rows.length > 0) {
    await run(tx, 'update user_session set revoked_at = ?, revoked_because = ? where user_id = ? and id <> ? and revoked_at is null', [
      options.at, options.because, idToBytes(options.userId), keep,
    ]); // prettier-ignore
  }
  return rows.map((row) => idFromBytes(row['id'] as Buffer));
}

/** Sessions revoked since then: their access tokens may still be good. */
export async function readRevokedSince(
  sql: Sql,
  since: Date,
): Promise<readonly { readonly id: string; readonly revokedAt: Date }[]> {
  const rows = await select(sql, 'select id, revoked_at from user_session where revoked_at > ?', [since]);
  return rows.map((row) => ({ id: idFromBytes(row['id'] as Buffer), revokedAt: toDate(row['revoked_at']) as Date }));
}
