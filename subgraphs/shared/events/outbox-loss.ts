import { type Sql, databaseTime, write } from '../database/database.ts';
import type { HandledMark } from './handled-mark.ts';
import { newId } from '../values/ids.ts';
import type { Redis } from '../process/redis.ts';
import type { Logger } from '../process/telemetry.ts';
import type { Time } from '../time/time.ts';

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

/** Of two times as the database tells them, or nothing for none. */
const laterOf = (one: string, other: string): string => (one > other ? one : other);

/** Whether Redis still has what was published. */
export type LossCheck = {
  /** Where it has not, all rows that may be missing become unpublished, and are to be published now: true. To be called before each round of publishing. */
  republish(sql: Sql): Promise<boolean>;
  /** True when Redis has lost nothing that relays do not know of. */
  isWhole(): Promise<boolean>;
};

/**
 * A marker key in Redis tells whether Redis still has what was published: the server's run id, and a time up to which all
 * published events were in Redis when the marker was written. Another run id means a restart or a failover, which may have
 * lost the last writes: what was published since that time goes out again. Without the marker, every retained row does that
 * some consumer may not have handled (`openHandledMark`).
 * What other relays are publishing at that moment may have gone to the Redis that was lost, too: their claims end. What
 * they publish from then on is in Redis, unless it is lost again before the marker stands: then all is looked at once more.
 */
export function openLossCheck(deps: {
  service: string;
  redis: Redis;
  log: Logger;
  time: Time;
  handled: HandledMark;
  /** When something was published last, by `time`: the marker need not move on while nothing is. */
  published: { atMs(): number };
}): LossCheck {
  const { redis, log, time, handled, published } = deps;
  const marker = `events:${deps.service}:marker`;
  let markedAtMs = -Infinity;
  /** Another relay that looks after a loss, and since when. */
  let other = { held: '', seenMs: 0 };

  async function republish(sql: Sql): Promise<boolean> {
    const askedAtMs = time.monotonicMs();
    const remark = markedAtMs <= published.atMs() && askedAtMs - markedAtMs > markEveryMs;
    const now = remark ? await databaseTime(sql) : '';
    const holder = newId();
    const overdue = time.monotonicMs() - other.seenMs > holdMs ? other.held : '';
    const [run, left, held] = (await redis.eval(markScript, { keys: [marker], arguments: [now, holder, overdue] })) as [string, string?, string?]; // prettier-ignore
    if (left === undefined) {
      if (remark) markedAtMs = askedAtMs;
      return false;
    }
    handled.forget();
    if (held !== `lost ${left} ${holder}`) {
      if (held !== other.held) other = { held: held ?? '', seenMs: time.monotonicMs() };
      return false;
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
    await redis.eval(settleScript, { keys: [marker], arguments: [held, `${run} ${at}`] });
    if (found > 0)
      log.warn(
        { events: found, ...(since !== '' && { since }) },
        'Redis was restarted or emptied: publishing again what it may have lost',
      );
    return true;
  }

  const isWhole = async (): Promise<boolean> =>
    ((await redis.eval(markScript, { keys: [marker], arguments: ['', '', ''] })) as string[]).length === 1;

  return { republish, isWhole };
}
