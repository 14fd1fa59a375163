import type { OrderDeps } from '../deps.ts';
import type { OrderState } from '../domain/order-model.ts';
import { maxRemarkLength } from '../domain/pricing/check-input.ts';
import { topUpCode } from '../types/top-up.ts';
import { type OrderPayload, mutateOrder } from './change-order.ts';
import { type Asker, actorOf, checkLength, ownerOrStaff, staffOfOthers } from './context.ts';

type Keyed = { id: string; idempotencyKey?: string | null };

const refused = (userErrors: OrderPayload['userErrors']): OrderPayload => ({
  order: null,
  replayed: false,
  userErrors,
});

/** Changes the remark of an order that isn't over. */
export async function updateOrderRemark(
  deps: OrderDeps,
  asker: Asker,
  input: Keyed & { remark: string; expectedVersion?: number | null },
): Promise<OrderPayload> {
  const userErrors = checkLength('remark', input.remark, { min: 0, max: maxRemarkLength });
  if (userErrors.length > 0) return refused(userErrors);
  const { id, remark, expectedVersion = null } = input;
  return mutateOrder(deps, {
    orderId: id,
    claim: {
      ownerId: asker.viewer.userId,
      operation: 'updateOrderRemark',
      key: input.idempotencyKey,
      input: { id, remark, expectedVersion },
    },
    change: { actor: actorOf(asker.viewer), at: deps.now(), traceId: asker.traceId, action: 'order.remark_changed' },
    authorise: ownerOrStaff(asker.viewer),
    command: { type: 'ChangeRemark', remark },
    expectedVersion,
  });
}

/** Puts an order that is over away, so that its customer's list leaves it out. */
export const archiveOrder = (deps: OrderDeps, asker: Asker, input: Keyed): Promise<OrderPayload> =>
  mutateOrder(deps, {
    orderId: input.id,
    claim: {
      ownerId: asker.viewer.userId,
      operation: 'archiveOrder',
      key: input.idempotencyKey,
      input: { id: input.id },
    },
    change: { actor: actorOf(asker.viewer), at: deps.now(), traceId: asker.traceId, action: 'order.archived' },
    authorise: ownerOrStaff(asker.viewer),
    command: { type: 'Archive' },
  });

/** Takes an order out of the archive. */
export const unarchiveOrder = (deps: OrderDeps, asker: Asker, input: Keyed): Promise<OrderPayload> =>
  mutateOrder(deps, {
    orderId: input.id,
    claim: {
      ownerId: asker.viewer.userId,
      operation: 'unarchiveOrder',
      key: input.idempotencyKey,
      input: { id: input.id },
    },
    change: { actor: actorOf(asker.viewer), at: deps.now(), traceId: asker.traceId, action: 'order.unarchived' },
    authorise: ownerOrStaff(asker.viewer),
    command: { type: 'Unarchive' },
  });

/** Writes a note of staff into the journal; a note that isn't public is hidden from the customer. */
export async function addOrderNote(
  deps: OrderDeps,
  asker: Asker,
  input: Keyed & { note: string; public?: boolean | null },
): Promise<OrderPayload> {
  const userErrors = checkLength('note', input.note, { min: 1, max: maxRemarkLength });
  if (userErrors.length > 0) return refused(userErrors);
  const { id, note } = input;
  return mutateOrder(deps, {
    orderId: id,
    claim: {
      ownerId: asker.viewer.userId,
      operation: 'addOrderNote',
      key: input.idempotencyKey,
      input: { id, note, public: input.public ?? false },
    },
    change: {
      actor: { type: 'STAFF', id: asker.viewer.userId },
      at: deps.now(),
      traceId: asker.traceId,
      action: 'order.note_added',
    },
    authorise: staffOfOthers(asker.viewer),
    command: { type: 'AddNote', note, public: input.public ?? false },
  });
}

/** Decides what becomes of an order that could not be delivered by itself; two of the staff where much of its money goes back. */
export async function resolveAttention(
  deps: OrderDeps,
  asker: Asker,
  input: Keyed & { to: OrderState; note: string },
): Promise<OrderPayload> {
  const userErrors = checkLength('note', input.note, { min: 1, max: maxRemarkLength });
  if (userErrors.length > 0) return refused(userErrors);
  const { id, to, note } = input;
  const payload = await mutateOrder(deps, {
    orderId: id,
    claim: {
      ownerId: asker.viewer.userId,
      operation: 'resolveAttention',
      key: input.idempotencyKey,
      input: { id, to, note },
    },
    change: {
      actor: { type: 'STAFF', id: asker.viewer.userId },
      at: deps.now(),
      traceId: asker.traceId,
      action: 'order.attention_resolved',
    },
    authorise: staffOfOthers(asker.viewer),
    giving: () => ({ viewer: asker.viewer, deed: { id, to }, path: ['to'] }),
    command: (order) => ({ type: 'ResolveAttention', to, note, isTopUp: order.type === topUpCode }),
  });
  deps.kickAdvance();
  return payload;
}
