import { defineEntity, p } from '@mikro-orm/core';
import { at, id, text } from '../../shared/database/columns.ts';
import type { NotificationKind, OutwardChannel } from './kinds.ts';
import type { DeliveryState, Facts } from './notification.ts';

/** What a person is told. */
export const NotificationRecord = defineEntity({
  name: 'NotificationRecord',
  tableName: 'notification',
  indexes: [
    { name: 'notification_unread', properties: ['userId', 'inApp', 'readAt', 'seq'] },
    { name: 'notification_age', properties: ['createdAt'] },
  ],
  uniques: [
    { name: 'notification_once', properties: ['eventId', 'userId'] },
    { name: 'notification_stream', properties: ['userId', 'seq'] },
  ],
  properties: {
    id: id().primary(),
    userId: id(),
    seq: p.integer(),
    kind: text<NotificationKind>(32),
    /** The event that caused it. */
    eventId: id(),
    orderId: id().nullable(),
    facts: p.json<Facts>(),
    /** Whether it is in the list that the person sees. */
    inApp: p.boolean(),
    createdAt: at(),
    readAt: at().nullable(),
  },
});

/** Numbers a person's notifications in the order of their commits: its lock lets them follow each other. */
export const NotificationStreamRecord = defineEntity({
  name: 'NotificationStreamRecord',
  tableName: 'notification_stream',
  properties: { userId: id().primary(), lastSeq: p.integer() },
});

/** How it goes out of the platform. */
export const NotificationDeliveryRecord = defineEntity({
  name: 'NotificationDeliveryRecord',
  tableName: 'notification_delivery',
  indexes: [
    { name: 'notification_delivery_lane', properties: ['channel', 'isCode', 'nextTryAt'] },
    { name: 'notification_delivery_claim', properties: ['claimedBy'] },
    { name: 'notification_delivery_state', properties: ['state', 'notificationId'] },
  ],
  properties: {
    notificationId: id().primary(),
    channel: text<OutwardChannel>(8).primary(),
    state: text<DeliveryState>(8),
    attempts: p.integer(),
    /** Whether it carries a one-time code, for which somebody waits. */
    isCode: p.boolean().default(false),
    /** Where a code goes, until it has gone; else the account says it when the message goes. */
    address: p.string().length(254).nullable(),
    /** The code, sealed, until it has gone. */
    secret: p.type('blob').columnType('varbinary(128)').$type<Buffer>().nullable(),
    /** From then on it is not sent any more. */
    expiresAt: at().nullable(),
    lastError: text<string>(500).nullable(),
    /** When it is due: the next try, or the end of the claim of whoever sends it. */
    nextTryAt: at().nullable(),
    /** The batch that it is sent in. */
    claimedBy: id().nullable(),
    changedAt: at(),
  },
});

export const notificationEntities = [NotificationRecord, NotificationStreamRecord, NotificationDeliveryRecord] as const;
