import { type Viewer, isStaff } from '../auth/viewer.ts';
import type { Sql } from '../database/database.ts';
import { newId } from '../values/ids.ts';
import { plainJson } from '../values/plain-json.ts';
import { appendOutbox } from './outbox.ts';

/** Who asks for something, in which request. */
export type Asker = { readonly viewer: Viewer; readonly traceId: string };

/** What can be in the audit log beside what is done to accounts and credentials. */
export const staffActions = [
  'product.created',
  'product.changed',
  'product.archived',
  'product_group.saved',
  'category.saved',
  'category.removed',
  'stock.adjusted',
  'stock.set',
  'order.placed_for',
  'order.cancelled',
  'order.refunded',
  'order.remark_changed',
  'order.note_added',
  'order.archived',
  'order.unarchived',
  'order.advanced',
  'order.fulfilled',
  'order.redeemed',
  'order.attention_resolved',
  'fulfilment.delivered',
  'fulfilment.cancelled',
  'return.requested',
  'return.decided',
  'return.received',
  'return.cancelled',
  'shipping_method.saved',
  'tax_rate.saved',
  'promotion.saved',
  'saga.retried',
  'payment.captured',
  'payment.cancelled',
  'payment.refunded',
  'refund.retried',
  'refund.confirmed',
  'wallet.credited',
  'webhook.replayed',
  'dead_letter.replayed',
] as const;
export type StaffAction = (typeof staffActions)[number];

/** One thing that somebody did for the shop. `before` and `after` are small, and tell nothing about a person but ids. */
export type StaffAct = {
  readonly action: StaffAction;
  /** What it was done to: a kind and an id, e.g. `order:<id>`. */
  readonly subject: `${string}:${string}`;
  readonly before?: object | null;
  readonly after?: object | null;
};

/** The event by which the user service hears of acts: it keeps the log. */
export const staffActed = 'staff.acted';

/** Whether a viewer may act for the shop, so that what they do to what isn't their own is written down. */
export const actsForShop = (viewer: Viewer): boolean =>
  isStaff(viewer) || (viewer.kind === 'user' && viewer.roles.includes('MERCHANT'));

/**
 * Writes down what somebody did for the shop, in the transaction that does it: the event is in the outbox where the change is
 * made. Kick the relay after the commit.
 */
export async function recordActs(
  tx: Sql,
  { actorId, traceId, at }: { readonly actorId: string; readonly traceId: string; readonly at: Date },
  acts: readonly StaffAct[],
): Promise<void> {
  if (acts.length === 0) return;
  await appendOutbox(
    tx,
    acts.map(({ action, subject, before, after }) => ({
      id: newId(),
      type: staffActed,
      // What one person did is told in its order.
      aggregateId: actorId,
      traceId,
      at: at.toISOString(),
      data: { actorId, action, subject, before: plainJson(before), after: plainJson(after) },
    })),
  );
}

/** As `recordActs`, of somebody who may be a customer: what these do is not written down. */
export const recordAct = async (
  tx: Sql,
  deps: { readonly now: () => Date },
  { viewer, traceId }: Asker,
  act: StaffAct,
): Promise<void> => {
  if (viewer.kind !== 'user' || !actsForShop(viewer)) return;
  await recordActs(tx, { actorId: viewer.userId, traceId, at: deps.now() }, [act]);
};
