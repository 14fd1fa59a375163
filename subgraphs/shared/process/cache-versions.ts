import { randomUUID } from 'node:crypto';
import { noteFailure } from './dependency.ts';
import { inTime } from '../time/in-time.ts';
import type { Redis } from './redis.ts';
import type { Logger } from './telemetry.ts';

/** What caches of answers go by: a version for each thing that answers show, and a mark while it is being changed. */
export type CacheVersions = {
  /**
   * Makes a change of these things. From before it begins until it is over caches neither give nor take answers that show
   * them; afterwards they give none that began before it was over. If this process dies in between, the mark stays for ten
   * minutes, longer than any answer is kept.
   */
  change<T>(tags: readonly string[], work: () => Promise<T>): Promise<T>;
};

/** The longest that an answer may be kept, so that a mark outlives all that were made before it. */
export const maxAnswerAgeSeconds = 300;
const markSeconds = 2 * maxAnswerAgeSeconds;
const timeoutMs = 300;
/** So many changes are kept in mind while Redis is away. */
const maxUntold = 10_000;
const tellAgainMs = 1_000;

/** What the gateway's response cache goes by: any change of the catalogue, and changes of one product. */
export const catalogueTag = 'catalogue';
export const productTag = (id: string): string => `product:${id.toLowerCase()}`;

export const versionKey = (tag: string): string => `answers:version:${tag}`;
/** Sorted set: a member for each change under way, its score when it is given up (milliseconds of Redis's clock). */
export const changesKey = (tag: string): string => `answers:changes:${tag}`;

/** KEYS: changes of each tag. ARGV: the change, how long it may take in milliseconds. */
const beginScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZADD', key, now + ARGV[2], ARGV[1])
  redis.call('PEXPIRE', key, ARGV[2])
end
return 1`;

/**
 * While Redis is away changes are made all the same, and caches are told of them when it is back, within two seconds; where
 * this process ends before, they may give what is out of date for as long as an answer may be kept.
 */
export function openCacheVersions(redis: Redis, log: Logger): CacheVersions {
  /** Changes that are over, which Redis could not be told, and the things that they changed. */
  const untold = new Map<string, readonly string[]>();
  let telling: NodeJS.Timeout | undefined;

  async function begin(change: string, tags: readonly string[]): Promise<void> {
    const told = redis.eval(beginScript, { keys: tags.map(changesKey), arguments: [change, String(markSeconds * 1_000)] }); // prettier-ignore
    try {
      await inTime(told, timeoutMs);
    } catch (error) {
      noteFailure(log, error, 'caches could not be told that a change begins');
    }
  }
  async function end(change: string, tags: readonly string[]): Promise<void> {
    const over = redis.multi();
    for (const tag of tags) over.set(versionKey(tag), change, { expiration: { type: 'EX', value: markSeconds } });
    for (const tag of tags) over.zRem(changesKey(tag), change);
    try {
      await inTime(over.exec(), timeoutMs);
      untold.delete(change);
    } catch (error) {
      noteFailure(log, error, 'caches could not be told that a change is over');
      untold.set(change, tags);
      if (untold.size > maxUntold) untold.delete(untold.keys().next().value as string);
      telling ??= setTimeout(() => void tellAll(), tellAgainMs).unref();
    }
  }
  async function tellAll(): Promise<void> {
    telling = undefined;
    for (const [change, tags] of [...untold]) {
      await end(change, tags);
      if (telling) return;
    }
  }
  return {
    async change(tags, work) {
      const change = randomUUID();
      await begin(change, tags);
      try {
        return await work();
      } finally {
        // Also after a failure: whether a transaction was committed is not always known.
        await end(change, tags);
      }
    },
  };
}
