import { type Refusal, validationError } from '../../shared/errors/errors.ts';
import { rejected } from './giving-back.ts';
import type { Decision, FulfilmentStatus, Line, LineQuantity, Order, OrderCommand } from './order-model.ts';
import { refundOf } from './refunding.ts';
import {
  type ReceivedLine,
  type ReturnCommand,
  type ReturnFacts,
  type ReturnState,
  returnTransitions,
} from './return-model.ts';
import { checkPieces, counted, deliveredQuantity, keptQuantity, lineOf, refundableQuantity } from './shares.ts';

/*
 * Goods that come back. A return belongs to an order that is complete, and all its steps are events of that order: its row
 * lock decides between returns and refunds of the same pieces.
 */

const dayMs = 86_400_000;
const openStates: readonly ReturnState[] = ['REQUESTED', 'APPROVED'];

/** Pieces that returns wait for, by line, one entry each. */
export const returningPieces = (returns: readonly ReturnFacts[]): readonly LineQuantity[] =>
  returns.filter(({ state }) => openStates.includes(state)).flatMap(({ lines }) => lines);

/** Pieces of a line that returns wait for. */
const underWay = (returns: readonly ReturnFacts[], lineId: string): number =>
  returningPieces(returns)
    .filter((line) => line.lineId === lineId)
    .reduce((sum, { quantity }) => sum + quantity, 0);

/** Pieces of which a return can be asked for: delivered, and neither back, nor refunded, nor in an open return. */
const leftQuantity = (line: Line, order: Pick<Order, 'state'>, returns: readonly ReturnFacts[]): number =>
  Math.max(keptQuantity(line, order) - underWay(returns, line.id), 0);

/** Whether a return can be asked for at `at`, where something is left that could come back. */
export const isReturnable = (order: Pick<Order, 'state' | 'completedAt'>, windowDays: number, at: Date): boolean =>
  order.state === 'COMPLETED' &&
  order.completedAt !== null &&
  at.getTime() < order.completedAt.getTime() + windowDays * dayMs;

/** Pieces of a line of which a return can be asked for at `at`. */
export const returnableQuantity = (
  line: Line,
  order: Pick<Order, 'state' | 'completedAt'>,
  { returns, windowDays, at }: { returns: readonly ReturnFacts[]; windowDays: number; at: Date },
): number => (isReturnable(order, windowDays, at) ? leftQuantity(line, order, returns) : 0);

export const isReturning = (command: OrderCommand): command is ReturnCommand => command.type.endsWith('Return');

/** What a command does with a return of the order at `at`; `refused` where the order is not complete. */
export function decideReturning(order: Order, command: ReturnCommand, at: Date, refused: Decision): Decision {
  if (command.type !== 'RequestReturn' && order.state !== 'COMPLETED') return refused;
  switch (command.type) {
    case 'RequestReturn':
      return decideRequest(order, command, at, refused);
    case 'DecideReturn': {
      const { known, approve, reason } = command;
      const event = { type: 'ReturnDecided', returnId: known.id, number: known.number, approved: approve, reason } as const; // prettier-ignore
      return stateRefusal(known, approve ? 'APPROVED' : 'REJECTED') ?? { events: [event] };
    }
    case 'ReceiveReturn':
      return decideReceipt(order, command);
    case 'CancelReturn': {
      const { id: returnId, number, state } = command.known;
      if (state === 'CANCELLED') return { events: [] };
      return stateRefusal(command.known, 'CANCELLED') ?? { events: [{ type: 'ReturnCancelled', returnId, number }] };
    }
    default:
      return command satisfies never;
  }
}

const stateRefusal = ({ state }: ReturnFacts, to: ReturnState): Decision | null =>
  returnTransitions[state].includes(to) ? null : rejected('RETURN_STATE', `The return is ${state}.`);

function decideRequest(
  order: Order,
  { returnId, number, lines, reason, windowDays, returns }: Extract<ReturnCommand, { type: 'RequestReturn' }>,
  at: Date,
  refused: Decision,
): Decision {
  if (windowDays === 0) return rejected('NOT_RETURNABLE', 'Orders of this type can not be returned.');
  if (order.state !== 'COMPLETED') return refused;
  if (!isReturnable(order, windowDays, at))
    return rejected('RETURN_WINDOW_OVER', `A return can be asked for within ${windowDays} days.`);
  const checked = checkPieces(order.lines, lines, {
    limitOf: (line) => leftQuantity(line, order, returns),
    path: ['lines'],
  });
  if ('refusal' in checked) return checked;
  return { events: [{ type: 'ReturnRequested', returnId, number, lines: checked.pieces, reason }] };
}

/** Pieces that are back, in part too. With a request their money goes back, by the same shares as of a refund by line. */
function decideReceipt(
  order: Order,
  { known, lines, requestId, requestedBy }: Extract<ReturnCommand, { type: 'ReceiveReturn' }>,
): Decision {
  const refused = stateRefusal(known, 'RECEIVED');
  if (refused) return refused;
  const refusal = receivedRefusal(known, lines);
  if (refusal) return { refusal };
  const received = { type: 'ReturnReceived', returnId: known.id, number: known.number, lines, requestId } as const;
  if (requestId === null) return { events: [received] };
  const pieces = lines.map(({ lineId, quantity }) => ({ lineId, quantity }));
  if (pieces.some(({ lineId, quantity }) => quantity > refundableQuantity(lineOf(order.lines, lineId))))
    return rejected('ALREADY_REFUNDED', 'Pieces of it were refunded meanwhile: receive them without a refund.');
  const refund = refundOf(order, { pieces, shippingMinor: 0n, shippingTaxMinor: 0n });
  return {
    events: [
      received,
      { type: 'RefundRequested', requestId, lines: pieces, shippingMinor: 0n, restock: [], reason: known.reason, requestedBy, ...refund }, // prettier-ignore
    ],
  };
}

function receivedRefusal(known: ReturnFacts, lines: readonly ReceivedLine[]): Refusal | null {
  if (lines.length === 0) return validationError('lines: name at least one line.', ['lines']);
  const seen = new Set<string>();
  for (const [index, { lineId, quantity, restock }] of lines.entries()) {
    const invalid = (message: string, field: string) => validationError(message, ['lines', String(index), field]);
    const line = known.lines.find((each) => each.lineId === lineId);
    if (!line) return invalid('lineId: the return has no such line.', 'lineId');
    if (seen.has(lineId)) return invalid('lineId: name each line once.', 'lineId');
    seen.add(lineId);
    if (quantity < 1 || quantity > line.quantity)
      return invalid(`quantity: must be between 1 and ${line.quantity}.`, 'quantity');
    if (restock < 0 || restock > quantity) return invalid(`restock: must be between 0 and ${quantity}.`, 'restock');
  }
  return null;
}

/** The lines after these came back, and how the delivery stands by them. */
export function returned(order: Order, received: readonly ReceivedLine[]): Pick<Order, 'lines' | 'fulfilmentStatus'> {
  const lines = counted(order.lines, received, 'returnedQuantity').map((line) => {
    const back = received.find(({ lineId }) => lineId === line.id)?.quantity ?? 0;
    // A return is asked for of pieces that are not refunded. Of those that were refunded meanwhile no money is left.
    const most = refundableQuantity(line);
    return { ...line, unrefundedReturnQuantity: Math.min(line.unrefundedReturnQuantity + back, most) };
  });
  const isBack = lines.every((line) => line.returnedQuantity === deliveredQuantity(line, order));
  const fulfilmentStatus: FulfilmentStatus = isBack ? 'RETURNED' : 'PARTIALLY_RETURNED';
  return { lines, fulfilmentStatus };
}
