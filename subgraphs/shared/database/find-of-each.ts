import type { Compilable } from 'kysely';
import type { Sql } from './statements.ts';
import { findMany } from './tables.ts';

/**
 * A page of a list whose rows have one of several values in a column: a SELECT for each value, with the list's ORDER BY and LIMIT, in one
 * round trip. Each reads an index that has the value before the order, no further than the page; of `in (…)` with several
 * values the database reads and sorts all rows that have them.
 *
 * @param compare the list's order
 */
export async function findOfEach<Row>(
  sql: Sql,
  statements: readonly Compilable<Row>[],
  { compare, limit }: { readonly compare: (one: Row, other: Row) => number; readonly limit: number },
): Promise<Row[]> {
  const lists = await findMany(sql, statements);
  return lists.flat().toSorted(compare).slice(0, limit);
}

type Identified = { readonly id: Buffer };

/** The order of lists by id, which is that of their making. */
export const byId = (newestFirst: boolean) => (one: Identified, other: Identified) =>
  newestFirst ? Buffer.compare(other.id, one.id) : Buffer.compare(one.id, other.id);
