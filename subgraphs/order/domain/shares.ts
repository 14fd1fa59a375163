import { type Refusal, validationError } from '../../shared/errors/errors.ts';
import type { Line, LineQuantity, Order, OrderState } from './order-model.ts';

/*
 * What pieces of an order's lines stand for. A piece's money is its share of what the line has stored, so nothing is priced
 * anew: the n-th piece that is refunded gets what n pieces are worth less what n − 1 are, and the last one takes what
 * rounding has left.
 */

const overStates: readonly OrderState[] = ['COMPLETED', 'LAPSED'];

/** Pieces that are still to be delivered. */
export const openQuantity = (line: Line): number => line.quantity - line.cancelledQuantity - line.fulfilledQuantity;

/** All of them, by line. */
export const openPieces = (lines: readonly Line[]): readonly LineQuantity[] =>
  lines.filter((line) => openQuantity(line) > 0).map((line) => ({ lineId: line.id, quantity: openQuantity(line) }));

/** Pieces that the customer has: of an order that is over, all but those that were taken off it. */
export const deliveredQuantity = (line: Line, { state }: Pick<Order, 'state'>): number =>
  overStates.includes(state) ? line.quantity - line.cancelledQuantity : line.fulfilledQuantity;

/** Delivered pieces that are neither back nor refunded. */
export const keptQuantity = (line: Line, order: Pick<Order, 'state'>): number =>
  deliveredQuantity(line, order) - (line.refundedQuantity - line.cancelledQuantity) - line.unrefundedReturnQuantity;

/** Pieces whose money has not gone back. */
export const refundableQuantity = (line: Line): number => line.quantity - line.refundedQuantity;

const shareOf = (wholeMinor: bigint, pieces: number, of: number): bigint => (wholeMinor * BigInt(pieces)) / BigInt(of);

const nextShare = (wholeMinor: bigint, line: Line, pieces: number): bigint =>
  shareOf(wholeMinor, line.refundedQuantity + pieces, line.quantity) -
  shareOf(wholeMinor, line.refundedQuantity, line.quantity);

export type Worth = { readonly amountMinor: bigint; readonly taxMinor: bigint };

/** What the next pieces of lines are worth that go back, and the tax in it. */
export function worthOf(lines: readonly Line[], wanted: readonly LineQuantity[]): Worth {
  let [amountMinor, taxMinor] = [0n, 0n];
  for (const { lineId, quantity } of wanted) {
    const line = lineOf(lines, lineId);
    amountMinor += nextShare(line.totalMinor, line, quantity);
    taxMinor += nextShare(line.taxMinor, line, quantity);
  }
  return { amountMinor, taxMinor };
}

/** The line with this id. Throws where there is none: what names it was checked before. */
export function lineOf<Known extends Line>(lines: readonly Known[], lineId: string): Known {
  const line = lines.find(({ id }) => id === lineId);
  if (!line) throw new Error(`the order has no line ${lineId}`);
  return line;
}

/** The lines with what `quantities` say added to one of their counts. */
export const counted = (
  lines: readonly Line[],
  quantities: readonly LineQuantity[],
  count: 'cancelledQuantity' | 'refundedQuantity' | 'returnedQuantity' | 'restockedQuantity',
): readonly Line[] =>
  lines.map((line) => ({
    ...line,
    [count]: line[count] + (quantities.find(({ lineId }) => lineId === line.id)?.quantity ?? 0),
  }));

/**
 * Wanted pieces, one entry a line; or what is wrong with them. `limitOf` says how many of a line there may be.
 *
 * @param path of the list in the mutation's arguments
 */
export function checkPieces(
  lines: readonly Line[],
  wanted: readonly LineQuantity[],
  { limitOf, path }: { limitOf: (line: Line) => number; path: readonly string[] },
): { readonly pieces: readonly LineQuantity[] } | { readonly refusal: Refusal } {
  const pieces = new Map<string, number>();
  const invalid = (message: string, index: number, field: string) => ({
    refusal: validationError(message, [...path, String(index), field]),
  });
  if (wanted.length === 0) return { refusal: validationError('lines: name at least one line.', path) };
  for (const [index, { lineId, quantity }] of wanted.entries()) {
    const line = lines.find(({ id }) => id === lineId);
    if (!line) return invalid('lineId: the order has no such line.', index, 'lineId');
    const limit = limitOf(line);
    if (limit === 0) return invalid('lineId: nothing of this line is left for that.', index, 'lineId');
    const total = (pieces.get(lineId) ?? 0) + quantity;
    if (quantity < 1 || total > limit) return invalid(`quantity: must be between 1 and ${limit}.`, index, 'quantity');
    pieces.set(lineId, total);
  }
  return { pieces: [...pieces].map(([lineId, quantity]) => ({ lineId, quantity })) };
}
