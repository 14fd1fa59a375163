import type { Migration } from '@mikro-orm/migrations';

/** What the information schema is asked by. */
type Asked = { readonly table: string; readonly column?: string; readonly index?: string };

/**
 * True when the migrated schema has this column or index already: DDL commits by itself, so a migration that was killed
 * half-way runs again, and MySQL knows no `add column if not exists`.
 */
export async function schemaHas(migration: Migration, { table, column, index }: Asked): Promise<boolean> {
  const rows = await migration.execute(
    column === undefined
      ? 'select 1 from information_schema.statistics where table_schema = database() and table_name = ? and index_name = ? limit 1'
      : 'select 1 from information_schema.columns where table_schema = database() and table_name = ? and column_name = ? limit 1',
    [table, column ?? index ?? ''],
  );
  return rows.length > 0;
}

/**
 * Adds columns and indexes to a table unless the first column is there. All `additions` go into one ALTER TABLE, which the
 * server applies whole or not at all.
 */
export async function addToTable(
  migration: Migration,
  table: string,
  options: { readonly firstColumn: string; readonly additions: readonly string[] },
): Promise<void> {
  if (await schemaHas(migration, { table, column: options.firstColumn })) return;
  await migration.execute(`alter table ${table} ${options.additions.join(', ')}`);
}
