import { randomBytes } from 'node:crypto';
import type { StaffAction } from '../shared/tables/staff-acts.ts';
import { newId } from '../shared/values/ids.ts';
import { type JournalEntry, genesisHash, toEntry } from './domain/journal.ts';
import { evolve, paymentStatusOf } from './domain/order.ts';
import type { Actor, OrderEvent } from './domain/order-model.ts';
import type { NewOrder, StoredOrder } from './stored-order.ts';

/** Who changes an order, when, in which trace. */
export type Change = {
  readonly actor: Actor;
  readonly at: Date;
  readonly traceId: string;
  /** Under which name the audit log has it where staff, or the seller, do it with an order that isn't their own. */
  readonly action?: StaffAction;
  /** What the log tells of it beside the events; asked for once it is decided. */
  readonly detail?: () => object;
};

/** An order as a change has left it, and what happened to it. */
export type Changed = {
  readonly order: StoredOrder;
  readonly events: readonly OrderEvent[];
  /** Whether the audit log is to be told. */
  readonly isAct?: boolean;
};

/** An order after its events, and the journal entries that tell of them. */
export type Applied = { readonly order: StoredOrder; readonly entries: readonly JournalEntry[] };

const newSalt = (): string => randomBytes(16).toString('hex');

/** The order as it is recorded first, with the first entry of its journal. */
export function placed(order: NewOrder, change: Change): Applied {
  const { discountMinor, shippingMinor, taxMinor, promotionIds } = order;
  const event: OrderEvent = {
    type: 'OrderPlaced',
    data: {
      type: order.type,
      totalMinor: order.totalMinor,
      // What the total is made of beside the lines, where there is any.
      ...(discountMinor > 0n && { discountMinor }),
      ...(shippingMinor > 0n && { shippingMinor }),
      ...(taxMinor > 0n && { taxMinor }),
      ...(promotionIds !== null && { promotionIds }),
      currency: order.currency,
      lines: order.lines.map(({ productId, quantity }) => ({ productId, quantity })),
    },
  };
  const entry = toEntry(event, {
    id: newId(),
    orderId: order.id,
    seq: 1,
    previousHash: genesisHash,
    fromState: null,
    salt: newSalt(),
    ...change,
  });
  return {
    order: { ...order, seq: 1, version: 1, lastHash: entry.hash, paymentStatus: paymentStatusOf(order) },
    entries: [entry],
  };
}

/** What `events` make of an order. */
export function applyEvents(order: StoredOrder, events: readonly OrderEvent[], change: Change): Applied {
  const entries: JournalEntry[] = [];
  let next = order;
  for (const event of events) {
    const entry = toEntry(event, {
      id: newId(),
      orderId: order.id,
      seq: next.seq + 1,
      previousHash: next.lastHash,
      fromState: next.state,
      salt: newSalt(),
      ...change,
    });
    entries.push(entry);
    const failure = event.type === 'PlacingFailed' ? event.detail : next.failure;
    // An order that took nothing leaves its reference to the one that is placed in its stead.
    const heldReference = event.type === 'PlacingFailed' ? null : next.heldReference;
    next = { ...next, ...evolve(next, event, change.at), seq: entry.seq, lastHash: entry.hash, failure, heldReference };
  }
  return { order: { ...next, version: order.version + 1, updatedAt: change.at }, entries };
}
