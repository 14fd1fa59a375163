import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Database, Sql } from '../../shared/database/database.ts';
import { isDuplicateKey } from '../../shared/errors/errors.ts';
import { hashOf } from '../../shared/tables/idempotency.ts';
import { type CardAnswer, answerCard, authenticatedCard } from './cards.ts';
import * as store from './intent-store.ts';
import { findMovements } from './movement-store.ts';
import type { IntentRow, IntentStatus } from './records.ts';
import type { DueWebhook } from './webhook-store.ts';
import { behaviourOf, oweWebhook } from './webhooks.ts';

/** An answer that is no success, in the shape of Stripe's errors. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  /** The intent as it is afterwards, where the request has changed it. */
  readonly intent: IntentJson | undefined;
  constructor(status: number, code: string, message: string, intent?: IntentJson) {
    super(message);
    this.status = status;
    this.code = code;
    this.intent = intent;
  }
}

export type IntentJson = ReturnType<typeof intentJson>;

/** Of an intent or refund, in minor units. */
export const maxAmount = Number.MAX_SAFE_INTEGER;
/** What a merchant may keep with its objects. */
export const metadata = z.record(z.string().max(40), z.string().max(200)).default({});

/** Bodies that the API takes; anything else is a 400. */
export const createBody = z.strictObject({
  amount: z.number().int().min(1).max(maxAmount),
  currency: z.string().regex(/^[A-Z]{3}$/),
  metadata,
  return_url: z.string().max(2_048).optional(),
  /** `manual`: a card's money is held until `…/capture`. */
  capture_method: z.enum(['automatic', 'manual']).optional(),
});
export const confirmBody = z
  .strictObject({
    card: z.string().max(40).optional(),
    /** The holder's answer to `requires_action`; the card need not be given again with it. */
    authentication: z.enum(['confirmed', 'failed']).optional(),
    /** Short for `authentication: confirmed`. */
    confirm: z.literal(true).optional(),
    client_secret: z.string().max(96).optional(),
  })
  .transform(({ confirm, ...body }) => ({
    ...body,
    authentication: body.authentication ?? (confirm ? ('confirmed' as const) : undefined),
  }))
  .refine((body) => body.card !== undefined || body.authentication !== undefined, { error: 'card: is missing' });
/** An id in Stripe's manner. */
export const randomId = (prefix: string): string => `${prefix}_${randomBytes(16).toString('hex')}`;

/** An intent as the API shows it. */
export const intentJson = (intent: IntentRow) => ({
  id: intent.id,
  object: 'payment_intent' as const,
  amount: Number(intent.amount),
  currency: intent.currency,
  status: intent.status,
  client_secret: intent.clientSecret,
  metadata: intent.metadata,
  return_url: intent.returnUrl ?? null,
  card_last4: intent.cardLast4 ?? null,
  capture_method: intent.captureMethod,
  amount_received: Number(intent.amountReceived),
  amount_refunded: Number(intent.refunded),
  paid_at: intent.paidAt?.toISOString() ?? null,
  last_payment_error:
    intent.failureCode === null || intent.failureCode === undefined
      ? null
      : { code: intent.failureCode, message: intent.failureMessage ?? '' },
  created: Math.floor(intent.createdAt.getTime() / 1000),
});

/** What webhooks show of an intent: everything but the secret of its page. */
export function told(intent: IntentRow): Omit<IntentJson, 'client_secret'> {
  const { client_secret: _, ...shown } = intentJson(intent);
  return shown;
}

const found = <T>(row: T | undefined, what: string): T => {
  if (row === undefined) throw new ApiError(404, 'resource_missing', `No such ${what}.`);
  return row;
};

/** The intent, locked until the transaction ends; 404 for none. */
export const lockIntent = async (sql: Sql, id: string): Promise<IntentRow> =>
  found(await store.lockIntent(sql, id), 'payment intent');

/** The intent as it is now; 404 for none. */
export const findIntent = async (sql: Sql, id: string): Promise<IntentRow> =>
  found(await store.findIntent(sql, id), 'payment intent');

export const getIntent = async (db: Database, id: string): Promise<IntentJson> =>
  intentJson(await findIntent(db.em(), id));

/** Intents that were created with an idempotency key: none or one. */
export async function findIntents(db: Database, idempotencyKey: string): Promise<{ data: IntentJson[] }> {
  const intent = await store.findIntentByKey(db.em(), idempotencyKey);
  return { data: intent ? [intentJson(intent)] : [] };
}

/** What an earlier request with the same key made; refuses when that had other parameters. */
export function repeated<T extends { readonly paramsHash: Buffer }>(earlier: T | undefined, hash: Buffer): T {
  if (!earlier) throw new ApiError(409, 'idempotency_key_in_use', 'A request with this key is still running.');
  if (!earlier.paramsHash.equals(hash))
    throw new ApiError(400, 'idempotency_error', 'This key was used with other parameters.');
  return earlier;
}

export async function createIntent(
  db: Database,
  body: z.infer<typeof createBody>,
  idempotencyKey: string | null,
): Promise<IntentJson> {
  const paramsHash = hashOf(body);
  const id = randomId('pi');
  const intent: IntentRow = {
    id,
    idempotencyKey,
    paramsHash,
    amount: BigInt(body.amount),
    currency: body.currency,
    status: 'requires_payment_method',
    clientSecret: `${id}_secret_${randomBytes(16).toString('hex')}`,
    metadata: body.metadata,
    returnUrl: body.return_url ?? null,
    cardLast4: null,
    failureCode: null,
    failureMessage: null,
    refunded: 0n,
    createdAt: new Date(),
    captureMethod: body.capture_method ?? 'automatic',
    amountReceived: 0n,
    captureBefore: null,
    paidAt: null,
  };
  try {
    await store.insertIntent(db.em(), intent);
    return intentJson(intent);
  } catch (error) {
    if (!isDuplicateKey(error) || idempotencyKey === null) throw error;
    return intentJson(repeated(await store.findIntentByKey(db.em(), idempotencyKey), paramsHash));
  }
}

/** Has the event of a confirmation sent at once, which is leased for that. */
export type SendNow = { readonly leaseSeconds: number; deliver(webhook: DueWebhook): void };

/** Confirms an intent with a card: takes the money, asks for one more confirmation (`requires_action`), or declines (402). */
export async function confirmIntent(
  db: Database,
  id: string,
  { card, authentication, client_secret: shown }: z.infer<typeof confirmBody>,
  options: { authorizationSeconds: number; sendNow?: SendNow | undefined },
): Promise<IntentJson> {
  const number = card ?? authenticatedCard;
  const answer = answerCard(number, authentication);
  if (answer.type === 'invalid') throw new ApiError(402, answer.code, answer.message);
  const { sendNow } = options;
  type Confirmed = { readonly intent: IntentRow; readonly owed: DueWebhook | null };
  const { intent, owed } = await db.transaction(async (sql): Promise<Confirmed> => {
    const before = await lockIntent(sql, id);
    requireConfirmable(before, shown, card === undefined);
    const last4 = number.slice(-4);
    if (answer.type === 'action')
      return { intent: await storeAnswer(sql, before, { last4, answer, heldSeconds: null }), owed: null };
    const behaviour = await behaviourOf(sql, id);
    if (answer.type === 'succeeded' && behaviour.slow) {
      // The money is on its way, as by a bank's debit.
      const onItsWay = { ...before, status: 'processing' as const, cardLast4: last4 };
      await store.updateIntent(sql, onItsWay);
      await oweWebhook(sql, behaviour, { intentId: id, type: 'payment_intent.processing', object: told(onItsWay) });
      return { intent: onItsWay, owed: null };
    }
    const held = answer.type === 'succeeded' && before.captureMethod === 'manual';
    const heldSeconds = held ? options.authorizationSeconds : null;
    const changed = await storeAnswer(sql, before, { last4, answer, heldSeconds });
    const good = held ? 'payment_intent.amount_capturable_updated' : 'payment_intent.succeeded';
    const type = answer.type === 'succeeded' ? good : 'payment_intent.payment_failed';
    const event = { intentId: id, type, object: told(changed) };
    return { intent: changed, owed: await oweWebhook(sql, behaviour, event, sendNow?.leaseSeconds) };
  });
  if (owed) sendNow?.deliver(owed);
  if (answer.type === 'declined') throw new ApiError(402, answer.code, answer.message, intentJson(intent));
  return intentJson(intent);
}

/** Test control: what was on its way has come, or never will. Another end of one that has ended changes nothing. */
export function finishIntent(db: Database, id: string, as: 'succeeded' | 'failed'): Promise<void> {
  return db.transaction(async (sql) => {
    const intent = await lockIntent(sql, id);
    if (intent.status !== 'processing') return;
    const answer = { type: as === 'succeeded' ? as : 'declined', code: 'debit_not_authorized', message: 'The bank refused the debit.' } as const; // prettier-ignore
    const behaviour = await behaviourOf(sql, id);
    const changed = await storeAnswer(sql, intent, { last4: intent.cardLast4 ?? '', answer, heldSeconds: null });
    const type = as === 'succeeded' ? 'payment_intent.succeeded' : 'payment_intent.payment_failed';
    await oweWebhook(sql, behaviour, { intentId: id, type, object: told(changed) });
  });
}

function requireConfirmable(
  { status, clientSecret: secret }: IntentRow,
  shown: string | undefined,
  withoutCard: boolean,
): void {
  if (shown !== undefined && shown !== secret) {
    throw new ApiError(401, 'client_secret_invalid', 'The client secret is not that of this intent.');
  }
  if (status !== 'requires_action' && (status !== 'requires_payment_method' || withoutCard)) {
    throw new ApiError(400, 'payment_intent_unexpected_state', `The intent is ${status} and can't be confirmed.`);
  }
}

type Stored = { readonly last4: string; readonly answer: CardAnswer; readonly heldSeconds: number | null };

async function storeAnswer(sql: Sql, before: IntentRow, { last4, answer, heldSeconds }: Stored): Promise<IntentRow> {
  const statuses: Readonly<Record<CardAnswer['type'], IntentStatus>> = {
    succeeded: heldSeconds === null ? 'succeeded' : 'requires_capture',
    action: 'requires_action',
    declined: 'requires_payment_method',
    invalid: before.status,
  };
  const failure = answer.type === 'declined' ? answer : null;
  const answered: IntentRow = {
    ...before,
    status: statuses[answer.type],
    cardLast4: last4,
    failureCode: failure?.code ?? null,
    failureMessage: failure?.message ?? null,
    captureBefore: heldSeconds === null ? null : new Date(Date.now() + heldSeconds * 1_000),
  };
  if (answered.status === 'succeeded') return charge(sql, answered, answered.amount);
  await store.updateIntent(sql, answered);
  return answered;
}

/** Takes the money of an intent that is locked; the intent as it is then. */
export async function charge(sql: Sql, intent: IntentRow, amount: bigint): Promise<IntentRow> {
  const now = new Date();
  const paid: IntentRow = { ...intent, status: 'succeeded', amountReceived: amount, captureBefore: null, paidAt: now };
  await store.updateIntent(sql, paid);
  const { id: intentId, currency, metadata: about } = intent;
  await store.insertCharge(sql, { id: randomId('ch'), intentId, amount, currency, metadata: about, createdAt: now });
  return paid;
}

/** Calls an intent off; a success again for one that was, a 400 for one that was paid. */
export function cancelIntent(db: Database, id: string): Promise<IntentJson> {
  return db.transaction(async (sql) => {
    const intent = await lockIntent(sql, id);
    const { status } = intent;
    if (status === 'succeeded' || status === 'processing')
      throw new ApiError(400, 'payment_intent_unexpected_state', `The intent is ${status} and can't be canceled.`);
    return intentJson(status === 'canceled' ? intent : await callOff(sql, intent));
  });
}

/** Ends an intent that is locked, letting go what it may hold. */
export async function callOff(sql: Sql, intent: IntentRow): Promise<IntentRow> {
  const canceled: IntentRow = { ...intent, status: 'canceled', captureBefore: null };
  const behaviour = await behaviourOf(sql, intent.id);
  await store.updateIntent(sql, canceled);
  await oweWebhook(sql, behaviour, { intentId: intent.id, type: 'payment_intent.canceled', object: told(canceled) });
  return canceled;
}

const maxJournalRows = 1_000;

/** The provider's own truth: every charge and refund, oldest first, at most 1,000; `after` is the last `id` of the page before. */
export async function readJournal(db: Database, after: string | null): Promise<{ data: unknown[]; has_more: boolean }> {
  const rows = await findMovements(db.em(), { of: 'journal', after, limit: maxJournalRows + 1 });
  return { data: rows.slice(0, maxJournalRows), has_more: rows.length > maxJournalRows };
}
