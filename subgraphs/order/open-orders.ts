import { createHash } from 'node:crypto';
import { addressGroup } from '../shared/values/address-group.ts';
import { type Sql, placeholders, run, select, write } from '../shared/database/database.ts';
import { type Refusal, RefusedError } from '../shared/errors/errors.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { OpenOrderLimits } from './config.ts';
import type { OrderState } from './domain/order-model.ts';
import { nightsOf } from './domain/stay.ts';
import type { StoredLine, StoredOrder } from './stored-order.ts';

/*
 * What is ordered and not paid keeps stock from others, so how much of it one customer and one address may have is limited.
 * Rows of `open_orders` count it, changed by the transactions that open and close orders: exact whatever runs at once or
 * dies. The audit compares them with the orders.
 */

/** An order counts from its placing until it is paid or closed. */
const openStates: readonly OrderState[] = ['PLACING', 'PENDING_PAYMENT'];
const isOpen = ({ state }: { readonly state: OrderState }): boolean => openStates.includes(state);

/** Customers behind one address would wait for its row, one commit after the other: so it may have this many. */
const maxParts = 16;
/** A smaller part would be full with a few customers. */
const minOrdersOfPart = 100;

/** Whom an order is counted for, and as how many units; `openUnits` is null where it is not counted. */
type Counted = Pick<StoredOrder, 'customerId' | 'openUnits' | 'placedFrom'>;

/** Pieces, and of stays rooms by nights: what nobody else can have meanwhile. */
export const unitsOf = (lines: readonly Pick<StoredLine, 'quantity' | 'stay'>[]): number =>
  lines.reduce((sum, { quantity, stay }) => sum + quantity * (stay ? nightsOf(stay) : 1), 0);

const partsOf = ({ ordersPerAddress }: OpenOrderLimits): number =>
  Math.min(maxParts, Math.max(1, Math.floor(ordersPerAddress / minOrdersOfPart)));

/** Which counter of the address this customer's orders are counted by: an id, as the customers' own are. */
export function addressCounter(
  limits: OpenOrderLimits,
  address: string | undefined,
  customerId: string,
): string | null {
  if (address === undefined) return null;
  const part = idToBytes(customerId).readUInt16BE(14) % partsOf(limits);
  const digest = createHash('sha256')
    .update(`address\n${addressGroup(address)}\n${part}`)
    .digest();
  return idFromBytes(digest.subarray(0, 16));
}

/** One counter and what it may rise to. */
type Bound = { readonly owner: string; readonly by: 'CUSTOMER' | 'ADDRESS'; readonly orders: number; readonly units: number }; // prettier-ignore

function boundsOf(limits: OpenOrderLimits, { customerId, placedFrom }: Counted): readonly Bound[] {
  const { ordersPerCustomer: orders, unitsPerCustomer: units } = limits;
  const ofCustomer: Bound = { owner: customerId, by: 'CUSTOMER', orders, units };
  if (placedFrom === null) return [ofCustomer];
  const parts = partsOf(limits);
  return [
    ofCustomer,
    {
      owner: placedFrom,
      by: 'ADDRESS',
      orders: Math.floor(limits.ordersPerAddress / parts),
      units: Math.floor(limits.unitsPerAddress / parts),
    },
  ];
}

/** A counter has no room: the transaction is rolled back, and `requireRoom` says which. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
}

/** What the database says of a value that must not be null: here of a count that would be above its limit. */
const nullRefused = 1048;

/**
 * Counts an order in the transaction that places it: one statement, whether or not its counters are there already. A count
 * above its limit is null, which the column refuses. Throws NoRoomError.
 */
export async function countOpen(tx: Sql, limits: OpenOrderLimits, order: Counted): Promise<void> {
  const { openUnits } = order;
  if (openUnits === null) return;
  // In the order of their ids, as everybody who changes several.
  const bounds = boundsOf(limits, order).toSorted((one, other) => (one.owner < other.owner ? -1 : 1));
  if (bounds.some(({ units }) => openUnits > units)) throw new NoRoomError('more units than there may ever be');
  const limit = `case owner ${bounds.map(() => 'when ? then ?').join(' ')} end`;
  try {
    await run(
      tx,
      `insert into open_orders (owner, orders, units) values ${bounds.map(() => '(?, 1, ?)').join(', ')}
       on duplicate key update units = if(orders < ${limit} and units + ? <= ${limit}, units + ?, null), orders = orders + 1`,
      [
        ...bounds.flatMap(({ owner }) => [idToBytes(owner), openUnits]),
        ...bounds.flatMap(({ owner, orders }) => [idToBytes(owner), orders]),
        openUnits,
        ...bounds.flatMap(({ owner, units }) => [idToBytes(owner), units]),
        openUnits,
      ],
    );
  } catch (error) {
    if ((error as { errno?: number }).errno === nullRefused)
      throw new NoRoomError('too much is open', { cause: error });
    throw error;
  }
}

/** After NoRoomError: throws RefusedError with OpenOrderLimitError, unless there is room meanwhile. */
export async function requireRoom(sql: Sql, limits: OpenOrderLimits, order: Counted): Promise<void> {
  const bounds = boundsOf(limits, order);
  const owners = bounds.map(({ owner }) => idToBytes(owner));
  const rows = await select(sql, `select * from open_orders where owner in (${placeholders(owners)})`, owners);
  const refusals = bounds.flatMap((bound) => {
    const row = rows.find((each) => idFromBytes(each['owner'] as Buffer) === bound.owner);
    const open = { orders: Number(row?.['orders'] ?? 0), units: Number(row?.['units'] ?? 0) };
    return limitError(bound, open, order.openUnits ?? 0) ?? [];
  });
  if (refusals.length > 0) throw new RefusedError(...refusals);
}

/** Why an order of so many units has no room; null where it has. */
function limitError(bound: Bound, open: { orders: number; units: number }, units: number): Refusal | null {
  const isOrders = open.orders >= bound.orders;
  if (!isOrders && open.units + units <= bound.units) return null;
  const whose = bound.by === 'CUSTOMER' ? 'You have' : 'This address has';
  const message = isOrders
    ? `${whose} as many unpaid orders as may be open at once (${bound.orders}). Pay or cancel one, or wait until one expires.`
    : `${whose} ${open.units} units in unpaid orders; with these ${units} it would be more than the ${bound.units} that may be open at once. Pay or cancel an order, or order less.`;
  return {
    __typename: 'OpenOrderLimitError',
    code: 'OPEN_ORDER_LIMIT',
    message,
    path: ['input', 'lines'],
    measure: isOrders ? 'ORDERS' : 'UNITS',
    limit: isOrders ? bound.orders : bound.units,
    open: isOrders ? open.orders : open.units,
  };
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
  const counts = new Map<string, { orders: number; units: number }>();
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
  const owners = [...counts.keys()].toSorted().map((owner) => ({ id: idToBytes(owner), ...counts.get(owner) }));
  const counted = `case owner ${owners.map(() => 'when ? then ?').join(' ')} end`;
  const less = (column: 'orders' | 'units') => `${column} = if(${column} < ${counted}, 0, ${column} - ${counted})`;
  // Never below nothing: paying must not fail for a count. The audit would tell.
  await run(
    tx,
    `update open_orders force index (primary) set ${less('orders')}, ${less('units')} where owner in (${placeholders(owners)})`,
    [
      ...[...owners, ...owners].flatMap(({ id, orders = 0 }) => [id, orders]),
      ...[...owners, ...owners].flatMap(({ id, units = 0 }) => [id, units]),
      ...owners.map(({ id }) => id),
    ],
  );
}

const purgeBatch = 1_000;

/** Forgets counters that count nothing; who orders again gets a new one. Returns how many. */
export async function purgeCounters(sql: Sql): Promise<number> {
  const idle = await select(sql, `select owner from open_orders where orders = 0 limit ${purgeBatch}`);
  if (idle.length === 0) return 0;
  return write(
    sql,
    `delete from open_orders where owner in (${placeholders(idle)}) and orders = 0`,
    idle.map((row) => row['owner'] as Buffer),
  );
}
