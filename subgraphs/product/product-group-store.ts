import { createHash } from 'node:crypto';
import { readerOf, writerOf } from '../shared/database/reader.ts';
import type { Sql } from '../shared/database/statements.ts';
import { change, find } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes, isId } from '../shared/values/ids.ts';
import { type ProductGroup, type ProductOption, foldedOption, optionKeyOf } from './domain/product-group.ts';
import type { Product } from './domain/product.ts';
import { productColumns, productOf } from './product-store.ts';
import { ProductGroupRecord, insertInto, tables } from './records.ts';

const groupOf = readerOf(ProductGroupRecord);
const rowOf = writerOf(ProductGroupRecord);
const all = tables.selectFrom('product_group').selectAll();

/** Those of the ids that there are. */
export async function groupsByIds(sql: Sql, ids: readonly string[]): Promise<ProductGroup[]> {
  const known = ids.filter(isId).map(idToBytes);
  return known.length === 0 ? [] : (await find(sql, all.where('id', 'in', known))).map((row) => groupOf(row));
}

/** The group, locked until the transaction's end; null where there is none. */
export async function lockGroup(tx: Sql, id: string): Promise<ProductGroup | null> {
  if (!isId(id)) return null;
  const [row] = await find(tx, all.where('id', '=', idToBytes(id)).forUpdate());
  return row ? groupOf(row) : null;
}

export const insertGroup = (tx: Sql, group: ProductGroup, at: Date): Promise<void> =>
  insertInto(tx, 'product_group', [
    rowOf({ ...group, optionNames: [...group.optionNames], createdAt: at, updatedAt: at }),
  ]);

export async function updateGroup(tx: Sql, { id, name, optionNames, sellerId }: ProductGroup, at: Date): Promise<void> {
  const seller = sellerId === null ? null : idToBytes(sellerId);
  const row = { name, option_names: JSON.stringify(optionNames), seller_id: seller, updated_at: at };
  await change(tx, tables.updateTable('product_group').set(row).where('id', '=', idToBytes(id)), 'any');
}

/** The ids of the products of a group, in its order. */
export async function memberIds(sql: Sql, groupId: string): Promise<string[]> {
  if (!isId(groupId)) return [];
  const members = tables.selectFrom('product').select('id').where('group_id', '=', idToBytes(groupId));
  return (await find(sql, members.orderBy('group_position'))).map(({ id }) => idFromBytes(id));
}

/** The products of several groups, each in its group's order, in one statement. */
export async function productsOfGroups(sql: Sql, groupIds: readonly string[]): Promise<Product[][]> {
  const members = tables.selectFrom('product as p').select(productColumns).where('p.group_id', 'in', groupIds.map(idToBytes)); // prettier-ignore
  const found = Map.groupBy((await find(sql, members.orderBy('p.group_position'))).map(productOf), ({ groupId }) => groupId); // prettier-ignore
  return groupIds.map((id) => found.get(id) ?? []);
}

/** What tells each product from the others of its group, in one statement. */
export async function optionsOfProducts(sql: Sql, productIds: readonly string[]): Promise<ProductOption[][]> {
  const options = tables.selectFrom('product_option').select(['product_id', 'name', 'value']);
  const rows = await find(sql, options.where('product_id', 'in', productIds.map(idToBytes)).orderBy('position'));
  const found = Map.groupBy(rows, ({ product_id: id }) => idFromBytes(id));
  return productIds.map((id) => (found.get(id) ?? []).map(({ name, value }) => ({ name, value })));
}

/** Takes these products out of whatever group they are in. */
export async function leaveGroups(tx: Sql, productIds: readonly string[], at: Date): Promise<void> {
  if (productIds.length === 0) return;
  const ids = productIds.map(idToBytes);
  const leave = tables
    .updateTable('product')
    .set((eb) => ({
      group_id: null,
      group_position: null,
      options_hash: null,
      indexed_version: eb('indexed_version', '+', 1),
      version: eb('version', '+', 1),
      updated_at: at,
    })) // prettier-ignore
    .where('id', 'in', ids);
  await change(tx, leave, 'any');
  await change(tx, tables.deleteFrom('product_option').where('product_id', 'in', ids), 'any');
}

export type Member = { readonly productId: string; readonly options: readonly ProductOption[] };

/** Puts products that are in no group into this one. The database refuses two with the same options. */
export async function joinGroup(tx: Sql, groupId: string, members: readonly Member[]): Promise<void> {
  for (const { productId, options } of members) {
    const row = { group_id: idToBytes(groupId), options_hash: hashOf(options) };
    await change(tx, tables.updateTable('product').set(row).where('id', '=', idToBytes(productId)), 'any');
  }
  const rows = members.flatMap(({ productId, options }) =>
    options.map((option, position) => {
      const key = foldedOption(option);
      return { product_id: idToBytes(productId), position, ...option, name_key: key.name, value_key: key.value };
    }),
  );
  await insertInto(tx, 'product_option', rows);
}

/** The order in which a group's products are listed. */
export async function orderGroup(tx: Sql, productIds: readonly string[]): Promise<void> {
  for (const [position, id] of productIds.entries())
    await change(tx, tables.updateTable('product').set({ group_position: position }).where('id', '=', idToBytes(id)), 'any'); // prettier-ignore
}

const hashOf = (options: readonly ProductOption[]): Buffer =>
  createHash('sha256').update(optionKeyOf(options)).digest();
