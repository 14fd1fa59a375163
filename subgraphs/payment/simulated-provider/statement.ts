import { z } from 'zod';
import type { Database } from '../../shared/database/database.ts';
import { findMovements } from './movement-store.ts';

const maxLines = 500;

/** What the statement may be asked for: a period of at most 32 days, and the last line of the page before. */
export const statementQuery = z
  .strictObject({ from: z.iso.datetime(), to: z.iso.datetime(), after: z.string().max(40).optional() })
  .refine(({ from, to }) => Date.parse(to) - Date.parse(from) <= 32 * 86_400_000, {
    error: 'to: is too far from `from`',
  });

/** The money that moved within `[from, to)` by this provider's clock, oldest first, by pages. */
export async function readStatement(
  db: Database,
  { from, to, after }: z.infer<typeof statementQuery>,
): Promise<{ data: unknown[]; has_more: boolean }> {
  const period = { from: new Date(from), to: new Date(to) };
  const rows = await findMovements(db.em(), { of: period, after: after ?? null, limit: maxLines + 1 });
  return { data: rows.slice(0, maxLines), has_more: rows.length > maxLines };
}
