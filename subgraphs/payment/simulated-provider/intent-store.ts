import { readerOf } from '../../shared/database/reader.ts';
import type { Sql } from '../../shared/database/statements.ts';
import { change, find, prepare } from '../../shared/database/tables.ts';
import { databaseNow } from '../../shared/tables/records.ts';
import { type ChargeRow, IntentRecord, type IntentRow } from './records.ts';
import { insert, tables } from './tables.ts';

const intentOf = readerOf(IntentRecord);

const all = () => tables.selectFrom('intent').selectAll();
const byId = prepare<{ id: string }>()((param) => all().where('id', '=', param.id));
const byIdLocked = prepare<{ id: string }>()((param) => all().where('id', '=', param.id).forUpdate());

export const findIntent = async (sql: Sql, id: string): Promise<IntentRow | undefined> =>
  (await find(sql, byId, { id })).map(intentOf)[0];

/** The intent, locked until the transaction ends. */
export const lockIntent = async (sql: Sql, id: string): Promise<IntentRow | undefined> =>
  (await find(sql, byIdLocked, { id })).map(intentOf)[0];

/** The intent that was created with this key. */
export const findIntentByKey = async (sql: Sql, key: string): Promise<IntentRow | undefined> =>
  (await find(sql, all().where('idempotency_key', '=', key))).map(intentOf)[0];

/** Ids of intents whose money has been held for too long. */
export async function findOverdueHolds(sql: Sql, limit: number): Promise<string[]> {
  const overdue = tables.selectFrom('intent').select('id').where('capture_before', '<=', databaseNow).limit(limit);
  return (await find(sql, overdue)).map(({ id }) => id);
}

const mutableOf = (intent: IntentRow) => ({
  status: intent.status,
  card_last4: intent.cardLast4 ?? null,
  failure_code: intent.failureCode ?? null,
  failure_message: intent.failureMessage ?? null,
  refunded: intent.refunded,
  amount_received: intent.amountReceived,
  capture_before: intent.captureBefore ?? null,
  paid_at: intent.paidAt ?? null,
});

/** A second one with the same key fails with a duplicate. */
export const insertIntent = (sql: Sql, intent: IntentRow): Promise<void> =>
  insert(sql, 'intent', [
    {
      id: intent.id,
      idempotency_key: intent.idempotencyKey ?? null,
      params_hash: intent.paramsHash,
      amount: intent.amount,
      currency: intent.currency,
      client_secret: intent.clientSecret,
      metadata: JSON.stringify(intent.metadata),
      return_url: intent.returnUrl ?? null,
      created_at: intent.createdAt,
      capture_method: intent.captureMethod,
      ...mutableOf(intent),
    },
  ]);

/** Stores an intent that is locked. */
export const updateIntent = async (sql: Sql, intent: IntentRow): Promise<void> => {
  await change(sql, tables.updateTable('intent').set(mutableOf(intent)).where('id', '=', intent.id), 'any');
};

/** Notes that money came in. */
export const insertCharge = (sql: Sql, charge: ChargeRow): Promise<void> =>
  insert(sql, 'charge', [
    {
      id: charge.id,
      intent_id: charge.intentId,
      amount: charge.amount,
      currency: charge.currency,
      metadata: JSON.stringify(charge.metadata),
      created_at: charge.createdAt,
    },
  ]);
