import { validationError } from '../../shared/errors/errors.ts';
import { deliveryRefusal, goingBack, rejected } from './giving-back.ts';
import type { Decision, FulfilmentStatus, Line, LineQuantity, Order, OrderCommand } from './order-model.ts';
import { isGivenBack } from './paying.ts';
import { lineOf, openQuantity } from './shares.ts';

/** A delivery of the wanted lines, of everything left where none are named; or why not. The last one completes the order. */
export function decideFulfilment(order: Order, command: Extract<OrderCommand, { type: 'Fulfil' }>): Decision {
  const refused = deliveryRefusal(order);
  if (refused) return refused;
  const open = order.lines.filter((line) => line.needsFulfilment && openQuantity(line) > 0);
  const wanted = command.lines ?? open.map((line) => ({ lineId: line.id, quantity: openQuantity(line) }));
  const lines = new Map<string, number>();
  for (const [index, { lineId, quantity }] of wanted.entries()) {
    const line = open.find((candidate) => candidate.id === lineId);
    const total = (lines.get(lineId) ?? 0) + quantity;
    if (!line)
      return {
        refusal: validationError('There is nothing left to deliver of this line.', ['lines', String(index), 'lineId']),
      };
    if (quantity < 1 || total > openQuantity(line)) {
      return {
        refusal: validationError(`quantity: must be within 1 and ${openQuantity(line)}.`, [
          'lines',
          String(index),
          'quantity',
        ]),
      };
    }
    lines.set(lineId, total);
  }
  if (lines.size === 0) return { refusal: validationError('There is nothing left to deliver.', ['lines']) };
  const delivered = [...lines].map(([lineId, quantity]) => ({ lineId, quantity }));
  const complete = open.every((line) => lines.get(line.id) === openQuantity(line));
  return {
    events: [
      ...(order.state === 'PAID' ? [{ type: 'ProcessingStarted' } as const] : []),
      {
        type: 'LinesFulfilled',
        fulfilmentId: command.fulfilmentId,
        lines: delivered,
        carrier: command.carrier,
        trackingNumber: command.trackingNumber,
        trackingUrl: command.trackingUrl,
      },
      ...(complete ? [{ type: 'OrderCompleted' } as const] : []),
    ],
  };
}

/** How the delivery of lines stands: pieces that were taken off need none. */
export function fulfilmentStatusOf(lines: readonly Line[]): FulfilmentStatus {
  const needed = lines.filter((line) => line.needsFulfilment && line.quantity > line.cancelledQuantity);
  if (needed.length === 0) return 'NOT_REQUIRED';
  if (needed.every((line) => openQuantity(line) === 0)) return 'FULFILLED';
  return needed.some(({ fulfilledQuantity }) => fulfilledQuantity > 0) ? 'PARTIALLY_FULFILLED' : 'UNFULFILLED';
}

/** A delivery has arrived; telling it again is nothing new. The order may be over by then: nothing else of it changes. */
export function decideArrival({ fulfilment }: Extract<OrderCommand, { type: 'MarkDelivered' }>): Decision {
  if (fulfilment.cancelledAt) return rejected('FULFILMENT_CANCELLED', 'This delivery was cancelled.');
  return { events: fulfilment.deliveredAt ? [] : [{ type: 'FulfilmentDelivered', fulfilmentId: fulfilment.id }] };
}

/**
 * A delivery never arrives, and its pieces are to be delivered again; `refused` where the order is over, which is final. An
 * order whose money has gone back meanwhile, and of which nothing is delivered any more, ends as REFUNDED.
 */
export function decideFulfilmentCancel(
  order: Order,
  { fulfilment, reason }: Extract<OrderCommand, { type: 'CancelFulfilment' }>,
  refused: Decision,
): Decision {
  if (fulfilment.cancelledAt) return { events: [] };
  if (fulfilment.deliveredAt)
    return rejected('FULFILMENT_DELIVERED', 'This delivery has arrived; what comes back is a return.');
  if (order.state !== 'PROCESSING') return refused;
  const { id: fulfilmentId, lines } = fulfilment;
  // What was refunded is not delivered a second time.
  const isPaid = ({ lineId, quantity }: LineQuantity): boolean => {
    const line = lineOf(order.lines, lineId);
    return line.fulfilledQuantity - quantity >= line.refundedQuantity - line.cancelledQuantity;
  };
  if (!lines.every(isPaid))
    return rejected('FULFILMENT_REFUNDED', 'Pieces of this delivery were refunded; it is not to be made again.');
  const isOver = isGivenBack(order) && undelivered(order, lines).fulfilmentStatus === 'UNFULFILLED';
  return {
    events: [
      { type: 'FulfilmentCancelled', fulfilmentId, lines, reason },
      ...(isOver ? [{ type: 'OrderRefunded', ...goingBack(order) } as const] : []),
    ],
  };
}

const piecesOf = (quantities: readonly LineQuantity[], lineId: string): number =>
  quantities.find((each) => each.lineId === lineId)?.quantity ?? 0;

/** The lines after these were delivered. */
export function delivered(order: Order, quantities: readonly LineQuantity[]): Partial<Order> {
  return withStatus(
    order.lines.map((line) => ({
      ...line,
      fulfilledQuantity: line.fulfilledQuantity + piecesOf(quantities, line.id),
    })),
  );
}

/** The lines after it turned out that these were not delivered. */
export function undelivered(order: Order, quantities: readonly LineQuantity[]): Partial<Order> {
  return withStatus(
    order.lines.map((line) => ({
      ...line,
      fulfilledQuantity: line.fulfilledQuantity - piecesOf(quantities, line.id),
    })),
  );
}

function withStatus(lines: readonly Line[]): Pick<Order, 'lines' | 'fulfilmentStatus'> {
  return { lines, fulfilmentStatus: fulfilmentStatusOf(lines) };
}
