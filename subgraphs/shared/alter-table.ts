import type { Migration } from '@mikro-orm/migrations';

/**
 * Adds columns, indexes or constraints to a table unless the first column is there: MySQL has no `add column if not
 * exists`, and a migration that was killed half-way runs again. All `additions` go into one ALTER TABLE, which the server
 * applies whole or not at all.
 */
export async function addToTable(
  migration: Migration,
  table: string,
  options: { readonly firstColumn: string; readonly additions: readonly string[] },
): Promise<void> {
  const [found] = (await migration.execute(
    `select count(*) as found from information_schema.columns where table_schema = database() and table_name = '${table}' and column_name = '${options.firstColumn}'`,
  )) as unknown as { found: number | string }[];
  if (Number(found?.found) > 0) return;
  await migration.execute(`alter table ${table} ${options.additions.join(', ')}`);
}
