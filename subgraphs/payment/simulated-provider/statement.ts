import { z } from 'zod';
import { type Database, select, toDate, toJson } from '../../shared/database/database.ts';

const maxLines = 500;

/** What the statement may be asked for: a period of at most 32 days, and the last line of the page before. */
export const statementQuery = z
  .strictObject({ from: z.iso.datetime(), to: z.iso.datetime(), after: z.string().max(40).optional() })
  .refine(({ from, to }) => Date.parse(to) - Date.parse(from) <= 32 * 86_400_000, {
    error: 'to: is too far from `from`',
  });

/** A movement of each kind, with the time at which it happened: what a dispute took, and gave back when it was won. */
const movements = [
  "select 'charge' as type, id, intent_id, amount, currency, metadata, created_at from charge where created_at >= ? and created_at < ?",
  "select 'refund', id, intent_id, amount, currency, metadata, created_at from refund where created_at >= ? and created_at < ? and status = 'succeeded'",
  "select 'dispute', id, intent_id, amount, currency, json_object('dispute', id), created_at from dispute where created_at >= ? and created_at < ?",
  "select 'reversal', concat('rv_', id), intent_id, amount, currency, json_object('dispute', id), won_at from dispute where won_at >= ? and won_at < ?",
];
const anyTime = [new Date(0), new Date('9999-01-01T00:00:00.000Z')];

/** The money that moved within `[from, to)` by this provider's clock, oldest first, by pages. */
export async function readStatement(
  db: Database,
  { from, to, after }: z.infer<typeof statementQuery>,
): Promise<{ data: unknown[]; has_more: boolean }> {
  const range = [new Date(from), new Date(to)];
  const last = after ?? '';
  const all = movements.join(' union all ');
  const rows = await select(
    db.em(),
    `select * from (${all}) as line where ? = '' or (created_at, id) > (select created_at, id from (${all}) as earlier where id = ?)
     order by created_at, id limit ${maxLines + 1}`,
    [...movements.flatMap(() => range), last, ...movements.flatMap(() => anyTime), last],
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
