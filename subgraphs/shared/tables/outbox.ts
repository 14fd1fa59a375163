import type { Sql } from '../database/database.ts';
import { inserterFor } from '../database/tables.ts';
import { idToBytes } from '../values/ids.ts';
import type { SharedRows } from './records.ts';

/** A fact that other subgraphs may act on. `aggregateId` partitions the stream, e.g. the order's id. */
export type DomainEvent = {
  readonly id: string;
  /** Past tense with the owner, e.g. `order.paid`. */
  readonly type: string;
  readonly aggregateId: string;
  readonly traceId: string;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
};

export const eventPartitions = 4;

/** The stream of one partition of a service's events. */
export const streamOf = (service: string, partition: number): string => `events:${service}:${partition}`;

/** Equal for equal aggregates: the last bits of a UUIDv7 are random. */
export const partitionOf = (aggregateId: string): number =>
  Number.parseInt(aggregateId.slice(-4), 16) % eventPartitions;

/** The id of the span that stands for an event's way to its consumers: the last half of a UUIDv7 is random. */
export const spanIdOf = (eventId: string): string => eventId.replaceAll('-', '').slice(-16);

const insert = inserterFor<SharedRows>();

/** Writes events into the outbox, in the transaction of the change that they tell of. One statement. */
export async function appendOutbox(tx: Sql, events: readonly DomainEvent[]): Promise<void> {
  await insert(
    tx,
    'outbox',
    events.map((event) => ({
      id: idToBytes(event.id),
      aggregate_id: idToBytes(event.aggregateId),
      type: event.type,
      trace_id: event.traceId,
      data: JSON.stringify(event.data),
      created_at: new Date(event.at),
    })),
  );
}

/** DDL of the tables that this folder's code needs in every schema that uses it; run by that schema's first migration. */
export const sharedTables: Readonly<
  Record<'outbox' | 'outboxMark' | 'inbox' | 'barrier' | 'idempotency', readonly string[]>
> = {
  outbox: [
    `create table if not exists outbox (
      id binary(16) not null primary key, aggregate_id binary(16) not null, type varchar(64) not null, trace_id char(32) not null,
      data json not null, created_at datetime(3) not null, published_at datetime(3) null,
      claimed_by binary(16) null, claimed_until datetime(3) null,
      index outbox_due (published_at, id), index outbox_claim (claimed_by, published_at)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`,
  ],
  outboxMark: [
    `create table if not exists outbox_mark (service varchar(32) not null primary key, handled_at datetime(3) not null, consumers json not null)
      engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`,
  ],
  inbox: [
    `create table if not exists inbox (event_id binary(16) not null primary key, type varchar(64) not null, handled_at datetime(3) not null, index inbox_age (handled_at))
      engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`,
    `create table if not exists dead_letter (
      event_id binary(16) not null primary key, service varchar(32) not null, type varchar(64) not null, aggregate_id binary(16) not null,
      event json not null, attempts int not null, error varchar(1000) not null, failed_at datetime(3) not null, replayed_at datetime(3) null,
      index dead_letter_age (failed_at)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`,
  ],
  barrier: [
    `create table if not exists barrier (
      saga_id binary(16) not null, branch varchar(64) not null, op enum('action','compensation') not null,
      inserted_by enum('action','compensation') not null, created_at datetime(3) not null, primary key (saga_id, branch, op), index barrier_age (created_at)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`,
  ],
  idempotency: [
    `create table if not exists idempotency (
      owner_id binary(16) not null, key_hash binary(32) not null, operation varchar(64) not null, input_hash binary(32) not null,
      result json not null, created_at datetime(3) not null, primary key (owner_id, key_hash), index idempotency_age (created_at)
    ) engine = InnoDB default character set utf8mb4 collate utf8mb4_bin`,
  ],
};
