import type { Sql } from '../shared/database/database.ts';
import { find } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import { toJournalEntry } from './journal-store.ts';
import { tables } from './records.ts';

/* What an order's journal tells of the money that went back. */

/** What the journal keeps of an event that gives money back, or tells that it went. */
type Given = {
  readonly requestId?: string;
  readonly requestedBy?: string | null;
  readonly refundId?: string;
  readonly amountMinor?: number;
};

const ofOrder = (orderId: string) =>
  tables
    .selectFrom('order_event')
    .selectAll()
    .where('order_id', '=', idToBytes(orderId))
    .where('type', 'in', ['RefundRequested', 'OrderRefunded', 'RefundRecorded']);

const entriesOf = async (sql: Sql, query: ReturnType<typeof ofOrder>) =>
  (await find(sql, query.orderBy('seq'))).map(toJournalEntry).map((entry) => ({ entry, data: (entry.data ?? {}) as Given })); // prettier-ignore

/** How much a request gives back, in minor units, and the payments' refunds of it that have succeeded. */
export async function findRequest(
  sql: Sql,
  orderId: string,
  requestId: string,
): Promise<{ readonly amountMinor: bigint; readonly refundIds: readonly string[] }> {
  const entries = await entriesOf(sql, ofOrder(orderId));
  const request = entries.find(({ entry, data }) => entry.type !== 'RefundRecorded' && data.requestId === requestId);
  if (!request) throw new Error(`the journal of order ${orderId} has no request ${requestId}`);
  // What ended the order gave everything back, whatever it was asked for before.
  const isWhole = request.entry.type === 'OrderRefunded';
  const recorded = entries.filter(
    ({ entry, data }) =>
      entry.type === 'RefundRecorded' && (isWhole ? entry.seq > request.entry.seq : data.requestId === requestId),
  );
  return {
    amountMinor: BigInt(request.data.amountMinor ?? 0),
    refundIds: recorded.map(({ data }) => String(data.refundId)),
  };
}

/**
 * What staff gave back of an order after `since`, in minor units: by requests here, and by refunds of its payments, of which
 * those that the platform itself decided on count as well.
 */
export async function givenByStaff(sql: Sql, orderId: string, since: Date): Promise<bigint> {
  const entries = await entriesOf(sql, ofOrder(orderId).where('at', '>', since));
  const counts = ({ entry, data }: (typeof entries)[number]): boolean =>
    entry.type === 'RefundRecorded'
      ? entry.actor.type === 'SERVICE' && data.requestId === undefined
      : entry.actor.type === 'STAFF' && data.requestId !== undefined;
  return entries.filter(counts).reduce((sum, { data }) => sum + BigInt(data.amountMinor ?? 0), 0n);
}
