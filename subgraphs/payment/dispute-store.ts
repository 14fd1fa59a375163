import { readerOf } from '../shared/database/reader.ts';
import type { Sql } from '../shared/database/statements.ts';
import { change, find } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import { DisputeRecord, type DisputeRow } from './records.ts';
import { bytesOrNull, firstOf, insert, tables } from './tables.ts';

const disputeOf = readerOf(DisputeRecord);

const all = () => tables.selectFrom('dispute').selectAll();

export const findDispute = (sql: Sql, provider: string, providerDisputeId: string): Promise<DisputeRow | null> =>
  firstOf(
    find(sql, all().where('provider', '=', provider).where('provider_dispute_id', '=', providerDisputeId)),
    disputeOf,
  );

/** The disputes of these payments, oldest first. */
export const findDisputesOfPayments = async (sql: Sql, paymentIds: readonly string[]): Promise<DisputeRow[]> =>
  (await find(sql, all().where('payment_id', 'in', paymentIds.map(idToBytes)).orderBy('id'))).map(disputeOf);

/** Newest first: those before `beforeId`, at most `limit`. */
export async function listDisputes(sql: Sql, page: { beforeId: string | null; limit: number }): Promise<DisputeRow[]> {
  const before = page.beforeId === null ? all() : all().where('id', '<', idToBytes(page.beforeId));
  return (await find(sql, before.orderBy('id', 'desc').limit(page.limit))).map(disputeOf);
}

export const insertDispute = (sql: Sql, dispute: DisputeRow): Promise<void> =>
  insert(sql, 'dispute', [
    {
      id: idToBytes(dispute.id),
      provider: dispute.provider,
      provider_dispute_id: dispute.providerDisputeId,
      payment_id: idToBytes(dispute.paymentId),
      refund_id: bytesOrNull(dispute.refundId),
      currency: dispute.currency,
      amount_minor: dispute.amountMinor,
      state: dispute.state,
      reason: dispute.reason ?? null,
      evidence_due_by: dispute.evidenceDueBy ?? null,
      opened_at: dispute.openedAt,
      closed_at: dispute.closedAt ?? null,
    },
  ]);

/** Stores how far a dispute has come, and the refund that stands for its money. */
export const updateDispute = async (
  sql: Sql,
  { id, state, closedAt, refundId }: Pick<DisputeRow, 'id' | 'state' | 'closedAt' | 'refundId'>,
): Promise<void> => {
  const updated = tables
    .updateTable('dispute')
    .set({ state, closed_at: closedAt ?? null, refund_id: bytesOrNull(refundId) })
    .where('id', '=', idToBytes(id));
  await change(sql, updated, 'any');
};
