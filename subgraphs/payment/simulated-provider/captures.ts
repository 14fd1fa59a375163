import { z } from 'zod';
import { type Database, select, write } from '../../shared/database/database.ts';
import { oweWebhook } from './deliveries.ts';
import { ApiError, type IntentJson, callOff, charge, lockIntent, maxAmount, reread, told } from './intents.ts';

/** The body that `POST /v1/payment_intents/:id/capture` takes; without an amount all that is held. */
export const captureBody = z.strictObject({ amount_to_capture: z.number().int().min(1).max(maxAmount).optional() });

const expiryBatch = 100;

/** Takes held money, all or a part; the rest is let go. The same again is a success. */
export function captureIntent(db: Database, id: string, body: z.infer<typeof captureBody>): Promise<IntentJson> {
  return db.transaction(async (sql) => {
    const intent = await lockIntent(sql, id);
    const amount = body.amount_to_capture ?? intent.amount;
    if (intent.status === 'succeeded' && intent.amount_received === amount) return intent;
    if (intent.status !== 'requires_capture') {
      throw new ApiError(400, 'payment_intent_unexpected_state', `The intent is ${intent.status} and holds no money.`);
    }
    if (amount > intent.amount) throw new ApiError(400, 'amount_too_large', 'This is more than is held.');
    await charge(sql, intent, amount);
    const captured = await reread(sql, id);
    await oweWebhook(sql, { intentId: id, type: 'payment_intent.succeeded', object: told(captured) });
    return captured;
  });
}

/** Lets go what was held too long, as banks do. */
export async function expireAuthorizations(db: Database): Promise<void> {
  while ((await expireBatch(db)) === expiryBatch);
}

async function expireBatch(db: Database): Promise<number> {
  const rows = await select(
    db.em(),
    `select id from intent where capture_before <= utc_timestamp(3) limit ${expiryBatch}`,
  );
  for (const row of rows) {
    const id = String(row['id']);
    await db.transaction(async (sql) => {
      if ((await lockIntent(sql, id)).status === 'requires_capture') await callOff(sql, id);
      else await write(sql, 'update intent set capture_before = null where id = ?', [id]);
    });
  }
  return rows.length;
}
