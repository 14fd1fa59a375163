import { readerOf, writerOf } from '../../shared/database/reader.ts';
import type { Sql } from '../../shared/database/statements.ts';
import { change, find } from '../../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';
import { AddressRecord, insertInto, tables } from '../records.ts';
import type { Address, Defaults } from './address.ts';

const toRecord = readerOf(AddressRecord);
const toRow = writerOf(AddressRecord);

function toAddress(row: object): Omit<Address, keyof Defaults> {
  const { id, userId, label, createdAt, updatedAt, version, ...address } = toRecord(row);
  return { id, userId, label: label ?? null, address, createdAt, updatedAt, version };
}

/** Addresses of these users, the newest first. One statement. */
export async function readAddresses(sql: Sql, userIds: readonly string[]): Promise<Address[]> {
  if (userIds.length === 0) return [];
  const addresses = tables
    .selectFrom('address as a')
    .innerJoin('address_book as b', 'b.user_id', 'a.user_id')
    .selectAll('a')
    .select(['b.default_shipping_id', 'b.default_billing_id'])
    .where('a.user_id', 'in', userIds.map(idToBytes)); // prettier-ignore
  const rows = await find(sql, addresses.orderBy('a.id', 'desc'));
  return rows.map((row) => ({
    ...toAddress(row),
    isDefaultShipping: row.default_shipping_id?.equals(row.id) ?? false,
    isDefaultBilling: row.default_billing_id?.equals(row.id) ?? false,
  }));
}

export type Book = { readonly defaultShippingId: string | null; readonly defaultBillingId: string | null };

/** Locks a user's book, made if there is none, until the transaction ends: changes of one book follow each other. */
export async function lockBook(tx: Sql, userId: string): Promise<Book> {
  const book = { user_id: idToBytes(userId) };
  await change(tx, tables.insertInto('address_book').values(book).onDuplicateKeyUpdate(book), 'any');
  const defaults = tables.selectFrom('address_book').select(['default_shipping_id', 'default_billing_id']);
  const [row] = await find(tx, defaults.where('user_id', '=', book.user_id).forUpdate());
  const idOf = (bytes: Buffer | null | undefined) => (bytes ? idFromBytes(bytes) : null);
  return { defaultShippingId: idOf(row?.default_shipping_id), defaultBillingId: idOf(row?.default_billing_id) };
}

export async function saveBook(tx: Sql, userId: string, { defaultShippingId, defaultBillingId }: Book): Promise<void> {
  const bytes = (id: string | null) => (id === null ? null : idToBytes(id));
  const defaults = { default_shipping_id: bytes(defaultShippingId), default_billing_id: bytes(defaultBillingId) };
  await change(tx, tables.updateTable('address_book').set(defaults).where('user_id', '=', idToBytes(userId)), 1);
}

export type StoredAddress = Omit<Address, keyof Defaults>;

export const insertAddress = (tx: Sql, { address, ...rest }: StoredAddress): Promise<void> =>
  insertInto(tx, 'address', [toRow({ ...rest, ...address })]);

/** Of an address whose book is locked. */
export async function updateAddress(tx: Sql, { address, ...rest }: StoredAddress): Promise<void> {
  const { id, user_id: _, created_at: __, ...fields } = toRow({ ...rest, ...address });
  await change(tx, tables.updateTable('address').set(fields).where('id', '=', id), 1);
}

export const deleteAddress = (tx: Sql, id: string): Promise<number> =>
  change(tx, tables.deleteFrom('address').where('id', '=', idToBytes(id)), 1);
