import { isUnavailable, unavailable } from '../../shared/errors/errors.ts';
import { openLanes } from '../../shared/queues/lanes.ts';
import { enterActions, leaveActions } from '../../shared/tables/barrier.ts';
import type { Sql } from '../../shared/database/database.ts';
import { traced } from '../../shared/tracing/tracing.ts';
import { type Asking, type ProductDeps, announceStock } from '../deps.ts';
import { type ReserveStockInput, type ReserveStockResult, type Share, orderBarrier, shareOut } from '../domain/reservation.ts'; // prettier-ignore
import { type Line, mergeLines } from '../domain/stock.ts';
import { lockSupply, recordHolds } from '../hold-store.ts';
import { insertReservations } from '../stock-store.ts';

/** Of one transaction. It holds a connection and locks for some milliseconds. */
const maxTogether = 100;
/** Of one product in one process: what is sold in about the time that an order has to be placed in. */
const maxWaiting = 5_000;

type Deps = Pick<ProductDeps, 'db' | 'now' | 'newId' | 'live' | 'tracing'>;

/**
 * Reservations of one product happen one after another, as its counters are one row. So those that wait for it go together: one transaction,
 * one lock and one commit for up to a hundred orders, each of which gets all or nothing, in the order in which they came.
 * `alone` reserves for one order, and answers all that are not the usual case, such as a repetition.
 */
export const openReservationLanes = (
  deps: Deps,
  alone: (input: ReserveStockInput) => Promise<ReserveStockResult>,
): ProductDeps['reservations'] =>
  openLanes<Asking, ReserveStockResult>({
    maxTogether,
    maxWaiting,
    tooMany: () => unavailable('Too many orders wait for this product. Try again in a moment.'),
    alone: ({ input }) => alone(input),
    together: (askings) => {
      const links = askings.flatMap(({ span }) => span ?? []);
      return traced(deps.tracing, { service: 'product', name: 'reserve stock together', links }, () =>
        reserveTogether(deps, askings.map(({ input }) => input)),
      ); // prettier-ignore
    },
  });

/** Rolls back: what none of these orders gets is not to be written, and for the others each goes alone. */
class NothingReservedError extends Error {
  override readonly name = 'NothingReservedError';
  /** Null where some branch was entered before. */
  readonly shares: readonly Share[] | null;
  constructor(shares: readonly Share[] | null) {
    super('nothing was reserved');
    this.shares = shares;
  }
}

/** The answers in the order of the inputs; null where nothing was done and each has to go alone. */
async function reserveTogether(
  deps: Deps,
  inputs: readonly ReserveStockInput[],
): Promise<readonly ReserveStockResult[] | null> {
  let shares: readonly Share[];
  try {
    shares = await deps.db.transaction((tx) => reserveAll(tx, deps, inputs));
  } catch (error) {
    if (isUnavailable(error)) throw error;
    // One order's fault must not be another's.
    if (!(error instanceof NothingReservedError) || !error.shares) return null;
    ({ shares } = error);
  }
  announceStock(deps, [...new Set(shares.flatMap(({ holds }) => holds.map(({ productId }) => productId)))]);
  return shares.map(({ shortages }) => ({ ok: shortages.length === 0, shortages }));
}

async function reserveAll(tx: Sql, deps: Deps, inputs: readonly ReserveStockInput[]): Promise<readonly Share[]> {
  if (!(await enterActions(tx, inputs.flatMap(branchesOf)))) throw new NothingReservedError(null);
  const orders = inputs.map(({ lines }) => mergeLines(lines));
  const { supply, at } = await lockSupply(tx, [...new Set(orders.flat().map(({ productId }) => productId))].toSorted());
  const shares = shareOut(supply, orders);
  const refused = inputs.filter((_, index) => (shares[index] as Share).shortages.length > 0);
  if (refused.length === inputs.length) throw new NothingReservedError(shares);
  await leaveActions(tx, refused.flatMap(branchesOf));

  const createdAt = deps.now();
  const reserved = inputs.flatMap((input, index) => {
    const { holds, shortages } = shares[index] as Share;
    if (shortages.length > 0) return [];
    const { orderId, branch, expiresAt } = input;
    return (orders[index] as readonly Line[]).map(({ productId, quantity }) => ({
      reservation: { id: deps.newId(orderId), orderId, productId, quantity, expiresAt, createdAt },
      branch,
      hold: holds.find((hold) => hold.productId === productId),
    }));
  });
  await insertReservations(tx, reserved.map(({ reservation }) => reservation)); // prettier-ignore
  const holds = reserved.flatMap(({ reservation: { id, orderId }, branch, hold }) => hold ? [{ ...hold, orderId, reservationId: id, branch }] : []); // prettier-ignore
  if (at !== null) await recordHolds(tx, holds, { at, actor: 'order', reason: 'Order placed' });
  return shares;
}

const branchesOf = ({ sagaId, branch, orderId }: ReserveStockInput) => [{ sagaId, branch }, orderBarrier(orderId)];
