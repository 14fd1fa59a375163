import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { Sql } from '../shared/database/database.ts';
import { byIndex, find, findMany } from '../shared/database/tables.ts';
import { typedNumber } from '../shared/values/ids.ts';
import { firstOf } from '../shared/values/text.ts';
import { maxClientReferenceLength } from './domain/pricing/check-input.ts';
import { type OrderTables, tables } from './records.ts';

type Condition = Expression<SqlBool>;
type Conditions = ExpressionBuilder<OrderTables, 'orders'>;

/** One of the ways in which orders are found, and the index that has it. */
export type Way = {
  readonly index: 'orders_number' | 'orders_reference' | 'orders_updated';
  readonly finds: (eb: Conditions) => Condition;
  /** When the orders that it finds were placed, where that is known. */
  readonly placed: { readonly from: Date; readonly to: Date } | null;
};

/** An order's number, or its customer's reference, begins with this. None for text that neither has. */
export function waysOf(query: string): readonly Way[] {
  const number = typedNumber(query);
  const reference = pattern(firstOf(query, maxClientReferenceLength).toLowerCase());
  const byReference: Way = {
    index: 'orders_reference',
    finds: (eb) => eb('reference_key', 'like', reference),
    placed: null,
  };
  if (!/^[0-9A-Z]+$/.test(number)) return [byReference];
  const byNumber: Way = {
    index: 'orders_number',
    finds: (eb) => eb('number', 'like', pattern(number)),
    placed: placedBy(number),
  };
  return [byNumber, byReference];
}

/** What begins with this text, for LIKE. */
const pattern = (text: string): string => `${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;

const dayMs = 86_400_000;

/** Changed last within these times: placed before, by a day to spare as clocks differ. */
export const changedWithin = ({ from, to }: { readonly from: Date | null; readonly to: Date | null }): Way => ({
  index: 'orders_updated',
  finds: (eb) => eb.and([...(from ? [eb('updated_at', '>=', from)] : []), ...(to ? [eb('updated_at', '<', to)] : [])]),
  placed: to && { from: new Date(0), to: new Date(to.getTime() + dayMs) },
});

/** Between which times orders were placed whose numbers begin so: a number has the year, month and day. A day more on both sides. */
function placedBy(number: string): Way['placed'] {
  const [, year, month, day] = /^[A-Z]{2}(\d\d)(?:(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])?)?/.exec(number) ?? [];
  if (year === undefined) return null;
  const [y, m, d] = [2_000 + Number(year), Number(month ?? 1) - 1, Number(day ?? 1)];
  const end = day === undefined ? (month === undefined ? Date.UTC(y + 1, 0) : Date.UTC(y, m + 1)) : Date.UTC(y, m, d + 1); // prettier-ignore
  return { from: new Date(Date.UTC(y, m, d) - dayMs), to: new Date(end + dayMs) };
}

/** So many orders are read and sorted faster than they are looked for in the order of the list. */
const few = 2_000;

/** Of each way whether it finds few orders; read in the ways' indexes alone, in one round trip. */
export async function findFew(sql: Sql, ways: readonly Way[]): Promise<readonly boolean[]> {
  const counts = ways.map(({ index, finds }) => {
    const found = tables
      .selectFrom('orders')
      .select('id')
      .where(finds)
      .limit(few + 1);
    const counted = tables.selectFrom(found.as('found')).select((eb) => eb.fn.countAll().as('orders'));
    return byIndex(counted, { table: 'orders', index });
  });
  return (await findMany(sql, counts)).map(([row]) => Number(row?.orders ?? 0) <= few);
}

/** Whether so many orders have a return that a page of them is soon found in the order of the list. */
export async function areReturnsMany(sql: Sql): Promise<boolean> {
  const returned = tables
    .selectFrom('order_return')
    .select('id')
    .limit(few + 1)
    .as('returned');
  const [row] = await find(
    sql,
    tables.selectFrom(returned).select((eb) => eb.fn.countAll().as('returns')),
  );
  return Number(row?.returns ?? 0) > few;
}
