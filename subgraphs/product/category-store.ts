import { readerOf } from '../shared/database/reader.ts';
import type { Sql } from '../shared/database/statements.ts';
import { find, prepare } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes, isId } from '../shared/values/ids.ts';
import type { Category } from './domain/category.ts';
import { CategoryRecord, tables } from './records.ts';

const categoryOf = readerOf(CategoryRecord);
const all = tables.selectFrom('category').selectAll();
const byIdLocked = prepare<{ id: Buffer }>()((param) => all.where('id', '=', param.id).forUpdate());

/** The category, which nobody else removes or moves until the transaction's end; null where there is none. */
export async function lockCategory(tx: Sql, id: string): Promise<Category | null> {
  if (!isId(id)) return null;
  const [row] = await find(tx, byIdLocked, { id: idToBytes(id) });
  return row ? categoryOf(row) : null;
}

/** Those of the ids that there are. */
export async function categoriesByIds(sql: Sql, ids: readonly string[]): Promise<Category[]> {
  const known = ids.filter(isId).map(idToBytes);
  return known.length === 0 ? [] : (await find(sql, all.where('id', 'in', known))).map(categoryOf);
}

/** Five levels: four parents, each a join. No recursive statement, which not every database takes. */
const paths = tables
  .selectFrom('category as own')
  .leftJoin('category as first', 'first.id', 'own.parent_id')
  .leftJoin('category as second', 'second.id', 'first.parent_id')
  .leftJoin('category as third', 'third.id', 'second.parent_id')
  .select(['own.id as id', 'own.parent_id as p1', 'first.parent_id as p2', 'second.parent_id as p3', 'third.parent_id as p4']); // prettier-ignore

/** For each category its own id and those of its parents up to the root, in one statement; nothing for an unknown one. */
export async function categoryPaths(sql: Sql, ids: readonly string[]): Promise<string[][]> {
  const rows = await find(sql, paths.where('own.id', 'in', ids.map(idToBytes)));
  const found = new Map(
    rows.map(({ id, p1, p2, p3, p4 }) => {
      const path = [id, p1, p2, p3, p4].filter((each) => each !== null).map(idFromBytes);
      return [path[0], path];
    }),
  );
  return ids.map((id) => found.get(id) ?? []);
}
