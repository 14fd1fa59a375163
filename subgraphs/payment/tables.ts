import { sql } from 'kysely';
import { type TablesOf, builderFor, inserterFor } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import type { entities } from './records.ts';

/** The payment service's tables, as their rows are stored. */
export type PaymentTables = TablesOf<typeof entities>;

export const tables = builderFor<PaymentTables>();
export const insert = inserterFor<PaymentTables>();

/** The time by the database's clock, so many seconds from now; null for null. */
export const secondsFromNow = (seconds: number | null) => sql<Date>`utc_timestamp(3) + interval ${seconds} second`;

export const bytesOrNull = (id: string | null | undefined): Buffer | null =>
  id === null || id === undefined ? null : idToBytes(id);

/** The record of the first row; null where there is none. */
export async function firstOf<Row, Record>(rows: Promise<Row[]>, read: (row: Row) => Record): Promise<Record | null> {
  const [row] = await rows;
  return row === undefined ? null : read(row);
}
