import { isStaff } from '../../shared/auth/viewer.ts';
import { type Refusal, RefusedError, notFoundError, orRefusals, validationError } from '../../shared/errors/errors.ts';
import type { Sql } from '../../shared/database/database.ts';
import type { StaffAction } from '../../shared/tables/staff-acts.ts';
import { isId } from '../../shared/values/ids.ts';
import { lengthOf } from '../../shared/values/text.ts';
import type { OrderDeps } from '../deps.ts';
import { trackingPage } from '../domain/carriers.ts';
import type { FulfilmentFacts, LineQuantity, OrderCommand, Tracking } from '../domain/order-model.ts';
import { findFulfilment } from '../fulfilment-store.ts';
import type { StoredFulfilment } from '../stored-order.ts';
import { type OrderPayload, mutateOrder } from './change-order.ts';
import { type Asker, actorOf, checkLength, staffOfOthers } from './context.ts';

const maxTrackingNumberLength = 100;
const maxCarrierLength = 64;
const maxTrackingUrlLength = 2_000;
const maxReasonLength = 1_024;

const refused = (userErrors: readonly Refusal[]): OrderPayload => ({ order: null, replayed: false, userErrors });

/** What a delivery can be followed by; left out is as good as null. */
type TrackingInput = { readonly [Field in keyof Tracking]?: string | null | undefined };

function trackingRefusals({ carrier, trackingNumber, trackingUrl }: TrackingInput): Refusal[] {
  return [
    ...checkLength('carrier', carrier, { min: 0, max: maxCarrierLength }),
    ...checkLength('trackingNumber', trackingNumber, { min: 0, max: maxTrackingNumberLength }),
    ...(trackingUrl === null || trackingUrl === undefined || isPage(trackingUrl)
      ? []
      : [validationError(`trackingUrl: is an https address of at most ${maxTrackingUrlLength} characters.`, ['trackingUrl'])]), // prettier-ignore
  ];
}

function isPage(text: string): boolean {
  if (!URL.canParse(text) || lengthOf(text) > maxTrackingUrlLength) return false;
  const { protocol, username, password, href } = new URL(text);
  return protocol === 'https:' && username === '' && password === '' && lengthOf(href) <= maxTrackingUrlLength;
}

/** As it is kept: blanks are null, and the page of a known carrier is found by its number. */
function trackingOf(input: TrackingInput): Tracking {
  const carrier = input.carrier?.trim() || null;
  const trackingNumber = input.trackingNumber?.trim() || null;
  const given = input.trackingUrl ? new URL(input.trackingUrl).href : null;
  return {
    carrier,
    trackingNumber,
    trackingUrl: given ?? (carrier !== null && trackingNumber !== null ? trackingPage(carrier, trackingNumber) : null),
  };
}

/** Delivers a paid order in whole or in part, for staff; the last part completes it. */
export async function fulfilOrder(
  deps: OrderDeps,
  asker: Asker,
  input: { id: string; lines?: readonly LineQuantity[] | null; idempotencyKey: string } & TrackingInput,
): Promise<OrderPayload> {
  const { viewer } = asker;
  const userErrors = trackingRefusals(input);
  if (userErrors.length > 0) return refused(userErrors);
  const { id, lines = null, trackingNumber = null } = input;
  return mutateOrder(deps, {
    orderId: id,
    claim: {
      ownerId: viewer.userId,
      operation: 'fulfilOrder',
      key: input.idempotencyKey,
      // What is not given is left out: keys that were used before there was more than the number stay what they were.
      input: { id, lines, trackingNumber, carrier: input.carrier ?? undefined, trackingUrl: input.trackingUrl ?? undefined }, // prettier-ignore
    },
    change: { actor: actorOf(viewer), at: deps.now(), traceId: asker.traceId, action: 'order.fulfilled' },
    authorise: staffOfOthers(viewer),
    command: (order) => ({ type: 'Fulfil', fulfilmentId: deps.newId(order.id), lines, ...trackingOf(input) }),
    withLines: true,
  });
}

type FulfilmentChange = { readonly fulfilmentId: string; readonly idempotencyKey: string; readonly reason?: string };

type Named = { readonly operation: string; readonly action: StaffAction };

/** Changes one delivery of an order, for staff. */
function changeFulfilment(
  deps: OrderDeps,
  asker: Asker,
  { operation, action, fulfilmentId, idempotencyKey, reason }: FulfilmentChange & Named,
  commandOf: (fulfilment: FulfilmentFacts) => OrderCommand,
): Promise<OrderPayload> {
  const { viewer } = asker;
  const missing = () => new RefusedError(notFoundError('There is no such delivery.', fulfilmentId, ['fulfilmentId']));
  const found = async (sql: Sql): Promise<StoredFulfilment> => {
    const fulfilment = isId(fulfilmentId) ? await findFulfilment(sql, fulfilmentId) : null;
    if (!fulfilment) throw missing();
    return fulfilment;
  };
  return orRefusals(async () => {
    const { orderId } = await found(deps.db.em());
    return mutateOrder(deps, {
      orderId,
      claim: { ownerId: viewer.userId, operation, key: idempotencyKey, input: { fulfilmentId, reason } },
      change: { actor: actorOf(viewer), at: deps.now(), traceId: asker.traceId, action },
      authorise: (order) => {
        // For anybody but its customer and staff the order does not exist, and neither does the delivery.
        if (order.customerId !== viewer.userId && !isStaff(viewer)) throw missing();
        staffOfOthers(viewer)(order);
      },
      command: async (_, tx) => commandOf(await found(tx)),
      withLines: true,
    });
  }, refused);
}

/** A delivery has arrived. */
export const markDelivered = (deps: OrderDeps, asker: Asker, input: FulfilmentChange): Promise<OrderPayload> =>
  changeFulfilment(
    deps,
    asker,
    { ...input, operation: 'markDelivered', action: 'fulfilment.delivered' },
    (fulfilment) => ({
      type: 'MarkDelivered',
      fulfilment,
    }),
  );

/** A delivery never arrives: its pieces are to be delivered again. */
export async function cancelFulfilment(
  deps: OrderDeps,
  asker: Asker,
  input: FulfilmentChange & { readonly reason: string },
): Promise<OrderPayload> {
  const { reason } = input;
  const userErrors = checkLength('reason', reason, { min: 1, max: maxReasonLength });
  if (userErrors.length > 0) return refused(userErrors);
  return changeFulfilment(
    deps,
    asker,
    { ...input, operation: 'cancelFulfilment', action: 'fulfilment.cancelled' },
    (fulfilment) => ({
      type: 'CancelFulfilment',
      fulfilment,
      reason,
    }),
  );
}
