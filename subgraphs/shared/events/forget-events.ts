import { type RawBuilder, sql as raw } from 'kysely';
import { type Sql, toJson } from '../database/database.ts';
import { change, find } from '../database/tables.ts';
import type { Redis } from '../process/redis.ts';
import { sharedBuilder } from '../tables/records.ts';
import type { DomainEvent } from '../tables/outbox.ts';
import { idToBytes } from '../values/ids.ts';
import { groupsOf, streamsOf } from './outbox-relay.ts';
import { isEarlier } from './stream-ids.ts';

const scanned = 1_000;
const idsAtOnce = 500;

/**
 * Takes the events of these aggregates out of a service's streams, its outbox and its dead letters. False, and not all of it
 * is done, while some have not been published, or not handled by every consumer: to be tried again.
 */
export const forgetAll = async (
  of: { readonly service: string; readonly redis: Redis },
  sql: Sql,
  aggregateIds: readonly string[],
): Promise<boolean> => (await forgetDeadLetters(sql, aggregateIds)) && (await forgetEvents(of, sql, aggregateIds));

async function forgetEvents(
  { service, redis }: { readonly service: string; readonly redis: Redis },
  sql: Sql,
  aggregateIds: readonly string[],
): Promise<boolean> {
  for (let at = 0; at < aggregateIds.length; at += idsAtOnce)
    if (await hasUnpublished(sql, aggregateIds.slice(at, at + idsAtOnce))) return false;
  const wanted = new Set(aggregateIds);
  let isDone = true;
  for (const stream of streamsOf(service)) if (!(await forgetEntries(redis, stream, wanted))) isDone = false;
  if (!isDone) return false;
  for (let at = 0; at < aggregateIds.length; at += idsAtOnce) {
    const ids = aggregateIds.slice(at, at + idsAtOnce).map(idToBytes);
    await change(sql, sharedBuilder.deleteFrom('outbox').where('aggregate_id', 'in', ids), 'any');
  }
  return true;
}

/** False where some are not replayed. */
async function forgetDeadLetters(sql: Sql, aggregateIds: readonly string[]): Promise<boolean> {
  let isDone = true;
  for (let at = 0; at < aggregateIds.length; at += idsAtOnce) {
    const ids = aggregateIds.slice(at, at + idsAtOnce).map(idToBytes);
    if (!(await forgetLetters(sql, raw<boolean>`aggregate_id in (${raw.join(ids)})`))) isDone = false;
  }
  return isDone;
}

/**
 * Takes the dead letters about a person out of a service that consumes events of orders, and knows neither their ids nor that
 * there are any. False while some are not replayed: to be tried again. Letters are few, so all are read.
 */
export const forgetLettersOf = (sql: Sql, customerId: string): Promise<boolean> =>
  forgetLetters(sql, raw<boolean>`json_unquote(json_extract(event, '$.data.customerId')) = ${customerId}`);

async function forgetLetters(sql: Sql, which: RawBuilder<boolean>): Promise<boolean> {
  const letters = sharedBuilder.deleteFrom('dead_letter').where(which).where('replayed_at', 'is not', null);
  await change(sql, letters, 'any');
  const left = sharedBuilder.selectFrom('dead_letter').select('event_id').where(which).limit(1);
  return (await find(sql, left)).length === 0;
}

/** Deletes a person's idempotency keys: their hashes are of what the person sent. */
export const forgetKeys = (sql: Sql, ownerId: string): Promise<number> =>
  change(sql, sharedBuilder.deleteFrom('idempotency').where('owner_id', '=', idToBytes(ownerId)), 'any');

async function hasUnpublished(sql: Sql, aggregateIds: readonly string[]): Promise<boolean> {
  const rows = sharedBuilder.selectFrom('outbox').select('id').where('aggregate_id', 'in', aggregateIds.map(idToBytes));
  return (await find(sql, rows.where('published_at', 'is', null).limit(1))).length > 0;
}

/** The first entry that some consumer has still to handle; null for a stream that nobody reads. */
async function neededFrom(redis: Redis, stream: string): Promise<string | null> {
  const groups = (await redis.exists(stream)) === 0 ? [] : await groupsOf(redis, stream);
  let needed: string | null = null;
  for (const { name, 'last-delivered-id': lastDelivered } of groups) {
    const { firstId } = await redis.xPending(stream, name);
    const [ms, sequence] = lastDelivered.split('-');
    const next = firstId === null ? `${ms}-${Number(sequence) + 1}` : firstId;
    if (needed === null || isEarlier(next, needed)) needed = next;
  }
  return needed;
}

async function forgetEntries(redis: Redis, stream: string, wanted: ReadonlySet<string>): Promise<boolean> {
  const needed = await neededFrom(redis, stream);
  let isDone = true;
  let from = '-';
  for (;;) {
    const entries = (await redis.xRange(stream, from, '+', { COUNT: scanned })) ?? [];
    const own = entries.filter(({ message }) => isOf(message['event'], wanted)).map(({ id }) => id);
    const handled = own.filter((id) => needed === null || isEarlier(id, needed));
    if (handled.length < own.length) isDone = false;
    if (handled.length > 0) await redis.xDel(stream, handled);
    const last = entries.at(-1);
    if (!last || entries.length < scanned) return isDone;
    from = `(${last.id}`;
  }
}

const isOf = (text: string | undefined, wanted: ReadonlySet<string>): boolean =>
  text !== undefined && wanted.has(String(toJson<Partial<DomainEvent> | null>(text)?.aggregateId));
