import { sql as raw } from 'kysely';
import { readerOf, writerOf } from '../../shared/database/reader.ts';
import type { Sql } from '../../shared/database/statements.ts';
import { change, find } from '../../shared/database/tables.ts';
import { isDuplicateKey } from '../../shared/errors/errors.ts';
import { idToBytes, isId } from '../../shared/values/ids.ts';
import { tables } from '../records.ts';
import type { Notification } from './notification.ts';
import { NotificationRecord } from './records.ts';

const toRecord = readerOf(NotificationRecord);
const toRow = writerOf(NotificationRecord);

function toNotification(row: object): Notification {
  const { eventId: _, inApp: __, ...notification } = toRecord(row);
  return notification;
}

export type NewNotification = Omit<Notification, 'seq' | 'readAt'> & {
  readonly eventId: string;
  readonly inApp: boolean;
};

/** Writes a notification, with the next number of its person's stream. False when the person was told of the event before. */
export async function insertNotification(tx: Sql, notification: NewNotification): Promise<boolean> {
  const user = idToBytes(notification.userId);
  const next = tables
    .insertInto('notification_stream')
    .values({ user_id: user, last_seq: 1 })
    .onDuplicateKeyUpdate({ last_seq: raw<number>`last_seq + 1` });
  await change(tx, next, 'any');
  const last = tables.selectFrom('notification_stream').select('last_seq').where('user_id', '=', user);
  const { seq: _, ...row } = toRow({ ...notification, seq: 0, readAt: null });
  try {
    // Its number is read where it is written: the stream's row is locked by the statement before.
    await change(tx, tables.insertInto('notification').values({ ...row, seq: raw<number>`(${last})` }), 'any');
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

/** The last number of a person's stream, 0 before the first. */
export async function lastSeq(sql: Sql, userId: string): Promise<number> {
  const last = tables.selectFrom('notification_stream').select('last_seq').where('user_id', '=', idToBytes(userId));
  return (await find(sql, last))[0]?.last_seq ?? 0;
}

const ofUser = (userId: string, unreadOnly: boolean) => {
  const all = tables.selectFrom('notification').where('user_id', '=', idToBytes(userId)).where('in_app', '=', true);
  return unreadOnly ? all.where('read_at', 'is', null) : all;
};

/** What a person is told in-app, the newest first, before the one numbered `beforeSeq`. */
export async function listNotifications(
  sql: Sql,
  { userId, unreadOnly }: { userId: string; unreadOnly: boolean },
  page: { limit: number; beforeSeq: number | null },
): Promise<Notification[]> {
  const all = ofUser(userId, unreadOnly).selectAll();
  const following = page.beforeSeq === null ? all : all.where('seq', '<', page.beforeSeq);
  return (await find(sql, following.orderBy('seq', 'desc').limit(page.limit))).map(toNotification);
}

export async function countNotifications(
  sql: Sql,
  { userId, unreadOnly }: { userId: string; unreadOnly: boolean },
): Promise<number> {
  const count = ofUser(userId, unreadOnly).select((eb) => eb.fn.countAll().as('notifications'));
  return Number((await find(sql, count))[0]?.notifications ?? 0);
}

/** What came after `afterSeq`, the oldest first. */
export async function readStream(
  sql: Sql,
  { userId, afterSeq, limit }: { userId: string; afterSeq: number; limit: number },
): Promise<Notification[]> {
  const following = ofUser(userId, false).selectAll().where('seq', '>', afterSeq).orderBy('seq').limit(limit);
  return (await find(sql, following)).map(toNotification);
}

/** Those of the notifications that there are, by id. */
export async function readNotifications(sql: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, Notification>> {
  const known = ids.filter(isId).map(idToBytes);
  if (known.length === 0) return new Map();
  const rows = await find(sql, tables.selectFrom('notification').selectAll().where('id', 'in', known));
  return new Map(rows.map(toNotification).map((notification) => [notification.id, notification]));
}

/** Notes those of a person's notifications as read that were not. Returns how many. */
export async function markRead(
  sql: Sql,
  { userId, ids, at }: { userId: string; ids: readonly string[]; at: Date },
): Promise<number> {
  const known = ids.filter(isId).map(idToBytes);
  if (known.length === 0) return 0;
  const unread = tables
    .updateTable('notification')
    .set({ read_at: at })
    .where('id', 'in', known)
    .where('user_id', '=', idToBytes(userId))
    .where('read_at', 'is', null);
  return change(sql, unread);
}

/** Forgets notifications from before then with their deliveries, at most `limit`; returns how many. */
export async function deleteNotifications(sql: Sql, before: Date, limit: number): Promise<number> {
  const old = await find(
    sql,
    tables.selectFrom('notification').select('id').where('created_at', '<', before).orderBy('created_at').limit(limit),
  );
  const ids = old.map(({ id }) => id);
  if (ids.length === 0) return 0;
  await change(sql, tables.deleteFrom('notification_delivery').where('notification_id', 'in', ids));
  return change(sql, tables.deleteFrom('notification').where('id', 'in', ids));
}
