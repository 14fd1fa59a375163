import { enterAction } from '../../shared/tables/barrier.ts';
import type { Sql } from '../../shared/database/database.ts';
import { badUserInput, branchCompensated } from '../../shared/errors/errors.ts';
import { isId } from '../../shared/values/ids.ts';
import { type ProductDeps, announceStock } from '../deps.ts';
import { type NightUnits, goodsOf, maxNightsPerOrder, nightsOf, runsOf, staysAreFine } from '../domain/nights.ts';
import { type ReserveStockInput, type ReserveStockResult, type Shortage, orderBarrier } from '../domain/reservation.ts';
import { datesBetween } from '../../shared/values/local-date.ts';
import { type Line, maxLines, maxUnits, mergeLines } from '../domain/stock.ts';
import { recordOrderMovements } from '../ledger-store.ts';
import { ensureNights, insertNightReservations, lockNights, recordNightMovements, takeNights } from '../night-store.ts';
import { availableOf, insertReservations, reservationState, takeStock } from '../stock-store.ts';

/** Carries the shortages out of the transaction, which it thereby rolls back, barrier and all. */
class ShortageError extends Error {
  override readonly name = 'ShortageError';
  readonly shortages: readonly Shortage[];
  constructor(shortages: readonly Shortage[]) {
    super('too little stock');
    this.shortages = shortages;
  }
}

/**
 * Takes stock and nights for an order: all lines, or none and everything that is short. Repeated, it gives the same answer without
 * taking more. Throws BRANCH_COMPENSATED when this branch was compensated or the order was closed, before or since, and
 * BAD_USER_INPUT for arguments that break a rule. Orders that want the same product at the same time go together.
 */
export async function reserveStock(deps: ProductDeps, input: ReserveStockInput): Promise<ReserveStockResult> {
  checkInput(input);
  const productIds = mergeLines(input.lines).map(({ productId }) => productId);
  if (nightsOf(input.lines).length > 0 || !productIds.every(isId)) return reserveAlone(deps, input);
  return deps.reservations.run(productIds, { input, span: deps.tracing?.active() });
}

/** As `reserveStock`, for this order alone. */
export async function reserveAlone(
  deps: Pick<ProductDeps, 'db' | 'now' | 'newId' | 'live'>,
  input: ReserveStockInput,
): Promise<ReserveStockResult> {
  const nights = nightsOf(input.lines);
  try {
    await ensureNights(deps.db, nights, deps.now());
    const taken = await deps.db.transaction((tx) => reserve(tx, deps, input, nights));
    announceStock(deps, taken);
    return { ok: true, shortages: [] };
  } catch (error) {
    if (error instanceof ShortageError) return { ok: false, shortages: error.shortages };
    throw error;
  }
}

/** The products whose counters changed. */
async function reserve(
  tx: Sql,
  deps: Pick<ProductDeps, 'now' | 'newId'>,
  input: ReserveStockInput,
  nights: readonly NightUnits[],
): Promise<string[]> {
  const { sagaId, branch, orderId } = input;
  const turn = await enterAction(tx, { sagaId, branch }, orderBarrier(orderId));
  if (turn === 'compensated' || (turn === 'repeated' && !(await isHeld(tx, orderId)))) {
    throw branchCompensated('This order was closed or its reservation undone; nothing is reserved for it.');
  }
  if (turn === 'repeated') return [];

  const taken: string[] = [];
  const refused: Line[] = [];
  const shortNights = await bookNights(tx, nights);
  for (const line of mergeLines(goodsOf(input.lines))) {
    if (isId(line.productId) && (await takeStock(tx, line))) taken.push(line.productId);
    else refused.push(line);
  }
  const shortages = [...shortNights, ...(refused.length > 0 ? await shortagesOf(tx, refused) : [])];
  if (shortages.length > 0) throw new ShortageError(shortages);
  const lines = mergeLines(input.lines);
  const reservation = { orderId, expiresAt: input.expiresAt, createdAt: deps.now() };
  await insertReservations(tx, lines.map((line) => ({ ...line, ...reservation, id: deps.newId(orderId) }))); // prettier-ignore
  await insertNightReservations(tx, orderId, nights);
  const hold = { orderId, type: 'HOLD', onHandSign: 0, allocatedSign: 1 } as const;
  const cause = { actor: 'order', reason: 'Order placed', sagaBranch: branch };
  if (nights.length > 0) await recordNightMovements(tx, hold, cause);
  if (taken.length > 0) await recordOrderMovements(tx, hold, cause);
  return [...new Set([...nights.map(({ productId }) => productId), ...taken])];
}

/** Holds the rooms, and tells the nights that have too few. */
async function bookNights(tx: Sql, nights: readonly NightUnits[]): Promise<Shortage[]> {
  const shortages: Shortage[] = [];
  for (const run of runsOf(nights)) {
    const { productId, from, to, quantity } = run;
    const left = isId(productId) ? await lockNights(tx, run) : new Map<string, number>();
    const short = datesBetween(from, to)
      .map((night) => ({ productId, requested: quantity, available: left.get(night) ?? 0, night }))
      .filter(({ available }) => available < quantity);
    shortages.push(...short);
    if (short.length > 0 || (await takeNights(tx, run)) === left.size) continue;
    throw new Error(`nights of product ${productId} were refused although they are locked and have rooms`);
  }
  return shortages;
}

/** A product without a stock is refused by the guarded update as well, and is no shortage. */
async function shortagesOf(tx: Sql, refused: readonly Line[]): Promise<Shortage[]> {
  const left = await availableOf(
    tx,
    refused.map((line) => line.productId),
  );
  return refused.flatMap(({ productId, quantity }) => {
    const available = left.get(productId) ?? null;
    // Units may have come back since the update refused; the answer tells what was short then.
    return available === null ? [] : [{ productId, requested: quantity, available: Math.min(available, quantity - 1) }];
  });
}

const isHeld = async (tx: Sql, orderId: string): Promise<boolean> => {
  const state = await reservationState(tx, orderId);
  return state === 'HELD' || state === 'COMMITTED';
};

const maxBranchLength = 64;

export function checkBranch({
  sagaId,
  branch,
  orderId,
}: Pick<ReserveStockInput, 'sagaId' | 'branch' | 'orderId'>): void {
  if (!isId(sagaId) || !isId(orderId)) throw badUserInput('sagaId and orderId: must be canonical UUIDs.');
  if (branch.length < 1 || branch.length > maxBranchLength)
    throw badUserInput(`branch: must have 1 to ${maxBranchLength} characters.`);
}

function checkInput(input: ReserveStockInput): void {
  checkBranch(input);
  const fine = (units: number) => Number.isInteger(units) && units >= 1 && units <= maxUnits;
  if (input.lines.length < 1 || input.lines.length > maxLines)
    throw badUserInput(`lines: must have 1 to ${maxLines} entries.`);
  if (
    !input.lines.every((line) => fine(line.quantity)) ||
    !mergeLines(input.lines).every((line) => fine(line.quantity))
  ) {
    throw badUserInput(`lines: a product's quantity must be between 1 and ${maxUnits}.`);
  }
  if (!staysAreFine(input.lines))
    throw badUserInput(
      `lines: a stay needs two dates, the earlier one first, and all stays together at most ${maxNightsPerOrder} nights.`,
    );
}
