import { type UserViewer, isStaff } from '../../shared/auth/viewer.ts';
import { RefusedError } from '../../shared/errors/errors.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import { dateIn } from '../../shared/values/local-date.ts';
import type { OrderDeps } from '../deps.ts';
import { maxRemarkLength } from '../domain/pricing/check-input.ts';
import type { LineQuantity } from '../domain/order-model.ts';
import { stayBegunError } from '../domain/giving-back.ts';
import { openQuantity } from '../domain/shares.ts';
import type { StoredLine, StoredOrder } from '../stored-order.ts';
import { topUpCode } from '../types/top-up.ts';
import { type OrderPayload, mutateOrder } from './change-order.ts';
import { type Asker, actorOf, checkLength, ownerOrStaff } from './context.ts';

/**
 * Cancels an order of the asker's own, or as staff anybody's, before anything of it is delivered; or pieces of it that are not. The event `order.closed`
 * gives back what it took: product the stock and nights, payment the money, the way it came. Of a paid order two of the staff where that is much.
 */
export async function cancelOrder(
  deps: OrderDeps,
  asker: Asker,
  input: { id: string; reason?: string | null; lines?: readonly LineQuantity[] | null; idempotencyKey: string },
): Promise<OrderPayload> {
  const { viewer } = asker;
  const lines = input.lines ?? undefined;
  const userErrors = checkLength('reason', input.reason, { min: 0, max: maxRemarkLength });
  if (userErrors.length > 0) return { order: null, replayed: false, userErrors };
  const payload = await mutateOrder(deps, {
    orderId: input.id,
    claim: {
      ownerId: viewer.userId,
      operation: 'cancelOrder',
      key: input.idempotencyKey,
      input: { id: input.id, reason: input.reason ?? null, lines },
    },
    change: { actor: actorOf(viewer), at: deps.now(), traceId: asker.traceId, action: 'order.cancelled' },
    authorise: ownerOrStaff(viewer),
    giving: (order) =>
      isShopOf(viewer, order) && order.paidAt !== null
        ? { viewer, deed: { id: input.id, lines }, path: lines ? ['lines'] : ['id'] }
        : null,
    command: (order) => {
      const isShop = isShopOf(viewer, order);
      if (!isShop) requireStayAhead(deps, order, lines);
      const reason = isShop ? 'MERCHANT' : 'CUSTOMER';
      const stayBegun = !isShop && hasBegun(deps, order, order.lines as readonly StoredLine[]);
      const given = { reason, note: input.reason ?? null, isTopUp: order.type === topUpCode } as const;
      return lines
        ? { type: 'CancelLines', requestId: deps.newId(order.id), lines, stayBegun, ...given }
        : { type: 'Cancel', ...given };
    },
    withLines: true,
  });
  failPoint('order.cancelled');
  return payload;
}

/** Of their own orders staff are customers as any other. */
const isShopOf = (viewer: UserViewer, { customerId }: StoredOrder): boolean =>
  isStaff(viewer) && customerId !== viewer.userId;

/** A customer gives no night back that is over: a paid stay can be cancelled up to its first day, where the shop is. */
function requireStayAhead(
  deps: Pick<OrderDeps, 'config' | 'now'>,
  order: StoredOrder,
  wanted: readonly LineQuantity[] | undefined,
): void {
  const lines = order.lines as readonly StoredLine[];
  const meant = wanted ? lines.filter(({ id }) => wanted.some(({ lineId }) => lineId === id)) : lines;
  if (hasBegun(deps, order, meant)) throw new RefusedError(stayBegunError);
}

/** Whether one of these lines is a paid stay whose first day is over. */
function hasBegun(
  deps: Pick<OrderDeps, 'config' | 'now'>,
  { state }: StoredOrder,
  lines: readonly StoredLine[],
): boolean {
  const today = dateIn(deps.config.shopTimeZone, deps.now());
  return (
    state === 'PAID' && lines.some((line) => line.stay !== null && line.stay.from < today && openQuantity(line) > 0)
  );
}
