import { defineEntity, p } from '@mikro-orm/core';
import { sql } from 'kysely';
import { at, bytes, id, text } from '../database/columns.ts';
import { type TablesOf, builderFor } from '../database/tables.ts';

const OutboxRecord = defineEntity({
  name: 'OutboxRecord',
  tableName: 'outbox',
  properties: {
    id: id().primary(),
    aggregateId: id(),
    type: text<string>(64),
    traceId: p.string().columnType('char(32)'),
    data: p.json<unknown>(),
    createdAt: at(),
    publishedAt: at().nullable(),
    claimedBy: id().nullable(),
    claimedUntil: at().nullable(),
  },
});

const InboxRecord = defineEntity({
  name: 'InboxRecord',
  tableName: 'inbox',
  properties: { eventId: id().primary(), type: text<string>(64), handledAt: at() },
});

const DeadLetterRecord = defineEntity({
  name: 'DeadLetterRecord',
  tableName: 'dead_letter',
  properties: {
    eventId: id().primary(),
    service: text<string>(32),
    type: text<string>(64),
    aggregateId: id(),
    event: p.json<Readonly<Record<string, unknown>>>(),
    attempts: p.integer(),
    error: text<string>(1000),
    failedAt: at(),
    replayedAt: at().nullable(),
  },
});

const BarrierRecord = defineEntity({
  name: 'BarrierRecord',
  tableName: 'barrier',
  properties: {
    sagaId: id().primary(),
    branch: text<string>(64).primary(),
    op: text<'action' | 'compensation'>(12).primary(),
    insertedBy: text<'action' | 'compensation'>(12),
    createdAt: at(),
  },
});

const IdempotencyRecord = defineEntity({
  name: 'IdempotencyRecord',
  tableName: 'idempotency',
  properties: {
    ownerId: id().primary(),
    keyHash: bytes(32).primary(),
    operation: text<string>(64),
    inputHash: bytes(32),
    result: p.json<unknown>(),
    createdAt: at(),
  },
});

const records = [OutboxRecord, InboxRecord, DeadLetterRecord, BarrierRecord, IdempotencyRecord] as const;

/** The tables of every service, as `sharedTables` makes them. */
export type SharedRows = TablesOf<typeof records>;
export const sharedBuilder = builderFor<SharedRows>();

/** The time by the database's clock. */
export const databaseNow = sql<Date>`utc_timestamp(3)`;
