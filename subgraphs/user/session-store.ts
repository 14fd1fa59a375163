import { readerOf } from '../shared/database/reader.ts';
import type { Sql } from '../shared/database/statements.ts';
import { change, find, prepare } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { PresentedToken, RevocationReason } from './domain/session.ts';
import { RefreshTokenRecord, UserSessionRecord, insertInto, tables } from './records.ts';

export type NewToken = {
  readonly tokenHash: Buffer;
  readonly sessionId: string;
  readonly at: Date;
  readonly expiresAt: Date;
};

const tokenOf = readerOf(RefreshTokenRecord);
const sessionOf = readerOf(UserSessionRecord);

/** A session with its first refresh token. */
export async function insertSession(
  tx: Sql,
  session: NewToken & { readonly userId: string; readonly client: string | null },
): Promise<void> {
  await insertInto(tx, 'user_session', [
    {
      id: idToBytes(session.sessionId), user_id: idToBytes(session.userId), client: session.client, created_at: session.at, refreshed_at: session.at,
      expires_at: session.expiresAt, revoked_at: null, revoked_because: null,
    }, // prettier-ignore
  ]);
  await insertToken(tx, session);
}

export const insertToken = (tx: Sql, token: NewToken): Promise<void> =>
  insertInto(tx, 'refresh_token', [
    {
      token_hash: token.tokenHash,
      session_id: idToBytes(token.sessionId),
      issued_at: token.at,
      expires_at: token.expiresAt,
      rotated_at: null,
    },
  ]);

export type FoundToken = PresentedToken & { readonly sessionId: string; readonly userId: string };

const byHash = prepare<{ hash: Buffer }>()((param) =>
  tables
    .selectFrom('refresh_token as t')
    .innerJoin('user_session as s', 's.id', 't.session_id')
    .select(['t.session_id', 't.rotated_at', 't.expires_at', 's.user_id', 's.revoked_at'])
    .where('t.token_hash', '=', param.hash),
);

export async function findToken(sql: Sql, tokenHash: Buffer): Promise<FoundToken | null> {
  const [row] = await find(sql, byHash, { hash: tokenHash });
  if (!row) return null;
  const { sessionId, rotatedAt, expiresAt } = tokenOf(row);
  const { userId, revokedAt } = sessionOf(row);
  return { sessionId, userId, rotatedAt: rotatedAt ?? null, tokenExpiresAt: expiresAt, sessionRevokedAt: revokedAt ?? null }; // prettier-ignore
}

/** Locks the session for this transaction and prolongs it. False when it was revoked meanwhile. */
export async function prolongSession(tx: Sql, session: { id: string; at: Date; expiresAt: Date }): Promise<boolean> {
  const update = tables
    .updateTable('user_session')
    .set({ refreshed_at: session.at, expires_at: session.expiresAt })
    .where('id', '=', idToBytes(session.id))
    .where('revoked_at', 'is', null);
  return (await change(tx, update)) === 1;
}

/** Uses the token up. False when somebody else did. */
export async function rotateToken(tx: Sql, tokenHash: Buffer, at: Date): Promise<boolean> {
  const update = tables
    .updateTable('refresh_token')
    .set({ rotated_at: at })
    .where('token_hash', '=', tokenHash)
    .where('rotated_at', 'is', null);
  return (await change(tx, update)) === 1;
}

/** When a sign-in opened this session of this user; refreshed tokens leave it as it is. Null for none. */
export async function readSessionBegin(sql: Sql, session: { id: string; userId: string }): Promise<Date | null> {
  const begin = tables.selectFrom('user_session').select('created_at').where('id', '=', idToBytes(session.id));
  const [row] = await find(sql, begin.where('user_id', '=', idToBytes(session.userId)));
  return row ? sessionOf(row).createdAt : null;
}

/** A session that has ended keeps its first reason. */
const revoke = (because: RevocationReason, at: Date, userId: string) =>
  tables
    .updateTable('user_session')
    .set({ revoked_at: at, revoked_because: because })
    .where('user_id', '=', idToBytes(userId))
    .where('revoked_at', 'is', null);

/** Ends a session of this user. */
export async function revokeSession(
  tx: Sql,
  session: { id: string; userId: string; because: RevocationReason; at: Date },
): Promise<void> {
  const { because, at, userId } = session;
  await change(tx, revoke(because, at, userId).where('id', '=', idToBytes(session.id)), 'any');
}

/** Ends all sessions of a user but `keep`, all of them where it is null; returns the ids of those that it ended. */
export async function revokeOtherSessions(
  tx: Sql,
  options: { userId: string; keep: string | null; because: RevocationReason; at: Date },
): Promise<readonly string[]> {
  const { because, at, userId } = options;
  // No session has the id of nothing but zeros.
  const keep = options.keep === null ? Buffer.alloc(16) : idToBytes(options.keep);
  const others = tables
    .selectFrom('user_session')
    .select('id')
    .where('user_id', '=', idToBytes(userId))
    .where('id', '<>', keep)
    .where('revoked_at', 'is', null);
  const rows = await find(tx, others.orderBy('id').forUpdate());
  if (rows.length > 0) await change(tx, revoke(because, at, userId).where('id', '<>', keep), 'any');
  return rows.map(({ id }) => idFromBytes(id));
}

/** Sessions revoked since then: their access tokens may still be good. */
export async function readRevokedSince(
  sql: Sql,
  since: Date,
): Promise<readonly { readonly id: string; readonly revokedAt: Date }[]> {
  const revoked = tables.selectFrom('user_session').select(['id', 'revoked_at']).where('revoked_at', '>', since);
  return (await find(sql, revoked)).map((row) => {
    const { id, revokedAt } = sessionOf(row);
    return { id, revokedAt: revokedAt as Date };
  });
}

/** Forgets refresh tokens that were over before then, at most `limit`; returns how many. */
export const deleteTokens = (sql: Sql, before: Date, limit: number): Promise<number> =>
  change(sql, tables.deleteFrom('refresh_token').where('expires_at', '<', before).limit(limit));

/** As `deleteTokens` for sessions, which end with their newest token. */
export const deleteSessions = (sql: Sql, before: Date, limit: number): Promise<number> =>
  change(sql, tables.deleteFrom('user_session').where('expires_at', '<', before).limit(limit));
