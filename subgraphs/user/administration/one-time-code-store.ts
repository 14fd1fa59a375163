import { createHash, timingSafeEqual } from 'node:crypto';
import type { Sql } from '../../shared/database/database.ts';
import { change, find } from '../../shared/database/tables.ts';
import { idToBytes } from '../../shared/values/ids.ts';
import { typedIdentifier } from '../../shared/values/text.ts';
import { insertInto, tables } from '../records.ts';

/*
 * Codes by which an account sets its password once. Twelve characters of Crockford's alphabet are 60 bits, so a fast hash is
 * enough: five tries and a short life leave nothing to guess.
 */

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
export const codeLength = 12;
export const maxTries = 5;

/** A code of random bytes, in groups of four. @param bytes at least 12 */
export function codeOf(bytes: Buffer): string {
  const characters = Array.from(bytes.subarray(0, codeLength), (byte) => alphabet.charAt(byte % alphabet.length));
  return characters.join('').replaceAll(/(.{4})(?=.)/g, '$1-');
}

/** A code as it was typed, in the form in which it is hashed. */
const typedCode = (text: string): string =>
  typedIdentifier(text).toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');

/** What is kept of a code. */
export const codeHash = (userId: string, code: string): Buffer =>
  createHash('sha256')
    .update(`${userId}\n${typedCode(code)}`)
    .digest();

/** Gives an account a code; an earlier one is dead. */
export async function putCode(
  tx: Sql,
  { userId, code, at, expiresAt }: { userId: string; code: string; at: Date; expiresAt: Date },
): Promise<void> {
  await dropCode(tx, userId);
  await insertInto(tx, 'one_time_code', [
    { user_id: idToBytes(userId), code_hash: codeHash(userId, code), tries: 0, created_at: at, expires_at: expiresAt },
  ]);
}

/** Takes an account's code away; true when it had one. */
export const dropCode = async (tx: Sql, userId: string): Promise<boolean> =>
  (await change(tx, tables.deleteFrom('one_time_code').where('user_id', '=', idToBytes(userId)))) === 1;

/**
 * Counts a try and says whether the code fits. In a transaction of its own, so that the try counts whatever comes of it.
 * The same statements for a user who does not exist.
 */
export async function tryCode(
  tx: Sql,
  { userId, code, at }: { userId: string; code: string; at: Date },
): Promise<boolean> {
  const counted = await change(
    tx,
    tables
      .updateTable('one_time_code')
      .set(({ eb }) => ({ tries: eb('tries', '+', 1) }))
      .where('user_id', '=', idToBytes(userId))
      .where('tries', '<', maxTries)
      .where('expires_at', '>', at),
  );
  const [row] = await find(
    tx,
    tables.selectFrom('one_time_code').select('code_hash').where('user_id', '=', idToBytes(userId)),
  );
  const fits = timingSafeEqual(row?.code_hash ?? Buffer.alloc(32), codeHash(userId, code));
  return counted === 1 && fits;
}

/** Uses a code up. False when it was used, or replaced, since it was tried. */
export const useCode = async (tx: Sql, { userId, code }: { userId: string; code: string }): Promise<boolean> =>
  (await change(
    tx,
    tables
      .deleteFrom('one_time_code')
      .where('user_id', '=', idToBytes(userId))
      .where('code_hash', '=', codeHash(userId, code)),
  )) === 1;

/** Forgets codes that were over before then, at most `limit`; returns how many. */
export const deleteCodes = (sql: Sql, before: Date, limit: number): Promise<number> =>
  change(sql, tables.deleteFrom('one_time_code').where('expires_at', '<', before).limit(limit));
