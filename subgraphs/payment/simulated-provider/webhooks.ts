import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Database, Sql } from '../../shared/database/database.ts';
import type { BehaviourRow } from './records.ts';
import * as store from './webhook-store.ts';

/** Test control: how the webhooks of one intent, or of all, misbehave. Only what is given is changed. */
export const controlBody = z.strictObject({
  intent: z.string().max(40).optional(),
  /** Sent so many times more, all at once. */
  duplicate: z.number().int().min(0).max(20).optional(),
  delayMs: z.number().int().min(0).max(3_600_000).optional(),
  /** An event is held back until the next one of its intent has gone, or for a moment. */
  reorder: z.boolean().optional(),
  /** Not sent at all, until `resend`. */
  drop: z.boolean().optional(),
  /** Sends all events of the intent again, dropped ones too. */
  resend: z.boolean().optional(),
  /** Sends at once what waits for its time or its next try. */
  hurry: z.literal(true).optional(),
  /** What becomes of refunds from now on: done, refused, or left pending until `settle`. */
  refunds: z.enum(['succeed', 'refuse', 'pend']).optional(),
  /** A good card's money is only on its way (`processing`), until `finish`. */
  slow: z.boolean().optional(),
  /** Ends an intent that is processing. */
  finish: z.strictObject({ intent: z.string().max(40), as: z.enum(['succeeded', 'failed']) }).optional(),
  /** Ends a refund: a pending one either way; one that has succeeded can still fail, as a customer's bank may send it back. */
  settle: z.strictObject({ refund: z.string().max(40), as: z.enum(['succeeded', 'failed']) }).optional(),
  /** Sends at once what the provider never said: a payment with a bad signature, an old one, or one with another amount. */
  forge: z.enum(['signature', 'timestamp', 'amount']).optional(),
});
export type Control = z.infer<typeof controlBody>;

const everyIntent = '*';
/** How long an event waits for a later one to overtake it, when reordering was asked for. */
const reorderMs = 300;

/** How the provider behaves about an intent: as it was told for that one, else for all. */
export async function behaviourOf(sql: Sql, intentId: string): Promise<BehaviourRow> {
  const told = await store.findBehaviours(sql, intentId, everyIntent);
  const good = { intentId, duplicates: 0, delayMs: 0, reorder: false, dropped: false, refunds: 'succeed', slow: false } as const; // prettier-ignore
  return told.find((one) => one.intentId === intentId) ?? told[0] ?? good;
}

/**
 * Stores an event for the merchant, in the transaction of what it tells. With `leaseSeconds` it is this process's for so long,
 * which is to send it after the commit; null where it is not to be sent at once.
 */
export async function oweWebhook(
  sql: Sql,
  { duplicates, delayMs, reorder, dropped }: BehaviourRow,
  event: { intentId: string; type: string; object: unknown },
  leaseSeconds: number | null = null,
): Promise<store.DueWebhook | null> {
  const id = `evt_${randomBytes(16).toString('hex')}`;
  const now = new Date();
  const isLeased = leaseSeconds !== null && delayMs === 0 && !reorder && !dropped;
  const waitMs = isLeased ? leaseSeconds * 1_000 : delayMs + (reorder ? reorderMs : 0);
  const dueAt = new Date(now.getTime() + waitMs);
  if (reorder) await store.holdBack(sql, event.intentId, new Date(dueAt.getTime() + reorderMs));
  const body = {
    id,
    object: 'event',
    type: event.type,
    created: Math.floor(now.getTime() / 1000),
    data: { object: event.object },
  };
  const { intentId, type } = event;
  const webhook = { id, type, body: JSON.stringify(body), copies: 1 + duplicates, attempts: isLeased ? 1 : 0 };
  const rest = { intentId, createdAt: now, dueAt: dropped ? null : dueAt, deliveredAt: null, lastStatus: null };
  await store.insertWebhook(sql, { ...webhook, ...rest });
  return isLeased ? { ...webhook, attempts: 0 } : null;
}

/** Remembers how webhooks are to misbehave. */
export async function storeControl(db: Database, control: Control): Promise<void> {
  await db.transaction(async (sql) => {
    const intentId = control.intent ?? everyIntent;
    const before = await behaviourOf(sql, intentId);
    await store.saveBehaviour(sql, {
      intentId,
      duplicates: control.duplicate ?? before.duplicates,
      delayMs: control.delayMs ?? before.delayMs,
      reorder: control.reorder ?? before.reorder,
      dropped: control.drop ?? before.dropped,
      refunds: control.refunds ?? before.refunds,
      slow: control.slow ?? before.slow,
    });
    if (control.hurry) await store.hurryWebhooks(sql);
    if (control.resend) await store.resendWebhooks(sql, control.intent);
  });
}

/** How many events wait to be delivered, dropped ones not counted. */
export const owedWebhooks = async (db: Database): Promise<{ owed: number }> => ({
  owed: await store.countOwed(db.em()),
});
