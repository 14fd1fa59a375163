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
 * Adds columns and indexes to a table, each by an ALTER TABLE of its own: TiDB takes no statement that names what it adds
 * itself. Where `firstColumn` is there already, each addition is looked for first, as some of them may be missing.
 */
export async function addToTable(
  migration: Migration,
  table: string,
  options: { readonly firstColumn: string; readonly additions: readonly string[] },
): Promise<void> {
  const isBegun = await schemaHas(migration, { table, column: options.firstColumn });
  for (const addition of options.additions) {
    if (isBegun && (await isDone(migration, table, addition))) continue;
    await migration.execute(`alter table ${table} ${addition}`);
  }
}

async function isDone(migration: Migration, table: string, addition: string): Promise<boolean> {
  const [, verb, kind, name = ''] = /^(add|drop) (column|(?:unique )?index|constraint) (\w+)/.exec(addition) ?? [];
  if (kind === undefined) throw new Error(`not known how to see whether this is done: ${addition}`);
  if (kind === 'constraint') return hasCheck(migration, name);
  const isThere = await schemaHas(migration, kind === 'column' ? { table, column: name } : { table, index: name });
  return isThere === (verb === 'add');
}

async function hasCheck(migration: Migration, name: string): Promise<boolean> {
  const asked = 'select 1 from information_schema.check_constraints where constraint_schema = database() and constraint_name = ? limit 1'; // prettier-ignore
  return (await migration.execute(asked, [name])).length > 0;
}
