import type { ResolverMap } from '../../shared/engine/subgraph.ts';
import type { UserContext } from '../dependencies.ts';
import { webhookEvents } from './catalogue.ts';
import {
  redeliverWebhook,
  removeWebhookEndpoint,
  rotateWebhookSecret,
  saveWebhookEndpoint,
  sendTestWebhook,
} from './change-endpoints.ts';
import type { EndpointInput } from './endpoint.ts';
import type { Endpoint } from './endpoint-store.ts';
import { deliveriesOf, webhookEndpoints } from './queries.ts';
import type { DeliveryState } from './records.ts';

type Key = { readonly idempotencyKey: string };
type ById = { readonly id: string } & Key;

/** Where other systems hear of events. */
export const webhookResolvers = {
  Query: {
    webhookEndpoints: (_: unknown, __: unknown, { deps, viewer }: UserContext) => webhookEndpoints(deps, viewer),
    webhookEvents: () => webhookEvents,
  },
  Mutation: {
    saveWebhookEndpoint: (
      _: unknown,
      { idempotencyKey, ...input }: EndpointInput & Key,
      { deps, ...asker }: UserContext,
    ) => saveWebhookEndpoint(deps, asker, input, idempotencyKey),
    rotateWebhookSecret: (_: unknown, { id, idempotencyKey }: ById, { deps, ...asker }: UserContext) =>
      rotateWebhookSecret(deps, asker, id, idempotencyKey),
    removeWebhookEndpoint: (_: unknown, { id, idempotencyKey }: ById, { deps, ...asker }: UserContext) =>
      removeWebhookEndpoint(deps, asker, id, idempotencyKey),
    sendTestWebhook: (_: unknown, { id, idempotencyKey }: ById, { deps, ...asker }: UserContext) =>
      sendTestWebhook(deps, asker, id, idempotencyKey),
    redeliverWebhook: (
      _: unknown,
      { deliveryId, idempotencyKey }: { readonly deliveryId: string } & Key,
      { deps, ...asker }: UserContext,
    ) => redeliverWebhook(deps, asker, deliveryId, idempotencyKey),
  },
  WebhookEndpoint: {
    deliveries: (
      endpoint: Endpoint,
      page: { first?: number | null; after?: string | null; state?: DeliveryState | null },
      { deps }: UserContext,
    ) => deliveriesOf(deps, endpoint, page),
  },
} satisfies ResolverMap;
