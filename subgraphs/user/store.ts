import { type ExpressionBuilder, type Updateable, sql as raw } from 'kysely';
import { type Role, highestRole } from '../shared/auth/viewer.ts';
import { readerOf } from '../shared/database/reader.ts';
import type { Sql } from '../shared/database/statements.ts';
import { change, find, findByList, prepare, prepareList } from '../shared/database/tables.ts';
import { RefusedError, isDuplicateKey } from '../shared/errors/errors.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import { typedIdentifier } from '../shared/values/text.ts';
import { checkEmail, emailKeyOf } from './domain/email.ts';
import { mobilePrefix } from './domain/mobile.ts';
import { type Profile, type User, mobileTakenError, nameKeyOf } from './domain/user.ts';
import { UserAccountRecord, type UserTables, insertInto, tables } from './records.ts';

const read = readerOf(UserAccountRecord);
function toUser(row: object): User {
  const { nameKey: _, highestRole: __, roles, ...user } = read(row);
  return { ...user, roles: roles.split(',') as Role[] };
}

const users = tables
  .selectFrom('user_account')
  .select([
    'id',
    'name',
    'nickname',
    'gender',
    'mobile',
    'email',
    'verified_email',
    'avatar',
    'info',
    'roles',
    'status',
    'locale',
    'created_at',
    'updated_at',
    'version',
  ]);

const byIds = prepareList((ids) => users.where('id', 'in', ids));

/** The users among these ids that exist, by id. One statement. */
export async function readUsers(sql: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, User>> {
  const rows = await findByList(sql, byIds, ids.map(idToBytes)); // prettier-ignore
  return new Map(rows.map(toUser).map((user) => [user.id, user]));
}

export async function readUser(sql: Sql, id: string): Promise<User | null> {
  return (await readUsers(sql, [id])).get(id) ?? null;
}

/** What is needed to sign an account in. */
export type Credentials = { readonly userId: string; readonly mobile: string | null; readonly passwordHash: string };

const credentials = tables
  .selectFrom('user_account as a')
  .innerJoin('user_password as p', 'p.user_id', 'a.id')
  .select(['a.id', 'a.mobile', 'p.password_hash']);
const credentialsByMobile = prepare<{ mobile: string }>()((param) => credentials.where('a.mobile', '=', param.mobile));
const credentialsById = prepare<{ id: Buffer }>()((param) => credentials.where('a.id', '=', param.id));

type CredentialsRow = { readonly id: Buffer; readonly mobile: string | null; readonly password_hash: string };
const toCredentials = (row: CredentialsRow | undefined): Credentials | null =>
  row === undefined ? null : { userId: idFromBytes(row.id), mobile: row.mobile, passwordHash: row.password_hash };

export const findCredentials = async (sql: Sql, mobile: string): Promise<Credentials | null> =>
  toCredentials((await find(sql, credentialsByMobile, { mobile }))[0]);

export const readCredentials = async (sql: Sql, userId: string): Promise<Credentials | null> =>
  toCredentials((await find(sql, credentialsById, { id: idToBytes(userId) }))[0]);

/**
 * Locks the password until the transaction ends and says whether it is still this one: a session for an old password
 * can't slip in while the password is changed and the other sessions are ended.
 */
export async function lockPassword(tx: Sql, { userId, passwordHash }: Credentials): Promise<boolean> {
  const password = tables.selectFrom('user_password').select('password_hash').where('user_id', '=', idToBytes(userId));
  const [row] = await find(tx, password.forUpdate());
  return row?.password_hash === passwordHash;
}

/** False when the password is no longer `from`. */
export async function replacePassword(
  tx: Sql,
  replaced: { userId: string; from: string; to: string; at: Date },
): Promise<boolean> {
  const update = tables
    .updateTable('user_password')
    .set({ password_hash: replaced.to, changed_at: replaced.at })
    .where('user_id', '=', idToBytes(replaced.userId))
    .where('password_hash', '=', replaced.from);
  return (await change(tx, update)) === 1;
}

export type NewAccount = Pick<User, 'id' | 'name' | 'nickname' | 'gender' | 'mobile' | 'roles'> & {
  readonly locale?: User['locale'] | undefined;
  readonly passwordHash: string;
  readonly at: Date;
};

/** Throws RefusedError with MobileTakenError when another account has the number. */
export async function insertAccount(tx: Sql, account: NewAccount): Promise<void> {
  const { at } = account;
  try {
    await insertInto(tx, 'user_account', [
      {
        id: idToBytes(account.id), name: account.name, nickname: account.nickname, gender: account.gender, mobile: account.mobile, name_key: nameKeyOf(account.name),
        avatar: null, info: null, locale: account.locale ?? null, roles: account.roles.join(','), highest_role: highestRole(account.roles), created_at: at, updated_at: at, version: 1,
      }, // prettier-ignore
    ]);
  } catch (error) {
    if (isDuplicateKey(error)) throw new RefusedError(mobileTakenError());
    throw error;
  }
  await insertInto(tx, 'user_password', [
    { user_id: idToBytes(account.id), password_hash: account.passwordHash, changed_at: at },
  ]);
}

/** False when there is no such user, or the version is no longer `version`; null means any version. */
export async function updateProfile(
  tx: Sql,
  updated: { id: string; version: number | null; profile: Partial<Profile>; at: Date },
): Promise<boolean> {
  const { name } = updated.profile;
  const fields: Updateable<UserTables['user_account']> = { ...updated.profile, ...(name !== undefined && { name_key: nameKeyOf(name) }) }; // prettier-ignore
  const update = tables
    .updateTable('user_account')
    .set(fields)
    .set((eb) => ({ updated_at: updated.at, version: eb('version', '+', 1) }))
    .where('id', '=', idToBytes(updated.id));
  const { version } = updated;
  return (await change(tx, version === null ? update : update.where('version', '=', version))) === 1;
}

export type UserFilter = { readonly query: string | null };

/** `|` escapes, since a backslash means something else in some SQL modes. */
const beginsWith = (column: 'name_key' | 'mobile', text: string) =>
  raw<boolean>`${raw.ref(column)} like ${`${text.replace(/[|%_]/g, '|$&')}%`} escape '|'`;

const matches = (filter: UserFilter) => (eb: ExpressionBuilder<UserTables, 'user_account'>) => {
  const query = filter.query ?? '';
  if (typedIdentifier(query) === '') return eb.lit(true);
  const name = nameKeyOf(query);
  const mobile = mobilePrefix(query);
  const email = checkEmail(query, []);
  return eb.or([
    ...(name === '' ? [] : [beginsWith('name_key', name)]),
    ...(mobile === null ? [] : [beginsWith('mobile', mobile)]),
    ...(email.ok ? [eb('email', '=', email.value), eb('verified_email', '=', emailKeyOf(email.value))] : []),
  ]);
};

/** Users newest first, after the one with the id `after`. */
export async function listUsers(
  sql: Sql,
  filter: UserFilter,
  page: { limit: number; after: string | null },
): Promise<User[]> {
  const matching = users.where(matches(filter));
  const following = page.after === null ? matching : matching.where('id', '<', idToBytes(page.after));
  return (await find(sql, following.orderBy('id', 'desc').limit(page.limit))).map(toUser);
}

export async function countUsers(sql: Sql, filter: UserFilter): Promise<number> {
  const count = tables.selectFrom('user_account').select((eb) => eb.fn.countAll().as('users')).where(matches(filter)); // prettier-ignore
  return Number((await find(sql, count))[0]?.users ?? 0);
}
