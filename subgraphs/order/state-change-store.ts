import { type Sql, toDate } from '../shared/database/database.ts';
import { find } from '../shared/database/tables.ts';
import type { CancelReason, OrderState } from './domain/order-model.ts';
import { tables } from './records.ts';

/** An order's coming into a state. */
export type StateChange = {
  readonly type: string;
  readonly currency: string;
  readonly totalMinor: bigint;
  readonly from: OrderState | null;
  readonly to: OrderState;
  /** Why it was closed, where it was. */
  readonly cancelReason: CancelReason | null;
  readonly at: Date;
  /** When it came into `from`; null for its first state. */
  readonly since: Date | null;
};

/** The changes of states among these entries of the feed, in their sequence. One statement. */
export async function readStateChanges(sql: Sql, after: number, upTo: number): Promise<StateChange[]> {
  const rows = await find(
    sql,
    tables
      .selectFrom('order_event as e')
      .innerJoin('orders as o', 'o.id', 'e.order_id')
      .select((eb) => [
        'e.from_state',
        'e.to_state',
        'e.at',
        'o.type',
        'o.currency',
        'o.total_minor',
        'o.cancel_reason',
        eb
          .selectFrom('order_event as p')
          .select((inner) => inner.fn.max('p.at').as('since'))
          .whereRef('p.order_id', '=', 'e.order_id')
          .whereRef('p.seq', '<', 'e.seq')
          .whereRef('p.to_state', '=', 'e.from_state')
          .as('since'),
      ])
      .where('e.feed_seq', '>', after)
      .where('e.feed_seq', '<=', upTo)
      .where('e.to_state', 'is not', null)
      .orderBy('e.feed_seq'),
  );
  return rows.map((row) => ({
    type: row.type,
    currency: row.currency,
    totalMinor: BigInt(row.total_minor),
    from: row.from_state,
    to: row.to_state as OrderState,
    cancelReason: row.cancel_reason,
    at: toDate(row.at) as Date,
    since: toDate(row.since),
  }));
}
