import type { Sql } from '../shared/database/database.ts';
import { change, prepare } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import { tables } from './records.ts';
import type { StoredOrder } from './stored-order.ts';

const update = prepare<{ id: Buffer; version: number; advanceAt: Date | null; attempts: number }>()((param) =>
  tables
    .updateTable('orders')
    .set({ advance_at: param.advanceAt, advance_attempts: param.attempts })
    .where('id', '=', param.id)
    .where('version', '=', param.version),
);

/**
 * When the hook of a finished order, or of one that needs attention, is called again; null when it is done. Beside the
 * journal: it says nothing of the order. An order that was changed meanwhile is left alone, so its hook is called once more.
 */
export async function saveNextCall(
  sql: Sql,
  { id, version }: Pick<StoredOrder, 'id' | 'version'>,
  next: { readonly at: Date | null; readonly attempts: number },
): Promise<void> {
  await change(sql, update, { id: idToBytes(id), version, advanceAt: next.at, attempts: next.attempts });
}
