import { type Database, type Sql, select, toDate, toJson, write } from './database.ts';
import { type DomainEvent, eventPartitions, partitionOf, streamOf } from './events.ts';
import { idFromBytes, idToBytes, newId } from './ids.ts';
import { type Loop, startLoop } from './loop.ts';
import type { Redis } from './redis.ts';
import type { Logger, Metrics } from './telemetry.ts';

const batchSize = 200;
const claimSeconds = 15;
const pollMs = 1_000;
const streamMaxLength = 200_000;
/** Published rows are kept this long, so that they can be published again when Redis has lost everything. */
export const outboxRetentionHours = 48;

export type Relay = Loop;

/**
 * Publishes outbox rows to Redis Streams, at least once and roughly in order; consumers drop repetitions by their inbox.
 * Rows are claimed by a conditional UPDATE with owner and lease on the database's clock, so relays may run side by side.
 * `kick()` after a commit publishes at once; the poll is the net under it.
 *
 * A marker key in Redis tells whether Redis still has what was published. When it is gone, every retained row is published again.
 */
export function startOutboxRelay(deps: {
  service: string;
  db: Database;
  redis: Redis;
  log: Logger;
  metrics: Metrics;
}): Relay {
  const owner = idToBytes(newId());
  const marker = `events:${deps.service}:marker`;

  async function republishAfterLoss(sql: Sql): Promise<void> {
    if ((await deps.redis.get(marker)) !== null) return;
    const found = await write(
      sql,
      'update outbox set published_at = null, claimed_by = null, claimed_until = null where published_at > utc_timestamp(3) - interval ? hour',
      [outboxRetentionHours],
    );
    await deps.redis.set(marker, new Date().toISOString());
    if (found > 0)
      deps.log.warn({ events: found }, 'Redis had lost the event streams: publishing the retained events again');
  }

  async function publishBatch(sql: Sql): Promise<number> {
    const claimed = await write(
      sql,
      `update outbox set claimed_by = ?, claimed_until = utc_timestamp(3) + interval ${claimSeconds} second
       where published_at is null and (claimed_until is null or claimed_until < utc_timestamp(3)) order by id limit ${batchSize}`,
      [owner],
    );
    if (claimed === 0) return 0;
    const rows = await select(
      sql,
      'select id, aggregate_id, type, trace_id, data, created_at from outbox where claimed_by = ? and published_at is null order by id',
      [owner],
    );
    const batch = deps.redis.multi();
    for (const row of rows) {
      const event: DomainEvent = {
        id: idFromBytes(row['id'] as Buffer),
        type: String(row['type']),
        aggregateId: idFromBytes(row['aggregate_id'] as Buffer),
        traceId: String(row['trace_id']),
        at: (toDate(row['created_at']) as Date).toISOString(),
        data: toJson(row['data']),
      };
      batch.xAdd(
        streamOf(deps.service, partitionOf(event.aggregateId)),
        '*',
        { event: JSON.stringify(event) },
        { TRIM: { strategy: 'MAXLEN', strategyModifier: '~', threshold: streamMaxLength } },
      );
      deps.metrics.events.inc({ service: deps.service, type: event.type, outcome: 'published' });
    }
    await batch.exec();
    await write(
      sql,
      'update outbox set published_at = utc_timestamp(3) where claimed_by = ? and published_at is null',
      [owner],
    );
    return rows.length;
  }

  return startLoop({
    name: `${deps.service} outbox relay`,
    everyMs: pollMs,
    log: deps.log,
    async turn() {
      const sql = deps.db.em();
      await republishAfterLoss(sql);
      while ((await publishBatch(sql)) === batchSize);
    },
  });
}

/** Deletes rows published before the retention; returns how many. Bounded per call. */
export const purgeOutbox = (sql: Sql): Promise<number> =>
  write(sql, 'delete from outbox where published_at < utc_timestamp(3) - interval ? hour limit 5000', [
    outboxRetentionHours,
  ]);

/** All streams of a service. */
export const streamsOf = (service: string): string[] =>
  Array.from({ length: eventPartitions }, (_, partition) => streamOf(service, partition));
