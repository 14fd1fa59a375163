import { defineEntity, p } from '@mikro-orm/core';
import { at, id, text } from '../../shared/database/columns.ts';

/** Where a person or the platform wants to hear of events. */
export const WebhookEndpointRecord = defineEntity({
  name: 'WebhookEndpointRecord',
  tableName: 'webhook_endpoint',
  indexes: [{ name: 'webhook_endpoint_owner', properties: ['ownerId', 'id'] }],
  properties: {
    id: id().primary(),
    /** The merchant; null for the platform. */
    ownerId: id().nullable(),
    url: p.string().length(2_048),
    events: p.json<readonly string[]>(),
    description: p.string().length(256).nullable(),
    active: p.boolean(),
    disabledReason: p.string().length(512).nullable(),
    /** Sealed, see secrets.ts. */
    secret: p.string().length(255).hidden(),
    secretHint: p.string().length(4),
    /** The one before, which signs beside it until then. */
    previousSecret: p.string().length(255).nullable().hidden(),
    previousUntil: at().nullable(),
    /** Since when no delivery has succeeded; null while the last one did. */
    failingSince: at().nullable(),
    /** Pauses in a row, each after a delivery that failed. */
    failures: p.integer().default(0),
    pausedUntil: at().nullable(),
    createdAt: at(),
    updatedAt: at(),
  },
});

export type DeliveryState = 'PENDING' | 'SENT' | 'FAILED' | 'DEAD';

/** One event for one endpoint. Its id is the `webhook-id`. */
export const OutgoingDeliveryRecord = defineEntity({
  name: 'OutgoingDeliveryRecord',
  tableName: 'outgoing_delivery',
  indexes: [
    { name: 'outgoing_delivery_due', properties: ['endpointId', 'nextTryAt'] },
    { name: 'outgoing_delivery_subject', properties: ['endpointId', 'subjectId', 'place'] },
    { name: 'outgoing_delivery_state', properties: ['endpointId', 'state', 'eventId'] },
    { name: 'outgoing_delivery_age', properties: ['createdAt'] },
    { name: 'outgoing_delivery_customer', properties: ['customerId'] },
  ],
  uniques: [{ name: 'outgoing_delivery_event', properties: ['endpointId', 'eventId'] }],
  properties: {
    id: id().primary(),
    endpointId: id(),
    eventId: id(),
    event: text<string>(64),
    /** What it is about, an order or a payment: deliveries of one go out one after the other, by `place`. */
    subjectId: id(),
    place: p.integer(),
    /** Whose order it is, for erasing. */
    customerId: id().nullable(),
    payload: p.json<Readonly<Record<string, unknown>>>(),
    state: text<DeliveryState>(8),
    attempts: p.integer().default(0),
    statusCode: p.integer().nullable(),
    responseMs: p.integer().nullable(),
    lastError: p.string().length(512).nullable(),
    createdAt: at(),
    /** When it is tried; null for one that is over. One that waits has here when the one before it is forgotten, for its end makes it due. */
    nextTryAt: at().nullable(),
    /** A try that fails from then on is the last. */
    giveUpAt: at(),
  },
});

/** The merchant who sells all lines of an order. */
export const OrderSellerRecord = defineEntity({
  name: 'OrderSellerRecord',
  tableName: 'order_seller',
  indexes: [{ name: 'order_seller_age', properties: ['createdAt'] }],
  properties: { orderId: id().primary(), sellerId: id(), createdAt: at() },
});
