import { type Sql, insertRows, placeholders, run, select, write } from '../../shared/database/database.ts';
import { readerOf, writerOf } from '../../shared/database/reader.ts';
import { idFromBytes, idToBytes } from '../../shared/values/ids.ts';
import { AddressRecord } from '../records.ts';
import type { Address, Defaults } from './address.ts';

const toRecord = readerOf(AddressRecord);
const toRow = writerOf(AddressRecord);

function toAddress(row: object): Omit<Address, keyof Defaults> {
  const { id, userId, label, createdAt, updatedAt, version, ...address } = toRecord(row);
  return { id, userId, label: label ?? null, address, createdAt, updatedAt, version };
}

const ofAddress =
  'id, user_id, label, name, company, line1, line2, city, region, postal_code, country_code, phone, created_at, updated_at, version';
const ofBook = 'default_shipping_id = id as is_shipping, default_billing_id = id as is_billing';

/** Addresses of these users, the newest first. One statement. */
export async function readAddresses(sql: Sql, userIds: readonly string[]): Promise<Address[]> {
  if (userIds.length === 0) return [];
  const rows = await select(
    sql,
    `select ${ofAddress}, ${ofBook} from address join address_book using (user_id)
     where user_id in (${placeholders(userIds)}) order by id desc`,
    userIds.map(idToBytes),
  );
  return rows.map((row) => ({
    ...toAddress(row),
    isDefaultShipping: Number(row['is_shipping']) === 1,
    isDefaultBilling: Number(row['is_billing']) === 1,
  }));
}

export type Book = { readonly defaultShippingId: string | null; readonly defaultBillingId: string | null };

/** Locks a user's book, made if there is none, until the transaction ends: changes of one book follow each other. */
export async function lockBook(tx: Sql, userId: string): Promise<Book> {
  const id = idToBytes(userId);
  await run(tx, 'insert into address_book (user_id) values (?) on duplicate key update user_id = user_id', [id]);
  const [row] = await select(
    tx,
    'select default_shipping_id, default_billing_id from address_book where user_id = ? for update',
    [id],
  );
  const idIn = (column: string) => (row?.[column] ? idFromBytes(row[column] as Buffer) : null);
  return { defaultShippingId: idIn('default_shipping_id'), defaultBillingId: idIn('default_billing_id') };
}

export async function saveBook(tx: Sql, userId: string, { defaultShippingId, defaultBillingId }: Book): Promise<void> {
  const bytes = (id: string | null) => (id === null ? null : idToBytes(id));
  await write(
    tx,
    'update address_book set default_shipping_id = ?, default_billing_id = ? where user_id = ?',
    [bytes(defaultShippingId), bytes(defaultBillingId), idToBytes(userId)],
    1,
  );
}

export type StoredAddress = Omit<Address, keyof Defaults>;

export const insertAddress = (tx: Sql, { address, ...rest }: StoredAddress): Promise<void> =>
  insertRows(tx, 'address', [toRow({ ...rest, ...address })]);

/** Of an address whose book is locked. */
export async function updateAddress(tx: Sql, { address, ...rest }: StoredAddress): Promise<void> {
  const { id, user_id: _, created_at: __, ...fields } = toRow({ ...rest, ...address });
  const set = Object.keys(fields).map((column) => `${column} = ?`);
  await write(tx, `update address set ${set.join(', ')} where id = ?`, [...Object.values(fields), id], 1);
}

export const deleteAddress = (tx: Sql, id: string): Promise<number> =>
  write(tx, 'delete from address where id = ?', [idToBytes(id)], 1);
