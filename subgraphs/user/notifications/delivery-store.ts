import { sql as raw } from 'kysely';
import { readerOf } from '../../shared/database/reader.ts';
import type { Sql } from '../../shared/database/statements.ts';
import type { DueIn } from '../../shared/process/due-work.ts';
import { byPrimaryKey, change, find, findMany } from '../../shared/database/tables.ts';
import { databaseNow } from '../../shared/tables/records.ts';
import { idFromBytes, idToBytes, isId } from '../../shared/values/ids.ts';
import { tables } from '../records.ts';
import { type Lane, type OutwardChannel, codeKinds, lanes } from './kinds.ts';
import type { Delivery } from './notification.ts';
import { NotificationDeliveryRecord } from './records.ts';

const toRecord = readerOf(NotificationDeliveryRecord);

/** A delivery that this process sends. */
export type ClaimedDelivery = Delivery & {
  readonly address: string | null;
  readonly secret: Buffer | null;
  /** True when its time was over before it was claimed. */
  readonly isOver: boolean;
  readonly claim: string;
};

const maxErrorLength = 500;
const secondsFromNow = (seconds: number) => raw<Date>`utc_timestamp(3) + interval ${raw.lit(seconds)} second`;

/** Deliveries of a new notification; due at once. */
export async function insertDeliveries(
  tx: Sql,
  deliveries: readonly {
    notificationId: string;
    channel: OutwardChannel;
    address: string | null;
    secret: Buffer | null;
    expiresAt: Date | null;
  }[],
): Promise<void> {
  if (deliveries.length === 0) return;
  const rows = deliveries.map(({ notificationId, channel, address, secret, expiresAt }) => ({
    notification_id: idToBytes(notificationId),
    channel,
    state: 'PENDING' as const,
    attempts: 0,
    is_code: secret !== null,
    address,
    secret,
    expires_at: expiresAt,
    next_try_at: databaseNow,
    changed_at: databaseNow,
  }));
  await change(tx, tables.insertInto('notification_delivery').values(rows), 'any');
}

/** In how many milliseconds the first delivery of each lane is due, by the database's clock; null for none. */
export async function readDueTimes(sql: Sql): Promise<DueIn<Lane['name']>> {
  const found = await findMany(
    sql,
    lanes.map(({ channel, isCode }) =>
      tables
        .selectFrom('notification_delivery')
        .select(raw<string | number | null>`timestampdiff(microsecond, utc_timestamp(3), min(next_try_at))`.as('due'))
        .where('channel', '=', channel)
        .where('is_code', '=', isCode),
    ),
  );
  const dueOf = ([row]: { due: string | number | null }[]): number | null => {
    const microseconds = row?.due ?? null;
    return microseconds === null ? null : Number(microseconds) / 1_000;
  };
  return Object.fromEntries(lanes.map(({ name }, index) => [name, dueOf(found[index] ?? [])])) as DueIn<Lane['name']>;
}

/**
 * Takes what is due of a lane, for so many seconds; nobody else gets it within them. Empty only where nothing is due, or others have
 * just taken it. It is found without a lock, and locked by its key as everybody does: who locks the entries of an index first waits for
 * a row whose holder, about to say that the message is out, waits for that entry.
 */
export async function claimDue(
  sql: Sql,
  { channel, isCode }: Lane,
  { claim, limit, seconds }: { claim: string; limit: number; seconds: number },
): Promise<ClaimedDelivery[]> {
  const due = tables
    .selectFrom('notification_delivery')
    .select('notification_id')
    .where('channel', '=', channel)
    .where('is_code', '=', isCode)
    .where('next_try_at', '<=', databaseNow);
  const found = await find(sql, due.orderBy('next_try_at').limit(limit));
  if (found.length === 0) return [];
  const ids = found.map((row) => row.notification_id);
  const taken = tables
    .updateTable('notification_delivery')
    .set({ claimed_by: idToBytes(claim), next_try_at: secondsFromNow(seconds) })
    .where('notification_id', 'in', ids)
    .where('channel', '=', channel)
    .where('next_try_at', '<=', databaseNow);
  if ((await change(sql, byPrimaryKey(taken, 'notification_delivery'))) === 0) return [];
  const mine = tables
    .selectFrom('notification_delivery')
    .selectAll()
    .select(raw<number>`expires_at is not null and expires_at <= utc_timestamp(3)`.as('is_over'))
    .where('claimed_by', '=', idToBytes(claim));
  return (await find(sql, mine)).map((row) => {
    const { expiresAt: _, nextTryAt: __, claimedBy: ___, isCode: ____, ...delivery } = toRecord(row);
    return { ...delivery, isOver: row.is_over === 1, claim };
  });
}

type Claimed = Pick<ClaimedDelivery, 'notificationId' | 'channel' | 'claim'>;
const claimed = ({ notificationId, channel, claim }: Claimed) =>
  tables
    .updateTable('notification_delivery')
    .where('notification_id', '=', idToBytes(notificationId))
    .where('channel', '=', channel)
    .where('claimed_by', '=', idToBytes(claim));

/** Notes that it is being sent, before it is; false when somebody else has it. From now on it is sent once or not at all. */
export const startSending = async (sql: Sql, delivery: Claimed, { seconds }: { seconds: number }): Promise<boolean> =>
  (await change(
    sql,
    claimed(delivery)
      .set(({ eb }) => ({
        state: 'SENDING',
        attempts: eb('attempts', '+', 1),
        next_try_at: secondsFromNow(seconds),
        changed_at: databaseNow,
      }))
      .where('state', 'in', ['PENDING', 'FAILED']),
  )) === 1;

/** It is out, or never will be: what it carried is erased. */
export const endDelivery = async (
  sql: Sql,
  delivery: Claimed,
  end: { readonly state: 'SENT' } | { readonly state: 'DEAD'; readonly error: string },
): Promise<void> => {
  await change(
    sql,
    claimed(delivery).set({
      state: end.state,
      last_error: end.state === 'DEAD' ? end.error.slice(0, maxErrorLength) : null,
      address: null,
      secret: null,
      next_try_at: null,
      claimed_by: null,
      changed_at: databaseNow,
    }),
  );
};

/** It did not go: it is tried again in so many seconds, or at its end where that comes first. `isTry`: it counts as one, and was not counted yet. */
export const putOff = async (
  sql: Sql,
  delivery: Claimed,
  { error, seconds, isTry }: { error: string; seconds: number; isTry: boolean },
): Promise<void> => {
  const next = secondsFromNow(seconds);
  await change(
    sql,
    claimed(delivery).set(({ eb }) => ({
      state: 'FAILED',
      attempts: eb('attempts', '+', isTry ? 1 : 0),
      last_error: error.slice(0, maxErrorLength),
      next_try_at: raw<Date>`least(${next}, coalesce(expires_at, ${next}))`,
      claimed_by: null,
      changed_at: databaseNow,
    })),
  );
};

/** The deliveries of notifications. */
export async function readDeliveries(sql: Sql, notificationIds: readonly string[]): Promise<Delivery[]> {
  const ids = notificationIds.filter(isId).map(idToBytes);
  if (ids.length === 0) return [];
  const all = tables.selectFrom('notification_delivery').selectAll().where('notification_id', 'in', ids);
  return (await find(sql, all.orderBy('channel'))).map((row) => toRecord(row));
}

/** Ids of notifications of which a delivery is DEAD, the newest first. */
export async function listDead(sql: Sql, page: { limit: number; after: string | null }): Promise<string[]> {
  const dead = tables
    .selectFrom('notification_delivery')
    .select('notification_id')
    .distinct()
    .where('state', '=', 'DEAD');
  const following = page.after === null ? dead : dead.where('notification_id', '<', idToBytes(page.after));
  return (await find(sql, following.orderBy('notification_id', 'desc').limit(page.limit))).map((row) =>
    idFromBytes(row.notification_id),
  );
}

const withoutCode = tables
  .selectFrom('notification')
  .select('id')
  .where('kind', 'not in', [...codeKinds]);

/**
 * Has the DEAD deliveries of a notification sent again, however old it is, unless they carried a code, which is erased. Returns
 * how many.
 */
export const reviveDead = (sql: Sql, notificationId: string): Promise<number> =>
  change(
    sql,
    tables
      .updateTable('notification_delivery')
      .set({
        state: 'PENDING',
        attempts: 0,
        last_error: null,
        expires_at: null,
        next_try_at: databaseNow,
        changed_at: databaseNow,
      })
      .where('notification_id', '=', idToBytes(notificationId))
      .where('state', '=', 'DEAD')
      .where('notification_id', 'in', withoutCode),
  );

/** Of how many notifications a delivery is DEAD. */
export async function countDead(sql: Sql): Promise<number> {
  const count = tables
    .selectFrom('notification_delivery')
    .select((eb) => eb.fn.count('notification_id').distinct().as('dead'))
    .where('state', '=', 'DEAD');
  return Number((await find(sql, count))[0]?.dead ?? 0);
}
