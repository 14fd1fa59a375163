import { createHash } from 'node:crypto';
import { addressGroup } from '../shared/values/address-group.ts';
import type { Sql } from '../shared/database/database.ts';
import { type Refusal, RefusedError } from '../shared/errors/errors.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import type { OpenOrderLimits } from './config.ts';
import { nightsOf } from './domain/stay.ts';
import { type Count, type Counted, type Limit, readCounts } from './open-orders-store.ts';
import type { StoredLine } from './stored-order.ts';

/*
 * What is ordered and not paid keeps stock from others, so how much of it one customer and one address may have is limited.
 */

/** Customers behind one address would wait for its row, one commit after the other: so it may have this many. */
const maxParts = 16;
/** A smaller part would be full with a few customers. */
const minOrdersOfPart = 100;

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

type Bound = Limit & { readonly by: 'CUSTOMER' | 'ADDRESS' };

/** The counters that count an order, and what they may rise to. */
export function limitsOf(limits: OpenOrderLimits, { customerId, placedFrom }: Counted): readonly Bound[] {
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

/** After NoRoomError: throws RefusedError with OpenOrderLimitError, unless there is room meanwhile. */
export async function requireRoom(sql: Sql, limits: OpenOrderLimits, order: Counted): Promise<void> {
  const bounds = limitsOf(limits, order);
  const counts = await readCounts(sql, bounds.map(({ owner }) => owner)); // prettier-ignore
  const refusals = bounds.flatMap(
    (bound) => limitError(bound, counts.get(bound.owner) ?? { orders: 0, units: 0 }, order.openUnits ?? 0) ?? [],
  );
  if (refusals.length > 0) throw new RefusedError(...refusals);
}

/** Why an order of so many units has no room; null where it has. */
function limitError(bound: Bound, open: Count, units: number): Refusal | null {
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
