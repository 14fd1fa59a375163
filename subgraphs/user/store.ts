import { type Role, highestRole } from '../shared/auth/viewer.ts';
import { type Row, type Sql, insertRows, placeholders, select, toDate, write } from '../shared/database/database.ts';
import { RefusedError, isDuplicateKey } from '../shared/errors/errors.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import { typedIdentifier } from '../shared/values/text.ts';
import { mobilePrefix } from './domain/mobile.ts';
import { type Gender, type Profile, type User, type UserStatus, mobileTakenError, nameKeyOf } from './domain/user.ts';

const columns =
  'id, name, nickname, gender, mobile, email, avatar, info, roles, status, created_at, updated_at, version';

const toUser = (row: Row): User => ({
  id: idFromBytes(row['id'] as Buffer),
  name: row['name'] as string,
  nickname: row['nickname'] as string | null,
  gender: row['gender'] as Gender,
  mobile: row['mobile'] as string | null,
  email: row['email'] as string | null,
  avatar: row['avatar'] as string | null,
  info: row['info'] as string | null,
  roles: (row['roles'] as string).split(',') as Role[],
  status: row['status'] as UserStatus,
  createdAt: toDate(row['created_at']) as Date,
  updatedAt: toDate(row['updated_at']) as Date,
  version: Number(row['version']),
});

/** The users among these ids that exist, by id. One statement. */
export async function readUsers(sql: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, User>> {
  if (ids.length === 0) return new Map();
  const rows = await select(
    sql,
    `select ${columns} from user_account where id in (${placeholders(ids)})`,
    ids.map(idToBytes),
  );
  return new Map(rows.map(toUser).map((user) => [user.id, user]));
}

export async function readUser(sql: Sql, id: string): Promise<User | null> {
  return (await readUsers(sql, [id])).get(id) ?? null;
}

/** What is needed to sign an account in. */
export type Credentials = { readonly userId: string; readonly mobile: string | null; readonly passwordHash: string };

const toCredentials = (row: Row | undefined): Credentials | null =>
  row === undefined
    ? null
    : {
        userId: idFromBytes(row['id'] as Buffer),
        mobile: row['mobile'] as string | null,
        passwordHash: row['password_hash'] as string,
      };

const credentials =
  'select a.id, a.mobile, p.password_hash from user_account a join user_password p on p.user_id = a.id';

export const findCredentials = async (sql: Sql, mobile: string): Promise<Credentials | null> =>
  toCredentials((await select(sql, `${credentials} where a.mobile = ?`, [mobile]))[0]);

export const readCredentials = async (sql: Sql, userId: string): Promise<Credentials | null> =>
  toCredentials((await select(sql, `${credentials} where a.id = ?`, [idToBytes(userId)]))[0]);

/**
 * Locks the password until the transaction ends and says whether it is still this one: a session for an old password
 * can't slip in while the password is changed and the other sessions are ended.
 */
export async function lockPassword(tx: Sql, { userId, passwordHash }: Credentials): Promise<boolean> {
  const [row] = await select(tx, 'select password_hash from user_password where user_id = ? for update', [
    idToBytes(userId),
  ]);
  return row?.['password_hash'] === passwordHash;
}

/** False when the password is no longer `from`. */
export async function replacePassword(
  tx: Sql,
  change: { userId: string; from: string; to: string; at: Date },
): Promise<boolean> {
  const found = await write(tx, 'update user_password set password_hash = ?, changed_at = ? where user_id = ? and password_hash = ?', [
    change.to, change.at, idToBytes(change.userId), change.from,
  ]); // prettier-ignore
  return found === 1;
}

export type NewAccount = Pick<User, 'id' | 'name' | 'nickname' | 'gender' | 'mobile' | 'roles'> & {
  readonly passwordHash: string;
  readonly at: Date;
};

/** Throws RefusedError with MobileTakenError when another account has the number. */
export async function insertAccount(tx: Sql, account: NewAccount): Promise<void> {
  const { at } = account;
  try {
    await insertRows(tx, 'user_account', [
      {
        id: idToBytes(account.id), name: account.name, nickname: account.nickname, gender: account.gender, mobile: account.mobile, name_key: nameKeyOf(account.name),
        avatar: null, info: null, roles: account.roles.join(','), highest_role: highestRole(account.roles), created_at: at, updated_at: at, version: 1,
      }, // prettier-ignore
    ]);
  } catch (error) {
    if (isDuplicateKey(error)) throw new RefusedError(mobileTakenError());
    throw error;
  }
  await insertRows(tx, 'user_password', [
    { user_id: idToBytes(account.id), password_hash: account.passwordHash, changed_at: at },
  ]);
}

/** False when there is no such user, or the version is no longer `version`; null means any version. */
export async function updateProfile(
  tx: Sql,
  change: { id: string; version: number | null; profile: Partial<Profile>; at: Date },
): Promise<boolean> {
  const { name } = change.profile;
  const fields = Object.entries({ ...change.profile, ...(name !== undefined && { name_key: nameKeyOf(name) }) });
  const set = [...fields.map(([field]) => `${field} = ?`), 'updated_at = ?', 'version = version + 1'].join(', ');
  const guard = change.version === null ? '' : ' and version = ?';
  const found = await write(tx, `update user_account set ${set} where id = ?${guard}`, [
    ...fields.map(([, value]) => value),
    change.at,
    idToBytes(change.id),
    ...(change.version === null ? [] : [change.version]),
  ]);
  return found === 1;
}

export type UserFilter = { readonly query: string | null };

/** The name of the column is never from outside; `|` escapes, since a backslash means something else in some SQL modes. */
const beginsWith = (text: string): string => `${text.replace(/[|%_]/g, '|$&')}%`;

function where(filter: UserFilter): { text: string; parameters: string[] } {
  const query = filter.query ?? '';
  const name = nameKeyOf(query);
  const mobile = mobilePrefix(query);
  if (typedIdentifier(query) === '') return { text: 'true', parameters: [] };
  const conditions = [
    ...(name === '' ? [] : [["name_key like ? escape '|'", beginsWith(name)] as const]),
    ...(mobile === null ? [] : [["mobile like ? escape '|'", beginsWith(mobile)] as const]),
  ];
  return {
    text: `(${conditions.map(([text]) => text).join(' or ') || 'false'})`,
    parameters: conditions.map(([, pattern]) => pattern),
  };
}

/** Users newest first, after the one with the id `after`. */
export async function listUsers(
  sql: Sql,
  filter: UserFilter,
  page: { limit: number; after: string | null },
): Promise<User[]> {
  const { text, parameters } = where(filter);
  const rows = await select(
    sql,
    `select ${columns} from user_account where ${text}${page.after === null ? '' : ' and id < ?'} order by id desc limit ?`,
    [...parameters, ...(page.after === null ? [] : [idToBytes(page.after)]), page.limit],
  );
  return rows.map(toUser);
}

export async function countUsers(sql: Sql, filter: UserFilter): Promise<number> {
  const { text, parameters } = where(filter);
  const [row] = await select(sql, `select count(*) as users from user_account where ${text}`, parameters);
  return Number(row?.['users'] ?? 0);
}
