import { type UserViewer, isStaff } from '../../shared/auth/viewer.ts';
import {
  type Refusal,
  RefusedError,
  forbiddenError,
  notFoundError,
  validationError,
} from '../../shared/errors/errors.ts';
import { brokenTextRule } from '../../shared/values/text.ts';
import type { Actor } from '../domain/order-model.ts';
import type { StoredOrder } from '../stored-order.ts';

/** Who asks for a change of an order, in which trace. */
export type Asker = { readonly viewer: UserViewer; readonly traceId: string };

export const actorOf = (viewer: UserViewer, order?: Pick<StoredOrder, 'customerId'>): Actor => ({
  type: isStaff(viewer) && order?.customerId !== viewer.userId ? 'STAFF' : 'CUSTOMER',
  id: viewer.userId,
});

/** The order's customer or staff; for anybody else the order doesn't exist. */
export const ownerOrStaff =
  (viewer: UserViewer) =>
  (order: StoredOrder): void => {
    if (order.customerId !== viewer.userId && !isStaff(viewer))
      throw new RefusedError(notFoundError('There is no such order.', order.id, ['id']));
  };

/**
 * Staff, but not for orders of their own: these another member of staff handles. The order's customer is told that only staff
 * may, for anybody else the order doesn't exist.
 */
export const staffOfOthers =
  (viewer: UserViewer) =>
  (order: StoredOrder): void => {
    ownerOrStaff(viewer)(order);
    if (!isStaff(viewer)) throw new RefusedError(forbiddenError('Only staff may do this.'));
    if (order.customerId === viewer.userId)
      throw new RefusedError(forbiddenError('Another member of staff has to do this: the order is your own.'));
  };

/** A refusal unless `text` has `min` to `max` characters, is valid Unicode and has no control characters but line ends and tabs. */
export function checkLength(
  name: string,
  text: string | null | undefined,
  bounds: { min: number; max: number },
): Refusal[] {
  if (bounds.min === 0 && (text === null || text === undefined)) return [];
  const broken = brokenTextRule(text ?? '', { ...bounds, lines: true });
  return broken === null ? [] : [validationError(`${name}: ${broken}.`, [name])];
}
