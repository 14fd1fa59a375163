import { type Viewer, requireUser } from '../../shared/auth/viewer.ts';
import { badUserInput } from '../../shared/errors/errors.ts';
import { readOnWake } from '../../shared/process/live.ts';
import type { UserDeps } from '../dependencies.ts';
import { notificationChannel } from './channels.ts';
import type { Notification } from './notification.ts';
import { lastSeq, readStream } from './notification-store.ts';

/** Notifications that one read gives, and so the most that wait for a slow client. */
const batchSize = 100;
/** The net under lost notices. */
const pollMs = 15_000;

/** What the signed-in user is told: first what came after `afterSeq`, then live, without a gap. Throws BAD_USER_INPUT. */
export async function followNotifications(
  { db, live }: Pick<UserDeps, 'db' | 'live'>,
  viewer: Viewer,
  afterSeq: number | null | undefined,
): Promise<AsyncIterableIterator<Notification>> {
  const { userId } = requireUser(viewer);
  const last = await lastSeq(db.em(), userId);
  let position = afterSeq ?? last;
  if (position < 0) throw badUserInput('afterSeq: must not be negative.');
  if (position > last) throw badUserInput(`afterSeq: must not be beyond the last notification, which is ${last}.`);
  let isFull = false;
  return readOnWake({
    pollMs,
    hasMore: () => isFull,
    subscribe: (wake) => live.listen(notificationChannel(userId), wake),
    async read() {
      const news = await readStream(db.em(), { userId, afterSeq: position, limit: batchSize });
      position = news.at(-1)?.seq ?? position;
      isFull = news.length === batchSize;
      return news;
    },
  });
}
