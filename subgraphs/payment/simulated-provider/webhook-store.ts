import { sql as expression } from 'kysely';
import { readerOf } from '../../shared/database/reader.ts';
import { type Sql, select } from '../../shared/database/statements.ts';
import { change, find, prepare } from '../../shared/database/tables.ts';
import type { DueIn } from '../../shared/process/due-work.ts';
import { databaseNow } from '../../shared/tables/records.ts';
import { BehaviourRecord, type BehaviourRow, OwedWebhookRecord, type OwedWebhookRow } from './records.ts';
import { insert, tables } from './tables.ts';

const behaviourFrom = readerOf(BehaviourRecord);
const webhookOf = readerOf(OwedWebhookRecord);

const behaviours = prepare<{ intent: string; every: string }>()((param) =>
  tables.selectFrom('behaviour').selectAll().where('intent_id', 'in', [param.intent, param.every]),
);

/** What was asked for these two, in any order. */
export const findBehaviours = async (sql: Sql, intent: string, every: string): Promise<BehaviourRow[]> =>
  (await find(sql, behaviours, { intent, every })).map(behaviourFrom);

export const saveBehaviour = async (sql: Sql, { intentId, ...behaviour }: BehaviourRow): Promise<void> => {
  const values = {
    duplicates: behaviour.duplicates,
    delay_ms: behaviour.delayMs,
    reorder: behaviour.reorder,
    dropped: behaviour.dropped,
    refunds: behaviour.refunds,
    slow: behaviour.slow,
  };
  const saved = tables
    .insertInto('behaviour')
    .values({ intent_id: intentId, ...values })
    .onDuplicateKeyUpdate(values);
  await change(sql, saved, 'any');
};

export const insertWebhook = (sql: Sql, webhook: OwedWebhookRow): Promise<void> =>
  insert(sql, 'webhook', [
    {
      id: webhook.id,
      intent_id: webhook.intentId,
      type: webhook.type,
      body: webhook.body,
      copies: webhook.copies,
      created_at: webhook.createdAt,
      due_at: webhook.dueAt ?? null,
      attempts: webhook.attempts,
    },
  ]);

/** Has events of an intent that wait go at `dueAt`. */
export const holdBack = async (sql: Sql, intentId: string, dueAt: Date): Promise<void> => {
  const held = tables
    .updateTable('webhook')
    .set({ due_at: dueAt })
    .where('intent_id', '=', intentId)
    .where('delivered_at', 'is', null)
    .where('due_at', 'is not', null);
  await change(sql, held, 'any');
};

/** Has all that waits go now. */
export const hurryWebhooks = async (sql: Sql): Promise<void> => {
  await change(sql, tables.updateTable('webhook').set({ due_at: databaseNow }).where('due_at', 'is not', null), 'any');
};

/** Has all events of an intent, or of all, go again. */
export const resendWebhooks = async (sql: Sql, intentId: string | undefined): Promise<void> => {
  const all = tables.updateTable('webhook').set({ due_at: databaseNow, delivered_at: null, attempts: 0 });
  await change(sql, intentId === undefined ? all : all.where('intent_id', '=', intentId), 'any');
};

/** How many events wait to be delivered, dropped ones not counted. */
export async function countOwed(sql: Sql): Promise<number> {
  const owed = tables
    .selectFrom('webhook')
    .select(expression<string>`count(*)`.as('owed'))
    .where('due_at', 'is not', null);
  return Number((await find(sql, owed))[0]?.owed);
}

export type DueWebhook = Pick<OwedWebhookRow, 'id' | 'type' | 'body' | 'copies' | 'attempts'>;

const due = prepare<{ limit: number }>()((param) =>
  tables
    .selectFrom('webhook')
    .select(['id', 'type', 'body', 'copies', 'attempts'])
    .where('due_at', '<=', databaseNow)
    .orderBy('due_at')
    .limit(param.limit),
);

export const findDueWebhooks = async (sql: Sql, limit: number): Promise<DueWebhook[]> =>
  (await find(sql, due, { limit })).map(webhookOf);

const lease = prepare<{ id: string; seconds: number }>()((param) =>
  tables
    .updateTable('webhook')
    .set((eb) => ({
      due_at: expression<Date>`utc_timestamp(3) + interval ${param.seconds} second`,
      attempts: eb('attempts', '+', 1),
    }))
    .where('id', '=', param.id)
    .where('due_at', '<=', databaseNow),
);

/** Takes a due event for this process for so long; false when another was faster. */
export const leaseWebhook = async (sql: Sql, id: string, seconds: number): Promise<boolean> =>
  (await change(sql, lease, { id, seconds })) === 1;

/** Notes events as taken, with what the merchant answered. One statement. */
export const storeDelivered = async (sql: Sql, ids: readonly string[], status: string): Promise<void> => {
  const delivered = tables
    .updateTable('webhook')
    .set({ delivered_at: databaseNow, due_at: null, last_status: status })
    .where('id', 'in', ids);
  await change(sql, delivered, 'any');
};

/** It goes again after the delay. */
export const storeUndelivered = async (
  sql: Sql,
  id: string,
  { delayMs, status }: { delayMs: number; status: string },
): Promise<void> => {
  const later = expression<Date>`utc_timestamp(3) + interval ${delayMs * 1_000} microsecond`;
  await change(
    sql,
    tables.updateTable('webhook').set({ due_at: later, last_status: status }).where('id', '=', id),
    'any',
  );
};

/** In how many milliseconds the first webhook is to be sent, and the first money held to be let go. One statement. */
export async function findDueTimes(sql: Sql): Promise<DueIn<'deliveries' | 'authorizations'>> {
  const [row] = await select(
    sql,
    `select timestampdiff(microsecond, utc_timestamp(3), (select min(due_at) from webhook where due_at is not null)) as deliveries,
       timestampdiff(microsecond, utc_timestamp(3), (select min(capture_before) from intent where capture_before is not null)) as authorizations`,
  );
  const dueIn = (microseconds: unknown): number | null => (microseconds === null ? null : Number(microseconds) / 1_000);
  return { deliveries: dueIn(row?.['deliveries']), authorizations: dueIn(row?.['authorizations']) };
}
