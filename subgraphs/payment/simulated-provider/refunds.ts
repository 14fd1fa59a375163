import { z } from 'zod';
import {
  type Database,
  type Row,
  type Sql,
  insertRows,
  run,
  select,
  toDate,
  toJson,
  write,
} from '../../shared/database/database.ts';
import { isDuplicateKey } from '../../shared/errors/errors.ts';
import { hashOf } from '../../shared/tables/idempotency.ts';
import { behaviourOf, oweWebhook } from './deliveries.ts';
import { ApiError, lockIntent, maxAmount, metadata, randomId, repeated } from './intents.ts';

/** The body that `POST /v1/refunds` takes. */
export const refundBody = z.strictObject({
  payment_intent: z.string().max(40),
  amount: z.number().int().min(1).max(maxAmount),
  reason: z.string().max(255).optional(),
  metadata,
});

export type RefundJson = ReturnType<typeof refundJson>;

const refundJson = (row: Row) => ({
  id: String(row['id']),
  object: 'refund' as const,
  payment_intent: String(row['intent_id']),
  amount: Number(row['amount']),
  currency: String(row['currency']),
  status: row['status'] as 'succeeded' | 'pending' | 'failed',
  failure_reason: row['failure_reason'] as string | null,
  reason: row['reason'] as string | null,
  metadata: toJson<Record<string, string>>(row['metadata']),
  created: Math.floor((toDate(row['created_at']) as Date).getTime() / 1000),
});

async function findRefund(sql: Sql, id: string): Promise<RefundJson> {
  const [row] = await select(sql, 'select * from refund where id = ?', [id]);
  if (!row) throw new ApiError(404, 'resource_missing', 'No such refund.');
  return refundJson(row);
}

/** A refund as it is now; 404 for none. */
export const getRefund = (db: Database, id: string): Promise<RefundJson> => findRefund(db.em(), id);

/** Gives money back, never more than came in. */
export async function createRefund(
  db: Database,
  body: z.infer<typeof refundBody>,
  idempotencyKey: string | null,
): Promise<ReturnType<typeof refundJson>> {
  const hash = hashOf(body);
  try {
    return await db.transaction(async (sql) => {
      const id = randomId('re');
      const { status, currency } = await lockIntent(sql, body.payment_intent);
      const { refunds } = await behaviourOf(sql, body.payment_intent);
      // The key first: a repetition must not fail because the first request has used the money up.
      await insertRows(sql, 'refund', [
        {
          id,
          idempotency_key: idempotencyKey,
          params_hash: hash,
          intent_id: body.payment_intent,
          amount: body.amount,
          currency,
          reason: body.reason ?? null,
          metadata: JSON.stringify(body.metadata),
          status: refunds === 'pend' ? 'pending' : 'succeeded',
          created_at: new Date(),
        },
      ]);
      if (status !== 'succeeded') throw new ApiError(400, 'charge_missing', 'The intent has no charge to refund.');
      const found = await write(
        sql,
        'update intent set refunded = refunded + ? where id = ? and refunded + ? <= amount_received',
        [body.amount, body.payment_intent, body.amount],
      );
      if (found !== 1) throw new ApiError(400, 'charge_already_refunded', 'This is more than is left of the charge.');
      if (refunds === 'refuse') throw new ApiError(400, 'refund_refused', 'The provider was told to refuse refunds.');
      const refund = await findRefund(sql, id);
      await oweWebhook(sql, {
        intentId: body.payment_intent,
        type: refunds === 'pend' ? 'refund.created' : 'charge.refunded',
        object: refund,
      });
      return refund;
    });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    return refundJson(await repeated(db, 'refund', idempotencyKey, hash));
  }
}

/** Test control: ends a refund well or badly. Money of one that fails counts as never having gone. */
export async function settleRefund(db: Database, id: string, as: 'succeeded' | 'failed'): Promise<void> {
  await db.transaction(async (sql) => {
    const intentId = (await findRefund(sql, id)).payment_intent;
    await lockIntent(sql, intentId);
    const before = await findRefund(sql, id);
    if (before.status === as || before.status === 'failed') return;
    await run(sql, 'update refund set status = ?, failure_reason = ? where id = ?', [
      as,
      as === 'failed' ? 'expired_or_canceled_card' : null,
      id,
    ]);
    if (as === 'failed')
      await run(sql, 'update intent set refunded = refunded - ? where id = ?', [before.amount, intentId]);
    const type = as === 'failed' ? 'refund.failed' : 'refund.updated';
    await oweWebhook(sql, { intentId, type, object: await findRefund(sql, id) });
  });
}
