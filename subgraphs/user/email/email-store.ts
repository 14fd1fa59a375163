import { timingSafeEqual } from 'node:crypto';
import type { Sql } from '../../shared/database/database.ts';
import { change, find } from '../../shared/database/tables.ts';
import { RefusedError, isDuplicateKey } from '../../shared/errors/errors.ts';
import { idToBytes } from '../../shared/values/ids.ts';
import { codeHash, maxTries } from '../administration/one-time-code-store.ts';
import { emailKeyOf } from '../domain/email.ts';
import { emailTakenError } from '../domain/user.ts';
import { insertInto, tables } from '../records.ts';

/** Gives an account a code for an address; an earlier one is dead. The account's row is locked. */
export async function putEmailCode(
  tx: Sql,
  { userId, email, code, at, expiresAt }: { userId: string; email: string; code: string; at: Date; expiresAt: Date },
): Promise<void> {
  const user_id = idToBytes(userId);
  await dropEmailCode(tx, userId);
  const dates = { created_at: at, expires_at: expiresAt };
  await insertInto(tx, 'email_code', [{ user_id, email, code_hash: codeHash(userId, code), tries: 0, ...dates }]);
}

export const dropEmailCode = (tx: Sql, userId: string): Promise<number> =>
  change(tx, tables.deleteFrom('email_code').where('user_id', '=', idToBytes(userId)), 'any');

/** Counts a try and gives the address that the code verifies; null when it doesn't fit. In a transaction of its own. */
export async function tryEmailCode(
  tx: Sql,
  { userId, code, at }: { userId: string; code: string; at: Date },
): Promise<string | null> {
  const ofUser = idToBytes(userId);
  const counted = await change(
    tx,
    tables
      .updateTable('email_code')
      .set(({ eb }) => ({ tries: eb('tries', '+', 1) }))
      .where('user_id', '=', ofUser)
      .where('tries', '<', maxTries)
      .where('expires_at', '>', at),
  );
  const [row] = await find(
    tx,
    tables.selectFrom('email_code').select(['email', 'code_hash']).where('user_id', '=', ofUser),
  );
  if (!row || counted !== 1) return null;
  return timingSafeEqual(row.code_hash, codeHash(userId, code)) ? row.email : null;
}

/** Uses a code up. False when it was used, or replaced, since it was tried. */
export const useEmailCode = async (tx: Sql, { userId, code }: { userId: string; code: string }): Promise<boolean> =>
  (await change(
    tx,
    tables
      .deleteFrom('email_code')
      .where('user_id', '=', idToBytes(userId))
      .where('code_hash', '=', codeHash(userId, code)),
  )) === 1;

/** Makes an address the account's verified one. Throws RefusedError with EmailTakenError where another account has it. */
export async function putVerifiedEmail(
  tx: Sql,
  { userId, email, at }: { userId: string; email: string; at: Date },
): Promise<void> {
  try {
    await change(
      tx,
      tables
        .updateTable('user_account')
        .set(({ eb }) => ({
          email,
          verified_email: emailKeyOf(email),
          updated_at: at,
          version: eb('version', '+', 1),
        }))
        .where('id', '=', idToBytes(userId)),
      1,
    );
  } catch (error) {
    if (isDuplicateKey(error)) throw new RefusedError(emailTakenError(['code']));
    throw error;
  }
}

/** Forgets codes that were over before then, at most `limit`; returns how many. */
export const deleteEmailCodes = (sql: Sql, before: Date, limit: number): Promise<number> =>
  change(sql, tables.deleteFrom('email_code').where('expires_at', '<', before).limit(limit));
