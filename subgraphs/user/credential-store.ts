import { type ExpressionBuilder, sql as raw } from 'kysely';
import { readerOf } from '../shared/database/reader.ts';
import type { Sql } from '../shared/database/statements.ts';
import { change, find } from '../shared/database/tables.ts';
import { isDuplicateKey } from '../shared/errors/errors.ts';
import type { ServiceCredential } from './domain/service-credential.ts';
import { ServiceCredentialRecord, type UserTables, insertInto, tables } from './records.ts';

const read = readerOf(ServiceCredentialRecord);
const all = tables.selectFrom('service_credential').selectAll();

export type Pair = { readonly app: string; readonly service: string };
const isOf =
  ({ app, service }: Pair) =>
  (eb: ExpressionBuilder<UserTables, 'service_credential'>) =>
    eb.and({ service, app });

/** All credentials; there are as many as pairs of services, so there are no pages. */
export const readCredentialList = async (sql: Sql): Promise<ServiceCredential[]> =>
  (await find(sql, all.orderBy('service').orderBy('app'))).map((row) => read(row));

export async function findCredential(sql: Sql, pair: Pair): Promise<ServiceCredential | null> {
  const [row] = await find(sql, all.where(isOf(pair)));
  return row ? read(row) : null;
}

/** Inserts the credential, or gives the pair a new token; a revoked pair holds again. */
export async function putCredential(
  tx: Sql,
  credential: Pair & { tokenHash: Buffer; strict: boolean; at: Date },
): Promise<void> {
  const { tokenHash, strict, at } = credential;
  const replace = tables
    .updateTable('service_credential')
    .set({ token_hash: tokenHash, strict, rotated_at: at, revoked_at: null })
    .where(isOf(credential));
  if ((await change(tx, replace)) === 0) await insert(tx, credential);
}

const insert = (tx: Sql, row: Pair & { tokenHash: Buffer | null; strict: boolean; at: Date }): Promise<void> =>
  insertInto(tx, 'service_credential', [
    { service: row.service, app: row.app, token_hash: row.tokenHash, strict: row.strict, created_at: row.at },
  ]);

/** False when there is none. One that is revoked already stays as it is. */
export async function revokeCredential(tx: Sql, pair: Pair, at: Date): Promise<boolean> {
  const revoke = tables
    .updateTable('service_credential')
    .set({ revoked_at: raw<Date>`coalesce(revoked_at, ${at})` })
    .where(isOf(pair));
  return (await change(tx, revoke)) === 1;
}

/**
 * Notes a grant of SERVICE_TOKENS, so that it is listed. True when the pair had a token of its own, or was revoked, from
 * before its app came into SERVICE_TOKENS: that is over.
 */
export async function noteConfigured(sql: Sql, pair: Pair, at: Date): Promise<boolean> {
  try {
    await insert(sql, { ...pair, tokenHash: null, strict: true, at });
    return false;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
  const reset = tables
    .updateTable('service_credential')
    .set({ token_hash: null, strict: true, revoked_at: null })
    .where(isOf(pair))
    .where((eb) => eb.or([eb('token_hash', 'is not', null), eb('revoked_at', 'is not', null)]));
  return (await change(sql, reset)) === 1;
}
