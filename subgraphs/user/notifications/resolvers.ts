import type { ResolverMap } from '../../shared/engine/subgraph.ts';
import type { UserContext } from '../dependencies.ts';
import type { User } from '../domain/user.ts';
import { textOf } from './message.ts';
import type { Notification } from './notification.ts';
import { deadNotifications, markNotificationsRead, notificationsOf, shownDeliveries } from './queries.ts';
import { retryNotification } from './retry-notification.ts';
import { followNotifications } from './subscription.ts';

type PageInput = { readonly first?: number | null; readonly after?: string | null };

/** The text in the language of the notification's person, whoever reads it. */
async function textFor(notification: Notification, { loaders, deps }: UserContext) {
  const user = await loaders.user.load(notification.userId);
  return textOf(notification, user?.locale ?? deps.defaultLocale);
}

/** What people are told. */
export const notificationResolvers = {
  Query: {
    deadNotifications: (_: unknown, given: PageInput, { deps, viewer }: UserContext) =>
      deadNotifications(deps, viewer, given),
  },
  Mutation: {
    markNotificationsRead: (_: unknown, { ids }: { ids: readonly string[] }, { deps, viewer }: UserContext) =>
      markNotificationsRead(deps, viewer, ids),
    retryNotification: (_: unknown, { id }: { id: string }, { deps, ...asker }: UserContext) =>
      retryNotification(deps, asker, id),
  },
  Subscription: {
    notifications: {
      subscribe: (_: unknown, { afterSeq }: { afterSeq?: number | null }, { deps, viewer }: UserContext) =>
        followNotifications(deps, viewer, afterSeq),
      // The loaders of the subscription are as old as the subscription.
      resolve(notification: Notification, _: unknown, { loaders }: UserContext) {
        for (const loader of [loaders.user, loaders.deliveries]) loader.clearAll();
        return notification;
      },
    },
  },
  User: {
    locale: ({ locale }: User, _: unknown, { deps }: UserContext) => locale ?? deps.defaultLocale,
    notifications: (
      { id: userId }: User,
      given: PageInput & { unreadOnly?: boolean | null },
      { deps, viewer }: UserContext,
    ) => notificationsOf(deps, viewer, { ...given, userId }),
  },
  Notification: {
    title: async (notification: Notification, _: unknown, context: UserContext) =>
      (await textFor(notification, context)).title,
    body: async (notification: Notification, _: unknown, context: UserContext) =>
      (await textFor(notification, context)).body,
    user: ({ userId }: Notification, _: unknown, { loaders }: UserContext) => loaders.user.load(userId),
    order: ({ orderId }: Notification) => orderId && { __typename: 'Order', id: orderId },
    deliveries: async (notification: Notification, _: unknown, { loaders, viewer }: UserContext) =>
      shownDeliveries(notification, await loaders.deliveries.load(notification.id), viewer),
  },
} satisfies ResolverMap;
