import { z } from 'zod';
import type { Database, Sql } from '../../shared/database/database.ts';
import { isDuplicateKey } from '../../shared/errors/errors.ts';
import { hashOf } from '../../shared/tables/idempotency.ts';
import { updateIntent } from './intent-store.ts';
import { ApiError, lockIntent, maxAmount, metadata, randomId, repeated } from './intents.ts';
import type { ProviderRefundRow } from './records.ts';
import * as store from './refund-store.ts';
import { behaviourOf, oweWebhook } from './webhooks.ts';

/** The body that `POST /v1/refunds` takes. */
export const refundBody = z.strictObject({
  payment_intent: z.string().max(40),
  amount: z.number().int().min(1).max(maxAmount),
  reason: z.string().max(255).optional(),
  metadata,
});

export type RefundJson = ReturnType<typeof refundJson>;

const refundJson = (refund: ProviderRefundRow) => ({
  id: refund.id,
  object: 'refund' as const,
  payment_intent: refund.intentId,
  amount: Number(refund.amount),
  currency: refund.currency,
  status: refund.status,
  failure_reason: refund.failureReason ?? null,
  reason: refund.reason ?? null,
  metadata: refund.metadata,
  created: Math.floor(refund.createdAt.getTime() / 1000),
});

async function findRefund(sql: Sql, id: string): Promise<ProviderRefundRow> {
  const refund = await store.findRefund(sql, id);
  if (!refund) throw new ApiError(404, 'resource_missing', 'No such refund.');
  return refund;
}

/** A refund as it is now; 404 for none. */
export const getRefund = async (db: Database, id: string): Promise<RefundJson> =>
  refundJson(await findRefund(db.em(), id));

/** Gives money back, never more than came in. */
export async function createRefund(
  db: Database,
  body: z.infer<typeof refundBody>,
  idempotencyKey: string | null,
): Promise<RefundJson> {
  const paramsHash = hashOf(body);
  const { payment_intent: intentId } = body;
  try {
    return await db.transaction(async (sql) => {
      const intent = await lockIntent(sql, intentId);
      const behaviour = await behaviourOf(sql, intentId);
      const isPending = behaviour.refunds === 'pend';
      const refund: ProviderRefundRow = {
        id: randomId('re'),
        idempotencyKey,
        paramsHash,
        intentId,
        amount: BigInt(body.amount),
        currency: intent.currency,
        reason: body.reason ?? null,
        metadata: body.metadata,
        status: isPending ? 'pending' : 'succeeded',
        failureReason: null,
        createdAt: new Date(),
      };
      // The key first: a repetition must not fail because the first request has used the money up.
      await store.insertRefund(sql, refund);
      if (intent.status !== 'succeeded')
        throw new ApiError(400, 'charge_missing', 'The intent has no charge to refund.');
      const refunded = intent.refunded + refund.amount;
      if (refunded > intent.amountReceived)
        throw new ApiError(400, 'charge_already_refunded', 'This is more than is left of the charge.');
      if (behaviour.refunds === 'refuse')
        throw new ApiError(400, 'refund_refused', 'The provider was told to refuse refunds.');
      await updateIntent(sql, { ...intent, refunded });
      const shown = refundJson(refund);
      const type = isPending ? 'refund.created' : 'charge.refunded';
      await oweWebhook(sql, behaviour, { intentId, type, object: shown });
      return shown;
    });
  } catch (error) {
    if (!isDuplicateKey(error) || idempotencyKey === null) throw error;
    return refundJson(repeated(await store.findRefundByKey(db.em(), idempotencyKey), paramsHash));
  }
}

/** Test control: ends a refund well or badly. Money of one that fails counts as never having gone. */
export async function settleRefund(db: Database, id: string, as: 'succeeded' | 'failed'): Promise<void> {
  await db.transaction(async (sql) => {
    const { intentId } = await findRefund(sql, id);
    const intent = await lockIntent(sql, intentId);
    const before = await findRefund(sql, id);
    if (before.status === as || before.status === 'failed') return;
    const hasFailed = as === 'failed';
    const after = { ...before, status: as, failureReason: hasFailed ? 'expired_or_canceled_card' : null };
    const behaviour = await behaviourOf(sql, intentId);
    await store.updateRefund(sql, after);
    if (hasFailed) await updateIntent(sql, { ...intent, refunded: intent.refunded - before.amount });
    const type = hasFailed ? 'refund.failed' : 'refund.updated';
    await oweWebhook(sql, behaviour, { intentId, type, object: refundJson(after) });
  });
}
