import { type Viewer, isStaff, requireStaff, requireUser } from '../../shared/auth/viewer.ts';
import { badUserInput, forbidden } from '../../shared/errors/errors.ts';
import { type Page, foreignCursor, maxPageSize, pageArguments, toPage } from '../../shared/values/paging.ts';
import type { UserDeps } from '../dependencies.ts';
import { idAfter } from '../queries.ts';
import { countDead, listDead } from './delivery-store.ts';
import type { Delivery, Notification, ShownDelivery } from './notification.ts';
import { channelsOf } from './kinds.ts';
import { countNotifications, listNotifications, markRead, readNotifications } from './notification-store.ts';

type PageInput = { readonly first?: number | null; readonly after?: string | null };
type Counted<Node> = Page<Node> & { readonly totalCount: () => Promise<number> };

/** What a user was told, the newest first. Throws FORBIDDEN for anybody else's. */
export async function notificationsOf(
  deps: Pick<UserDeps, 'db'>,
  viewer: Viewer,
  { userId, unreadOnly, ...given }: PageInput & { userId: string; unreadOnly?: boolean | null },
): Promise<Counted<Notification>> {
  if (requireUser(viewer).userId !== userId) throw forbidden('Only the user sees these notifications.');
  const selection = { userId, unreadOnly: unreadOnly === true };
  const page = pageArguments(given, { name: 'notifications', keyLength: 1, selection });
  const beforeSeq = page.after === null ? null : page.after[0];
  if (beforeSeq !== null && typeof beforeSeq !== 'number') throw foreignCursor();
  const sql = deps.db.em();
  const rows = await listNotifications(sql, selection, { limit: page.first + 1, beforeSeq: beforeSeq ?? null });
  return { ...toPage(rows, page, ({ seq }) => [seq]), totalCount: () => countNotifications(sql, selection) };
}

/** Notes a user's own notifications as read; others, and unknown ones, are left alone. Throws BAD_USER_INPUT. */
export async function markNotificationsRead(
  { db, now }: Pick<UserDeps, 'db' | 'now'>,
  viewer: Viewer,
  ids: readonly string[],
): Promise<true> {
  const { userId } = requireUser(viewer);
  if (ids.length > maxPageSize) throw badUserInput(`ids: must have at most ${maxPageSize} entries.`);
  await markRead(db.em(), { userId, ids, at: now() });
  return true;
}

/** Notifications that did not go out by some channel, the newest first. For staff. */
export async function deadNotifications(
  deps: Pick<UserDeps, 'db'>,
  viewer: Viewer,
  given: PageInput,
): Promise<Counted<Notification>> {
  requireStaff(viewer);
  const page = pageArguments(given, { name: 'deadNotifications', keyLength: 1 });
  const sql = deps.db.em();
  const ids = await listDead(sql, { limit: page.first + 1, after: idAfter(page) });
  const found = await readNotifications(sql, ids);
  const rows = ids.map((id) => found.get(id)).filter((notification) => notification !== undefined);
  return { ...toPage(rows, page, ({ id }) => [id]), totalCount: () => countDead(sql) };
}

/** A notification's ways, in-app first: that is the record itself. Why one failed is for staff: it tells of the shop's servers. */
export function shownDeliveries(
  { kind, createdAt }: Pick<Notification, 'kind' | 'createdAt'>,
  deliveries: readonly Delivery[],
  viewer: Viewer,
): ShownDelivery[] {
  const inApp: ShownDelivery = { channel: 'IN_APP', state: 'SENT', attempts: 1, lastError: null, at: createdAt };
  const outward = deliveries.map(({ channel, state, attempts, changedAt, ...delivery }): ShownDelivery => {
    const at = attempts === 0 && state === 'PENDING' ? null : changedAt;
    const lastError = isStaff(viewer) ? delivery.lastError : null;
    return { channel, state: state === 'SENDING' ? 'PENDING' : state, attempts, lastError, at };
  });
  return [...(channelsOf[kind].includes('IN_APP') ? [inApp] : []), ...outward];
}
