import { z } from 'zod';
import type { Database } from '../../shared/database/database.ts';
import { findOverdueHolds, updateIntent } from './intent-store.ts';
import { ApiError, type IntentJson, callOff, charge, intentJson, lockIntent, maxAmount, told } from './intents.ts';
import { behaviourOf, oweWebhook } from './webhooks.ts';

/** The body that `POST /v1/payment_intents/:id/capture` takes; without an amount all that is held. */
export const captureBody = z.strictObject({ amount_to_capture: z.number().int().min(1).max(maxAmount).optional() });

const expiryBatch = 100;

/** Takes held money, all or a part; the rest is let go. The same again is a success. */
export function captureIntent(db: Database, id: string, body: z.infer<typeof captureBody>): Promise<IntentJson> {
  return db.transaction(async (sql) => {
    const intent = await lockIntent(sql, id);
    const amount = body.amount_to_capture === undefined ? intent.amount : BigInt(body.amount_to_capture);
    if (intent.status === 'succeeded' && intent.amountReceived === amount) return intentJson(intent);
    if (intent.status !== 'requires_capture') {
      throw new ApiError(400, 'payment_intent_unexpected_state', `The intent is ${intent.status} and holds no money.`);
    }
    if (amount > intent.amount) throw new ApiError(400, 'amount_too_large', 'This is more than is held.');
    const behaviour = await behaviourOf(sql, id);
    const captured = await charge(sql, intent, amount);
    await oweWebhook(sql, behaviour, { intentId: id, type: 'payment_intent.succeeded', object: told(captured) });
    return intentJson(captured);
  });
}

/** Lets go what was held too long, as banks do. */
export async function expireAuthorizations(db: Database): Promise<void> {
  while ((await expireBatch(db)) === expiryBatch);
}

async function expireBatch(db: Database): Promise<number> {
  const overdue = await findOverdueHolds(db.em(), expiryBatch);
  for (const id of overdue) {
    await db.transaction(async (sql) => {
      const intent = await lockIntent(sql, id);
      if (intent.status === 'requires_capture') await callOff(sql, intent);
      else await updateIntent(sql, { ...intent, captureBefore: null });
    });
  }
  return overdue.length;
}
