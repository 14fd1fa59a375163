import type { Sql } from '../../shared/database/database.ts';
import { type Refusal, RefusedError, orRefusals, validationError } from '../../shared/errors/errors.ts';
import { type Claim, claimKey } from '../../shared/tables/idempotency.ts';
import { isId } from '../../shared/values/ids.ts';
import { requireAccount, requireStanding } from '../administration/administrators.ts';
import { type Asker, type Deed, writeDown } from '../administration/audit.ts';
import type { UserDeps } from '../dependencies.ts';
import { testBody } from './catalogue.ts';
import {
  type Delivery,
  findDelivery,
  insertDeliveries,
  lockDelivery,
  renewDeliveries,
  reopenDelivery,
} from './delivery-store.ts';
import {
  type EndpointInput,
  type Owner,
  descriptionOf,
  endpointRefusals,
  forOwners,
  inactiveEndpoint,
  ownerFor,
  tooManyEndpoints,
  unknownDelivery,
  unknownEndpoint,
} from './endpoint.ts';
import {
  type Endpoint,
  deleteEndpoint,
  findEndpoint,
  insertEndpoint,
  listEndpoints,
  lockEndpoint,
  updateEndpoint,
} from './endpoint-store.ts';
import { addressProblem } from './inward-addresses.ts';
import { giveUpTime, maxEndpoints, previousSecretMs } from './policy.ts';
import { hintOf, newSecret } from './secrets.ts';
import { newDelivery } from './webhook-events.ts';

/** The answer of mutations on webhook endpoints. */
export type EndpointPayload = {
  readonly webhookEndpoint: Endpoint | null;
  readonly delivery: Delivery | null;
  /** A new secret, this once. */
  readonly secret: string | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

const refused = (userErrors: readonly Refusal[]): EndpointPayload => ({
  webhookEndpoint: null, delivery: null, secret: null, replayed: false, userErrors,
}); // prettier-ignore

/** The endpoint, or the delivery of one, that a mutation is about. */
type Subject = { readonly endpointId: string } | { readonly deliveryId: string };
type Wanted = Omit<Claim, 'ownerId'> & { readonly owner: Owner; readonly subject: Subject };

/** Who asks, as an owner. Throws UNAUTHENTICATED, or RefusedError with ForbiddenError. */
function requireOwner({ viewer }: Asker): Owner {
  const owner = ownerFor(viewer);
  if (!owner) throw new RefusedError(forOwners());
  return owner;
}

/** Locks the owner, so that changes of one owner's endpoints follow each other; refuses one who is none any more. */
async function lockOwner(tx: Sql, { viewer }: Asker, { userId, ownerId }: Owner): Promise<void> {
  if (viewer.kind !== 'user') throw new RefusedError(forOwners());
  if (ownerId === null) {
    await requireStanding(tx, viewer);
    return;
  }
  const { roles, status } = await requireAccount(tx, userId);
  if (!roles.includes('MERCHANT') || status !== 'ACTIVE') throw new RefusedError(forOwners());
}

/** Claims the key and lets `work` change the owner's endpoints, unless the key was used before; `work` gives a new secret. */
async function changeEndpoints(
  deps: UserDeps,
  asker: Asker,
  { owner, subject, ...key }: Wanted,
  work: (tx: Sql, at: Date) => Promise<string | null>,
): Promise<EndpointPayload> {
  const { secret, replayed, about } = await deps.db.transaction(async (tx) => {
    const claimed = await claimKey<Subject>(tx, { ...key, ownerId: owner.userId }, subject);
    await lockOwner(tx, asker, owner);
    const made = claimed.replayed ? null : await work(tx, deps.now());
    return { secret: made, replayed: claimed.replayed, about: claimed.result };
  });
  deps.webhooks.wake();
  const sql = deps.db.em();
  const delivery = 'deliveryId' in about ? await findDelivery(sql, about.deliveryId) : null;
  const endpointId = 'endpointId' in about ? about.endpointId : delivery?.endpointId;
  const endpoint = endpointId === undefined ? null : await findEndpoint(sql, endpointId);
  const isOwn = endpoint?.ownerId === owner.ownerId;
  return isOwn
    ? { webhookEndpoint: endpoint, delivery, secret, replayed, userErrors: [] }
    : { ...refused([]), replayed };
}

/** An endpoint of the owner, locked. */
async function requireEndpoint(tx: Sql, { ownerId }: Owner, id: string): Promise<Endpoint> {
  const endpoint = isId(id) ? await lockEndpoint(tx, id) : null;
  if (endpoint?.ownerId !== ownerId) throw new RefusedError(unknownEndpoint(id));
  return endpoint;
}

type EndpointDeed = Pick<Deed, 'action' | 'before' | 'after'> & { readonly id: string };
const audit = (tx: Sql, deps: UserDeps, asker: Asker, owner: Owner, { id, ...deed }: EndpointDeed): Promise<void> =>
  writeDown(tx, deps, { ...deed, actorId: owner.userId, traceId: asker.traceId, subject: `webhook_endpoint:${id}` });

/** For the log, which stays: of the URL the origin, as a path or a query may hold a secret or a name. */
const shown = ({ url, events, active }: Endpoint) => ({ origin: new URL(url).origin, events, active });

/** Makes an endpoint, whose secret is shown this once, or changes one. */
export function saveWebhookEndpoint(
  deps: UserDeps,
  asker: Asker,
  input: EndpointInput,
  idempotencyKey: string,
): Promise<EndpointPayload> {
  return orRefusals(async () => {
    const owner = requireOwner(asker);
    const problem = await addressProblem(input.url, deps.webhooks.addresses, deps.webhooks.resolve);
    const refusals = [
      ...(problem === null ? [] : [validationError(`The URL ${problem}.`, ['url'])]),
      ...endpointRefusals(input, owner),
    ];
    if (refusals.length > 0) throw new RefusedError(...refusals);
    const id = input.id ?? deps.newId();
    const key = { operation: 'saveWebhookEndpoint', key: idempotencyKey, input };
    return changeEndpoints(deps, asker, { ...key, owner, subject: { endpointId: id } }, async (tx, at) => {
      const fields = {
        url: input.url,
        events: [...new Set(input.events)],
        description: descriptionOf(input),
        active: input.active ?? true,
        updatedAt: at,
        // Whatever it was disabled for, it begins anew.
        disabledReason: null,
        failingSince: null,
        failures: 0,
        pausedUntil: null,
      };
      if (input.id !== null && input.id !== undefined) {
        const before = await requireEndpoint(tx, owner, id);
        await updateEndpoint(tx, { ...before, ...fields });
        if (fields.active && !before.active) await renewDeliveries(tx, id, giveUpTime(at));
        await audit(tx, deps, asker, owner, { action: 'webhook_endpoint.saved', id, before: shown(before), after: shown({ ...before, ...fields }) }); // prettier-ignore
        return null;
      }
      if ((await listEndpoints(tx, owner.ownerId)).length >= maxEndpoints) throw new RefusedError(tooManyEndpoints());
      const secret = newSecret(deps.randomBytes);
      const endpoint: Endpoint = {
        ...fields, id, ownerId: owner.ownerId, createdAt: at,
        secret: deps.webhooks.sealer.seal(secret, id), secretHint: hintOf(secret), previousSecret: null, previousUntil: null,
      }; // prettier-ignore
      await insertEndpoint(tx, endpoint);
      await audit(tx, deps, asker, owner, { action: 'webhook_endpoint.saved', id, after: shown(endpoint) });
      return secret;
    });
  }, refused);
}

/** Gives an endpoint a new secret. The one before signs beside it for a day; one from before that no longer does. */
export function rotateWebhookSecret(
  deps: UserDeps,
  asker: Asker,
  id: string,
  idempotencyKey: string,
): Promise<EndpointPayload> {
  return orRefusals(async () => {
    const owner = requireOwner(asker);
    const key = { operation: 'rotateWebhookSecret', key: idempotencyKey, input: { id } };
    return changeEndpoints(deps, asker, { ...key, owner, subject: { endpointId: id } }, async (tx, at) => {
      const endpoint = await requireEndpoint(tx, owner, id);
      const secret = newSecret(deps.randomBytes);
      await updateEndpoint(tx, {
        ...endpoint,
        secret: deps.webhooks.sealer.seal(secret, id),
        secretHint: hintOf(secret),
        previousSecret: endpoint.secret,
        previousUntil: new Date(at.getTime() + previousSecretMs),
        updatedAt: at,
      });
      await audit(tx, deps, asker, owner, { action: 'webhook_endpoint.secret_rotated', id });
      return secret;
    });
  }, refused);
}

/** Nothing goes out to it any more. Its deliveries are forgotten with the others of their age. */
export function removeWebhookEndpoint(
  deps: UserDeps,
  asker: Asker,
  id: string,
  idempotencyKey: string,
): Promise<EndpointPayload> {
  return orRefusals(async () => {
    const owner = requireOwner(asker);
    const key = { operation: 'removeWebhookEndpoint', key: idempotencyKey, input: { id } };
    return changeEndpoints(deps, asker, { ...key, owner, subject: { endpointId: id } }, async (tx) => {
      const endpoint = await requireEndpoint(tx, owner, id);
      await deleteEndpoint(tx, id);
      await audit(tx, deps, asker, owner, { action: 'webhook_endpoint.removed', id, before: shown(endpoint) });
      return null;
    });
  }, refused);
}

/** Sends a message of the type `webhook.test` to an endpoint. */
export function sendTestWebhook(
  deps: UserDeps,
  asker: Asker,
  id: string,
  idempotencyKey: string,
): Promise<EndpointPayload> {
  return orRefusals(async () => {
    const owner = requireOwner(asker);
    const deliveryId = deps.newId();
    const key = { operation: 'sendTestWebhook', key: idempotencyKey, input: { id } };
    return changeEndpoints(deps, asker, { ...key, owner, subject: { deliveryId } }, async (tx, at) => {
      const endpoint = await requireEndpoint(tx, owner, id);
      if (!endpoint.active) throw new RefusedError(inactiveEndpoint('id'));
      const about = { endpointId: id, eventId: deliveryId, subjectId: deliveryId, customerId: null, last: null, at };
      const delivery = newDelivery(deps, { ...about, body: testBody(id, at) });
      await insertDeliveries(tx, [{ ...delivery, id: deliveryId }]);
      await audit(tx, deps, asker, owner, { action: 'webhook_endpoint.tested', id });
      return null;
    });
  }, refused);
}

/** Sends a delivery once more, under the same `webhook-id`, for as long as a new one. */
export function redeliverWebhook(
  deps: UserDeps,
  asker: Asker,
  deliveryId: string,
  idempotencyKey: string,
): Promise<EndpointPayload> {
  return orRefusals(async () => {
    const owner = requireOwner(asker);
    const key = { operation: 'redeliverWebhook', key: idempotencyKey, input: { deliveryId } };
    return changeEndpoints(deps, asker, { ...key, owner, subject: { deliveryId } }, async (tx, at) => {
      const delivery = isId(deliveryId) ? await lockDelivery(tx, deliveryId) : null;
      const endpoint = delivery && (await findEndpoint(tx, delivery.endpointId));
      if (endpoint?.ownerId !== owner.ownerId) throw new RefusedError(unknownDelivery(deliveryId));
      if (!endpoint.active) throw new RefusedError(inactiveEndpoint('deliveryId'));
      await reopenDelivery(tx, deliveryId, { at, giveUpAt: giveUpTime(at) });
      await audit(tx, deps, asker, owner, { action: 'webhook_endpoint.redelivered', id: endpoint.id, after: { deliveryId } }); // prettier-ignore
      return null;
    });
  }, refused);
}
