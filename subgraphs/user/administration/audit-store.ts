import type { Sql } from '../../shared/database/database.ts';
import { find } from '../../shared/database/tables.ts';
import { readerOf, writerOf } from '../../shared/database/reader.ts';
import { idToBytes } from '../../shared/values/ids.ts';
import { AuditEntryRecord, insertInto, tables } from '../records.ts';

export type AuditEntry = {
  readonly id: string;
  readonly at: Date;
  readonly actorId: string | null;
  readonly action: string;
  readonly subject: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly traceId: string;
};

const toRecord = readerOf(AuditEntryRecord);
const toRow = writerOf(AuditEntryRecord);

export const insertAuditEntry = (tx: Sql, { before, after, ...entry }: AuditEntry): Promise<void> =>
  insertInto(tx, 'audit_entry', [toRow({ ...entry, beforeValue: before, afterValue: after })]);

export type AuditFilter = { readonly actorId: string | null; readonly action: string | null };

/** Entries, the newest first, after the one with the id `after`. */
export async function listAuditEntries(
  sql: Sql,
  { actorId, action }: AuditFilter,
  page: { limit: number; after: string | null },
): Promise<AuditEntry[]> {
  let entries = tables.selectFrom('audit_entry').selectAll().orderBy('id', 'desc').limit(page.limit);
  if (actorId !== null) entries = entries.where('actor_id', '=', idToBytes(actorId));
  if (action !== null) entries = entries.where('action', '=', action);
  if (page.after !== null) entries = entries.where('id', '<', idToBytes(page.after));
  return (await find(sql, entries)).map((row) => {
    const { beforeValue, afterValue, ...entry } = toRecord(row);
    return { ...entry, before: beforeValue, after: afterValue };
  });
}
