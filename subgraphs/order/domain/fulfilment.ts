import { validationError } from '../../shared/errors/errors.ts';
import { deliveryRefusal } from './giving-back.ts';
import type { Decision, LineQuantity, Order, OrderCommand } from './order-model.ts';

/** A delivery of the wanted lines, of everything left where none are named; or why not. The last one completes the order. */
export function decideFulfilment(order: Order, command: Extract<OrderCommand, { type: 'Fulfil' }>): Decision {
  const refused = deliveryRefusal(order);
  if (refused) return refused;
  const open = order.lines.filter((line) => line.needsFulfilment && line.fulfilledQuantity < line.quantity);
  const wanted =
    command.lines ?? open.map((line) => ({ lineId: line.id, quantity: line.quantity - line.fulfilledQuantity }));
  const lines = new Map<string, number>();
  for (const [index, { lineId, quantity }] of wanted.entries()) {
    const line = open.find((candidate) => candidate.id === lineId);
    const total = (lines.get(lineId) ?? 0) + quantity;
    if (!line)
      return {
        refusal: validationError('There is nothing left to deliver of this line.', ['lines', String(index), 'lineId']),
      };
    if (quantity < 1 || total > line.quantity - line.fulfilledQuantity) {
      return {
        refusal: validationError(`quantity: must be within 1 and ${line.quantity - line.fulfilledQuantity}.`, [
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
  const complete = open.every((line) => lines.get(line.id) === line.quantity - line.fulfilledQuantity);
  return {
    events: [
      ...(order.state === 'PAID' ? [{ type: 'ProcessingStarted' } as const] : []),
      {
        type: 'LinesFulfilled',
        fulfilmentId: command.fulfilmentId,
        lines: delivered,
        trackingNumber: command.trackingNumber,
      },
      ...(complete ? [{ type: 'OrderCompleted' } as const] : []),
    ],
  };
}

/** The lines after these were delivered. */
export function delivered(order: Order, quantities: readonly LineQuantity[]): Partial<Order> {
  const lines = order.lines.map((line) => ({
    ...line,
    fulfilledQuantity: line.fulfilledQuantity + (quantities.find(({ lineId }) => lineId === line.id)?.quantity ?? 0),
  }));
  const left = lines.some((line) => line.needsFulfilment && line.fulfilledQuantity < line.quantity);
  return { lines, fulfilmentStatus: left ? 'PARTIALLY_FULFILLED' : 'FULFILLED' };
}
