import { isStaff } from '../../shared/auth/viewer.ts';
import type { OrderDeps } from '../deps.ts';
import { maxRemarkLength } from '../domain/pricing/check-input.ts';
import { type OrderPayload, mutateOrder } from './change-order.ts';
import { type Asker, actorOf, checkLength, ownerOrStaff } from './context.ts';

/** Cancels an unpaid order of the asker's own, or as staff anybody's; the stock goes back by the event `order.closed`. */
export async function cancelOrder(
  deps: OrderDeps,
  asker: Asker,
  input: { id: string; reason?: string | null; idempotencyKey: string },
): Promise<OrderPayload> {
  const { viewer } = asker;
  const userErrors = checkLength('reason', input.reason, { min: 0, max: maxRemarkLength });
  if (userErrors.length > 0) return { order: null, replayed: false, userErrors };
  return mutateOrder(deps, {
    orderId: input.id,
    claim: {
      ownerId: viewer.userId,
      operation: 'cancelOrder',
      key: input.idempotencyKey,
      input: { id: input.id, reason: input.reason ?? null },
    },
    change: { actor: actorOf(viewer), at: deps.now(), traceId: asker.traceId },
    authorise: ownerOrStaff(viewer),
    command: { type: 'Cancel', reason: isStaff(viewer) ? 'MERCHANT' : 'CUSTOMER', note: input.reason ?? null },
  });
}
