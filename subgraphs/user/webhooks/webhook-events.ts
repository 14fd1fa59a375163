import type { Sql } from '../../shared/database/database.ts';
import type { DomainEvent } from '../../shared/tables/outbox.ts';
import { isId } from '../../shared/values/ids.ts';
import type { UserDeps } from '../dependencies.ts';
import type { EventPart } from '../events.ts';
import { type WebhookBody, publicBody, sourceTypes } from './catalogue.ts';
import { readUser } from '../store.ts';
import { type Delivery, type Last, insertDeliveries, lockLast, renewDeliveries } from './delivery-store.ts';
import { type Listener, findListeners, findOwnListeners, listEndpoints, noteSeller } from './endpoint-store.ts';
import { dueByItselfAt, giveUpTime } from './policy.ts';

type Deps = Pick<UserDeps, 'now' | 'newId' | 'config'>;

/**
 * A delivery of each event of the catalogue for each endpoint that hears it, made in the transaction of the event's inbox row.
 * `wake` is called after the commit.
 */
export function webhookEvents(deps: Deps, wake: () => void): EventPart {
  const listenersOf = openListeners();
  return {
    handlers: Object.fromEntries(
      sourceTypes.map((type) => [type, (tx, event) => enqueue(tx, { ...deps, listenersOf }, event)]),
    ),
    onHandled: wake,
  };
}

type ListenersOf = (tx: Sql, orderId: string) => Promise<readonly Listener[]>;

/**
 * Which endpoints may hear of an order. Where only the platform has some, they are read once for all events of a transaction,
 * which begins after what it handles was told: an endpoint that was there then is among them.
 */
function openListeners(): ListenersOf {
  const own = new WeakMap<Sql, Promise<readonly Listener[] | null>>();
  return async (tx, orderId) => {
    const reading = own.get(tx) ?? findOwnListeners(tx);
    own.set(tx, reading);
    return (await reading) ?? findListeners(tx, orderId);
  };
}

async function enqueue(tx: Sql, deps: Deps & { readonly listenersOf: ListenersOf }, event: DomainEvent): Promise<void> {
  const at = deps.now();
  const { aggregateId: orderId, data } = event;
  if (isId(data['sellerId'])) await noteSeller(tx, { orderId, sellerId: data['sellerId'], at });
  const told = publicBody(event);
  if (!told) return;
  const body = await withoutErased(tx, told);
  // Of payments merchants hear nothing; whose order it is may not be known yet when one is told of.
  const hears = ({ events, ownerId }: { events: readonly string[]; ownerId: string | null }) =>
    events.includes(body.type) && (ownerId === null || event.type.startsWith('order.'));
  const listeners = (await deps.listenersOf(tx, orderId)).filter(hears);
  const subjectId =
    isId(body.data['paymentId']) && event.type.startsWith('payment.') ? body.data['paymentId'] : orderId;
  const customerId = isId(data['customerId']) ? data['customerId'] : null;
  for (const { id: endpointId } of listeners) {
    const last = await lockLast(tx, { endpointId, subjectId });
    const delivery = newDelivery(deps, { endpointId, eventId: event.id, subjectId, customerId, body, last, at });
    await insertDeliveries(tx, [delivery]);
  }
}

/** A parcel's number leads to a person: none is told of one who was erased. */
async function withoutErased(tx: Sql, body: WebhookBody): Promise<WebhookBody> {
  const { trackingNumber, customerId } = body.data;
  if (typeof trackingNumber !== 'string' || !isId(customerId)) return body;
  const customer = await readUser(tx, customerId);
  return customer?.status === 'ERASED' ? { ...body, data: { ...body.data, trackingNumber: null } } : body;
}

/** A merchant may hear again, after a suspension or without the role for a while: what waits has its days anew. */
export async function renewMerchant(tx: Sql, ownerId: string, at: Date): Promise<void> {
  for (const { id } of await listEndpoints(tx, ownerId)) await renewDeliveries(tx, id, giveUpTime(at));
}

/** A delivery that is due, or that waits behind the last one of its subject. */
export function newDelivery(
  { newId, config }: Pick<UserDeps, 'newId' | 'config'>,
  given: {
    readonly endpointId: string;
    readonly eventId: string;
    readonly subjectId: string;
    readonly body: WebhookBody;
    readonly customerId: string | null;
    readonly last: Last | null;
    readonly at: Date;
  },
): Delivery {
  const { endpointId, eventId, subjectId, customerId, body, last, at } = given;
  return {
    id: newId(), endpointId, eventId, subjectId, customerId, event: body.type, payload: body, state: 'PENDING', attempts: 0,
    place: (last?.place ?? 0) + 1,
    nextTryAt: last?.waitsFor ? dueByItselfAt(last.waitsFor, { retentionDays: config.retention.webhookDays }) : at,
    giveUpAt: giveUpTime(at), createdAt: at, statusCode: null, responseMs: null, lastError: null,
  }; // prettier-ignore
}
