import { randomBytes } from 'node:crypto';
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
} from '../../shared/database/database.ts';
import { isDuplicateKey } from '../../shared/errors/errors.ts';
import { hashOf } from '../../shared/tables/idempotency.ts';
import { type CardAnswer, answerCard, authenticatedCard } from './cards.ts';
import { behaviourOf, oweWebhook } from './deliveries.ts';

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

const intentJson = (row: Row) => ({
  id: String(row['id']),
  object: 'payment_intent' as const,
  amount: Number(row['amount']),
  currency: String(row['currency']),
  status: String(row['status']),
  client_secret: String(row['client_secret']),
  metadata: toJson<Record<string, string>>(row['metadata']),
  return_url: row['return_url'] as string | null,
  card_last4: row['card_last4'] as string | null,
  capture_method: row['capture_method'] as 'automatic' | 'manual',
  amount_received: Number(row['amount_received']),
  amount_refunded: Number(row['refunded']),
  paid_at: toDate(row['paid_at'])?.toISOString() ?? null,
  last_payment_error:
    row['failure_code'] === null
      ? null
      : { code: row['failure_code'] as string, message: row['failure_message'] as string },
  created: Math.floor((toDate(row['created_at']) as Date).getTime() / 1000),
});

/** What webhooks show of an intent: everything but the secret of its page. */
export const told = ({ client_secret: _, ...intent }: IntentJson): Omit<IntentJson, 'client_secret'> => intent;

/** The intent, locked until the transaction ends; 404 for none. */
export async function lockIntent(sql: Sql, id: string): Promise<IntentJson> {
  const [row] = await select(sql, 'select * from intent where id = ? for update', [id]);
  if (!row) throw new ApiError(404, 'resource_missing', 'No such payment intent.');
  return intentJson(row);
}

/** The intent as it is now; 404 for none. */
export async function reread(sql: Sql, id: string): Promise<IntentJson> {
  const [row] = await select(sql, 'select * from intent where id = ?', [id]);
  if (!row) throw new ApiError(404, 'resource_missing', 'No such payment intent.');
  return intentJson(row);
}

export const getIntent = (db: Database, id: string): Promise<IntentJson> => reread(db.em(), id);

/** Intents that were created with an idempotency key: none or one. */
export async function findIntents(db: Database, idempotencyKey: string): Promise<{ data: IntentJson[] }> {
  const rows = await select(db.em(), 'select * from intent where idempotency_key = ?', [idempotencyKey]);
  return { data: rows.map(intentJson) };
}

/** The row of an earlier request with this key; refuses when that had other parameters. */
export async function repeated(
  db: Database,
  table: 'intent' | 'refund',
  key: string | null,
  hash: Buffer,
): Promise<Row> {
  const [row] = await select(db.em(), `select * from ${table} where idempotency_key = ?`, [key]);
  if (!row) throw new ApiError(409, 'idempotency_key_in_use', 'A request with this key is still running.');
  if (!(row['params_hash'] as Buffer).equals(hash)) {
    throw new ApiError(400, 'idempotency_error', 'This key was used with other parameters.');
  }
  return row;
}

export async function createIntent(
  db: Database,
  body: z.infer<typeof createBody>,
  idempotencyKey: string | null,
): Promise<IntentJson> {
  const hash = hashOf(body);
  const id = randomId('pi');
  try {
    await insertRows(db.em(), 'intent', [
      {
        id,
        idempotency_key: idempotencyKey,
        params_hash: hash,
        amount: body.amount,
        currency: body.currency,
        status: 'requires_payment_method',
        capture_method: body.capture_method ?? 'automatic',
        client_secret: `${id}_secret_${randomBytes(16).toString('hex')}`,
        metadata: JSON.stringify(body.metadata),
        return_url: body.return_url ?? null,
        refunded: 0,
        created_at: new Date(),
      },
    ]);
    return await reread(db.em(), id);
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    return intentJson(await repeated(db, 'intent', idempotencyKey, hash));
  }
}

/** Confirms an intent with a card: takes the money, asks for one more confirmation (`requires_action`), or declines (402). */
export async function confirmIntent(
  db: Database,
  id: string,
  { card, authentication, client_secret: shown }: z.infer<typeof confirmBody>,
  options: { authorizationSeconds: number },
): Promise<IntentJson> {
  const number = card ?? authenticatedCard;
  const answer = answerCard(number, authentication);
  if (answer.type === 'invalid') throw new ApiError(402, answer.code, answer.message);
  const intent = await db.transaction(async (sql) => {
    const before = await lockIntent(sql, id);
    requireConfirmable(before, shown, card === undefined);
    if (answer.type === 'succeeded' && (await behaviourOf(sql, id)).slow)
      return sendOnItsWay(sql, before, number.slice(-4));
    const held = answer.type === 'succeeded' && before.capture_method === 'manual';
    const heldSeconds = held ? options.authorizationSeconds : null;
    await storeAnswer(sql, before, { last4: number.slice(-4), answer, heldSeconds });
    const changed = await reread(sql, id);
    if (answer.type !== 'action') {
      const good = held ? 'payment_intent.amount_capturable_updated' : 'payment_intent.succeeded';
      const type = answer.type === 'succeeded' ? good : 'payment_intent.payment_failed';
      await oweWebhook(sql, { intentId: id, type, object: told(changed) });
    }
    return changed;
  });
  if (answer.type === 'declined') throw new ApiError(402, answer.code, answer.message, intent);
  return intent;
}

/** The money is on its way, as by a bank's debit. */
async function sendOnItsWay(sql: Sql, { id }: IntentJson, last4: string): Promise<IntentJson> {
  await run(sql, "update intent set status = 'processing', card_last4 = ? where id = ?", [last4, id]);
  const changed = await reread(sql, id);
  await oweWebhook(sql, { intentId: id, type: 'payment_intent.processing', object: told(changed) });
  return changed;
}

/** Test control: what was on its way has come, or never will. Another end of one that has ended changes nothing. */
export function finishIntent(db: Database, id: string, as: 'succeeded' | 'failed'): Promise<void> {
  return db.transaction(async (sql) => {
    const intent = await lockIntent(sql, id);
    if (intent.status !== 'processing') return;
    const answer = { type: as === 'succeeded' ? as : 'declined', code: 'debit_not_authorized', message: 'The bank refused the debit.' } as const; // prettier-ignore
    await storeAnswer(sql, intent, { last4: intent.card_last4 ?? '', answer, heldSeconds: null });
    const type = as === 'succeeded' ? 'payment_intent.succeeded' : 'payment_intent.payment_failed';
    await oweWebhook(sql, { intentId: id, type, object: told(await reread(sql, id)) });
  });
}

function requireConfirmable(
  { status, client_secret: secret }: IntentJson,
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

async function storeAnswer(sql: Sql, intent: IntentJson, { last4, answer, heldSeconds }: Stored): Promise<void> {
  const status = {
    succeeded: heldSeconds === null ? 'succeeded' : 'requires_capture',
    action: 'requires_action',
    declined: 'requires_payment_method',
    invalid: intent.status,
  }[answer.type];
  const [code, message] = answer.type === 'declined' ? [answer.code, answer.message] : [null, null];
  await run(
    sql,
    'update intent set status = ?, card_last4 = ?, failure_code = ?, failure_message = ?, capture_before = utc_timestamp(3) + interval ? second where id = ?',
    [status, last4, code, message, heldSeconds, intent.id],
  );
  if (answer.type === 'succeeded' && heldSeconds === null) await charge(sql, intent, intent.amount);
}

/** Takes the money. */
export async function charge(
  sql: Sql,
  { id, currency, metadata: about }: Pick<IntentJson, 'id' | 'currency' | 'metadata'>,
  amount: number,
): Promise<void> {
  await run(
    sql,
    "update intent set status = 'succeeded', amount_received = ?, capture_before = null, paid_at = utc_timestamp(3) where id = ?",
    [amount, id],
  );
  await insertRows(sql, 'charge', [
    {
      id: randomId('ch'),
      intent_id: id,
      amount,
      currency,
      metadata: JSON.stringify(about),
      created_at: new Date(),
    },
  ]);
}

/** Calls an intent off; a success again for one that was, a 400 for one that was paid. */
export function cancelIntent(db: Database, id: string): Promise<IntentJson> {
  return db.transaction(async (sql) => {
    const { status } = await lockIntent(sql, id);
    if (status === 'succeeded' || status === 'processing')
      throw new ApiError(400, 'payment_intent_unexpected_state', `The intent is ${status} and can't be canceled.`);
    if (status !== 'canceled') await callOff(sql, id);
    return reread(sql, id);
  });
}

/** Ends an intent, letting go what it may hold. */
export async function callOff(sql: Sql, id: string): Promise<void> {
  await run(sql, "update intent set status = 'canceled', capture_before = null where id = ?", [id]);
  await oweWebhook(sql, { intentId: id, type: 'payment_intent.canceled', object: told(await reread(sql, id)) });
}

const maxJournalRows = 1_000;

/** The provider's own truth: every charge and refund, oldest first, at most 1,000; `after` is the last `id` of the page before. */
export async function readJournal(db: Database, after: string | null): Promise<{ data: unknown[]; has_more: boolean }> {
  const rows = await select(
    db.em(),
    `select * from (
       select 'charge' as type, id, intent_id, amount, currency, metadata, created_at from charge
       union all select 'refund' as type, id, intent_id, amount, currency, metadata, created_at from refund where status = 'succeeded'
     ) as entry where ? is null or (created_at, id) > (select created_at, id from (select id, created_at from charge union all select id, created_at from refund) as earlier where id = ?)
     order by created_at, id limit ${maxJournalRows + 1}`,
    [after, after],
  );
  const data = rows.slice(0, maxJournalRows).map((row) => ({
    id: row['id'],
    type: row['type'],
    payment_intent: row['intent_id'],
    amount: Number(row['amount']),
    currency: row['currency'],
    metadata: toJson(row['metadata']),
    created_at: (toDate(row['created_at']) as Date).toISOString(),
  }));
  return { data, has_more: rows.length > maxJournalRows };
}
