import { readerOf } from '../../shared/database/reader.ts';
import type { Sql } from '../../shared/database/statements.ts';
import { change, find } from '../../shared/database/tables.ts';
import {
  ProviderDisputeRecord,
  type ProviderDisputeRow,
  ProviderRefundRecord,
  type ProviderRefundRow,
} from './records.ts';
import { insert, tables } from './tables.ts';

const refundOf = readerOf(ProviderRefundRecord);
const disputeOf = readerOf(ProviderDisputeRecord);

const all = () => tables.selectFrom('refund').selectAll();

export const findRefund = async (sql: Sql, id: string): Promise<ProviderRefundRow | undefined> =>
  (await find(sql, all().where('id', '=', id))).map(refundOf)[0];

/** The refund that was created with this key. */
export const findRefundByKey = async (sql: Sql, key: string): Promise<ProviderRefundRow | undefined> =>
  (await find(sql, all().where('idempotency_key', '=', key))).map(refundOf)[0];

/** A second one with the same key fails with a duplicate. */
export const insertRefund = (sql: Sql, refund: ProviderRefundRow): Promise<void> =>
  insert(sql, 'refund', [
    {
      id: refund.id,
      idempotency_key: refund.idempotencyKey ?? null,
      params_hash: refund.paramsHash,
      intent_id: refund.intentId,
      amount: refund.amount,
      currency: refund.currency,
      reason: refund.reason ?? null,
      metadata: JSON.stringify(refund.metadata),
      created_at: refund.createdAt,
      status: refund.status,
      failure_reason: refund.failureReason ?? null,
    },
  ]);

/** Stores how a refund ended, whose intent is locked. */
export const updateRefund = async (
  sql: Sql,
  { id, status, failureReason }: Pick<ProviderRefundRow, 'id' | 'status' | 'failureReason'>,
): Promise<void> => {
  const ended = tables
    .updateTable('refund')
    .set({ status, failure_reason: failureReason ?? null })
    .where('id', '=', id);
  await change(sql, ended, 'any');
};

export const findDispute = async (sql: Sql, id: string): Promise<ProviderDisputeRow | undefined> =>
  (await find(sql, tables.selectFrom('dispute').selectAll().where('id', '=', id))).map(disputeOf)[0];

export const insertDispute = (sql: Sql, dispute: ProviderDisputeRow): Promise<void> =>
  insert(sql, 'dispute', [
    {
      id: dispute.id,
      intent_id: dispute.intentId,
      amount: dispute.amount,
      currency: dispute.currency,
      status: dispute.status,
      reason: dispute.reason,
      due_by: dispute.dueBy,
      created_at: dispute.createdAt,
      won_at: dispute.wonAt ?? null,
    },
  ]);

/** Stores how a dispute ended, whose intent is locked. */
export const updateDispute = async (
  sql: Sql,
  { id, status, wonAt }: Pick<ProviderDisputeRow, 'id' | 'status' | 'wonAt'>,
): Promise<void> => {
  await change(
    sql,
    tables
      .updateTable('dispute')
      .set({ status, won_at: wonAt ?? null })
      .where('id', '=', id),
    'any',
  );
};
