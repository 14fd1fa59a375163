import type { Sql } from '../../shared/database/database.ts';
import { find } from '../../shared/database/tables.ts';
import { readerOf } from '../../shared/database/reader.ts';
import { idToBytes } from '../../shared/values/ids.ts';
import { UserSessionRecord, tables } from '../records.ts';

/** A session that has not ended. */
export type UserSession = {
  readonly id: string;
  readonly userId: string;
  /** What the device called itself. */
  readonly client: string | null;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
};

const toRecord = readerOf(UserSessionRecord);
const maxSessions = 100;

/** The sessions of a user that have not ended at `at`, the last used first, at most 100. */
export async function readSessions(sql: Sql, userId: string, at: Date): Promise<UserSession[]> {
  const rows = await find(
    sql,
    tables
      .selectFrom('user_session')
      .selectAll()
      .where('user_id', '=', idToBytes(userId))
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', at)
      .orderBy('refreshed_at', 'desc')
      .orderBy('id', 'desc')
      .limit(maxSessions),
  );
  return rows.map(toSession);
}

/** A session, whether or not it has ended. */
export async function findSession(sql: Sql, id: string): Promise<UserSession | null> {
  const [row] = await find(sql, tables.selectFrom('user_session').selectAll().where('id', '=', idToBytes(id)));
  return row ? toSession(row) : null;
}

function toSession(row: object): UserSession {
  const { id, userId, client, createdAt, refreshedAt } = toRecord(row);
  return { id, userId, client: client ?? null, createdAt, lastUsedAt: refreshedAt };
}
