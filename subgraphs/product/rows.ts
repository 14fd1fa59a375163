import { type Row, type Sql, select, toDate } from '../shared/database/database.ts';
import { idFromBytes } from '../shared/values/ids.ts';

export type Statement = { readonly text: string; readonly parameters: readonly Parameter[] };
type Parameter = NonNullable<Parameters<typeof select>[2]>[number];

export const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
export const idOf = (value: unknown): string => idFromBytes(value as Buffer);
export const idOrNull = (value: unknown): string | null => (value === null ? null : idOf(value));
export const dateOf = (value: unknown): Date => toDate(value) as Date;

/** The rows of several SELECTs of the same columns in one round trip, each with its own ORDER BY and LIMIT. */
export async function selectMany(sql: Sql, statements: readonly Statement[]): Promise<Row[][]> {
  const results: Row[][] = statements.map(() => []);
  if (statements.length === 0) return results;
  const numbered = statements.map(
    ({ text }, index) => `(${text.replace('select ', `select ${index} as batch_index, `)})`,
  );
  const rows = await select(
    sql,
    numbered.join(' union all '),
    statements.flatMap(({ parameters }) => parameters),
  );
  for (const row of rows) results[Number(row['batch_index'])]?.push(row);
  return results;
}
