import { readerOf, writerOf } from '../shared/database/reader.ts';
import type { Sql } from '../shared/database/statements.ts';
import { change, find, findByList, prepare, prepareList } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes, isId } from '../shared/values/ids.ts';
import { type Category, type CategoryTree, categoryTree } from './domain/category.ts';
import { CategoryRecord, insertInto, tables } from './records.ts';

const categoryOf = readerOf(CategoryRecord);
const rowOf = writerOf(CategoryRecord);
const all = tables.selectFrom('category').selectAll();
const byIdLocked = prepare<{ id: Buffer }>()((param) => all.where('id', '=', param.id).forUpdate());

/** The whole tree: at most 500 categories. */
export const readTree = async (sql: Sql): Promise<CategoryTree> =>
  categoryTree((await find(sql, all)).map((row) => categoryOf(row)));

/** As `readTree`. Nobody else changes the tree until the transaction's end. */
export async function lockTree(tx: Sql): Promise<CategoryTree> {
  const turn = tables
    .insertInto('category_tree')
    .values({ id: 1, version: 1 })
    .onDuplicateKeyUpdate((eb) => ({ version: eb('version', '+', 1) }));
  await change(tx, turn, 'any');
  return readTree(tx);
}

/** The category, which nobody else removes until the transaction's end; null where there is none. */
export async function lockCategory(tx: Sql, id: string): Promise<Category | null> {
  if (!isId(id)) return null;
  const [row] = await find(tx, byIdLocked, { id: idToBytes(id) });
  return row ? categoryOf(row) : null;
}

/** Throws a duplicate-key error when the slug is taken. */
export const insertCategory = (tx: Sql, category: Category, at: Date): Promise<void> =>
  insertInto(tx, 'category', [rowOf({ ...category, createdAt: at, updatedAt: at })]);

/** As `insertCategory` for one that there is. */
export async function updateCategory(tx: Sql, { id, slug, name, parentId }: Category, at: Date): Promise<void> {
  const row = { slug, name, parent_id: parentId === null ? null : idToBytes(parentId), updated_at: at };
  await change(tx, tables.updateTable('category').set(row).where('id', '=', idToBytes(id)), 'any');
}

export async function deleteCategory(tx: Sql, id: string): Promise<void> {
  await change(tx, tables.deleteFrom('category').where('id', '=', idToBytes(id)), 'any');
}

/** Those of the ids that there are. */
export async function categoriesByIds(sql: Sql, ids: readonly string[]): Promise<Category[]> {
  const known = ids.filter(isId).map(idToBytes);
  return known.length === 0 ? [] : (await find(sql, all.where('id', 'in', known))).map((row) => categoryOf(row));
}

/** Five levels: four parents, each a join. No recursive statement, which not every database takes. */
const paths = tables
  .selectFrom('category as own')
  .leftJoin('category as first', 'first.id', 'own.parent_id')
  .leftJoin('category as second', 'second.id', 'first.parent_id')
  .leftJoin('category as third', 'third.id', 'second.parent_id')
  .select(['own.id as id', 'own.parent_id as p1', 'first.parent_id as p2', 'second.parent_id as p3', 'third.parent_id as p4']); // prettier-ignore

const pathsByIds = prepareList((ids) => paths.where('own.id', 'in', ids));

/** For each category its own id and those of its parents up to the root, in one statement; nothing for an unknown one. */
export async function categoryPaths(sql: Sql, ids: readonly string[]): Promise<string[][]> {
  const rows = await findByList(sql, pathsByIds, ids.map(idToBytes)); // prettier-ignore
  const found = new Map(
    rows.map(({ id, p1, p2, p3, p4 }) => {
      const path = [id, p1, p2, p3, p4].filter((each) => each !== null).map(idFromBytes);
      return [path[0], path];
    }),
  );
  return ids.map((id) => found.get(id) ?? []);
}
