import { sql as raw } from 'kysely';
import type { Sql } from '../shared/database/database.ts';
import { byPrimaryKey, change, find, prepare } from '../shared/database/tables.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { OrderState } from './domain/order-model.ts';
import { tables } from './records.ts';
import type { StoredOrder } from './stored-order.ts';

/*
 * Rows of `open_orders` count the open orders of a customer, or of an address, and the units in them, changed by the
 * transactions that open and close orders: exact whatever runs at once or dies. The audit compares them with the orders.
 */

/** An order counts from its placing until it is paid or closed. */
const openStates: readonly OrderState[] = ['PLACING', 'PENDING_PAYMENT'];
const isOpen = ({ state }: { readonly state: OrderState }): boolean => openStates.includes(state);

/** Whom an order is counted for, and as how many units; `openUnits` is null where it is not counted. */
export type Counted = Pick<StoredOrder, 'customerId' | 'openUnits' | 'placedFrom'>;

/** A counter and what it may rise to. */
export type Limit = { readonly owner: string; readonly orders: number; readonly units: number };
export type Count = { readonly orders: number; readonly units: number };

/** A counter has no room: the transaction is rolled back, and `requireRoom` says which. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
}

/** What the database says of a value that must not be null: here of a count that would be above its limit. */
const nullRefused = 1048;

/** By the row's owner: a value of its own for each. */
const byOwner = (values: readonly (readonly [Buffer, number])[]) => {
  const cases = values.map(([owner, value]) => raw`when ${owner} then ${value}`);
  return raw<number>`case ${raw.ref('owner')} ${raw.join(cases, raw` `)} end`;
};

type Row = { readonly owner: Buffer; readonly orders: number; readonly units: number };

/** An order of so many units is counted, or null is, where a counter would be above its limit. */
function counting(limits: readonly Row[], newUnits: number) {
  const maxOrders = byOwner(limits.map(({ owner, orders }) => [owner, orders]));
  const maxUnits = byOwner(limits.map(({ owner, units }) => [owner, units]));
  return tables
    .insertInto('open_orders')
    .values(limits.map(({ owner }) => ({ owner, orders: 1, units: newUnits })))
    .onDuplicateKeyUpdate((eb) => {
      const [orders, units] = [eb.ref('orders'), eb.ref('units')];
      return {
        // First: MySQL gives what comes later the counts that are set here.
        units: raw<number>`if(${orders} < ${maxOrders} and ${units} + ${newUnits} <= ${maxUnits}, ${units} + ${newUnits}, null)`,
        orders: eb('orders', '+', 1),
      };
    });
}

/** Closed orders are taken off. Never below nothing: paying must not fail for a count. The audit would tell. */
function givingBack(counts: readonly Row[]) {
  const less = (column: 'orders' | 'units') => {
    const counted = byOwner(counts.map((row) => [row.owner, row[column]]));
    const count = raw.ref(column);
    return raw<number>`if(${count} < ${counted}, 0, ${count} - ${counted})`;
  };
  const update = tables
    .updateTable('open_orders')
    .set({ orders: less('orders'), units: less('units') })
    .where('owner', 'in', counts.map(({ owner }) => owner)); // prettier-ignore
  return byPrimaryKey(update, 'open_orders');
}

/** Rows as named parameters: `owner0`, `orders0`, `units0`, `owner1` … */
type Parameters = Readonly<Record<string, Buffer | number>>;
const columns = ['owner', 'orders', 'units'] as const;
const rowsOf = (param: Parameters, length: number): Row[] =>
  Array.from({ length }, (_, at) => Object.fromEntries(columns.map((name) => [name, param[`${name}${at}`]])) as Row);
const parametersOf = (rows: readonly Row[]): Parameters =>
  Object.fromEntries(rows.flatMap((row, at) => columns.map((name) => [`${name}${at}`, row[name]])));

/** An order has one counter or two: statements on so many are compiled once. */
const compiledFor = [1, 2] as const;
const compiledCountings = compiledFor.map((length) =>
  prepare<Parameters>()((param) => counting(rowsOf(param, length), param['newUnits'] as number)),
);
const compiledGivingBacks = compiledFor.map((length) =>
  prepare<Parameters>()((param) => givingBack(rowsOf(param, length))),
);

/** In the order of their ids, as everybody who changes several. */
const byId = (counters: readonly Limit[]): Row[] =>
  counters
    .toSorted((one, other) => (one.owner < other.owner ? -1 : 1))
    .map(({ owner, orders, units }) => ({ owner: idToBytes(owner), orders, units }));

/**
 * Counts an order of so many units, in the transaction that places it: one statement, whether or not the counters are there
 * already. A count above its limit is null, which the column refuses. Throws NoRoomError.
 */
export async function countOpen(tx: Sql, limits: readonly Limit[], newUnits: number): Promise<void> {
  if (limits.some(({ units }) => newUnits > units)) throw new NoRoomError('more units than there may ever be');
  const rows = byId(limits);
  const statement = compiledCountings[rows.length - 1];
  if (!statement) throw new Error('an order has one counter or two');
  try {
    await change(tx, statement, { ...parametersOf(rows), newUnits }, 'any');
  } catch (error) {
    if ((error as { errno?: number }).errno === nullRefused)
      throw new NoRoomError('too much is open', { cause: error });
    throw error;
  }
}

/** What these counters say; those that count nothing are left out. */
export async function readCounts(sql: Sql, owners: readonly string[]): Promise<ReadonlyMap<string, Count>> {
  const rows = await find(
    sql,
    tables.selectFrom('open_orders').selectAll().where('owner', 'in', owners.map(idToBytes)),
  );
  return new Map(rows.map(({ owner, orders, units }) => [idFromBytes(owner), { orders, units }]));
}

/**
 * Gives back what orders counted, in the transaction that pays or closes them: one statement, none where nothing was counted.
 * The orders' rows are locked, or guarded, by the caller. `before` and `after` are in the same order.
 */
export async function giveBack(
  tx: Sql,
  before: readonly (Counted & { readonly state: OrderState })[],
  after: readonly { readonly state: OrderState }[],
): Promise<void> {
  const counts = new Map<string, Count>();
  for (const [index, order] of before.entries()) {
    const closed = after[index];
    if (order.openUnits === null || !closed || !isOpen(order) || isOpen(closed)) continue;
    for (const owner of [order.customerId, order.placedFrom]) {
      if (owner === null) continue;
      const { orders, units } = counts.get(owner) ?? { orders: 0, units: 0 };
      counts.set(owner, { orders: orders + 1, units: units + order.openUnits });
    }
  }
  if (counts.size === 0) return;
  const rows = byId([...counts].map(([owner, count]) => ({ owner, ...count })));
  const statement = compiledGivingBacks[rows.length - 1];
  if (statement) await change(tx, statement, parametersOf(rows), 'any');
  else await change(tx, givingBack(rows), 'any');
}

const purgeBatch = 1_000;

/** Forgets counters that count nothing; a customer who orders again gets a new one. Returns how many. */
export async function purgeCounters(sql: Sql): Promise<number> {
  const idle = await find(sql, tables.selectFrom('open_orders').select('owner').where('orders', '=', 0).limit(purgeBatch)); // prettier-ignore
  if (idle.length === 0) return 0;
  const owners = idle.map(({ owner }) => owner);
  return change(sql, tables.deleteFrom('open_orders').where('owner', 'in', owners).where('orders', '=', 0));
}
