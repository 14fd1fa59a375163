import { type Updateable, sql as raw } from 'kysely';
import type { Sql } from '../../shared/database/database.ts';
import { readerOf } from '../../shared/database/reader.ts';
import { change, find } from '../../shared/database/tables.ts';
import type { DueIn } from '../../shared/process/due-work.ts';
import { toDate } from '../../shared/database/database.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';
import { nameKeyOf } from '../domain/user.ts';
import { type UserTables, insertInto, tables } from '../records.ts';
import { ErasureRecord } from './erasure-records.ts';

/** What staff see in place of a name. */
export const erasedName = 'Erased user';

/** Takes what tells of a person out of this schema. The account's row stays, so that ids of others lead to it. */
export async function eraseAccount(tx: Sql, userId: string, at: Date): Promise<void> {
  const id = idToBytes(userId);
  const account = tables.updateTable('user_account').set(({ eb }) => ({
    name: erasedName,
    name_key: nameKeyOf(erasedName),
    nickname: null,
    gender: 'UNSPECIFIED',
    mobile: null,
    email: null,
    verified_email: null,
    avatar: null,
    info: null,
    locale: null,
    roles: 'CUSTOMER',
    highest_role: 'CUSTOMER',
    status: 'ERASED',
    updated_at: at,
    version: eb('version', '+', 1),
  }));
  await change(tx, account.where('id', '=', id), 1);
  for (const table of [
    'user_password',
    'sign_in_place',
    'address',
    'address_book',
    'one_time_code',
    'email_code',
    'user_identity',
  ] as const)
    await change(tx, tables.deleteFrom(table).where('user_id', '=', id), 'any');
  const sessions = tables.selectFrom('user_session').select('id').where('user_id', '=', id);
  await change(tx, tables.updateTable('user_session').set({ client: null }).where('user_id', '=', id), 'any');
  // The sessions themselves stay until their last access token has ended: gateways are told of them again.
  await change(tx, tables.deleteFrom('refresh_token').where('session_id', 'in', sessions), 'any');
  const messages = tables.selectFrom('notification').select('id').where('user_id', '=', id);
  await change(tx, tables.deleteFrom('notification_delivery').where('notification_id', 'in', messages), 'any');
  for (const table of ['notification', 'notification_stream'] as const)
    await change(tx, tables.deleteFrom(table).where('user_id', '=', id), 'any');
  const endpoints = tables.selectFrom('webhook_endpoint').select('id').where('owner_id', '=', id);
  await change(tx, tables.deleteFrom('outgoing_delivery').where('endpoint_id', 'in', endpoints), 'any');
  await change(tx, tables.deleteFrom('webhook_endpoint').where('owner_id', '=', id), 'any');
  // What other systems were told of the user's orders has a parcel's number.
  const told = tables
    .updateTable('outgoing_delivery')
    .set({ payload: raw`json_remove(payload, '$.data.trackingNumber')` })
    .where('customer_id', '=', id);
  await change(tx, told, 'any');
  // Reasons that administrators gave; what was done, and by whom, stays.
  const reasons = tables
    .updateTable('audit_entry')
    .set({ after_value: raw`json_remove(after_value, '$.reason')` })
    .where('subject', '=', `user:${userId}`)
    .where('after_value', 'is not', null);
  await change(tx, reasons, 'any');
}

const toRecord = readerOf(ErasureRecord);

/** Notes that other services have to follow, from `at` on. */
export const insertErasure = (
  tx: Sql,
  { userId, traceId, at }: { userId: string; traceId: string; at: Date },
): Promise<void> =>
  insertInto(tx, 'erasure', [
    {
      user_id: idToBytes(userId),
      trace_id: traceId,
      done_in: '[]',
      pass: 0,
      attempts: 0,
      requested_at: at,
      due_at: at,
      done_at: null,
    },
  ]);

/** Ids of users whose erasure is due at `at`. */
export async function findDueErasures(sql: Sql, at: Date, limit: number): Promise<string[]> {
  const due = tables.selectFrom('erasure').select('user_id').where('done_at', 'is', null).where('due_at', '<=', at);
  return (await find(sql, due.orderBy('due_at').limit(limit))).map(({ user_id }) => idFromBytes(user_id));
}

/** Takes an erasure that is due for the time until `until`; null where it is done, or somebody else has it. */
export async function takeErasure(sql: Sql, userId: string, { at, until }: { at: Date; until: Date }) {
  const own = tables
    .updateTable('erasure')
    .set(({ eb }) => ({ due_at: until, attempts: eb('attempts', '+', 1) }))
    .where('user_id', '=', idToBytes(userId))
    .where('done_at', 'is', null)
    .where('due_at', '<=', at);
  if ((await change(sql, own)) !== 1) return null;
  const [row] = await find(sql, tables.selectFrom('erasure').selectAll().where('user_id', '=', idToBytes(userId)));
  return row ? toRecord(row) : null;
}

/** Notes how far a pass of an erasure is, and when to go on. */
export const saveErasure = (
  sql: Sql,
  userId: string,
  { doneIn, dueAt }: { doneIn: readonly string[]; dueAt: Date },
): Promise<number> => setErasure(sql, userId, { done_in: JSON.stringify(doneIn), due_at: dueAt });

/** The first pass is over: the last one is due at `dueAt`. */
export const beginLastPass = (sql: Sql, userId: string, dueAt: Date): Promise<number> =>
  setErasure(sql, userId, { pass: 1, done_in: '[]', attempts: 0, due_at: dueAt });

export const endErasure = (sql: Sql, userId: string, at: Date): Promise<number> =>
  setErasure(sql, userId, { done_at: at });

const setErasure = (sql: Sql, userId: string, changes: Updateable<UserTables['erasure']>): Promise<number> =>
  change(sql, tables.updateTable('erasure').set(changes).where('user_id', '=', idToBytes(userId)), 'any');

/** How many erasures that were asked for before `before` are not done. */
export async function countHanging(sql: Sql, before: Date): Promise<number> {
  const hanging = tables
    .selectFrom('erasure')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('done_at', 'is', null)
    .where('requested_at', '<', before);
  return Number((await find(sql, hanging))[0]?.count ?? 0);
}

/** When the next erasure is due. */
export async function readDueTime(sql: Sql, at: Date): Promise<DueIn<'erasures'>> {
  const first = tables
    .selectFrom('erasure')
    .select(({ fn }) => fn.min('due_at').as('at'))
    .where('done_at', 'is', null);
  const [row] = await find(sql, first);
  const due = toDate(row?.at);
  return { erasures: due && due.getTime() - at.getTime() };
}

/**
 * What this schema keeps of a user, as it is exported: nothing by which somebody could sign in. At most `limit` rows of a kind;
 * `isComplete` says of each whether that is all.
 */
export async function readPersonalRows(sql: Sql, userId: string, limit: number) {
  const id = idToBytes(userId);
  const limitAndOne = limit + 1;
  const [account] = await find(
    sql,
    tables
      .selectFrom('user_account')
      .select([
        'name',
        'nickname',
        'gender',
        'mobile',
        'email',
        'verified_email',
        'avatar',
        'info',
        'locale',
        'roles',
        'status',
        'created_at',
        'updated_at',
      ]) // prettier-ignore
      .where('id', '=', id),
  );
  const addresses = await find(
    sql,
    tables
      .selectFrom('address')
      .select([
        'label',
        'name',
        'company',
        'line1',
        'line2',
        'city',
        'region',
        'postal_code',
        'country_code',
        'phone',
        'created_at',
      ]) // prettier-ignore
      .where('user_id', '=', id)
      .limit(limitAndOne),
  );
  const sessions = await find(
    sql,
    tables
      .selectFrom('user_session')
      .select(['client', 'created_at', 'refreshed_at', 'expires_at', 'revoked_at'])
      .where('user_id', '=', id)
      .orderBy('id', 'desc')
      .limit(limitAndOne),
  );
  const identities = await find(
    sql,
    tables
      .selectFrom('user_identity')
      .select(['type', 'issuer', 'subject', 'linked_at'])
      .where('user_id', '=', id)
      .limit(limitAndOne),
  );
  const notifications = await find(
    sql,
    tables
      .selectFrom('notification')
      .select(['kind', 'facts', 'created_at', 'read_at'])
      .where('user_id', '=', id)
      .orderBy('seq', 'desc')
      .limit(limitAndOne),
  );
  const acts = await find(
    sql,
    tables
      .selectFrom('audit_entry')
      .select(['at', 'action', 'subject'])
      .where('actor_id', '=', id)
      .orderBy('id', 'desc')
      .limit(limitAndOne),
  );
  const emailVerifications = await find(
    sql,
    tables.selectFrom('email_code').select(['email', 'created_at', 'expires_at']).where('user_id', '=', id),
  );
  const webhookEndpoints = await find(
    sql,
    tables
      .selectFrom('webhook_endpoint')
      .select(['url', 'description', 'events', 'active', 'created_at'])
      .where('owner_id', '=', id)
      .limit(limitAndOne),
  );
  const lists = { addresses, identities, sessions, notifications, acts, emailVerifications, webhookEndpoints };
  const names = Object.keys(lists) as (keyof typeof lists)[];
  return {
    isComplete: Object.fromEntries(names.map((name) => [name, lists[name].length <= limit])),
    account: account ?? null,
    ...Object.fromEntries(names.map((name) => [name, lists[name].slice(0, limit)])),
  };
}
