import { type Role, highestRole } from '../../shared/auth/viewer.ts';
import type { Sql } from '../../shared/database/database.ts';
import { RefusedError, forbiddenError } from '../../shared/errors/errors.ts';
import { change, find } from '../../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';
import { type UserStatus, nameKeyOf } from '../domain/user.ts';
import { insertInto, tables } from '../records.ts';

/** What decides about an account, as it is while its row is locked. */
export type LockedAccount = {
  readonly id: string;
  readonly roles: readonly Role[];
  readonly status: UserStatus;
};

/** Locks the administrators, so that changes of them follow each other; the ids of those who can act. */
export async function lockAdministrators(tx: Sql): Promise<readonly string[]> {
  const administrators = tables.selectFrom('user_account').select(['id', 'status']).where('highest_role', '=', 'ADMIN');
  const rows = await find(tx, administrators.orderBy('id').forUpdate());
  return rows.filter(({ status }) => status === 'ACTIVE').map(({ id }) => idFromBytes(id));
}

/** Locks an account; null when there is none. Whoever changes administrators locks them first. */
export async function lockAccount(tx: Sql, userId: string): Promise<LockedAccount | null> {
  const account = tables
    .selectFrom('user_account')
    .select(['id', 'roles', 'status'])
    .where('id', '=', idToBytes(userId));
  const [row] = await find(tx, account.forUpdate());
  return row ? { id: userId, roles: row.roles.split(',') as Role[], status: row.status } : null;
}

/**
 * Locks an account until the transaction ends and says whether its owner is kept out: no session begins beside its suspension, or
 * erasure, which ends them all.
 */
export async function lockIsSuspended(tx: Sql, userId: string): Promise<boolean> {
  const status = (await lockAccount(tx, userId))?.status;
  return status === 'SUSPENDED' || status === 'ERASED';
}

/**
 * Locks an account for a change by its owner, until the transaction ends. Throws RefusedError with ForbiddenError where the owner is
 * kept out meanwhile: nothing is written to an account that has ended.
 */
export async function lockOpenAccount(tx: Sql, userId: string): Promise<void> {
  if (await lockIsSuspended(tx, userId)) throw new RefusedError(forbiddenError('This account is suspended or erased.'));
}

/** Changes an account whose row is locked. */
export async function changeAccount(
  tx: Sql,
  userId: string,
  { roles, status, name, at }: { roles?: readonly Role[]; status?: UserStatus; name?: string; at: Date },
): Promise<void> {
  await change(
    tx,
    tables
      .updateTable('user_account')
      .set(({ eb }) => ({
        updated_at: at,
        version: eb('version', '+', 1),
        ...(roles && { roles: roles.join(','), highest_role: highestRole(roles) }),
        ...(status && { status }),
        ...(name !== undefined && { name, name_key: nameKeyOf(name) }),
      }))
      .where('id', '=', idToBytes(userId)),
    1,
  );
}

export async function saveEmail(tx: Sql, userId: string, email: string): Promise<void> {
  await change(tx, tables.updateTable('user_account').set({ email }).where('id', '=', idToBytes(userId)), 'any');
}

/** The account of a mobile number that an invitation may be for. */
export async function findAccount(sql: Sql, mobile: string): Promise<LockedAccount | null> {
  const [row] = await find(
    sql,
    tables.selectFrom('user_account').select(['id', 'roles', 'status']).where('mobile', '=', mobile),
  );
  return row ? { id: idFromBytes(row.id), roles: row.roles.split(',') as Role[], status: row.status } : null;
}

const moreThanCustomers: Role[] = ['MERCHANT', 'OPERATOR', 'ADMIN'];

function staffWith(role: Role | null) {
  const users = tables.selectFrom('user_account').where('highest_role', 'in', moreThanCustomers);
  return role === null ? users : users.where(({ fn, val }) => fn<number>('find_in_set', [val(role), 'roles']), '>', 0);
}

/** Ids of the users who have more than the role CUSTOMER, and of these those with `role`; the newest first. */
export async function listStaff(
  sql: Sql,
  role: Role | null,
  page: { limit: number; after: string | null },
): Promise<string[]> {
  let users = staffWith(role).select('id').orderBy('id', 'desc').limit(page.limit);
  if (page.after !== null) users = users.where('id', '<', idToBytes(page.after));
  return (await find(sql, users)).map(({ id }) => idFromBytes(id));
}

export async function countStaff(sql: Sql, role: Role | null): Promise<number> {
  const [row] = await find(
    sql,
    staffWith(role).select(({ fn }) => fn.countAll<string>().as('users')),
  );
  return Number(row?.users ?? 0);
}

/** An account without a password. Rejects with a duplicate key where another has the number. */
export async function insertInvited(
  tx: Sql,
  account: { id: string; name: string; mobile: string; roles: readonly Role[]; at: Date },
): Promise<void> {
  const { id, name, mobile, roles, at } = account;
  await insertInto(tx, 'user_account', [
    {
      id: idToBytes(id),
      name,
      name_key: nameKeyOf(name),
      nickname: null,
      gender: 'UNSPECIFIED',
      mobile,
      email: null,
      avatar: null,
      info: null,
      roles: roles.join(','),
      highest_role: highestRole(roles),
      status: 'INVITED',
      created_at: at,
      updated_at: at,
      version: 1,
    },
  ]);
}

/** Sets a password, whatever it was, or that there was none. */
export async function putPassword(
  tx: Sql,
  { userId, passwordHash, at }: { userId: string; passwordHash: string; at: Date },
): Promise<void> {
  const id = idToBytes(userId);
  await change(tx, tables.deleteFrom('user_password').where('user_id', '=', id), 'any');
  await insertInto(tx, 'user_password', [{ user_id: id, password_hash: passwordHash, changed_at: at }]);
}
