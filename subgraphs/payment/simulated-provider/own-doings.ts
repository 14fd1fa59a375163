import { z } from 'zod';
import type { Database, Sql } from '../../shared/database/database.ts';
import { updateIntent } from './intent-store.ts';
import { ApiError, findIntent, lockIntent, maxAmount, randomId } from './intents.ts';
import type { IntentRow, ProviderDisputeRow } from './records.ts';
import * as store from './refund-store.ts';
import { createRefund } from './refunds.ts';
import { behaviourOf, oweWebhook } from './webhooks.ts';

/*
 * What a provider does without its merchant's program: a refund that somebody makes in its dashboard, and disputes, by
 * which a customer's bank takes money back.
 */

/** The body of `POST /v1/test/dashboard`: one of these. Without an amount all that is left. */
export const dashboardBody = z.strictObject({
  /** Gives money back, with none of the merchant's metadata. */
  refund: z.strictObject({ intent: z.string().max(40), amount: z.number().int().min(1).max(maxAmount).optional() }).optional(),
  /** The customer's bank disputes the charge: the money is withdrawn until that is decided. */
  dispute: z
    .strictObject({
      intent: z.string().max(40),
      amount: z.number().int().min(1).max(maxAmount).optional(),
      reason: z.string().max(64).default('fraudulent'),
    })
    .optional(),
  /** Decides a dispute; one that was lost may be won afterwards. */
  close: z.strictObject({ dispute: z.string().max(40), as: z.enum(['won', 'lost']) }).optional(),
}); // prettier-ignore

const evidenceDays = 7;

const disputeJson = (dispute: ProviderDisputeRow) => ({
  id: dispute.id,
  object: 'dispute' as const,
  payment_intent: dispute.intentId,
  amount: Number(dispute.amount),
  currency: dispute.currency,
  status: dispute.status,
  reason: dispute.reason,
  evidence_due_by: dispute.dueBy.toISOString(),
  created: Math.floor(dispute.createdAt.getTime() / 1000),
});

async function findDispute(sql: Sql, id: string): Promise<ProviderDisputeRow> {
  const dispute = await store.findDispute(sql, id);
  if (!dispute) throw new ApiError(404, 'resource_missing', 'No such dispute.');
  return dispute;
}

/** Does what the body asks for, and answers with what it made. */
export async function actInDashboard(db: Database, body: z.infer<typeof dashboardBody>): Promise<unknown> {
  if (body.refund !== undefined) {
    const { intent, amount } = body.refund;
    const left = amount ?? Number(leftOf(await findIntent(db.em(), intent)));
    return createRefund(db, { payment_intent: intent, amount: left, metadata: {} }, null);
  }
  if (body.dispute !== undefined) return openDispute(db, body.dispute);
  if (body.close !== undefined) return closeDispute(db, body.close);
  throw new ApiError(400, 'parameter_invalid', 'Give a refund, a dispute or the end of one.');
}

const leftOf = ({ amountReceived, refunded }: IntentRow): bigint => amountReceived - refunded;

/** What is disputed counts as gone, so that it can't be refunded as well. */
function openDispute(
  db: Database,
  { intent: intentId, amount, reason }: { intent: string; amount?: number | undefined; reason: string },
): Promise<unknown> {
  return db.transaction(async (sql) => {
    const intent = await lockIntent(sql, intentId);
    const taken = amount === undefined ? leftOf(intent) : BigInt(amount);
    if (taken <= 0n || taken > leftOf(intent))
      throw new ApiError(400, 'charge_already_refunded', 'This is more than is left.');
    const behaviour = await behaviourOf(sql, intentId);
    await updateIntent(sql, { ...intent, refunded: intent.refunded + taken });
    const now = new Date();
    const dispute: ProviderDisputeRow = {
      id: randomId('dp'),
      intentId,
      amount: taken,
      currency: intent.currency,
      status: 'needs_response',
      reason,
      dueBy: new Date(now.getTime() + evidenceDays * 86_400_000),
      createdAt: now,
      wonAt: null,
    };
    await store.insertDispute(sql, dispute);
    const shown = disputeJson(dispute);
    await oweWebhook(sql, behaviour, { intentId, type: 'charge.dispute.created', object: shown });
    return shown;
  });
}

function closeDispute(db: Database, { dispute: id, as }: { dispute: string; as: 'won' | 'lost' }): Promise<unknown> {
  return db.transaction(async (sql) => {
    const { intentId } = await findDispute(sql, id);
    const intent = await lockIntent(sql, intentId);
    const before = await findDispute(sql, id);
    // What was lost can still be won, on appeal.
    const goesOn = before.status === 'needs_response' || (before.status === 'lost' && as === 'won');
    if (!goesOn) return disputeJson(before);
    const behaviour = await behaviourOf(sql, intentId);
    const closed: ProviderDisputeRow = { ...before, status: as, wonAt: as === 'won' ? new Date() : null };
    await store.updateDispute(sql, closed);
    if (as === 'won') await updateIntent(sql, { ...intent, refunded: intent.refunded - before.amount });
    const shown = disputeJson(closed);
    await oweWebhook(sql, behaviour, { intentId, type: 'charge.dispute.closed', object: shown });
    return shown;
  });
}
