import { sql as expression } from 'kysely';
import { byId as orderById, findOfEach } from '../shared/database/find-of-each.ts';
import { readerOf } from '../shared/database/reader.ts';
import type { Sql } from '../shared/database/statements.ts';
import { change, find, prepare } from '../shared/database/tables.ts';
import { databaseNow } from '../shared/tables/records.ts';
import { idFromBytes, idToBytes } from '../shared/values/ids.ts';
import { WebhookRecord, type WebhookOutcome, type WebhookRow } from './records.ts';
import { bytesOrNull, firstOf, secondsFromNow, tables } from './tables.ts';

const webhookOf = readerOf(WebhookRecord);

/** A delivery that was received, without its body. */
export type Delivery = Pick<
  WebhookRow,
  'id' | 'provider' | 'providerEventId' | 'type' | 'outcome' | 'attempts' | 'paymentId' | 'error' | 'receivedAt' | 'processedAt'
>; // prettier-ignore
const columnsOfDelivery = [
  'id', 'provider', 'provider_event_id', 'type', 'outcome', 'attempts', 'payment_id', 'error', 'received_at', 'processed_at',
] as const; // prettier-ignore

/** A delivery to be stored. */
export type NewDelivery = {
  readonly id: string;
  readonly provider: string;
  readonly eventId: string;
  /** Its event's id is its alone: true for the first authentic delivery of each event. */
  readonly isFirst: boolean;
  readonly type: string;
  readonly signature: string;
  readonly body: string;
  readonly receivedAt: Date;
};
/** What became of a delivery. */
export type DeliveryResult = {
  readonly outcome: WebhookOutcome;
  readonly paymentId: string | null;
  readonly error: string | null;
  readonly processedAt: Date;
  /** It is applied again by the job. */
  readonly retryInSeconds: number | null;
};

type InsertParameters = {
  id: Buffer;
  provider: string;
  eventId: string;
  authenticEventId: string | null;
  type: string;
  outcome: WebhookOutcome;
  payment: Buffer | null;
  signature: string;
  body: string;
  error: string | null;
  receivedAt: Date;
  processedAt: Date;
  retryInSeconds: number | null;
};
const inserting = (param: InsertParameters) =>
  tables.insertInto('webhook_inbox').values({
    id: param.id,
    provider: param.provider,
    provider_event_id: param.eventId,
    authentic_event_id: param.authenticEventId,
    type: param.type,
    outcome: param.outcome,
    attempts: 1,
    payment_id: param.payment,
    signature: param.signature,
    body: param.body,
    error: param.error,
    received_at: param.receivedAt,
    processed_at: param.processedAt,
    next_try_at: secondsFromNow(param.retryInSeconds),
    tries: 0,
  });
const insertOne = prepare<InsertParameters>()(inserting);
const insertError = prepare<InsertParameters>()((param) =>
  inserting(param).onDuplicateKeyUpdate((eb) => ({
    attempts: eb('attempts', '+', 1),
    error: expression`values(error)`,
    processed_at: expression`values(processed_at)`,
  })),
);

const parametersOf = (given: NewDelivery, result: DeliveryResult): InsertParameters => ({
  id: idToBytes(given.id),
  provider: given.provider,
  eventId: given.eventId,
  authenticEventId: given.isFirst ? given.eventId : null,
  type: given.type,
  outcome: result.outcome,
  payment: bytesOrNull(result.paymentId),
  signature: given.signature,
  body: given.body,
  error: result.error,
  receivedAt: given.receivedAt,
  processedAt: result.processedAt,
  retryInSeconds: result.retryInSeconds,
});

/** A second first delivery of an event waits until the other's transaction is over, and fails with a duplicate of `webhook_authentic`. */
export const insertDelivery = async (sql: Sql, given: NewDelivery, result: DeliveryResult): Promise<void> => {
  await change(sql, insertOne, parametersOf(given, result), 'any');
};

/** As `insertDelivery`, for one that could not be applied; where the event was stored before, that is said of it there. */
export const insertOrUpdateError = async (sql: Sql, given: NewDelivery, result: DeliveryResult): Promise<void> => {
  await change(sql, insertError, parametersOf(given, result), 'any');
};

/** The first delivery of an event, locked. */
export const lockFirstDelivery = (sql: Sql, provider: string, eventId: string): Promise<WebhookRow | null> =>
  firstOf(
    find(
      sql,
      tables
        .selectFrom('webhook_inbox')
        .selectAll()
        .where('provider', '=', provider)
        .where('authentic_event_id', '=', eventId)
        .forUpdate(),
    ),
    webhookOf,
  );

export const lockDelivery = (sql: Sql, deliveryId: string): Promise<WebhookRow | null> =>
  firstOf(
    find(sql, tables.selectFrom('webhook_inbox').selectAll().where('id', '=', idToBytes(deliveryId)).forUpdate()),
    webhookOf,
  );

export const findDelivery = (sql: Sql, deliveryId: string): Promise<Delivery | null> =>
  firstOf(
    find(sql, tables.selectFrom('webhook_inbox').select(columnsOfDelivery).where('id', '=', idToBytes(deliveryId))),
    webhookOf,
  );

/** Newest first: those before `beforeId`, at most `limit`. */
export async function listDeliveries(
  sql: Sql,
  page: { beforeId: string | null; limit: number; outcomes: readonly WebhookOutcome[] },
): Promise<Delivery[]> {
  const { outcomes, beforeId, limit } = page;
  let query = tables.selectFrom('webhook_inbox').select(columnsOfDelivery).orderBy('id', 'desc').limit(limit);
  if (beforeId !== null) query = query.where('id', '<', idToBytes(beforeId));
  const lists = outcomes.length === 0 ? [query] : [...new Set(outcomes)].map((outcome) => query.where('outcome', '=', outcome)); // prettier-ignore
  return (await findOfEach(sql, lists, { compare: orderById(true), limit })).map(webhookOf);
}

/** Deliveries that are to be applied again now. */
export async function findDueDeliveries(
  sql: Sql,
  limit: number,
): Promise<{ readonly id: string; readonly provider: string; readonly tries: number }[]> {
  const due = tables
    .selectFrom('webhook_inbox')
    .select(['id', 'provider', 'tries'])
    .where('next_try_at', '<=', databaseNow)
    .orderBy('next_try_at')
    .limit(limit);
  return (await find(sql, due)).map(({ id, provider, tries }) => ({ id: idFromBytes(id), provider, tries }));
}

/** Takes a due delivery for this process by moving its next try, on the database's clock; false when another was faster. */
export async function claimDelivery(sql: Sql, deliveryId: string, nextInSeconds: number): Promise<boolean> {
  const claimed = tables
    .updateTable('webhook_inbox')
    .set((eb) => ({ next_try_at: secondsFromNow(nextInSeconds), tries: eb('tries', '+', 1) }))
    .where('id', '=', idToBytes(deliveryId))
    .where('next_try_at', '<=', databaseNow);
  return (await change(sql, claimed)) === 1;
}

/** One more delivery of it came, or it is applied once more. */
export const countDelivery = async (sql: Sql, deliveryId: string): Promise<void> => {
  const counted = tables
    .updateTable('webhook_inbox')
    .set((eb) => ({ attempts: eb('attempts', '+', 1) }))
    .where('id', '=', idToBytes(deliveryId));
  await change(sql, counted, 'any');
};

export const updateOutcome = async (sql: Sql, deliveryId: string, result: DeliveryResult): Promise<void> => {
  const updated = tables
    .updateTable('webhook_inbox')
    .set({
      outcome: result.outcome,
      payment_id: bytesOrNull(result.paymentId),
      error: result.error,
      processed_at: result.processedAt,
      next_try_at: secondsFromNow(result.retryInSeconds),
    })
    .where('id', '=', idToBytes(deliveryId));
  await change(sql, updated, 'any');
};

/** When it is applied again: in so many seconds while its payment is unknown, at most for so long since it came; else never. */
export const scheduleRetry = async (
  sql: Sql,
  deliveryId: string,
  { inSeconds, forHours }: { inSeconds: number; forHours: number },
): Promise<void> => {
  const next = expression<Date>`if(outcome = 'UNKNOWN_PAYMENT' and received_at > utc_timestamp(3) - interval ${forHours} hour, ${secondsFromNow(inSeconds)}, null)`;
  const scheduled = tables
    .updateTable('webhook_inbox')
    .set({ next_try_at: next })
    .where('id', '=', idToBytes(deliveryId));
  await change(sql, scheduled, 'any');
};

/** Deletes deliveries that came so many days ago, or those of some outcomes alone; how many it found, at most `limit`. */
export const deleteDeliveries = (
  sql: Sql,
  old: { days: number; limit: number; outcomes?: readonly WebhookOutcome[] },
): Promise<number> => {
  let query = tables.deleteFrom('webhook_inbox');
  if (old.outcomes) query = query.where('outcome', 'in', old.outcomes);
  const before = expression<Date>`utc_timestamp(3) - interval ${old.days} day`;
  return change(sql, query.where('received_at', '<', before).limit(old.limit));
};
