import type { Sql } from '../../shared/database/database.ts';
import { readerOf } from '../../shared/database/reader.ts';
import { change, find } from '../../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';
import { emailKeyOf } from '../domain/email.ts';
import { nameKeyOf } from '../domain/user.ts';
import { UserIdentityRecord, insertInto, tables } from '../records.ts';
import type { ForeignType, Identity } from './identity.ts';

/** An identity by which a user can sign in. */
export type LinkedIdentity = Identity & { readonly userId: string; readonly linkedAt: Date };

const toRecord = readerOf(UserIdentityRecord);

/** Whose identity this is; null for nobody's. */
export async function findIdentityOwner(sql: Sql, { type, issuer, subject }: Identity): Promise<string | null> {
  const identity = tables.selectFrom('user_identity').select('user_id');
  const [row] = await find(
    sql,
    identity.where('type', '=', type).where('issuer', '=', issuer).where('subject', '=', subject),
  );
  return row ? idFromBytes(row.user_id) : null;
}

/** The identities of these users, the first linked first. One statement. */
export async function readIdentities(sql: Sql, userIds: readonly string[]): Promise<LinkedIdentity[]> {
  const identities = tables.selectFrom('user_identity').selectAll().where('user_id', 'in', userIds.map(idToBytes));
  return (await find(sql, identities.orderBy('linked_at').orderBy('issuer'))).map((row) => toRecord(row));
}

/** Rejects with a duplicate key where somebody has the identity, or the user has another one of this issuer. */
export const insertIdentity = (tx: Sql, { userId, linkedAt, ...identity }: LinkedIdentity): Promise<void> =>
  insertInto(tx, 'user_identity', [{ ...identity, user_id: idToBytes(userId), linked_at: linkedAt }]);

/** Takes a user's identities of a type away, those of an issuer alone where one is named; returns how many. */
export function deleteIdentities(
  tx: Sql,
  { userId, type, issuer }: { userId: string; type: ForeignType; issuer: string | null },
): Promise<number> {
  const ofType = tables.deleteFrom('user_identity').where('user_id', '=', idToBytes(userId)).where('type', '=', type);
  return change(tx, issuer === null ? ofType : ofType.where('issuer', '=', issuer));
}

/** Takes all identities of a user away. */
export const deleteAllIdentities = (tx: Sql, userId: string): Promise<number> =>
  change(tx, tables.deleteFrom('user_identity').where('user_id', '=', idToBytes(userId)), 'any');

/** Whether an account has verified this address. */
export async function isEmailTaken(sql: Sql, email: string): Promise<boolean> {
  const owner = tables.selectFrom('user_account').select('id').where('verified_email', '=', emailKeyOf(email));
  return (await find(sql, owner)).length > 0;
}

/** An account without a number and a password. Rejects with a duplicate key where another has verified the address. */
export async function insertAccountOfIdentity(
  tx: Sql,
  { id, name, email, at }: { id: string; name: string; email: string | null; at: Date },
): Promise<void> {
  await insertInto(tx, 'user_account', [
    {
      id: idToBytes(id),
      name,
      name_key: nameKeyOf(name),
      nickname: null,
      gender: 'UNSPECIFIED',
      mobile: null,
      email,
      verified_email: email === null ? null : emailKeyOf(email),
      avatar: null,
      info: null,
      roles: 'CUSTOMER',
      highest_role: 'CUSTOMER',
      status: 'ACTIVE',
      created_at: at,
      updated_at: at,
      version: 1,
    },
  ]);
}
