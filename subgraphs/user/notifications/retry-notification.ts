import { type Viewer, requireStaff } from '../../shared/auth/viewer.ts';
import { type Refusal, conflictError, notFoundError } from '../../shared/errors/errors.ts';
import { isId } from '../../shared/values/ids.ts';
import type { UserDeps } from '../dependencies.ts';
import { readDeliveries, reviveDead } from './delivery-store.ts';
import type { Notification } from './notification.ts';
import { readNotifications } from './notification-store.ts';

/** The answer of `retryNotification`. */
export type NotificationPayload = {
  readonly notification: Notification | null;
  readonly userErrors: readonly Refusal[];
};

/** Has what did not go out of a notification sent again. Nothing is done where nothing is DEAD. For staff. */
export async function retryNotification(
  { db, codes }: Pick<UserDeps, 'db' | 'codes'>,
  viewer: Viewer,
  id: string,
): Promise<NotificationPayload> {
  requireStaff(viewer);
  const sql = db.em();
  const notification = isId(id) ? (await readNotifications(sql, [id])).get(id) : undefined;
  if (!notification)
    return { notification: null, userErrors: [notFoundError('There is no such notification.', id, ['id'])] };
  const revived = await reviveDead(sql, id);
  const isDead = (await readDeliveries(sql, [id])).some(({ state }) => state === 'DEAD');
  if (revived > 0) codes.wake();
  return {
    notification,
    userErrors: isDead
      ? [conflictError('Its code was erased when it was given up: a new one has to be asked for.')]
      : [],
  };
}
