import type { Sql } from '../../shared/database/database.ts';
import { recordActs } from '../../shared/tables/staff-acts.ts';
import type { Change } from '../apply-events.ts';
import { givenMinor } from '../domain/giving-back.ts';
import type { OrderEvent } from '../domain/order-model.ts';
import type { StoredOrder } from '../stored-order.ts';

type Step = { readonly before: StoredOrder; readonly after: StoredOrder; readonly events: readonly OrderEvent[] };

/**
 * Tells the audit log of what staff did with an order, other than as its customer, in the transaction that changes it; false where it
 * is nothing for the log. Remarks, notes and reasons stand in the journal only.
 */
export async function recordOrderAct(tx: Sql, change: Change, { before, after, events }: Step): Promise<boolean> {
  const { actor, action, traceId, at } = change;
  if (action === undefined || actor.type !== 'STAFF' || actor.id === null) return false;
  const amountMinor = events.reduce((sum, event) => sum + givenMinor(event), 0n);
  const subject = `order:${after.id}` as const;
  await recordActs(tx, { actorId: actor.id, traceId, at }, [
    {
      action,
      subject,
      before: { state: before.state },
      after: {
        state: after.state,
        events: events.map(({ type }) => type),
        ...(amountMinor > 0n && { amountMinor, currency: after.currency }),
        ...change.detail?.(),
      },
    },
  ]);
  return true;
}
