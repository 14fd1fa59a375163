import type { OrderDeps } from '../deps.ts';
import type { LineQuantity } from '../domain/order-model.ts';
import { type OrderPayload, mutateOrder } from './change-order.ts';
import { type Asker, actorOf, checkLength, staffOfOthers } from './context.ts';

const maxTrackingNumberLength = 100;

/** Delivers a paid order in whole or in part, for staff; the last part completes it. */
export async function fulfilOrder(
  deps: OrderDeps,
  asker: Asker,
  input: { id: string; lines?: readonly LineQuantity[] | null; trackingNumber?: string | null; idempotencyKey: string },
): Promise<OrderPayload> {
  const { viewer } = asker;
  const userErrors = checkLength('trackingNumber', input.trackingNumber, { min: 0, max: maxTrackingNumberLength });
  if (userErrors.length > 0) return { order: null, replayed: false, userErrors };
  const { id, lines = null, trackingNumber = null } = input;
  return mutateOrder(deps, {
    orderId: id,
    claim: {
      ownerId: viewer.userId,
      operation: 'fulfilOrder',
      key: input.idempotencyKey,
      input: { id, lines, trackingNumber },
    },
    change: { actor: actorOf(viewer), at: deps.now(), traceId: asker.traceId },
    authorise: staffOfOthers(viewer),
    command: { type: 'Fulfil', fulfilmentId: deps.newId(), lines, trackingNumber },
    withLines: true,
  });
}
