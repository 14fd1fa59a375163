import { z } from 'zod';
import {
  type Database,
  type Row,
  type Sql,
  insertRows,
  run,
  select,
  toDate,
  write,
} from '../../shared/database/database.ts';
import { oweWebhook } from './deliveries.ts';
import { ApiError, lockIntent, maxAmount, randomId } from './intents.ts';
import { createRefund } from './refunds.ts';

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

const disputeJson = (row: Row) => ({
  id: String(row['id']),
  object: 'dispute' as const,
  payment_intent: String(row['intent_id']),
  amount: Number(row['amount']),
  currency: String(row['currency']),
  status: row['status'] as 'needs_response' | 'won' | 'lost',
  reason: String(row['reason']),
  evidence_due_by: (toDate(row['due_by']) as Date).toISOString(),
  created: Math.floor((toDate(row['created_at']) as Date).getTime() / 1000),
});

async function findDispute(sql: Sql, id: string): Promise<ReturnType<typeof disputeJson>> {
  const [row] = await select(sql, 'select * from dispute where id = ?', [id]);
  if (!row) throw new ApiError(404, 'resource_missing', 'No such dispute.');
  return disputeJson(row);
}

/** Does what the body asks for, and answers with what it made. */
export async function actInDashboard(db: Database, body: z.infer<typeof dashboardBody>): Promise<unknown> {
  if (body.refund !== undefined) {
    const { intent, amount } = body.refund;
    const left = amount ?? (await leftOf(db.em(), intent));
    return createRefund(db, { payment_intent: intent, amount: left, metadata: {} }, null);
  }
  if (body.dispute !== undefined) return openDispute(db, body.dispute);
  if (body.close !== undefined) return closeDispute(db, body.close);
  throw new ApiError(400, 'parameter_invalid', 'Give a refund, a dispute or the end of one.');
}

async function leftOf(sql: Sql, intentId: string): Promise<number> {
  const [row] = await select(sql, 'select amount_received - refunded as remaining from intent where id = ?', [
    intentId,
  ]);
  if (!row) throw new ApiError(404, 'resource_missing', 'No such payment intent.');
  return Number(row['remaining']);
}

/** What is disputed counts as gone, so that it can't be refunded as well. */
function openDispute(
  db: Database,
  { intent: intentId, amount, reason }: { intent: string; amount?: number | undefined; reason: string },
): Promise<unknown> {
  return db.transaction(async (sql) => {
    const intent = await lockIntent(sql, intentId);
    const taken = amount ?? (await leftOf(sql, intentId));
    const found = await write(
      sql,
      'update intent set refunded = refunded + ? where id = ? and refunded + ? <= amount_received',
      [taken, intentId, taken],
    );
    if (found !== 1 || taken <= 0) throw new ApiError(400, 'charge_already_refunded', 'This is more than is left.');
    const id = randomId('dp');
    const now = new Date();
    await insertRows(sql, 'dispute', [
      {
        id,
        intent_id: intentId,
        amount: taken,
        currency: intent.currency,
        status: 'needs_response',
        reason,
        due_by: new Date(now.getTime() + evidenceDays * 86_400_000),
        created_at: now,
      },
    ]);
    const dispute = await findDispute(sql, id);
    await oweWebhook(sql, { intentId, type: 'charge.dispute.created', object: dispute });
    return dispute;
  });
}

function closeDispute(db: Database, { dispute: id, as }: { dispute: string; as: 'won' | 'lost' }): Promise<unknown> {
  return db.transaction(async (sql) => {
    const { payment_intent: intentId, amount } = await findDispute(sql, id);
    await lockIntent(sql, intentId);
    // What was lost can still be won, on appeal.
    const found = await write(
      sql,
      "update dispute set status = ?, won_at = if(? = 'won', utc_timestamp(3), null) where id = ? and (status = 'needs_response' or (status = 'lost' and ? = 'won'))",
      [as, as, id, as],
    );
    if (found === 1 && as === 'won')
      await run(sql, 'update intent set refunded = refunded - ? where id = ?', [amount, intentId]);
    const dispute = await findDispute(sql, id);
    if (found === 1) await oweWebhook(sql, { intentId, type: 'charge.dispute.closed', object: dispute });
    return dispute;
  });
}
