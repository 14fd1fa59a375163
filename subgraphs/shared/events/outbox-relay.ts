import { type Database, type Row, type Sql, run, select, toDate, toJson, write } from '../database/database.ts';
import { type DomainEvent, eventPartitions, partitionOf, spanIdOf, streamOf } from '../tables/outbox.ts';
import { readUnpublished } from '../tables/backlog-store.ts';
import { idFromBytes, idToBytes, newId } from '../values/ids.ts';
import { openHandledMark } from './handled-mark.ts';
import { type Loop, startLoop } from '../process/loop.ts';
import { openLossCheck, outboxRetentionHours } from './outbox-loss.ts';
import { openKicks } from './pace.ts';
import type { Redis } from '../process/redis.ts';
import { isEarlier } from './stream-ids.ts';
import type { Logger, Metrics } from '../process/telemetry.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { type Time, realTime } from '../time/time.ts';

const batchSize = 200;
const claimSeconds = 15;
/** How often it is looked whether Redis has lost what was published. */
const pollMs = 1_000;
/** The net under kicks: a process that dies between its commit and its kick leaves rows that this finds. */
const sweepMs = 15_000;
const trimEveryMs = 60_000;
/** How often it is looked whether all consumers have handled what was published, until they have. */
const handledEveryMs = 15_000;

export type Relay = Loop & {
  /** Has what was committed published together with what comes next, or in a tenth of a second. */
  kickSoon(): void;
};

/**
 * Publishes outbox rows to Redis Streams, at least once and roughly in order; consumers drop repetitions by their inbox.
 * Rows are claimed by a conditional UPDATE with owner and lease on the database's clock, so relays may run side by side.
 * Turns follow one another, so what this relay still holds is of a turn that failed: the next takes it again at once.
 * `kick()` after a commit publishes at once, or together with what comes soon after the last time (`pace.ts`); a sweep is the net under it. What Redis has lost goes out again within a
 * second or two (`openLossCheck`). While nothing is published, the database is asked by the sweep alone.
 */
export function startOutboxRelay(deps: {
  service: string;
  db: Database;
  redis: Redis;
  log: Logger;
  metrics: Metrics;
  time?: Time;
}): Relay {
  const { time = realTime } = deps;
  const owner = idToBytes(newId());
  /** What earlier processes have published is looked after, too. */
  let publishedAtMs = time.monotonicMs();
  let trimmedAtMs = time.monotonicMs();
  const published = { atMs: () => publishedAtMs };
  const handled = openHandledMark({ service: deps.service, redis: deps.redis, streams: streamsOf(deps.service), time });
  const loss = openLossCheck({ ...deps, time, handled, published });
  let lookedAtMs = -Infinity;
  let sweptAtMs = -Infinity;
  let isDue = true;
  const kicks = openKicks({
    time,
    go() {
      isDue = true;
      loop.kick();
    },
  });
  /** A turn that failed, or a process before this one, may have left claims: they are looked for until they have ended. */
  let claimsEndAtMs = time.monotonicMs() + claimSeconds * 1_000;

  async function publishBatch(sql: Sql): Promise<number> {
    const claimed = await write(
      sql,
      `update outbox set claimed_by = ?, claimed_until = utc_timestamp(3) + interval ${claimSeconds} second
       where published_at is null and (claimed_until is null or claimed_until < utc_timestamp(3) or claimed_by = ?) order by id limit ${batchSize}`,
      [owner, owner],
    );
    if (claimed === 0) return 0;
    const rows = await select(
      sql,
      'select id, aggregate_id, type, trace_id, data, created_at from outbox where claimed_by = ? and published_at is null order by id',
      [owner],
    );
    const batch = deps.redis.multi();
    for (const row of rows) {
      const event = eventOf(row);
      batch.xAdd(streamOf(deps.service, partitionOf(event.aggregateId)), '*', { event: JSON.stringify(event) });
      deps.metrics.events.inc({ service: deps.service, type: event.type, outcome: 'published' });
    }
    await batch.exec();
    if (deps.metrics.tracing) for (const row of rows) noteSent(deps.metrics.tracing, deps.service, eventOf(row));
    await run(sql, 'update outbox set published_at = utc_timestamp(3) where claimed_by = ? and published_at is null', [
      owner,
    ]);
    publishedAtMs = time.monotonicMs();
    return rows.length;
  }

  async function turn(): Promise<void> {
    const sql = deps.db.em();
    if (await loss.republish(sql)) isDue = true;
    const nowMs = time.monotonicMs();
    const restMs = nowMs < claimsEndAtMs + pollMs ? 0 : sweepMs;
    if (isDue || nowMs - sweptAtMs > restMs) {
      isDue = false;
      kicks.begun();
      try {
        while ((await publishBatch(sql)) === batchSize);
      } catch (error) {
        isDue = true;
        claimsEndAtMs = time.monotonicMs() + claimSeconds * 1_000;
        throw error;
      }
      sweptAtMs = time.monotonicMs();
    }
    if (handled.settledAtMs() < publishedAtMs && time.monotonicMs() - lookedAtMs > handledEveryMs) {
      lookedAtMs = time.monotonicMs();
      await handled.moveOn(sql, loss.isWhole);
    }
    if (time.monotonicMs() - trimmedAtMs < trimEveryMs) return;
    trimmedAtMs = time.monotonicMs();
    for (const stream of streamsOf(deps.service)) await trimStream(deps.redis, stream);
  }
  const { service } = deps;
  const unwatch = deps.metrics.backlog.watch(async () => {
    const { count, oldestSeconds } = await readUnpublished(deps.db.em());
    return [
      { name: 'outbox_unpublished', labels: { service }, value: count },
      { name: 'outbox_oldest_unpublished_seconds', labels: { service }, value: oldestSeconds },
    ];
  });
  const loop = startLoop({ name: `${service} outbox relay`, everyMs: pollMs, log: deps.log, time, turn });
  return {
    kick: kicks.kick,
    kickSoon: kicks.kickSoon,
    stop() {
      unwatch();
      if (kicks.stop()) {
        isDue = true;
        loop.kick();
      }
      return loop.stop();
    },
  };
}

/** From the commit that wrote the event until it was in Redis: the span that whoever handles it has as its parent. */
function noteSent(tracing: Tracing, service: string, { id, type, traceId, at }: DomainEvent): void {
  const startMs = performance.now() - Math.max(0, Date.now() - Date.parse(at));
  const attributes = { 'messaging.system': 'redis', 'messaging.message.id': id };
  tracing.begin({ service, name: `send ${type}`, kind: 'producer', traceId, spanId: spanIdOf(id), startMs, attributes }).end(); // prettier-ignore
}

const eventOf = (row: Row): DomainEvent => ({
  id: idFromBytes(row['id'] as Buffer),
  type: String(row['type']),
  aggregateId: idFromBytes(row['aggregate_id'] as Buffer),
  traceId: String(row['trace_id']),
  at: (toDate(row['created_at']) as Date).toISOString(),
  data: toJson(row['data']),
});

/** Entries are kept at least this long, for a group that is only about to be made. */
const minStreamAgeMs = 3_600_000;

/**
 * Removes what every consumer group has handled and acknowledged, and nothing else: a group that is away for long loses
 * no event, however many come. A stream without a group is left alone. Returns how many entries went.
 */
export async function trimStream(redis: Redis, stream: string, minAgeMs: number = minStreamAgeMs): Promise<number> {
  const groups = (await redis.exists(stream)) === 0 ? [] : await groupsOf(redis, stream);
  if (groups.length === 0) return 0;
  const needed: string[] = [];
  for (const { name, 'last-delivered-id': lastDelivered } of groups) {
    const { firstId } = await redis.xPending(stream, name);
    needed.push(firstId ?? lastDelivered);
  }
  const oldest = needed.map(String).reduce((one, other) => (isEarlier(other, one) ? other : one));
  const [seconds, microseconds] = await redis.time();
  const ageLimit = `${Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000) - minAgeMs}-0`;
  return redis.xTrim(stream, 'MINID', isEarlier(ageLimit, oldest) ? ageLimit : oldest);
}

/** Redis may lose the stream just when it is looked at. */
export const groupsOf = (redis: Redis, stream: string) =>
  redis.xInfoGroups(stream).catch((error: Error) => {
    if (error.message.includes('no such key')) return [];
    throw error;
  });

/** Deletes rows published before the retention; returns how many. Bounded per call. */
export const purgeOutbox = (sql: Sql): Promise<number> =>
  write(sql, 'delete from outbox where published_at < utc_timestamp(3) - interval ? hour limit 5000', [
    outboxRetentionHours,
  ]);

/** All streams of a service. */
export const streamsOf = (service: string): string[] =>
  Array.from({ length: eventPartitions }, (_, partition) => streamOf(service, partition));
