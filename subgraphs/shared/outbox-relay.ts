import { type Database, type Row, type Sql, select, toDate, toJson, write } from './database.ts';
import { type DomainEvent, eventPartitions, partitionOf, streamOf } from './events.ts';
import { idFromBytes, idToBytes, newId } from './ids.ts';
import { openHandledMark } from './handled-mark.ts';
import { type Loop, startLoop } from './loop.ts';
import type { Redis } from './redis.ts';
import { isEarlier } from './stream-ids.ts';
import type { Logger, Metrics } from './telemetry.ts';
import { type Time, realTime } from './time.ts';

const batchSize = 200;
const claimSeconds = 15;
const pollMs = 1_000;
const trimEveryMs = 60_000;
/** Published rows are kept this long, so that they can be published again when Redis has lost everything. */
export const outboxRetentionHours = 48;
/**
 * No row is published again later than this after it was written, however often Redis loses everything: well before
 * consumers forget what they have handled (`inboxRetentionDays`), as an event may wait in its stream for a while.
 */
export const maxRepublishAgeDays = 4;
/** Two days of a busy shop in one statement would take longer than a statement may. */
const republishBatch = 5_000;

/** How often the marker moves on; so much more than was lost is published again after a restart of Redis. */
const markEveryMs = 5_000;
/** A relay that has found a loss and not dealt with it for so long is one that was killed: another does. */
const holdMs = 3_000;
/** How often it is looked whether all consumers have handled what was published. */
const handledEveryMs = 15_000;

export type Relay = Loop;

/**
 * Moves the marker on to ARGV[1], if any, where it is of this run of Redis. Else something was lost: ARGV[2] holds the
 * marker's place, if given and if none does or ARGV[3] does, and the answer has the marker's time and what stands there now.
 */
const markScript = `local run = string.match(redis.call('info', 'server'), 'run_id:(%x+)')
local marker = redis.call('get', KEYS[1]) or ''
if string.sub(marker, 1, #run) ~= run then
  local since = string.match(marker, '^%S+ (%S*)') or ''
  if ARGV[2] ~= '' and (string.sub(marker, 1, 5) ~= 'lost ' or marker == ARGV[3]) then
    marker = 'lost ' .. since .. ' ' .. ARGV[2]
    redis.call('set', KEYS[1], marker)
  end
  return {run, since, marker}
end
if ARGV[1] ~= '' then redis.call('set', KEYS[1], run .. ' ' .. ARGV[1]) end
return {run}`;

/** Sets the marker to ARGV[2] where it still is ARGV[1]. */
const settleScript = `if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2])
return 1`;

const databaseTime = async (sql: Sql): Promise<string> =>
  String((await select(sql, "select date_format(utc_timestamp(3), '%Y-%m-%dT%T.%f') as at"))[0]?.['at']);

/**
 * Publishes outbox rows to Redis Streams, at least once and roughly in order; consumers drop repetitions by their inbox.
 * Rows are claimed by a conditional UPDATE with owner and lease on the database's clock, so relays may run side by side.
 * `kick()` after a commit publishes at once; the poll is the net under it.
 *
 * A marker key in Redis tells whether Redis still has what was published: the server's run id, and a time up to which all
 * published events were in Redis when the marker was written. Another run id means a restart or a failover, which may have
 * lost the last writes: what was published since that time goes out again. Without the marker, every retained row does that
 * some consumer may not have handled (`openHandledMark`).
 * What other relays are publishing at that moment may have gone to the Redis that was lost, too: their claims end. What
 * they publish from then on is in Redis, unless it is lost again before the marker stands: then all is looked at once more.
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
  const marker = `events:${deps.service}:marker`;
  let markedAtMs = -Infinity;
  /** Another relay that looks after a loss, and since when. */
  let other = { held: '', seenMs: 0 };
  let trimmedAtMs = time.monotonicMs();
  const handled = openHandledMark({ service: deps.service, redis: deps.redis, streams: streamsOf(deps.service) });
  let lookedAtMs = -Infinity;

  async function republishAfterLoss(sql: Sql): Promise<void> {
    const remark = time.monotonicMs() - markedAtMs > markEveryMs;
    const now = remark ? await databaseTime(sql) : '';
    const holder = newId();
    const overdue = time.monotonicMs() - other.seenMs > holdMs ? other.held : '';
    const [run, left, held] = (await deps.redis.eval(markScript, { keys: [marker], arguments: [now, holder, overdue] })) as [string, string?, string?]; // prettier-ignore
    if (left === undefined) {
      if (remark) markedAtMs = time.monotonicMs();
      return;
    }
    handled.forget();
    if (held !== `lost ${left} ${holder}`) {
      if (held !== other.held) other = { held: held ?? '', seenMs: time.monotonicMs() };
      return;
    }
    const since = laterOf(left, (await handled.read(sql)) ?? '');
    let found = await write(
      sql,
      'update outbox set claimed_by = null, claimed_until = null where published_at is null and claimed_by is not null',
    );
    // Only now: from here on nobody notes as published what went to the Redis that is lost.
    const at = await databaseTime(sql);
    for (let batch = republishBatch; batch === republishBatch; found += batch) {
      batch = await write(
        sql,
        `update outbox set published_at = null, claimed_by = null, claimed_until = null
         where published_at > ${since === '' ? `utc_timestamp(3) - interval ${outboxRetentionHours} hour` : '?'} and published_at <= ?
           and created_at > utc_timestamp(3) - interval ${maxRepublishAgeDays} day limit ${republishBatch}`,
        since === '' ? [at] : [since, at],
      );
    }
    // Otherwise Redis was lost again meanwhile, and the next turn sees that.
    await deps.redis.eval(settleScript, { keys: [marker], arguments: [held, `${run} ${at}`] });
    if (found > 0)
      deps.log.warn(
        { events: found, ...(since !== '' && { since }) },
        'Redis was restarted or emptied: publishing again what it may have lost',
      );
  }

  const isWhole = async (): Promise<boolean> =>
    ((await deps.redis.eval(markScript, { keys: [marker], arguments: ['', '', ''] })) as string[]).length === 1;

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
      const event = eventOf(row);
      batch.xAdd(streamOf(deps.service, partitionOf(event.aggregateId)), '*', { event: JSON.stringify(event) });
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
    time,
    async turn() {
      const sql = deps.db.em();
      await republishAfterLoss(sql);
      while ((await publishBatch(sql)) === batchSize);
      if (time.monotonicMs() - lookedAtMs > handledEveryMs) {
        lookedAtMs = time.monotonicMs();
        await handled.moveOn(sql, isWhole);
      }
      if (time.monotonicMs() - trimmedAtMs < trimEveryMs) return;
      trimmedAtMs = time.monotonicMs();
      for (const stream of streamsOf(deps.service)) await trimStream(deps.redis, stream);
    },
  });
}

/** Of two times as the database tells them, or nothing for none. */
const laterOf = (one: string, other: string): string => (one > other ? one : other);

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
const groupsOf = (redis: Redis, stream: string) =>
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
