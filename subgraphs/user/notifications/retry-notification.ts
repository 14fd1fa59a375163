import { requireStaff } from '../../shared/auth/viewer.ts';
import { type Refusal, conflictError, notFoundError } from '../../shared/errors/errors.ts';
import { isId } from '../../shared/values/ids.ts';
import { type Asker, writeDown } from '../administration/audit.ts';
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
  deps: Pick<UserDeps, 'db' | 'codes' | 'now' | 'newId'>,
  asker: Asker,
  id: string,
): Promise<NotificationPayload> {
  const { userId: actorId } = requireStaff(asker.viewer);
  const sql = deps.db.em();
  const notification = isId(id) ? (await readNotifications(sql, [id])).get(id) : undefined;
  if (!notification)
    return { notification: null, userErrors: [notFoundError('There is no such notification.', id, ['id'])] };
  const revived = await deps.db.transaction(async (tx) => {
    const count = await reviveDead(tx, id);
    const deed = { actorId, traceId: asker.traceId, action: 'notification.retried' } as const;
    if (count > 0) await writeDown(tx, deps, { ...deed, subject: `notification:${id}` });
    return count;
  });
  const isDead = (await readDeliveries(sql, [id])).some(({ state }) => state === 'DEAD');
  if (revived > 0) deps.codes.wake();
  return {
    notification,
    userErrors: isDead
      ? [conflictError('Its code was erased when it was given up: a new one has to be asked for.')]
      : [],
  };
}
