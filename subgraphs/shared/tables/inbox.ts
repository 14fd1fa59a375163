import type { Sql } from '../database/database.ts';
import { change, find } from '../database/tables.ts';
import { idFromBytes, idToBytes } from '../values/ids.ts';
import type { DomainEvent } from './outbox.ts';
import { databaseNow, sharedBuilder } from './records.ts';

/** Notes events as handled, in the transaction that handles them. One statement; error 1062 where one was handled before. */
export async function enterInbox(tx: Sql, events: readonly DomainEvent[]): Promise<void> {
  const rows = events.map(({ id, type }) => ({ event_id: idToBytes(id), type, handled_at: databaseNow }));
  await change(tx, sharedBuilder.insertInto('inbox').values(rows), 'any');
}

/** Those of the events that were handled before. */
export async function handledOf(sql: Sql, eventIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (eventIds.length === 0) return new Set();
  const rows = await find(
    sql,
    sharedBuilder.selectFrom('inbox').select('event_id').where('event_id', 'in', eventIds.map(idToBytes)),
  );
  return new Set(rows.map((row) => idFromBytes(row.event_id)));
}

const maxErrorLength = 1000;

/** Puts an event that can't be handled among the dead letters; one that is there already fails once more. */
export async function bury(
  sql: Sql,
  service: string,
  event: DomainEvent,
  attempts: number,
  error: Error,
): Promise<void> {
  const letter = {
    event_id: idToBytes(event.id),
    service,
    type: event.type,
    aggregate_id: idToBytes(event.aggregateId),
    event: JSON.stringify(event),
    attempts,
    error: error.message.slice(0, maxErrorLength),
    failed_at: databaseNow,
  };
  const buried = sharedBuilder
    .insertInto('dead_letter')
    .values(letter)
    .onDuplicateKeyUpdate((eb) => ({
      attempts: eb('attempts', '+', attempts),
      error: letter.error,
      failed_at: databaseNow,
      replayed_at: null,
    }));
  await change(sql, buried);
}
