import { z } from 'zod';
import { type Database, select, toDate, toJson } from '../../shared/database.ts';

const maxLines = 500;

/** What the statement may be asked for: a period of at most 32 days, and the last line of the page before. */
export const statementQuery = z
  .strictObject({ from: z.iso.datetime(), to: z.iso.datetime(), after: z.string().max(40).optional() })
  .refine(({ from, to }) => Date.parse(to) - Date.parse(from) <= 32 * 86_400_000, {
    error: 'to: is too far from `from`',
  });

/**
 * The money that moved within `[from, to)` by this provider's clock, oldest first, by pages: charges, and refunds that
 * have been done.
 */
export async function readStatement(
  db: Database,
  { from, to, after }: z.infer<typeof statementQuery>,
): Promise<{ data: unknown[]; has_more: boolean }> {
  const range = [new Date(from), new Date(to)];
  const last = after ?? '';
  const rows = await select(
    db.em(),
    `select * from (
       select 'charge' as type, id, intent_id, amount, currency, metadata, created_at from charge where created_at >= ? and created_at < ?
       union all select 'refund', id, intent_id, amount, currency, metadata, created_at from refund where created_at >= ? and created_at < ? and status = 'succeeded'
     ) as line where ? = '' or (created_at, id) > (select created_at, id from (select id, created_at from charge where id = ? union all select id, created_at from refund where id = ?) as earlier)
     order by created_at, id limit ${maxLines + 1}`,
    [...range, ...range, last, last, last],
  );
  const data = rows.slice(0, maxLines).map((row) => ({
    id: row['id'],
    type: row['type'],
    payment_intent: row['intent_id'],
    amount: Number(row['amount']),
    currency: row['currency'],
    metadata: toJson(row['metadata']),
    created_at: (toDate(row['created_at']) as Date).toISOString(),
  }));
  return { data, has_more: rows.length > maxLines };
}
