import type { Sql } from '../../shared/database/database.ts';
import { change, find } from '../../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';
import { insertInto, tables } from '../records.ts';

/** That a code was asked for, for the account of a number, if there is one. */
export type ResetRequest = { readonly id: string; readonly mobile: string; readonly requestedAt: Date };

export const insertResetRequest = (tx: Sql, { id, mobile, requestedAt }: ResetRequest): Promise<void> =>
  insertInto(tx, 'password_reset_request', [{ id: idToBytes(id), mobile, requested_at: requestedAt }]);

/** The oldest requests, at most `limit`, after the one with the id `after`. */
export async function listResetRequests(
  sql: Sql,
  page: { limit: number; after: string | null },
): Promise<{ id: string; mobile: string }[]> {
  let requests = tables.selectFrom('password_reset_request').select(['id', 'mobile']).orderBy('id').limit(page.limit);
  if (page.after !== null) requests = requests.where('id', '>', idToBytes(page.after));
  return (await find(sql, requests)).map(({ id, mobile }) => ({ id: idFromBytes(id), mobile }));
}

/** Takes a request; false when another process has. */
export const takeResetRequest = async (tx: Sql, id: string): Promise<boolean> =>
  (await change(tx, tables.deleteFrom('password_reset_request').where('id', '=', idToBytes(id)))) === 1;

/** Forgets requests from before then, at most `limit`; returns how many. */
export const deleteResetRequests = (sql: Sql, before: Date, limit: number): Promise<number> =>
  change(sql, tables.deleteFrom('password_reset_request').where('requested_at', '<', before).limit(limit));
