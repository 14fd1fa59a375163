import type { UserViewer } from '../../shared/auth/viewer.ts';
import type { Sql } from '../../shared/database/database.ts';
import type { Refusal } from '../../shared/errors/errors.ts';
import type { Claim } from '../../shared/tables/idempotency.ts';
import { claimByOneOrTwo, requireWithin, sinceLimit } from '../../shared/tables/second-person.ts';
import { money } from '../../shared/values/money.ts';
import type { Decision, OrderEvent } from '../domain/order-model.ts';
import { larger, refundableMinor } from '../domain/paying.ts';
import { givenByStaff } from '../refund-journal-store.ts';
import type { StoredOrder } from '../stored-order.ts';

/** What staff do with an order by which its money goes back. */
export type Giving = {
  readonly viewer: UserViewer;
  /** A person's own. */
  readonly claim: Claim;
  /** What is done, but for the words that are written to it: two people mean the same by it while the order stays as it is. */
  readonly deed: object;
  /** More than this takes two people, in minor units. */
  readonly limitMinor: bigint;
  /** Of the argument that says how much. */
  readonly path: readonly string[];
  readonly byTwo: boolean;
  readonly at: Date;
};

type Decided =
  | { readonly decision: Decision; readonly replayed: boolean; readonly askedBy: string | undefined }
  /** A second person has to agree; that it was asked for is to be committed. */
  | { readonly refusal: Refusal };

/** What goes back by these events and was not on its way before, in minor units. */
function newlyGivenMinor(order: StoredOrder, events: readonly OrderEvent[]): bigint {
  const ends = events.some(({ type }) => type === 'OrderCancelled' || type === 'OrderRefunded');
  if (ends) return larger(refundableMinor(order), 0n);
  return events.reduce((sum, event) => sum + (event.type === 'RefundRequested' ? event.amountMinor : 0n), 0n);
}

/**
 * Decides, under the order's lock and a key, on something that gives money back. To be run by `byOneOrTwo`: what one person did
 * of this order within 24 hours counts together.
 */
export async function decideGiving(
  tx: Sql,
  order: StoredOrder,
  giving: Giving,
  decideOn: () => Promise<Decision>,
): Promise<Decided> {
  const { viewer, claim, deed, path, byTwo, at } = giving;
  const limit = money(giving.limitMinor, order.currency);
  const same = { deed, version: order.version };
  const claimed = await claimByOneOrTwo(tx, viewer, { ...claim, limit, path, same, byTwo }, { orderId: order.id });
  if ('refusal' in claimed) return claimed;
  const { replayed, askedBy } = claimed;
  if (replayed) return { decision: { events: [] }, replayed, askedBy };
  const decision = await decideOn();
  const sumMinor = 'refusal' in decision ? 0n : newlyGivenMinor(order, decision.events);
  if (!byTwo && sumMinor > 0n)
    requireWithin(limit, money((await givenByStaff(tx, order.id, sinceLimit(at))) + sumMinor, order.currency));
  return { decision, replayed, askedBy };
}
